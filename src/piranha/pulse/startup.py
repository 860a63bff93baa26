"""Shell: whether this machine can be the router that the file describes; asked at start and at each reload."""

from dataclasses import dataclass

from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.forwarding.userspace.client import SOCKET_NAME
from piranha.kernel.addresses import Addresses
from piranha.lvscf.config import Config, PlaneKind, Router
from piranha.pulse.announce import Announcer, LinkAnnouncer, NobodyToTell
from piranha.pulse.heartbeat import Place
from piranha.pulse.kernel_leases import KernelLeases
from piranha.pulse.leases import ForwarderLeases, Leases
from piranha.pulse.placement import Misplaced, device_for, node_of, own_addresses
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the command line says of this router, None = the file and the machine decide."""

    node: str | None = None
    plane: str | None = None


def admit(config: Config, said: Said) -> tuple[Place, PlaneKind]:
    """Return which router of `config` this machine is, and who forwards there.

    Raises PiranhaError, one clear line, unless this machine is one of them and has what the file asks
    for. Start and reload both ask this: a file that one of them refuses the other must refuse too.
    """
    plane = PlaneKind(said.plane) if said.plane else config.lvsd.plane
    place = _place_of(config, said.node)
    check_devices(config, place, plane)
    return place, plane


def _place_of(config: Config, said: str | None) -> Place:
    if said is None:
        with Addresses() as kernel:
            said = node_of(config, {found.address for found in kernel.addresses()})
    place = Place(said)
    router_of(config, place)
    return place


def router_of(config: Config, place: Place) -> Router:
    """Return the own addresses of the router at `place`. Raises Misplaced when the file has none."""
    router = config.primary if place is Place.PRIMARY else config.backup
    if router is None:
        raise Misplaced(f"lvs.cf names no address of the {place} router (keyword {place})")
    if place is Place.BACKUP and not config.backup_active:
        raise Misplaced("We are backup node and backup is marked inactive (backup_active = 0): nothing to do")
    return router


def check_devices(config: Config, place: Place, plane: PlaneKind) -> None:
    """Raise PiranhaError unless each VIP has a device on this machine; on a plane in user space it needs none."""
    if plane is PlaneKind.USERSPACE:
        return
    router = router_of(config, place)
    with Addresses() as kernel:
        links, addresses = kernel.links(), kernel.addresses()
    own = own_addresses(router)
    for vip in config.floating_addresses():
        if vip.address not in own:
            device_for(vip, router, links, addresses)


def open_leases(config: Config, place: Place, plane: PlaneKind, folders: Folders) -> tuple[Leases, Announcer]:
    """Return what holds and announces VIPs on `plane`. Raises PiranhaError: not permitted, no netlink."""
    if plane is PlaneKind.USERSPACE:
        return ForwarderLeases(folders.run / SOCKET_NAME), NobodyToTell()
    return KernelLeases(router_of(config, place)), LinkAnnouncer()


def holding(leases: Leases, config: Config) -> frozenset[Address]:
    """Return which VIPs of the file a process before this one left here."""
    try:
        return leases.present(config.floating_addresses())
    except PiranhaError:
        return frozenset()  # no forwarder yet: then nothing is held
