"""Addresses as the C tool reads them on its command line. Names are looked up by functions passed in."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from piranha.dataclass import dataclass
from piranha.terms import Address, Protocol

_BLANKS = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class Lookup:
    """How names become numbers; both answer None for a name that is not known."""

    host: Callable[[str], IPv4Address | None]
    port: Callable[[str, Protocol], int | None]


def endpoint(text: str, protocol: Protocol | None, lookup: Lookup) -> tuple[Address, int | None] | None:
    """Read `HOST[:PORT]`, `[IPV6]:PORT` or a bare IPv6 address; None if it is neither.

    protocol: in which ports have names, None = they have none. The port is None where none is given.
    Digits alone are no address: `-t 80` is a mistake.
    """
    if text.startswith("["):
        host, bracket, port_text = text[1:].partition("]")
        port = _port(port_text[1:], protocol, lookup) if bracket and port_text.startswith(":") else None
        try:
            return (IPv6Address(host), port) if port is not None and "%" not in host else None
        except AddressValueError:
            return None
    if text.count(":") > 1:
        try:
            return (IPv6Address(text), None) if "%" not in text else None
        except AddressValueError:
            pass
    host, colon, port_text = text.rpartition(":")
    if not colon:
        host = text
    if not host or host.isdecimal():
        return None
    port = _port(port_text, protocol, lookup) if colon else None
    if colon and port is None:
        return None
    address = ipv4(host) or lookup.host(host)
    return (address, port) if address is not None else None


@lru_cache(maxsize=1024)
def ipv4(text: str) -> IPv4Address | None:
    """Read an IPv4 address as inet_aton(3) does.

    `1.2.3` is 1.2.0.3, parts may be octal or hexadecimal, and what follows a blank does not matter.
    """
    try:
        return IPv4Address(text)
    except AddressValueError:
        pass
    parts = re.split(f"[{_BLANKS}]", text, maxsplit=1)[0].split(".")
    if not 1 <= len(parts) <= 4:
        return None
    value = 0
    for place, part in enumerate(parts):
        number = _part(part)
        room = 4 - place if place == len(parts) - 1 else 1
        if number is None or number >= 256**room:
            return None
        value |= number << 8 * (4 - place - room)
    return IPv4Address(value)


def integer(text: str, low: int, high: int) -> int | None:
    """Read a decimal number as strtol(3) does, None if it is none or out of range."""
    number = text.lstrip(_BLANKS)
    digits = number[1:] if number[:1] in ("+", "-") else number
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        value = int(number)
    except ValueError:  # of thousands of digits
        return None
    return value if low <= value <= high else None


def _part(text: str) -> int | None:
    if re.fullmatch("0[xX][0-9a-fA-F]+", text):
        return int(text, 16)
    if re.fullmatch("0[0-7]*", text):
        return int(text, 8)
    return int(text) if re.fullmatch("[1-9][0-9]*", text) else None


def _port(text: str, protocol: Protocol | None, lookup: Lookup) -> int | None:
    number = integer(text, 0, 65535)
    return lookup.port(text, protocol) if number is None and protocol is not None else number
