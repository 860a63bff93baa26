"""Leases on a real kernel: when addresses go, that renewal keeps them, that a late renewal would bring them back."""

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from piranha.kernel.addresses import Addresses, read_setting, write_setting
from piranha.kernel.route import InterfaceAddress, LeasedAddress
from piranha.lvscf.config import FloatingAddress, Router
from piranha.pulse.announce import LinkAnnouncer
from piranha.pulse.kernel_leases import KernelLeases
from piranha.terms import Address

pytestmark = pytest.mark.lab

CLONE_NEWNET = 0x40000000
ROUTER = Router(public=ip_address("192.0.2.2"), private=ip_address("10.11.12.2"))
SOON = 5.0


def vip(address: str, device: str = "public", prefix: int | None = None, label: str | None = None) -> FloatingAddress:
    full = 128 if ":" in address else 32
    return FloatingAddress(address=ip_address(address), prefix=prefix or full, device=device, label=label)


VIPS = [vip("192.0.2.10", label="pub0:1"), vip("2001:db8:2::20"), vip("10.11.12.1", "private")]


@pytest.fixture(autouse=True)
def machine() -> Iterator[None]:
    """A network of our own with a public and a private device, each joined to a far end."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    try:
        for words in (
            "link set lo up",
            "link add pub0 type veth peer name pub1",
            "link add prv0 type veth peer name prv1",
            *(f"link set {device} up" for device in ("pub0", "pub1", "prv0", "prv1")),
            "address add 192.0.2.2/24 dev pub0",
            "address add 2001:db8:2::2/64 dev pub0 nodad",
            "address add 10.11.12.2/24 dev prv0",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        yield
    finally:
        assert libc.setns(before, CLONE_NEWNET) == 0
        os.close(before)


@pytest.fixture
def leases() -> Iterator[KernelLeases]:
    with contextlib.closing(KernelLeases(ROUTER)) as made:
        yield made


def found(address: str | Address) -> list[InterfaceAddress]:
    with Addresses() as kernel:
        return [one for one in kernel.addresses() if one.address == ip_address(address)]


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def gone_after(addresses: list[str], since: float, limit_s: float) -> dict[str, float]:
    """Return after how many seconds each address went."""
    left, times = set(addresses), {}
    while left and time.monotonic() - since < limit_s:
        for address in [address for address in left if not found(address)]:
            times[address] = time.monotonic() - since
            left.discard(address)
        time.sleep(0.02)
    return times


def test_vips_are_added_to_their_devices_with_label_and_are_never_a_source_address(leases: KernelLeases) -> None:
    result = leases.acquire(VIPS, None, later())

    assert result.refused == ()
    assert result.held == {one.address for one in VIPS}
    assert result.devices[ip_address("10.11.12.1")] == "prv0"
    (four,), (six,) = found("192.0.2.10"), found("2001:db8:2::20")
    assert (four.prefix, four.label, four.valid_s, four.deprecated) == (32, "pub0:1", None, True)
    assert (six.prefix, six.tentative, six.deprecated) == (128, False, True)


def test_a_lease_ends_between_its_length_and_one_and_a_half_seconds_more(leases: KernelLeases) -> None:
    begun = time.monotonic()
    leases.acquire(VIPS, 1, later())
    held = time.monotonic()

    times = gone_after(["192.0.2.10", "2001:db8:2::20", "10.11.12.1"], begun, 6)

    assert len(times) == 3, "not all addresses went"
    assert min(times.values()) >= 1.0
    assert max(times.values()) <= 1 + 1.5 + (held - begun) + 0.2  # 0.2 s: we look, we are not told


def test_renewal_keeps_addresses_label_and_number(leases: KernelLeases) -> None:
    leases.acquire(VIPS, 1, later())
    until = later(3)
    while time.monotonic() < until:
        assert leases.renew(1, later(1)).held == {one.address for one in VIPS}
        time.sleep(0.2)

    assert [one.label for one in found("192.0.2.10")] == ["pub0:1"]
    assert len(found("2001:db8:2::20")) == 1


def test_the_kernel_itself_brings_an_expired_address_back(leases: KernelLeases) -> None:
    """The trap: REPLACE without CREATE of an address that has gone is no error, and it is back."""
    from piranha.kernel.route import RTM_NEWADDR, lease
    from piranha.kernel.socket import NETLINK_ROUTE, NetlinkSocket
    from piranha.kernel.wire import NLM_F_REPLACE

    leases.acquire(VIPS, 1, later())
    assert len(gone_after(["192.0.2.10"], time.monotonic(), 6)) == 1
    with Addresses() as kernel, NetlinkSocket(NETLINK_ROUTE) as raw:
        index = next(link.index for link in kernel.links() if link.name == "pub0")
        expired = LeasedAddress(index=index, address=ip_address("192.0.2.10"), prefix=32)
        raw.request(RTM_NEWADDR, lease(expired, 30), "renew", flags=NLM_F_REPLACE)

    assert found("192.0.2.10")


def test_a_renewal_that_comes_too_late_is_not_made(leases: KernelLeases) -> None:
    leases.acquire(VIPS, 1, later())
    lapsed_at = time.monotonic() + 1
    assert len(gone_after(["192.0.2.10", "2001:db8:2::20", "10.11.12.1"], time.monotonic(), 6)) == 3

    assert leases.renew(1, lapsed_at).late
    assert not found("192.0.2.10")


def test_a_renewal_that_is_overtaken_by_the_end_of_the_lease_is_undone() -> None:
    times = iter([0.0, 0.0, 0.0, 0.5, 0.6, 1.2])  # the lease ends at 1.0, during the second call
    leases = KernelLeases(ROUTER, clock=lambda: next(times))
    leases.acquire(VIPS, 1, 1.0)

    assert leases.renew(1, 1.0).late
    assert not found("192.0.2.10") and not found("10.11.12.1") and not found("2001:db8:2::20")


def test_a_renewal_whose_look_took_too_long_is_not_begun() -> None:
    times = iter([0.0, 0.0, 0.0, 0.5, 1.1])  # the lease ends at 1.0, while the addresses are read
    leases = KernelLeases(ROUTER, clock=lambda: next(times))
    leases.acquire(VIPS, 1, 1.0)
    subprocess.run(["ip", "address", "del", "192.0.2.10/32", "dev", "pub0"], check=True)

    assert leases.renew(1, 1.0).late
    assert not found("192.0.2.10")


def test_a_renewal_names_what_somebody_removed_and_puts_it_back(leases: KernelLeases) -> None:
    leases.acquire(VIPS, 30, later())
    assert leases.renew(30, later()).added == frozenset()
    subprocess.run(["ip", "address", "del", "192.0.2.10/32", "dev", "pub0"], check=True)
    for state in ("down", "up"):  # takes IPv6 addresses away
        subprocess.run(["ip", "link", "set", "pub0", state], check=True)

    assert leases.renew(30, later()).added == {ip_address("192.0.2.10"), ip_address("2001:db8:2::20")}
    assert found("192.0.2.10") and found("2001:db8:2::20")


def test_a_device_that_was_removed_is_refused_and_held_again_once_it_is_back(leases: KernelLeases) -> None:
    leases.acquire(VIPS, 30, later())
    subprocess.run(["ip", "link", "del", "prv0"], check=True)
    lost = leases.renew(30, later())
    assert lost.held == {ip_address("192.0.2.10"), ip_address("2001:db8:2::20")}
    assert "10.11.12.1" in lost.refused[0]

    for words in ("link add prv0 type veth peer name prv1", "link set prv0 up", "address add 10.11.12.2/24 dev prv0"):
        subprocess.run(["ip", *words.split()], check=True)
    back = leases.acquire(VIPS, 30, later())
    assert back.refused == ()
    assert back.added == {ip_address("10.11.12.1")}


def test_letting_go_is_at_once_and_complete(leases: KernelLeases) -> None:
    leases.acquire(VIPS, None, later())

    assert leases.release(VIPS).refused == ()
    assert leases.present(VIPS) == frozenset()
    assert not found("192.0.2.10")
    assert found("192.0.2.2"), "the router keeps its own address"


def test_a_limit_can_be_put_on_an_unlimited_lease_and_taken_off_again(leases: KernelLeases) -> None:
    leases.acquire(VIPS, None, later())
    leases.acquire(VIPS, 30, later())
    assert 28 <= (found("192.0.2.10")[0].valid_s or 0) <= 30

    leases.acquire(VIPS, None, later())
    assert found("192.0.2.10")[0].valid_s is None and found("2001:db8:2::20")[0].valid_s is None


def test_addresses_of_a_pulse_that_died_are_adopted_without_a_gap(leases: KernelLeases) -> None:
    leases.acquire(VIPS, None, later())
    with contextlib.closing(KernelLeases(ROUTER)) as successor:
        assert successor.present(VIPS) == {one.address for one in VIPS}

        successor.acquire(VIPS, 30, later())
        assert len(found("192.0.2.10")) == 1
        successor.release(VIPS)
    assert not found("192.0.2.10")


def test_a_vip_that_moved_to_another_device_or_prefix_leaves_nothing_behind(leases: KernelLeases) -> None:
    leases.acquire([vip("10.11.12.9", "public")], None, later())
    leases.acquire([vip("10.11.12.9", "private", 24)], None, later())

    with Addresses() as kernel:
        names = {link.index: link.name for link in kernel.links()}
    assert [(names[one.index], one.prefix) for one in found("10.11.12.9")] == [("prv0", 24)]


def test_a_vip_that_the_file_no_longer_names_is_let_go(leases: KernelLeases) -> None:
    leases.acquire(VIPS, None, later())
    leases.acquire(VIPS[:1], None, later())

    assert found("192.0.2.10") and not found("10.11.12.1") and not found("2001:db8:2::20")


def test_the_own_address_of_the_router_is_held_and_never_touched(leases: KernelLeases) -> None:
    own = vip("192.0.2.2", prefix=24)

    assert leases.acquire([own], 1, later()).held == {own.address}
    assert found("192.0.2.2")[0].valid_s is None
    leases.release([own])
    assert found("192.0.2.2")


def test_a_vip_on_loopback_is_not_a_lease(leases: KernelLeases) -> None:
    """A router that is a real server as well has the VIP on lo for good."""
    subprocess.run(["ip", "address", "add", "192.0.2.10/32", "dev", "lo", "preferred_lft", "0"], check=True)
    assert leases.present(VIPS) == frozenset()

    leases.acquire(VIPS, None, later())
    leases.release(VIPS)
    assert len(found("192.0.2.10")) == 1


def test_letting_the_first_address_of_a_network_go_leaves_the_others(leases: KernelLeases) -> None:
    first = vip("198.51.100.1", prefix=24)
    write_setting("net/ipv4/conf/pub0/promote_secondaries", "0")
    leases.acquire([first], None, later())
    subprocess.run(["ip", "address", "add", "198.51.100.7/24", "dev", "pub0"], check=True)

    leases.release([first])

    assert found("198.51.100.7")


def test_devices_that_carry_vips_never_ask_with_a_vip_as_source(leases: KernelLeases) -> None:
    notes = leases.acquire(VIPS, None, later()).notes

    assert read_setting("net/ipv4/conf/pub0/arp_announce") == "2"
    assert "net.ipv4.conf.pub0.arp_announce = 2 (was 0)" in notes


def test_a_device_that_is_missing_is_named_and_the_others_are_held(leases: KernelLeases) -> None:
    result = leases.acquire([*VIPS, vip("192.0.2.99", "eth7")], None, later())

    assert result.refused[0].startswith("192.0.2.99: there is no device eth7")
    assert result.held == {one.address for one in VIPS}


def test_a_wide_ipv6_vip_keeps_its_network_when_its_lease_changes(leases: KernelLeases) -> None:
    wide = vip("2001:db8:2::30", prefix=64)
    for lease_s in (None, 30, 30, None):
        leases.acquire([wide], lease_s, later())
        routes = subprocess.run(
            ["ip", "-6", "route", "show", "dev", "pub0"], capture_output=True, text=True, check=True
        )
        assert "2001:db8:2::/64" in routes.stdout


def test_announcements_teach_a_neighbour_the_new_hardware_address(leases: KernelLeases) -> None:
    """The neighbour of the same kernel: pub1, the far end of pub0, watched by a packet socket."""
    import socket

    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as far:
        far.bind(("pub1", 0))
        far.settimeout(2)
        leases.acquire(VIPS, None, later())
        with contextlib.closing(LinkAnnouncer()) as announcer:
            assert announcer.announce([one.address for one in VIPS], later()) == []
        heard: set[tuple[str, int]] = set()
        with contextlib.suppress(TimeoutError):
            while len(heard) < 3:
                frame = far.recv(2048)
                if frame[12:14] == b"\x08\x06" and frame[28:32] == ip_address("192.0.2.10").packed:
                    heard.add(("arp", frame[21]))
                if frame[12:14] == b"\x86\xdd" and frame[54] == 136:
                    heard.add(("advertisement", frame[55]))

    assert heard == {("arp", 1), ("arp", 2), ("advertisement", 0)}


def test_a_thousand_vips_are_renewed_in_one_go(leases: KernelLeases) -> None:
    many = [vip(f"10.20.{number // 250}.{number % 250 + 1}") for number in range(1000)]
    leases.acquire(many, 30, later(30))

    begun = time.monotonic()
    assert len(leases.renew(30, later(30)).held) == 1000
    assert time.monotonic() - begun < 1.0
