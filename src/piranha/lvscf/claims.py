"""What virtual servers have of the address space, in plain numbers: thousands of them are compared at each reading.

Two of these are equal when the values are that they stand for; comparing and hashing those takes ten times as long.
"""

from collections.abc import Hashable
from typing import NamedTuple

from piranha.lvscf.config import FloatingAddress, Virtual
from piranha.terms import Address

VIPS, SERVICES = "plain vips", "plain services"  # among what was worked out of a virtual server


class PlainVip(NamedTuple):
    """at: the address. whole: the whole of it."""

    at: Hashable
    whole: Hashable
    label: str | None


def plain(address: Address) -> tuple[int, int, str | None]:
    """Return what an address is."""
    return address.version, int(address), getattr(address, "scope_id", None)


def plain_vips(virtual: Virtual) -> tuple[PlainVip, ...]:
    """Return the VIPs of a virtual server, in the order of `Virtual.vips`."""
    known: tuple[PlainVip, ...] | None = virtual.worked_out.get(VIPS)
    if known is None:
        known = virtual.worked_out[VIPS] = tuple(map(_plain_vip, virtual.vips))
    return known


def plain_services(virtual: Virtual) -> tuple[Hashable, ...]:
    """Return the services of a virtual server: its mark, or each VIP, protocol and port, the last changing fastest."""
    known: tuple[Hashable, ...] | None = virtual.worked_out.get(SERVICES)
    if known is None:
        known = virtual.worked_out[SERVICES] = _plain_services(virtual)
    return known


def _plain_vip(vip: FloatingAddress) -> PlainVip:
    at = plain(vip.address)
    return PlainVip(at, (at, vip.prefix, vip.device, vip.label), vip.label)


def _plain_services(virtual: Virtual) -> tuple[Hashable, ...]:
    if virtual.fwmark:
        return ((virtual.fwmark, virtual.vip.family),)
    ports = virtual.service_ports()
    return tuple(
        (protocol, at, port) for at, _, _ in plain_vips(virtual) for protocol in virtual.protocols for port in ports
    )
