"""Frames that announce VIPs, byte for byte."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piranha.pulse.arp import (
    Sighting,
    announcements,
    gratuitous_arp,
    internet_checksum,
    parse_mac,
    question,
    read_sighting,
    unsolicited_advertisement,
)
from piranha.terms import Address

MAC = bytes.fromhex("02005e005301")
VIP = IPv4Address("192.0.2.10")
VIP6 = IPv6Address("2001:db8:2::20")


def test_an_announcement_is_an_arp_request_and_a_reply_with_the_own_hardware_address_as_target() -> None:
    request, reply = announcements(VIP, MAC)

    head = "ffffffffffff 02005e005301 0806 0001 0800 06 04"
    ends = "02005e005301 c000020a 02005e005301 c000020a" + "00" * 18
    assert request == bytes.fromhex(head + "0001" + ends)
    assert reply == bytes.fromhex(head + "0002" + ends)
    assert len(request) == len(reply) == 60


def test_an_ipv6_announcement_is_one_unsolicited_advertisement_with_override_and_hop_limit_255() -> None:
    (frame,) = announcements(VIP6, MAC)

    assert frame == bytes.fromhex(
        "333300000001 02005e005301 86dd"  # to all nodes
        "60000000 0020 3a ff"  # 32 bytes of ICMPv6, hop limit 255
        "20010db8000200000000000000000020 ff020000000000000000000000000001"
        "88 00 c7e7 a0000000"  # advertisement, checksum, router and override
        "20010db8000200000000000000000020"
        "02 01 02005e005301"  # target link-layer address
    )


def test_a_host_that_does_not_forward_says_so_in_its_advertisement() -> None:
    frame = unsolicited_advertisement(VIP6, MAC, router=False)

    assert frame[58:62] == bytes.fromhex("20000000")


def test_the_checksum_of_an_advertisement_is_right_over_pseudo_header_and_message() -> None:
    frame = unsolicited_advertisement(VIP6, MAC, router=True)

    message = frame[54:]
    pseudo = frame[22:54] + len(message).to_bytes(4, "big") + bytes([0, 0, 0, 58])
    assert internet_checksum(pseudo + message) == 0


def test_a_reply_can_be_sent_to_one_station() -> None:
    station = bytes.fromhex("020000000009")

    assert gratuitous_arp(VIP, MAC, destination=station)[:6] == station


@pytest.mark.parametrize("text", ["02:00:5e:00:53:01", "02005E005301", "02005e005301"])
def test_a_hardware_address_has_twelve_digits_and_colons_if_one_likes(text: str) -> None:
    assert parse_mac(text) == MAC


@pytest.mark.parametrize("text", ["", "02005e0053", "02005e00530100", "02-00-5e-00-53-01", "0g005e005301", "eth0"])
def test_anything_else_is_an_invalid_hardware_address(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid hardware address"):
        parse_mac(text)


@pytest.mark.parametrize("vip", [VIP, VIP6], ids=str)
def test_a_question_claims_nothing_and_is_read_as_one(vip: Address) -> None:
    sighting = read_sighting(question(vip, MAC))
    assert sighting == Sighting(vip, MAC, holds=False)


@pytest.mark.parametrize("vip", [VIP, VIP6], ids=str)
def test_every_announcement_tells_who_holds_the_address(vip: Address) -> None:
    assert {read_sighting(frame) for frame in announcements(vip, MAC)} == {Sighting(vip, MAC, holds=True)}


@given(frame=st.binary(max_size=120))
def test_no_frame_from_the_wire_is_too_strange(frame: bytes) -> None:
    read_sighting(frame)
    read_sighting(frame[:12] + b"\x08\x06" + frame[14:])
    read_sighting(frame[:12] + b"\x86\xdd" + frame[14:])


def test_what_was_routed_is_no_answer_of_this_link() -> None:
    (frame,) = announcements(VIP6, MAC)
    hop_limit = 14 + 7
    assert read_sighting(frame[:hop_limit] + b"\x40" + frame[hop_limit + 1 :]) is None
