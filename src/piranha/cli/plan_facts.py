"""Shell: what a plan is made against: a running `lvsd`, or what this machine's kernel holds."""

from dataclasses import dataclass

from piranha.cli.elsewhere import and_elsewhere
from piranha.cli.facts import Facts, text
from piranha.cli.options import ask_daemon
from piranha.control.client import NobodyListens, ask
from piranha.control.daemon import Folders
from piranha.control.messages import Refused
from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN, PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane
from piranha.kernel.addresses import Addresses
from piranha.lvscf.config import Config, PlaneKind, Standby
from piranha.lvscf.read import resolve_and_load
from piranha.lvsd.accepted import FILE
from piranha.lvsd.foreign import read_edits
from piranha.lvsd.machine import Machine
from piranha.lvsd.mark_rules import firewalls, marked
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook
from piranha.lvsd.standing import Standing, standing_from
from piranha.table.by_hand import Seen, noticed
from piranha.table.desired import Edits, desired, services_of
from piranha.table.mark_rules import wanted_rules
from piranha.table.table import Table

ANSWER_S = 10.0
"""How long an answer with the table of thousands of servers may take."""


class CannotTell(PiranhaError):
    """Nobody says what is there now; one line with the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Against what a plan is made, in words; the file in force, None where no daemon runs; and what there is."""

    against: str
    before: Config | None
    standing: Standing


def ground(after: Config, folders: Folders, plane: PlaneKind | None) -> Ground:
    """Return what there is now. after: the new file, which says what plane there is when nobody runs.

    Raises CannotTell, and NotPermitted for who may not look.
    """
    try:
        return _from_lvsd(ask(folders.run / "lvsd.sock", "standing", timeout_s=ANSWER_S))
    except NobodyListens:
        pass
    except Refused as error:
        raise CannotTell(f"lvsd does not say what is there: {error}") from error
    except MISSHAPEN as error:
        raise CannotTell(f"the answer of lvsd makes no sense; is it of another version? ({error!r})") from error
    pulse = ask_daemon("pulse", "status", folders)
    if pulse.data is None:
        return _from_kernel(plane or after.lvsd.plane, after, folders)
    return _without_lvsd(pulse.data, StateFiles(folders.state, folders.run))


def _from_lvsd(facts: Facts) -> Ground:
    return Ground(
        against=_against("the live table", text(facts.get("node")), text(facts.get("role"))),
        before=_config(str(facts["accepted"]).encode("utf-8", "surrogateescape"), "the file in force"),
        standing=standing_from(facts),
    )


def _without_lvsd(pulse: Facts, kept: StateFiles) -> Ground:
    """A cold standby has no table: the plan is against the one that it would load."""
    try:
        before = _config(kept.read(FILE), str(kept.path(FILE)))
    except OSError as error:
        raise CannotTell(f"lvsd does not run, and {kept.path(FILE)}: {error.strerror}") from error
    if before.standby is not Standby.COLD or text(pulse.get("role")) == "active":
        raise CannotTell("lvsd does not run: nobody knows what is believed of the servers; piranha status says more")
    up = Belief(Health.UP)
    servers = {(one.name, server.name): up for one in before.active_virtuals() for server in one.servers}
    beliefs = Beliefs(servers=servers)
    return Ground(
        against=_against("what would be the table", text(pulse.get("node")), "cold standby"),
        before=before,
        standing=Standing(live=desired(before, outlook(before, before, {}, beliefs, 0.0).now, {}, ()), beliefs=beliefs),
    )


def _from_kernel(kind: PlaneKind, after: Config, folders: Folders) -> Ground:
    socket = folders.run / SOCKET_NAME
    if kind is PlaneKind.USERSPACE and not socket.exists():
        return Ground(against="an empty table: no forwarder runs here", before=None, standing=Standing(live={}))
    plane: Plane = IpvsPlane() if kind is PlaneKind.IPVS else UserspacePlane(socket)
    try:
        seen = plane.sample()
    except PiranhaError as error:
        words = f"no daemon runs here, and the table cannot be read: {error}"
        raise CannotTell(and_elsewhere(words, folders)) from error
    finally:
        plane.close()
    beliefs = Beliefs(servers={}, edits=_by_hand(after, seen.table, StateFiles(folders.state, folders.run)))
    if kind is PlaneKind.USERSPACE:
        there = Standing(live=seen.table, statistics=seen.statistics, beliefs=beliefs)
        return Ground(against="the forwarder of this machine", before=None, standing=there)
    with Addresses() as kernel:
        held = frozenset(one.address for one in kernel.addresses())
    # A firewall is not even asked for nothing: that loads its module.
    rules = marked(firewalls()) if wanted_rules(after) else None
    there = Standing(
        live=seen.table,
        statistics=seen.statistics,
        beliefs=beliefs,
        held=held,
        kernel=Machine().all_settings(),
        marked=rules,
    )
    return Ground(against="this machine's kernel", before=None, standing=there)


def _by_hand(after: Config, live: Table, kept: StateFiles) -> Edits:
    """Return what the last `lvsd` has kept that it was done by hand: the next one leaves it alone, or ends it."""
    return noticed(read_edits(kept), services_of(after), Seen(live=live, former={}))


def _config(data: bytes, name: str) -> Config:
    loaded = resolve_and_load(data, name)
    if loaded.config is None:
        raise CannotTell(f"{name} cannot be read by this version: {loaded.errors[0].sentence()}")
    return loaded.config


def _against(table: str, node: str, role: str) -> str:
    return f"{table} of {node or 'this router'}" + (f" ({role})" if role else "")
