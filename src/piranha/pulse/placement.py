"""On which device a floating address belongs, and which of two routers this machine is."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from piranha.errors import PiranhaError
from piranha.kernel.route import InterfaceAddress, LeasedAddress, Link
from piranha.lvscf.config import Config, FloatingAddress, Router
from piranha.terms import Address


class Misplaced(PiranhaError):
    """This machine cannot do what the file asks of it; the text says why in one line."""


def own_addresses(router: Router) -> frozenset[Address]:
    """Return the addresses of a router that are never leased and never removed."""
    return frozenset(address for address in (router.public, router.private) if address is not None)


def node_of(config: Config, local: Iterable[Address]) -> str:
    """Return `primary` or `backup`, the router whose own address is among `local`.

    Raises Misplaced when neither or both are.
    """
    here = frozenset(local)
    routers = {"primary": config.primary, "backup": config.backup}
    found = [name for name, router in routers.items() if router is not None and own_addresses(router) & here]
    if len(found) == 1:
        return found[0]
    named = ", ".join(f"{name} {router.public}" for name, router in routers.items() if router is not None)
    if found:
        raise Misplaced(f"this machine holds the addresses of both routers ({named}): say --node primary or backup")
    raise Misplaced(f"this machine is neither primary nor backup: no interface has an address of {named or 'a router'}")


def device_for(
    floating: FloatingAddress, router: Router, links: Sequence[Link], addresses: Sequence[InterfaceAddress]
) -> Link:
    """Return the device that `floating` belongs to on `router`.

    Named devices are taken by name; `public` and `private` are the devices that carry the own
    address of that kind; without a name, the device with the narrowest network that holds the
    address, else the public one. Raises Misplaced when there is no such device.
    """
    if floating.device not in (None, "public", "private"):
        return _named(floating, links)
    by_index = {link.index: link for link in links}
    if floating.device is None:
        # Addresses that are leased themselves say nothing about where a network is.
        own = [found for found in addresses if not found.deprecated and found.address != floating.address]
        around = [found for found in own if _holds(found, floating.address) and found.index in by_index]
        if around:
            return by_index[max(around, key=lambda found: found.prefix).index]
    wanted = router.private if floating.device == "private" else router.public
    if wanted is None:
        raise Misplaced(f"{floating.address}: device private, but this router has no private address")
    for found in addresses:
        if found.address == wanted and found.index in by_index:
            return by_index[found.index]
    raise Misplaced(
        f"{floating.address}: no device carries {wanted}, this router's {floating.device or 'public'} address"
    )


def asking_address(host: Address, usual: Address, router: Router, config: Config) -> Address | None:
    """Return the own address from which `host` is to be asked; None: `usual`, which the kernel takes by itself.

    Never one that moves: the answer would go to whoever holds it by then.
    """
    own = own_addresses(router)
    if usual in own or all(usual != floating.address for floating in config.floating_addresses()):
        return None
    same = [address for address in own if address.version == host.version]
    return min(same, key=lambda address: (int(address) ^ int(host)).bit_length(), default=None)


def leased_address(floating: FloatingAddress, device: Link, addresses: Sequence[InterfaceAddress]) -> LeasedAddress:
    """Return what the kernel is asked to hold for `floating` on `device`.

    An own route is kept only where no other address of the device makes the network reachable:
    a lifetime would take the route away with the VIP.
    """
    full = 32 if floating.address.version == 4 else 128
    others = [one for one in addresses if one.index == device.index and not one.deprecated]
    covered = any(one.prefix <= floating.prefix and _holds(one, floating.address) for one in others)
    return LeasedAddress(
        index=device.index,
        address=floating.address,
        prefix=floating.prefix,
        label=floating.label,
        own_route=floating.prefix < full and not covered,
    )


def _named(floating: FloatingAddress, links: Sequence[Link]) -> Link:
    for link in links:
        if link.name == floating.device:
            return link
    known = " ".join(link.name for link in links)
    raise Misplaced(f"{floating.address}: there is no device {floating.device} (there are: {known})")


def _holds(own: InterfaceAddress, address: Address) -> bool:
    full = 32 if own.address.version == 4 else 128
    if own.address.version != address.version or own.prefix >= full:
        return False
    return address in ip_network((own.address, own.prefix), strict=False)
