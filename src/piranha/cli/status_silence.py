"""Shell: what can still be seen of a router whose daemons do not answer: its VIPs and its table."""

import time
from collections.abc import Collection
from pathlib import Path

from piranha.cli.change_options import waiting_on_disk
from piranha.cli.facts import dicts, strings
from piranha.cli.options import Asked
from piranha.cli.words import count, duration
from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.forwarding.userspace import client
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane
from piranha.kernel.addresses import Addresses
from piranha.table.service import AddressMatch
from piranha.table.table import Table


def silence(pulse: Asked, lvsd: Asked, folders: Folders) -> list[str]:
    """Say since when a daemon is silent, which VIPs are here while `pulse` is, and the table while `lvsd` is."""
    lines = [""]
    for daemon in (pulse, lvsd):
        if daemon.data is None and daemon.installed:
            since = "ever, it has left no record"
            if daemon.last_at_s is not None:
                since = time.strftime("%d %b %H:%M:%S", time.localtime(daemon.last_at_s)) + ", its last record"
            lines.append(f"{daemon.name}: unknown since {since}: {daemon.problem}")
        elif daemon.data is None:
            lines.append(f"{daemon.name}: never ran here: {daemon.problem}")
    keeper = keeper_of_changes(pulse, lvsd)
    if keeper.data is None and (waiting := waiting_on_disk(folders, keeper.name)):
        lines.append(waiting)
    forwarder = folders.run / SOCKET_NAME
    userspace = forwarder.exists()
    table, trouble = _read(UserspacePlane(forwarder) if userspace else IpvsPlane()) if lvsd.data is None else ({}, "")
    if pulse.data is None and pulse.installed:
        vips = {vip for virtual in dicts((lvsd.data or {}).get("virtuals")) for vip in strings(virtual.get("vips"))}
        vips |= {str(key.match.address) for key in table if isinstance(key.match, AddressMatch)}
        lines += _vips(vips, forwarder if userspace else None)
    if lvsd.data is None:
        lines += [f"the table cannot be read either: {trouble}"] if trouble else _table(table)
    return lines


def keeper_of_changes(pulse: Asked, lvsd: Asked) -> Asked:
    """Return who waits for confirmations: a lone `lvsd` itself; where `pulse` ever ran it is `pulse`."""
    return pulse if pulse.installed else lvsd


def _read(plane: Plane) -> tuple[Table, str]:
    try:
        return plane.dump(), ""
    except PiranhaError as error:
        return {}, str(error)
    finally:
        plane.close()


def _vips(vips: Collection[str], forwarder: Path | None) -> list[str]:
    """Return which of `vips` this machine holds at the moment, and for how long unless they are renewed."""
    try:
        if forwarder is not None:
            held = {str(vip): holding.remaining_s for vip, holding in client.held(forwarder).items()}
        else:
            with Addresses() as kernel:
                held = {str(one.address): one.valid_s for one in kernel.addresses() if str(one.address) in vips}
    except PiranhaError as error:
        return [f"addresses cannot be read: {error}"]
    if not held:
        return ["no VIP is on this router"]
    limits = (
        f"{vip} " + ("without a time limit" if left_s is None else f"for {duration(left_s)} unless it is renewed")
        for vip, left_s in sorted(held.items())
    )
    return ["on this router: " + ", ".join(limits)]


def _table(found: Table) -> list[str]:
    lines = [f"the table itself has {count(len(found), 'service')}:"]
    for key, service in found.items():
        serving = sum(destination.weight > 0 for destination in service.destinations.values())
        lines.append(
            f"  {key}  {service.settings.scheduler}  {serving} of {len(service.destinations)} servers with weight"
        )
    return lines
