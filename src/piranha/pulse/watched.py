"""Which devices a router watches, and whether each carries anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf.config import Config, PlaneKind, Router
from piranha.pulse.placement import Misplaced, device_for, own_addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """One watched device. present: it exists; up: it is switched on; carrier: its cable works, or a part of a bond."""

    device: str
    present: bool = True
    up: bool = True
    carrier: bool = True

    @property
    def trouble(self) -> str:
        """Why it carries nothing, empty when it does."""
        if not self.present:
            return f"{self.device} is gone"
        if not self.up:
            return f"{self.device} is down"
        return "" if self.carrier else f"{self.device} has no carrier"


@dataclass(frozen=True, slots=True)
class Seen:
    """One watched link as last read. since_s: monotonic, when it was first seen like this."""

    state: LinkState
    since_s: float


def watched_devices(
    config: Config,
    router: Router,
    links: Sequence[Link],
    addresses: Sequence[InterfaceAddress],
    *,
    plane: PlaneKind,
    before: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the names of the devices to watch: `monitor_devices`, or those of own addresses and VIPs.

    before: watched until now; they stay, for an address that went with its device no longer tells
    where it was.
    """
    if config.monitor_devices:
        return config.monitor_devices
    names = {link.index: link.name for link in links}
    own = own_addresses(router)
    found = [names[one.index] for one in addresses if one.address in own and one.index in names]
    for vip in config.floating_addresses() if plane is PlaneKind.IPVS else ():
        try:
            found.append(device_for(vip, router, links, addresses).name)
        except Misplaced:
            # A device that the file names and this machine does not have is watched, and gone.
            found += [vip.device] if vip.device not in (None, "public", "private") else []
    return tuple(dict.fromkeys((*before, *found)))


def link_states(devices: Sequence[str], links: Sequence[Link]) -> tuple[LinkState, ...]:
    """Return how each of `devices` is."""
    by_name = {link.name: link for link in links}
    states = []
    for device in devices:
        link = by_name.get(device)
        if link is None:
            states.append(LinkState(device=device, present=False, up=False, carrier=False))
        else:
            states.append(LinkState(device=device, up=link.up, carrier=link.up and link.carrier))
    return tuple(states)
