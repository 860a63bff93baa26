"""The forwarder as a process: bytes, holds, and what happens to connections."""

import hashlib
import socket
import time

import pytest
from tests.userspace.processes import Forwarder, accept, port_of, read_to_end, real_server, until
from tests.userspace.values import nat, server, share

from piranha.forwarding.userspace import client
from piranha.table.changes import EditDestination, RemoveDestination, RemoveService


def test_each_side_may_end_its_direction_and_still_receive(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        there.sendall(b"question")
        there.shutdown(socket.SHUT_WR)
        assert read_to_end(here) == b"question"
        until(
            lambda: forwarder.plane.sample().statistics[forwarder.www].servers[server(port_of(listener))].inactive == 1
        )
        here.sendall(b"answer")
        here.close()
        assert read_to_end(there) == b"answer"
    until(lambda: client.status(forwarder.path)["connections"] == 0)


def test_the_server_may_end_first(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        here.sendall(b"banner")
        here.shutdown(socket.SHUT_WR)
        assert read_to_end(there) == b"banner"
        there.sendall(b"late words")
        there.shutdown(socket.SHUT_WR)
        assert read_to_end(here) == b"late words"


def test_a_slow_reader_stops_the_sender_and_costs_no_memory(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        before_kib = forwarder.memory_kib()
        sent, block = hashlib.sha256(), bytes(range(256)) * 256
        total = 0
        there.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while total < 64 << 20:
                count = there.send(block)
                sent.update(block[:count])
                total += count
        assert forwarder.memory_kib() - before_kib < 2048
        there.shutdown(socket.SHUT_WR)
        received = hashlib.sha256()
        while part := here.recv(65536):
            received.update(part)
        assert received.digest() == sent.digest()


def test_weight_0_keeps_the_connection_and_sends_new_ones_elsewhere(
    forwarder: Forwarder, listener: socket.socket
) -> None:
    with real_server() as second:
        forwarder.serve([port_of(listener), port_of(second)])
        with forwarder.connect() as there, accept(listener) as here:
            quiesce = EditDestination(forwarder.www, server(port_of(listener)), nat(0))
            assert forwarder.plane.apply([quiesce]) == []
            for _ in range(3):
                with forwarder.connect(), accept(second):
                    pass
            there.sendall(b"still")
            assert here.recv(5) == b"still"


def test_a_lapsed_hold_refuses_new_clients_and_keeps_the_others(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    client.hold(forwarder.path, {forwarder.vip: 0.3})
    with forwarder.connect() as there, accept(listener) as here:
        until(lambda: not client.held(forwarder.path))
        with pytest.raises(ConnectionRefusedError):
            forwarder.connect()
        there.sendall(b"on")
        assert here.recv(2) == b"on"
        assert client.renew(forwarder.path, {forwarder.vip: 1.0}) == {}


def test_released_is_closed_when_the_answer_comes(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    client.release(forwarder.path, [forwarder.vip])
    with pytest.raises(ConnectionRefusedError):
        forwarder.connect()


def test_a_request_that_is_too_late_is_refused(forwarder: Forwarder) -> None:
    with pytest.raises(client.ForwarderRefused, match="late"):
        client.hold(forwarder.path, {forwarder.vip: 1.0}, not_after_s=time.monotonic() - 1)
    assert client.held(forwarder.path) == {}


def test_a_vip_that_another_still_listens_on_is_taken_as_soon_as_it_lets_go(
    forwarder: Forwarder, listener: socket.socket
) -> None:
    with socket.create_server((str(forwarder.vip), 8000)):
        forwarder.serve([port_of(listener)])
        holding = client.held(forwarder.path)[forwarder.vip]
        assert (holding.listening, holding.waiting) == ((), {8000: "Address already in use"})
    until(lambda: client.held(forwarder.path)[forwarder.vip].listening == (8000,))
    with forwarder.connect(), accept(listener):
        pass


def test_a_server_that_refuses_resets_its_client(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    listener.close()
    with pytest.raises(ConnectionResetError), forwarder.connect() as there:
        there.recv(1)


def test_without_a_server_a_client_is_reset(forwarder: Forwarder) -> None:
    forwarder.serve([])
    with pytest.raises(ConnectionResetError), forwarder.connect() as there:
        there.recv(1)


def test_a_removed_server_ends_its_connections(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        forwarder.plane.apply([RemoveDestination(forwarder.www, server(port_of(listener)))])
        for end in (there, here):
            with pytest.raises(ConnectionResetError):
                end.recv(1)


def test_a_removed_service_is_no_longer_listened_on(forwarder: Forwarder) -> None:
    forwarder.serve([])
    forwarder.plane.apply([RemoveService(forwarder.www)])
    with pytest.raises(ConnectionRefusedError):
        forwarder.connect()


def test_a_reset_is_handed_on(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        there.close()
        with pytest.raises(ConnectionResetError):
            here.recv(1)


def test_counters_tell_connections_bytes_and_segments(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    with forwarder.connect() as there, accept(listener) as here:
        there.sendall(b"12345")
        assert here.recv(5) == b"12345"
        here.sendall(b"123")
        assert there.recv(3) == b"123"
        under_way = forwarder.plane.sample().statistics[forwarder.www].counters
    until(lambda: client.status(forwarder.path)["connections"] == 0)
    after = forwarder.plane.sample().statistics[forwarder.www]
    assert (under_way.connections, under_way.bytes_in, under_way.bytes_out) == (1, 5, 3)
    assert (after.counters.connections, after.counters.bytes_in, after.counters.bytes_out) == (1, 5, 3)
    assert after.counters == after.servers[server(port_of(listener))].counters
    # SYN is not counted by every kernel; data, its acknowledgement and FIN are.
    assert after.counters.packets_in >= 3
    assert after.counters.packets_out >= 2


def test_connections_are_spread_over_the_servers(forwarder: Forwarder, listener: socket.socket) -> None:
    with real_server() as second:
        forwarder.serve([port_of(listener), port_of(second)])
        for _ in range(10):
            forwarder.connect().close()
        until(lambda: forwarder.plane.sample().statistics[forwarder.www].counters.connections == 10)
        numbers = forwarder.plane.sample().statistics[forwarder.www].servers
        counts = {key: one.counters.connections for key, one in numbers.items()}
        assert share(counts) == {port_of(listener): 5, port_of(second): 5}


@pytest.mark.slow
def test_a_silent_connection_ends_after_the_tcp_timeout(forwarder: Forwarder, listener: socket.socket) -> None:
    forwarder.serve([port_of(listener)])
    forwarder.plane.set_timeouts(1, 0, 0)
    with forwarder.connect() as there, accept(listener), pytest.raises(ConnectionResetError):
        there.recv(1)


def test_nonsense_on_the_control_socket_is_answered_and_harmless(forwarder: Forwarder) -> None:
    for verb, args in (("fly", {}), ("hold", {"vips": 3}), ("apply", {"changes": [{}]}), ("set_timeouts", {})):
        with pytest.raises(client.ForwarderRefused):
            client.ask(forwarder.path, verb, args)
    assert client.status(forwarder.path)["services"] == 0
