"""On which interface of this router connections are synchronised."""

from collections.abc import Iterable, Sequence

from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf.config import Config, Router
from piranha.lvsd.sync import Place
from piranha.terms import PRIVATE, PUBLIC, Address


def place_of(
    device: str, config: Config, node: str, links: Sequence[Link], addresses: Iterable[InterfaceAddress]
) -> Place | str:
    """Return where `device` of the file is on this router, or why it is nowhere. node: `primary`, `backup` or empty."""
    if device in (PUBLIC, PRIVATE):
        wanted = _own(device, config, node)
        carriers = {one.index for one in addresses if one.address in wanted}
        found = next((link for link in links if link.index in carriers), None)
        if found is None:
            return f"no interface has {' or '.join(map(str, wanted)) or f'a {device} address of this router'}"
        return Place(found.name, found.index)
    named = next((link for link in links if link.name == device), None)
    return Place(named.name, named.index) if named is not None else f"there is no interface {device}"


def _own(device: str, config: Config, node: str) -> list[Address]:
    routers = {"primary": config.primary, "backup": config.backup}
    asked: Iterable[Router | None] = [routers[node]] if node in routers else routers.values()
    found = [router.private if device == PRIVATE else router.public for router in asked if router is not None]
    return [address for address in found if address is not None]
