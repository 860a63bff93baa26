"""Addresses and links on the netlink wire, held to bytes that the kernel and iproute2 exchange."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.kernel.route import (
    IFA_CACHEINFO,
    IFA_F_NODAD,
    IFA_F_NOPREFIXROUTE,
    IFA_FLAGS,
    IFA_LABEL,
    IFADDRMSG,
    InterfaceAddress,
    LeasedAddress,
    Link,
    lease,
    read_address,
    read_link,
    removal,
)
from piranha.kernel.wire import WireError, attributes, number

VIP = LeasedAddress(index=2, address=IPv4Address("192.0.2.10"), prefix=32, label="eth0:1")
VIP6 = LeasedAddress(index=2, address=IPv6Address("2001:db8::20"), prefix=128)


def test_a_lease_names_the_address_twice_with_label_lifetimes_and_flags() -> None:
    assert lease(VIP, 3) == bytes.fromhex(
        "02200000 02000000"  # AF_INET /32, scope universe, device 2
        "0800 0200 c000020a  0800 0100 c000020a"  # IFA_LOCAL, IFA_ADDRESS
        "1400 0600 00000000 03000000 00000000 00000000"  # preferred 0 s, valid 3 s
        "0800 0800 00020000"  # NOPREFIXROUTE
        "0500 0b00 50000000"  # who added it
        "0b00 0300 657468303a310000"  # eth0:1
    )


def test_a_lease_without_limit_is_valid_for_ever_and_still_never_preferred() -> None:
    fields = attributes(lease(VIP, None), IFADDRMSG.size)

    assert fields[IFA_CACHEINFO] == bytes.fromhex("00000000 ffffffff 00000000 00000000")


def test_an_ipv6_lease_is_usable_at_once() -> None:
    fields = attributes(lease(VIP6, 3), IFADDRMSG.size)

    assert number(fields, IFA_FLAGS) == IFA_F_NODAD | IFA_F_NOPREFIXROUTE
    assert IFA_LABEL not in fields


def test_a_shorter_prefix_keeps_its_own_route_where_it_is_asked_for() -> None:
    wide = LeasedAddress(index=2, address=IPv4Address("10.11.12.1"), prefix=24, own_route=True)

    assert number(attributes(lease(wide, 3), IFADDRMSG.size), IFA_FLAGS) == 0


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_lease_lasts_at_least_a_second(seconds: int) -> None:
    with pytest.raises(ValueError, match="at least 1 s"):
        lease(VIP, seconds)


def test_a_removal_names_the_address_only() -> None:
    assert removal(VIP) == bytes.fromhex("02200000 02000000 0800 0200 c000020a 0800 0100 c000020a")


def test_an_address_of_a_dump_is_read_with_its_remaining_lifetime() -> None:
    entry = bytes.fromhex(
        "0220 20 00 02000000"  # AF_INET /32, deprecated
        "0800 0100 c000020a 0800 0200 c000020a"
        "0b00 0300 657468303a310000"
        "0800 0800 20020000"
        "1400 0600 00000000 02000000 10000000 10000000"
    )

    assert read_address(entry) == InterfaceAddress(
        index=2, address=IPv4Address("192.0.2.10"), prefix=32, label="eth0:1", valid_s=2, deprecated=True
    )


def test_an_address_without_limit_has_no_remaining_lifetime() -> None:
    entry = bytes.fromhex(
        "0a80 80 00 01000000 1400 0100 00000000000000000000000000000001 1400 0600 ffffffff ffffffff 00000000 00000000"
    )

    assert read_address(entry) == InterfaceAddress(index=1, address=IPv6Address("::1"), prefix=128)


def test_an_address_of_another_family_is_skipped() -> None:
    assert read_address(IFADDRMSG.pack(28, 0, 0, 0, 1)) is None


def test_a_link_is_read_with_hardware_address_and_carrier() -> None:
    entry = bytes.fromhex("0000 0100 02000000 43100100 00000000 0900 0300 6574683000000000 0a00 0100 02005e0053010000")

    assert read_link(entry) == Link(
        index=2, name="eth0", mac=bytes.fromhex("02005e005301"), up=True, carrier=True, loopback=False
    )


@examples(100)
@given(st.binary(max_size=80))
def test_reading_hostile_bytes_ends_in_a_value_or_a_wire_error(data: bytes) -> None:
    for reader in (read_address, read_link):
        try:
            reader(data)
        except WireError:
            continue
