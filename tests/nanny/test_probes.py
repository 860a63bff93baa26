"""Checks over the network, against real servers on loopback."""

import socket
import threading
import time
from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.lvscf.reading import server
from tests.nanny.servers import (
    answering,
    assignment,
    check_once,
    closed_port,
    exchange,
    results_of,
    serving,
    silent,
    unresponsive,
)

from piranha.lvscf.check_values import Exchange, Expect
from piranha.nanny.results import Reason
from piranha.terms import Protocol


def test_a_server_that_accepts_is_up() -> None:
    with silent() as port:
        result = check_once(exchange(), port)

    assert (result.reason, result.detail) == (Reason.OK, "connect: accepted")
    assert [name for name, _ in result.phases_ms] == ["connect"]


def test_a_port_without_a_listener_refuses() -> None:
    result = check_once(exchange(), closed_port())

    assert (result.reason, result.detail) == (Reason.REFUSED, "connect: refused")


def test_a_full_backlog_is_no_answer_within_the_limit() -> None:
    with unresponsive() as port:
        began = time.monotonic()
        result = check_once(exchange(), port, limit_s=0.2)

    assert (result.reason, result.detail) == (Reason.TIMEOUT, "connect: no answer in 200 ms")
    assert 0.2 <= time.monotonic() - began < 0.6


def test_a_server_that_accepts_and_says_nothing_is_no_answer_within_the_limit_of_the_whole_check() -> None:
    with silent() as port:
        result = check_once(exchange(b"PING\r\n", b"+PONG"), port, limit_s=0.2)

    assert (result.reason, result.detail) == (Reason.TIMEOUT, "answer: no answer in 200 ms")
    assert [name for name, _ in result.phases_ms] == ["connect", "send"]


