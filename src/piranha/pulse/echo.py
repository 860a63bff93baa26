"""ICMP and ICMPv6 echo, on the wire (RFC 792, RFC 4443 section 4)."""

import struct

from piranha.pulse.arp import internet_checksum

HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
TOKEN_LENGTH = 16
"""Bytes of a question that only who got it can repeat: what is forged blindly does not match."""

REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}


def request(version: int, identifier: int, sequence: int, token: bytes) -> bytes:
    """Return an echo request. Identifier and checksum are the kernel's where the socket says so, and for ICMPv6."""
    head = HEADER.pack(REQUEST[version], 0, 0, identifier, sequence & 0xFFFF)
    return HEADER.pack(REQUEST[version], 0, internet_checksum(head + token), identifier, sequence & 0xFFFF) + token


def token_of(version: int, message: bytes) -> bytes | None:
    """Return the token of an echo reply; None: it is something else. message: without IP header."""
    if len(message) != HEADER.size + TOKEN_LENGTH:
        return None
    kind, code, _, _, _ = HEADER.unpack_from(message)
    return message[HEADER.size :] if (kind, code) == (REPLY[version], 0) else None


def without_ip_header(packet: bytes) -> bytes:
    """Return the payload of an IPv4 packet, empty when it is cut short: a raw socket hands both over (raw(7))."""
    length = (packet[0] & 0xF) * 4 if packet else 0
    return packet[length:] if length >= 20 else b""
