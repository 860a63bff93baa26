"""How addresses and masks are written, and the order of services and servers: in listings and in rules alike."""

from collections.abc import Callable
from ipaddress import IPv4Address

from piranha.table.destination import DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Address, Family, Protocol

Names = Callable[[Address, int, Protocol | None], str]
"""How an address and a port are written: `192.0.2.10:80`, `[2001:db8::1]:80` or with names.

A port has a name in a protocol only: where there is none, it stays a number.
"""

PERSISTENCE_DEFAULT_S = 360
_MAPPED = 0xFFFF  # RFC 4291, 2.5.5.2: what is above the IPv4 address in an IPv4-mapped one


def numeric(address: Address, port: int, _protocol: Protocol | None) -> str:
    """Write an address and a port as numbers."""
    return f"[{host_words(address)}]:{port}" if address.version == 6 else f"{address}:{port}"


def host_words(address: Address) -> str:
    """Write an address as inet_ntop(3) does: one of IPv6 that embeds one of IPv4 ends in it, `::ffff:192.0.2.1`.

    `str` does so in some versions of Python only.
    """
    if address.version == 4:
        return str(address)
    high, low = divmod(int(address), 1 << 32)
    if high == _MAPPED or (high == 0 and low >> 16):
        return f"{'::ffff:' if high else '::'}{IPv4Address(low)}"
    return str(address)


def service_order(key: ServiceKey) -> tuple[int, int, int, int, int]:
    """Sort key of listings: TCP, UDP, SCTP by address and port, then IPv6, then marks."""
    match key.match:
        case FirewallMark(mark, family):
            return mark, family, 0, 0, 0
        case AddressMatch(protocol, address, port):
            return 0, Family.of(address), protocol, int(address), port


def server_order(key: DestinationKey) -> tuple[int, int, int]:
    """Sort key of the servers of one service: address, then port."""
    return key.address.version, int(key.address), key.port


def protocol_of(key: ServiceKey) -> Protocol | None:
    """Return the protocol whose port names apply; a mark has none."""
    return key.match.protocol if isinstance(key.match, AddressMatch) else None


def mask_words(key: ServiceKey, settings: ServiceSettings) -> str:
    """Write the persistence mask, empty if it is the whole address."""
    if settings.persistence_mask is None:
        return ""
    if key.family is Family.IPV6:
        return str(settings.persistence_mask)
    return str(IPv4Address(settings.persistence_mask))
