"""Heartbeat sockets on loopback: time stamps, errors, strangers, and that nothing waits."""

import contextlib
import errno
import select
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from piranha.lvscf.config import Config, HeartbeatPath, HeartbeatSettings, Router
from piranha.pulse.endpoint import READ_LIMIT, Datagram, Endpoint, EndpointError, PathEnds, PathError, path_ends

OWN, PARTNER, STRANGER = "127.0.72.1", "127.0.72.2", "127.0.72.9"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((OWN, 0))
        return int(one.getsockname()[1])


def ends(name: str = "public", own: str = OWN, partner: str = PARTNER) -> PathEnds:
    return PathEnds(name, ip_address(own), ip_address(partner))


@pytest.fixture
def pair() -> Iterator[tuple[Endpoint, Endpoint]]:
    port = free_port()
    with (
        contextlib.closing(Endpoint([ends()], port)) as here,
        contextlib.closing(Endpoint([ends(own=PARTNER, partner=OWN)], port)) as there,
    ):
        yield here, there


def wait_for(endpoint: Endpoint) -> list[Datagram | PathError]:
    """Return what comes within two seconds, as soon as there is anything."""
    select.select(endpoint.descriptors(), [], [], 2)
    return endpoint.drain()


def until(fact: Callable[[], bool]) -> None:
    limit = time.monotonic() + 2
    while not fact():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.005)


def test_what_the_partner_sends_arrives_with_its_path(pair: tuple[Endpoint, Endpoint]) -> None:
    here, there = pair
    assert there.send("public", b"beat") is None

    (item,) = wait_for(here)
    assert isinstance(item, Datagram)
    assert (item.path, item.data) == ("public", b"beat")


def test_a_datagram_is_stamped_when_it_came_not_when_it_was_read(pair: tuple[Endpoint, Endpoint]) -> None:
    here, there = pair

    def is_stamped() -> bool:
        here.drain()
        there.send("public", b"early")
        sent = time.monotonic()
        select.select(here.descriptors(), [], [], 2)
        while time.monotonic() < sent + 0.1:
            pass
        (item,) = here.drain()
        assert isinstance(item, Datagram)
        return item.received_at_s < sent + 0.05

    # The kernel begins to stamp a moment after it was asked to, in a work queue.
    until(is_stamped)


def test_a_wall_clock_that_jumps_cannot_move_a_datagram_before_the_last_reading() -> None:
    port = free_port()
    now = [1000.0]
    with contextlib.closing(Endpoint([ends()], port, clock=lambda: now[0])) as here:
        here.drain()  # empty at 1000
        now[0] = 1000.5
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as partner:
            partner.bind((PARTNER, port))
            partner.sendto(b"beat", (OWN, port))
        select.select(here.descriptors(), [], [], 2)
        time.sleep(0.02)
        (item,) = here.drain()

    assert isinstance(item, Datagram)
    assert 1000.0 <= item.received_at_s <= 1000.5


def test_a_datagram_from_anybody_else_is_counted_and_dropped(pair: tuple[Endpoint, Endpoint]) -> None:
    here, there = pair
    port = socket.socket(fileno=socket.dup(here.descriptors()[0]))
    with port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, 0))
        stranger.sendto(b"beat", port.getsockname())
    there.send("public", b"real")

    heard: list[Datagram | PathError] = []

    def both_came() -> bool:
        heard.extend(here.drain())
        return bool(heard) and here.strangers == 1

    until(both_came)
    assert [item.data for item in heard if isinstance(item, Datagram)] == [b"real"]


def test_a_partner_that_does_not_listen_is_evidence() -> None:
    with contextlib.closing(Endpoint([ends()], free_port())) as here:
        assert here.send("public", b"anyone?") is None
        found = wait_for(here)

    assert found
    assert {item.code for item in found if isinstance(item, PathError)} == {errno.ECONNREFUSED}
    assert "Connection refused" in found[0].words if isinstance(found[0], PathError) else False


def test_after_a_refusal_the_next_heartbeat_is_sent_all_the_same() -> None:
    port = free_port()
    with contextlib.closing(Endpoint([ends()], port)) as here:
        here.send("public", b"one")
        select.select(here.descriptors(), [], [], 2)  # the refusal is pending now
        with contextlib.closing(Endpoint([ends(own=PARTNER, partner=OWN)], port)) as there:
            assert here.send("public", b"two") is None
            assert [item.data for item in wait_for(there) if isinstance(item, Datagram)] == [b"two"]


def test_a_flood_is_read_in_bounded_parts(pair: tuple[Endpoint, Endpoint]) -> None:
    here, there = pair
    for _ in range(READ_LIMIT + 10):
        there.send("public", b"x" * 20)
    total = 0

    def all_came() -> bool:
        nonlocal total
        part = here.drain()
        assert len(part) <= READ_LIMIT
        assert here.more is (len(part) == READ_LIMIT), "the caller is told to come back"
        total += len(part)
        return total == READ_LIMIT + 10

    until(all_came)


def test_reading_an_idle_path_does_not_wait(pair: tuple[Endpoint, Endpoint]) -> None:
    begun = time.monotonic()
    assert pair[0].drain() == []
    assert time.monotonic() - begun < 0.05


def test_a_port_in_use_is_one_clear_line(pair: tuple[Endpoint, Endpoint]) -> None:
    one = socket.socket(fileno=socket.dup(pair[0].descriptors()[0]))
    with one:
        port = one.getsockname()[1]
    with pytest.raises(EndpointError, match=rf"public path, {OWN} port {port}: port in use"):
        Endpoint([ends()], port)


def test_an_address_that_is_not_ours_is_one_clear_line() -> None:
    with pytest.raises(EndpointError, match=r"192\.0\.2\.1 port 5390: no interface of this machine has that address"):
        Endpoint([ends(own="192.0.2.1")], 5390)


def test_reopening_keeps_the_sockets_that_fit_and_a_failure_changes_nothing(pair: tuple[Endpoint, Endpoint]) -> None:
    here, there = pair
    with socket.socket(fileno=socket.dup(here.descriptors()[0])) as one:
        port = one.getsockname()[1]
    with pytest.raises(EndpointError):
        here.reopen([ends(), ends("private", "192.0.2.1", "192.0.2.2")], port)
    here.reopen([ends(), ends("private", "127.0.73.1", "127.0.73.2")], port)

    there.send("public", b"still here")
    assert [item.data for item in wait_for(here) if isinstance(item, Datagram)] == [b"still here"]
    assert set(here.paths) == {"public", "private"}


def test_the_paths_of_a_router_are_seen_from_its_side() -> None:
    config = Config(
        primary=Router(public=ip_address("192.0.2.2"), private=ip_address("10.0.0.2")),
        backup=Router(public=ip_address("192.0.2.3"), private=ip_address("10.0.0.3")),
        backup_active=True,
        heartbeat=HeartbeatSettings(
            paths=(HeartbeatPath(name="cable", primary=ip_address("10.9.9.1"), backup=ip_address("10.9.9.2")),)
        ),
    )

    assert [(end.name, str(end.own), str(end.partner)) for end in path_ends(config, "backup")] == [
        ("public", "192.0.2.3", "192.0.2.2"),
        ("private", "10.0.0.3", "10.0.0.2"),
        ("cable", "10.9.9.2", "10.9.9.1"),
    ]


def test_a_lone_router_has_no_paths() -> None:
    assert path_ends(Config(primary=Router(public=ip_address("192.0.2.2"))), "primary") == ()
