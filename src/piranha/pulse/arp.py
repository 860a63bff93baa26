"""Frames that tell the neighbours on a link which hardware address a VIP has now, or ask them for it.

IPv4: gratuitous ARP (RFC 826, RFC 5227). IPv6: unsolicited neighbour advertisement (RFC 4861
section 7.2.6). Questions are probes, with no address of their own, so that they change nobody's mind
(RFC 5227 section 2.1.1; RFC 4862 section 5.4.2). Frames are whole Ethernet frames for a packet socket.

Linux ignores ARP replies for young entries when their target hardware address is broadcast or
zero; it takes requests, and replies whose target is their sender. So both carry the own address.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from piranha.terms import Address

BROADCAST = bytes.fromhex("ffffffffffff")
ALL_NODES_MAC = bytes.fromhex("333300000001")  # RFC 2464 section 7, for ff02::1
ALL_NODES = IPv6Address("ff02::1")
SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")  # and the last 3 bytes of the target (RFC 4291)
SOLICITED_NODE_MAC = bytes.fromhex("3333ff")
UNSPECIFIED = IPv6Address("::")
MINIMUM_FRAME = 60  # bytes without the frame check sequence (IEEE 802.3)

ETHERNET = Struct("!6s6sH")
ARP = Struct("!HHBBH6s4s6s4s")  # RFC 826: hardware, protocol, their lengths, operation; sender; target
IPV6 = Struct("!IHBB16s16s")
ADVERTISEMENT = Struct("!BBHI16sBB6s")  # type, code, checksum, flags, target; option type, length / 8, address
SOLICITATION = Struct("!BBHI16s")  # type, code, checksum, reserved, target

ETH_P_ARP = 0x0806
ETH_P_IPV6 = 0x86DD
OPERATION_REQUEST = 1
OPERATION_REPLY = 2
ICMPV6_NEIGHBOUR_SOLICITATION = 135
ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136
FLAG_ROUTER = 0x80000000
FLAG_OVERRIDE = 0x20000000
OPTION_TARGET_LINK_LAYER = 2
NEXT_HEADER_ICMPV6 = 58


def parse_mac(text: str) -> bytes:
    """Return the 6 bytes of `02:00:5e:00:53:01` or `02005e005301`.

    Raises ValueError for anything but twelve hexadecimal digits.
    """
    digits = text.replace(":", "")
    if not re.fullmatch(r"[0-9a-fA-F]{12}", digits):
        raise ValueError("Invalid hardware address")
    return bytes.fromhex(digits)


def announcements(vip: Address, mac: bytes, *, router: bool = True) -> tuple[bytes, ...]:
    """Return the frames that announce `vip` at `mac` once: ARP request and reply, or an advertisement.

    router: whether the device forwards IPv6. An advertisement without that flag makes hosts drop
    the address from their list of default routers (RFC 4861 section 7.2.5).
    """
    if isinstance(vip, IPv6Address):
        return (unsolicited_advertisement(vip, mac, router=router),)
    return (gratuitous_arp(vip, mac, OPERATION_REQUEST), gratuitous_arp(vip, mac, OPERATION_REPLY))


def gratuitous_arp(
    vip: IPv4Address, mac: bytes, operation: int = OPERATION_REPLY, *, destination: bytes = BROADCAST
) -> bytes:
    """Return a gratuitous ARP frame of 60 bytes; sender and target are both `vip` at `mac`.

    destination: the Ethernet destination; all stations by default.
    """
    header = ETHERNET.pack(destination, mac, ETH_P_ARP)
    body = ARP.pack(1, 0x0800, 6, 4, operation, mac, vip.packed, mac, vip.packed)
    return (header + body).ljust(MINIMUM_FRAME, b"\0")


def unsolicited_advertisement(
    vip: IPv6Address, mac: bytes, *, router: bool, destination: bytes = ALL_NODES_MAC
) -> bytes:
    """Return a neighbour advertisement to all nodes: override set, solicited not, hop limit 255."""
    flags = FLAG_OVERRIDE | (FLAG_ROUTER if router else 0)

    def message(checksum: int) -> bytes:
        return ADVERTISEMENT.pack(
            ICMPV6_NEIGHBOUR_ADVERTISEMENT, 0, checksum, flags, vip.packed, OPTION_TARGET_LINK_LAYER, 1, mac
        )

    return _icmpv6(destination, mac, vip, ALL_NODES, message)


def question(vip: Address, mac: bytes) -> bytes:
    """Return the frame by which a router at `mac` asks who has `vip`: a probe, which claims nothing."""
    if isinstance(vip, IPv4Address):
        body = ARP.pack(1, 0x0800, 6, 4, OPERATION_REQUEST, mac, bytes(4), bytes(6), vip.packed)
        return (ETHERNET.pack(BROADCAST, mac, ETH_P_ARP) + body).ljust(MINIMUM_FRAME, b"\0")
    target, tail = vip.packed, vip.packed[-3:]

    def message(checksum: int) -> bytes:
        return SOLICITATION.pack(ICMPV6_NEIGHBOUR_SOLICITATION, 0, checksum, 0, target)

    return _icmpv6(SOLICITED_NODE_MAC + tail, mac, UNSPECIFIED, IPv6Address(SOLICITED_NODE + tail), message)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a frame says of an address: `mac` has it (holds), or asks for it with no address of its own."""

    address: Address
    mac: bytes
    holds: bool


