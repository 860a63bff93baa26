"""Which router this machine is, and on which device a VIP belongs."""

from ipaddress import ip_address

import pytest

from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf.config import Config, FloatingAddress, Router
from piranha.pulse.placement import Misplaced, device_for, leased_address, node_of

LINKS = [
    Link(index=1, name="lo", mac=bytes(6), up=True, carrier=True, loopback=True),
    Link(index=2, name="eth0", mac=b"\2\0\0\0\0\1", up=True, carrier=True),
    Link(index=3, name="eth1", mac=b"\2\0\0\0\0\2", up=True, carrier=True),
]
ADDRESSES = [
    InterfaceAddress(index=2, address=ip_address("192.0.2.2"), prefix=24),
    InterfaceAddress(index=3, address=ip_address("10.11.12.2"), prefix=24),
]
ROUTER = Router(public=ip_address("192.0.2.2"), private=ip_address("10.11.12.2"))
PAIR = Config(primary=ROUTER, backup=Router(public=ip_address("192.0.2.3")), backup_active=True)


def vip(address: str = "192.0.2.10", device: str | None = None, prefix: int = 32) -> FloatingAddress:
    return FloatingAddress(address=ip_address(address), prefix=prefix, device=device)


def device(floating: FloatingAddress) -> str:
    return device_for(floating, ROUTER, LINKS, ADDRESSES).name


def test_a_named_device_is_taken_by_name() -> None:
    assert device(vip(device="eth1")) == "eth1"


def test_public_and_private_are_the_devices_of_the_own_addresses() -> None:
    assert device(vip(device="public")) == "eth0"
    assert device(vip(device="private")) == "eth1"


def test_without_a_device_it_is_the_one_whose_network_holds_the_address_else_the_public_one() -> None:
    assert device(vip("10.11.12.1")) == "eth1"
    assert device(vip("198.51.100.7")) == "eth0"


def test_a_vip_that_is_leased_says_nothing_about_where_a_network_is() -> None:
    leased = InterfaceAddress(index=2, address=ip_address("10.11.12.9"), prefix=16, deprecated=True)
    found = device_for(vip("10.11.77.1"), ROUTER, LINKS, [*ADDRESSES, leased])

    assert found.name == "eth0"


def test_a_device_that_is_missing_is_named_with_those_there_are() -> None:
    with pytest.raises(Misplaced, match=r"192\.0\.2\.10: there is no device eth7 \(there are: lo eth0 eth1\)"):
        device(vip(device="eth7"))


def test_private_without_a_private_address_is_an_error() -> None:
    with pytest.raises(Misplaced, match="this router has no private address"):
        device_for(vip(device="private"), Router(public=ROUTER.public), LINKS, ADDRESSES)


def test_a_wide_vip_keeps_a_route_of_its_own_only_where_no_other_address_makes_one() -> None:
    assert not leased_address(vip("192.0.2.10", prefix=24), LINKS[1], ADDRESSES).own_route
    assert leased_address(vip("198.51.100.1", prefix=24), LINKS[1], ADDRESSES).own_route
    assert not leased_address(vip(), LINKS[1], ADDRESSES).own_route


def test_a_router_is_known_by_its_own_addresses() -> None:
    assert node_of(PAIR, [ip_address("127.0.0.1"), ip_address("192.0.2.3")]) == "backup"
    assert node_of(PAIR, [ip_address("10.11.12.2")]) == "primary"


def test_a_machine_that_is_neither_is_told_so() -> None:
    with pytest.raises(Misplaced, match=r"neither primary nor backup.*primary 192\.0\.2\.2, backup 192\.0\.2\.3"):
        node_of(PAIR, [ip_address("198.51.100.9")])


def test_a_machine_that_is_both_must_say_which() -> None:
    with pytest.raises(Misplaced, match="say --node primary or backup"):
        node_of(PAIR, [ip_address("192.0.2.2"), ip_address("192.0.2.3")])