def test_the_start_of_the_answer_decides() -> None:
    with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nhello")) as port:
        good = check_once(exchange(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"), port)
        bad = check_once(exchange(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 302"), port)

    assert good.reason is Reason.OK
    assert [name for name, _ in good.phases_ms] == ["connect", "send", "answer"]
    assert bad.reason is Reason.MISMATCH
    assert bad.detail == r"answer: 'HTTP/1.1 200 OK\r\n\r\nhello' instead of 'HTTP/1.1 302'"


def test_bytes_decide_as_well() -> None:
    hello = Exchange(send=b"\x16\x03\x01", expect=Expect(text=b"\x15\x03\x00", mask=b"\xff\xff\xf0"))
    with serving(answering(b"\x15\x03\x04\x00\x02")) as port:
        good = check_once(hello, port)
        bad = check_once(replace(hello, expect=Expect(text=b"\x16", mask=b"\xff")), port)
        long = check_once(replace(hello, expect=Expect(text=bytes(6), mask=bytes(6))), port)

    assert good.ok
    assert (bad.reason, bad.detail) == (Reason.MISMATCH, "answer: 15 03 04 00 02 instead of 16")
    assert (long.reason, long.detail) == (
        Reason.CLOSED,
        "answer: closed early, 15 03 04 00 02 instead of xx xx xx xx xx xx",
    )


def test_an_answer_in_segments_of_one_byte_passes() -> None:
    """The original read once and called the first segment too short (reference 4.3)."""

    def one_by_one(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"+OK ready\r\n":
            connection.send(bytes([byte]))
            time.sleep(0.001)

    with serving(one_by_one) as port:
        plain = check_once(exchange(expect=b"+OK ready"), port)
        regex = check_once(exchange(expect=b"ready$", regex=True), port)
        either = check_once(exchange(expect=b"(ready|busy)", regex=True), port)

    assert (plain.reason, either.reason) == (Reason.OK, Reason.OK)
    assert regex.reason is Reason.MISMATCH  # \r\n is the end of this text


def test_a_server_that_speaks_first_need_not_be_sent_anything() -> None:
    with serving(lambda connection: connection.sendall(b"220 mail.example.net\r\n")) as port:
        assert check_once(exchange(expect=b"220 "), port).ok


def test_a_server_that_closes_before_it_answers_says_so() -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(100)

    with serving(hang_up) as port:
        result = check_once(exchange(b"PING", b"+PONG"), port)

    assert (result.reason, result.detail) == (Reason.CLOSED, "answer: closed by the server before it answered")


def test_a_server_that_closes_within_its_answer_says_how_far_it_came() -> None:
    with serving(answering(b"+PO")) as port:
        result = check_once(exchange(b"PING", b"+PONG"), port)

    assert (result.reason, result.detail) == (Reason.CLOSED, "answer: closed early, '+PO' instead of '+PONG'")


def test_a_reset_is_told_apart_from_silence() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(4)  # a reset before the client has returned from connect is another story
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with serving(reset) as port:
        result = check_once(exchange(b"PING", b"x"), port)

    assert (result.reason, result.detail) == (Reason.CLOSED, "answer: reset by the server")


def test_any_byte_will_do_for_an_asterisk() -> None:
    with serving(answering(b"\0")) as port:
        assert check_once(exchange(b"?", anything=True), port).ok
    with serving(answering(b"")) as port:
        assert check_once(exchange(b"?", anything=True), port).reason is Reason.CLOSED


def test_a_long_request_is_sent_in_full_to_a_slow_reader() -> None:
    size = 3_000_000
    seen: list[int] = []

    def count(connection: socket.socket) -> None:
        total = 0
        while total < size and (data := connection.recv(100_000)):
            total += len(data)
        seen.append(total)
        connection.sendall(b"got it")

    with serving(count) as port:
        result = check_once(exchange(b"x" * size, b"got it"), port, limit_s=4.0)

    assert (result.reason, seen) == (Reason.OK, [size])


def test_what_a_hostile_server_sends_stays_out_of_the_log() -> None:
    with serving(answering(b"\x1b[2J\n2026-11-22 INFO all is well\x00\xff" + b"A" * 100_000)) as port:
        result = check_once(exchange(b"?", b"OK"), port)

    assert result.reason is Reason.MISMATCH
    assert result.detail.isprintable()
    assert len(result.detail) < 200


def test_an_endless_answer_is_read_up_to_64_kb() -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"lorem ipsum " * 1000)

    with serving(flood) as port:
        result = check_once(exchange(expect=b"dolor", regex=True), port, limit_s=3.0)

    assert result.reason is Reason.MISMATCH


def test_a_server_over_ipv6_is_checked_alike() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        assert check_once(exchange(), listener.getsockname()[1], address="::1").ok


def test_a_connection_that_met_itself_is_refused() -> None:
    """With nobody listening, a call from this machine to itself may get the very port it calls."""
    port = next(port for port in range(32768, 60999) if _is_free(port))
    reasons = {result.reason for result in results_of([assignment(exchange(), port, interval_s=0.005)], 40)}

    assert reasons == {Reason.REFUSED}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_one_server_that_hangs_delays_no_other() -> None:
    with unresponsive() as hanging, silent() as good:
        found = results_of(
            [
                assignment(exchange(), hanging, interval_s=3.0, name="www/hangs"),
                assignment(exchange(), good, interval_s=0.05, name="www/good"),
            ],
            10,
            within_s=2.0,
        )

    assert {result.id for result in found} == {"www/good"}


class Datagrams:
    """A UDP server that answers each datagram with `answer`, or never."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self.received: list[bytes] = []

    def __enter__(self) -> "Datagrams":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self) -> None:
        data, peer = self._socket.recvfrom(4096)
        self.received.append(data)
        if self._answer is not None:
            self._socket.sendto(self._answer, peer)

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()


def udp(send: bytes = b"", expect: bytes | None = None) -> Exchange:
    return Exchange(transport=Protocol.UDP, send=send, expect=None if expect is None else Expect(text=expect))


def test_udp_silence_is_health_where_nothing_is_expected() -> None:
    with Datagrams(None) as server:
        result = check_once(udp(), server.port, limit_s=0.2)

    assert (result.reason, server.received) == (Reason.OK, [b""])
    assert result.detail == "answer: none, and none is expected"


def test_udp_silence_is_a_failure_where_an_answer_is_expected() -> None:
    with Datagrams(None) as server:
        result = check_once(udp(b"ping", b"pong"), server.port, limit_s=0.2)

    assert (result.reason, result.detail) == (Reason.TIMEOUT, "answer: no answer in 200 ms")


def test_udp_port_unreachable_is_a_failure_at_once() -> None:
    began = time.monotonic()
    result = check_once(udp(b"ping"), closed_port(), limit_s=3.0)

    assert (result.reason, result.detail) == (Reason.REFUSED, "answer: refused")
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(("answer", "reason"), [(b"pong", Reason.OK), (b"nope", Reason.MISMATCH)])
def test_udp_compares_one_datagram(answer: bytes, reason: Reason) -> None:
    with Datagrams(answer) as server:
        assert check_once(udp(b"ping", b"po"), server.port).reason is reason


def test_udp_sends_and_compares_bytes() -> None:
    asks = Exchange(
        transport=Protocol.UDP, send=b"\x12\x34\x01\x00", expect=Expect(text=b"\x12\x34\x80", mask=b"\xff\xff\xf0")
    )
    with Datagrams(b"\x12\x34\x85\x80") as server:
        assert check_once(asks, server.port).ok
        assert server.received == [b"\x12\x34\x01\x00"]
    with Datagrams(b"\x12\x34\x05\x80") as server:
        assert check_once(asks, server.port).detail == "answer: 12 34 05 80 instead of 12 34 8x"


def test_udp_with_send_but_without_expect_takes_any_answer() -> None:
    """The original crashed, and took the whole cluster down with it (reference 4.3)."""
    with Datagrams(b"whatever") as server:
        result = check_once(udp(b"ping"), server.port)

    assert (result.reason, server.received) == (Reason.OK, [b"ping"])


def test_an_address_without_a_route_is_unreachable() -> None:
    result = check_once(exchange(), 80, address="ff02::1", limit_s=0.2)

    assert result.reason in (Reason.UNREACHABLE, Reason.TIMEOUT)
    assert ip_address("ff02::1").is_multicast


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reason.OK),
        (b"HTTP/1.0 399\r\n\r\n", Reason.OK),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\nHTTP/1.1 200 OK", Reason.MISMATCH),
        (b"HTTP/1.1 2000\r\n\r\n", Reason.MISMATCH),
        (b"SSH-2.0-OpenSSH\r\n", Reason.MISMATCH),
    ],
)
def test_kind_http_goes_by_the_status_of_the_answer(answer: bytes, reason: Reason) -> None:
    check = server("", "check = http").check
    with serving(answering(answer)) as port:
        assert check_once(check, port).reason is reason