def read_sighting(frame: bytes) -> Sighting | None:
    """Return what `frame` says of an address; None for all that is neither ARP nor neighbour discovery.

    Every ARP frame with a sender address tells who has that address, announcements too. Never raises.
    """
    if len(frame) < ETHERNET.size + ARP.size:
        return None
    _, source, kind = ETHERNET.unpack_from(frame)
    if kind == ETH_P_ARP:
        return _read_arp(frame)
    if kind == ETH_P_IPV6 and len(frame) >= ETHERNET.size + IPV6.size + SOLICITATION.size:
        return _read_neighbour(frame, source)
    return None


def _read_arp(frame: bytes) -> Sighting | None:
    hardware, protocol, _, _, operation, mac, sender, _, target = ARP.unpack_from(frame, ETHERNET.size)
    if (hardware, protocol) != (1, 0x0800) or operation not in (OPERATION_REQUEST, OPERATION_REPLY):
        return None
    if any(sender):
        return Sighting(IPv4Address(sender), mac, True)
    return Sighting(IPv4Address(target), mac, False) if operation == OPERATION_REQUEST else None


def _read_neighbour(frame: bytes, source: bytes) -> Sighting | None:
    _, _, following, hops, sender, _ = IPV6.unpack_from(frame, ETHERNET.size)
    kind, code, _, _, target = SOLICITATION.unpack_from(frame, ETHERNET.size + IPV6.size)
    if following != NEXT_HEADER_ICMPV6 or hops != 255 or code:
        return None
    if kind == ICMPV6_NEIGHBOUR_ADVERTISEMENT:
        return Sighting(IPv6Address(target), source, True)
    if kind == ICMPV6_NEIGHBOUR_SOLICITATION and not any(sender):
        return Sighting(IPv6Address(target), source, False)
    return None


def _icmpv6(
    destination: bytes, mac: bytes, sender: IPv6Address, receiver: IPv6Address, message: Callable[[int], bytes]
) -> bytes:
    """Return a whole frame around the ICMPv6 message that `message` makes for a checksum."""
    length = len(message(0))
    pseudo = sender.packed + receiver.packed + length.to_bytes(4, "big") + bytes(3) + bytes([NEXT_HEADER_ICMPV6])
    header = IPV6.pack(6 << 28, length, NEXT_HEADER_ICMPV6, 255, sender.packed, receiver.packed)
    frame = ETHERNET.pack(destination, mac, ETH_P_IPV6) + header + message(internet_checksum(pseudo + message(0)))
    return frame.ljust(MINIMUM_FRAME, b"\0")


def internet_checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071 over `data`, which is padded to an even length."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
