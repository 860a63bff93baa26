"""Shell: names of hosts and ports, asked of the system's resolver."""

import _socket as socket  # see `kernel.connection`
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.table.words import host_words
from piranha.terms import Address, Protocol


def system_lookup() -> Lookup:
    """Return functions that ask the resolver: the first IPv4 address of a host, the port of a service."""
    return Lookup(host=_host, port=_port)


def resolved(address: Address, port: int, protocol: Protocol | None) -> str:
    """Write address and port with the names they have; what has none stays a number."""
    host = _host_name(host_words(address))
    return f"{f'[{host}]' if address.version == 6 else host}:{_port_name(port, protocol)}"


def resolved_place(address: bytes, port: int, protocol: int | None) -> str:
    """Write address and port of the kernel with the names they have; protocol: its number."""
    where = IPv4Address(address) if len(address) == 4 else IPv6Address(address)
    return resolved(where, port, None if protocol is None else Protocol(protocol))


def _host(name: str) -> IPv4Address | None:
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return IPv4Address(found[0][4][0]) if found else None


def _port(name: str, protocol: Protocol) -> int | None:
    try:
        return socket.getservbyname(name, protocol.word)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _host_name(address: str) -> str:
    try:
        return socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
    except OSError:
        return address


@lru_cache(maxsize=4096)
def _port_name(port: int, protocol: Protocol | None) -> str:
    if protocol is None:
        return str(port)
    try:
        return socket.getservbyport(port, protocol.word)
    except (OSError, OverflowError):
        return str(port)
