"""Shell: the sync daemons of this router: looked at, brought to what file and role ask for, and at the end stopped."""

import contextlib
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN, PiranhaError
from piranha.events.event import Event, Level
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.route import InterfaceAddress, Link
from piranha.kernel.sync_daemons import lacking
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_values import SyncSettings
from piranha.lvsd.kernel_settings import SUBJECT
from piranha.lvsd.machine import Machine
from piranha.lvsd.sync import (
    ACTIVE,
    BACKUP_ONLY,
    STANDBY,
    Aim,
    Place,
    SetBackupOnly,
    Start,
    Step,
    Stop,
    Sync,
)
from piranha.lvsd.sync_place import place_of

if TYPE_CHECKING:
    from piranha.change.plan_sync import SyncSeen

FILE = "lvsd-sync.json"
ROUNDS = 4
"""Looks at what the steps have made, in one look."""


class SyncControl(Protocol):
    """See `kernel_sync.KernelSync`."""

    def daemons(self) -> list[SyncDaemon]:
        """Return those that run. Raises PiranhaError."""

    def start(self, daemon: SyncDaemon) -> str:
        """Start one; return why not."""

    def stop(self, daemon: SyncDaemon) -> str:
        """Stop one; return why not."""

    def interfaces(self) -> tuple[Sequence[Link], Sequence[InterfaceAddress]]:
        """Return the devices and their addresses. Raises PiranhaError."""


class KeptSync:
    """The sync daemons; methods block and are called one at a time.

    node: which router of the file this is, if it was said. trouble: why connections are not synchronised as the file
    asks, empty if they are. unknown: nobody can read whether they are, `trouble` says why. goes_on: what synchronises
    them all the same, in words. guarded: whether this router is
    kept from balancing while it takes connections in; None = not looked at since the role changed.
    """

    def __init__(self, kept: StateFiles, node: str, control: SyncControl, machine: Machine) -> None:
        self._control = control
        self._machine = machine
        self._kept = kept
        self.node = node
        self._on_disk = _read(kept)
        self._sync = Sync(ours=dict(self._on_disk))
        self._wanted: SyncSettings | None = None
        self._running: tuple[SyncDaemon, ...] = ()
        self._backup_only: str | None = None
        self._lacking: list[str] = []
        self._there: Sequence[Link] | None = None  # the devices as last read
        self._shortfall = ""  # what the kernel does not give the daemon, in words
        self.trouble = self.goes_on = ""
        self.unknown = False
        self.guarded: bool | None = None

    def enter(self, role: str) -> None:
        """Take in the role of this router; `look` does what it asks for."""
        if role != self._sync.role:
            self.guarded = None
        self._sync.enter(role, time.monotonic())

    def look(self, config: Config) -> list[Event]:
        """Do what the file and the role ask for; return what there is to tell."""
        sync, wanted = self._sync, config.kernel.sync
        if wanted is None and not sync.ours:
            self._wanted, self._running, self.guarded = None, (), False
            return self._troubled("")
        events: list[Event] = []
        aim, trouble = self._aim(config)
        try:
            found, refusal = self._go(aim, self._running if self._wanted == wanted else (), events)
        except (PiranhaError, OSError) as error:
            return events + self._troubled(str(error), unknown=True)
        self._wanted, self._running = wanted, tuple(found)
        self._remember(found)
        self.guarded = self._backup_only == "1" and any(not one.sender for one in found)
        own = next((one for one in found if one.sender is (sync.role == ACTIVE)), None)
        self._lacking = lacking(aim.daemon, own) if aim is not None and own is not None else []
        events += self._troubled(trouble or refusal or self._other_trouble(), self._serving(own))
        return events + self._fallen_short(own)

    def settles_in_s(self) -> float:
        """Return how long both daemons still run after a change of role."""
        return self._sync.settles_in_s(time.monotonic()) if self._running else 0.0

    def end(self) -> list[Event]:
        """Stop the daemons that are ours."""
        events, left = [], []
        for sender, sync_id in self._sync.ours.items():
            step = Stop(SyncDaemon(sender=sender, sync_id=sync_id), "lvsd ends")
            if refusal := self._take(step):
                left.append(step.daemon)
                events.append(_event("sync daemon goes on", _state(step.daemon), "", "", refusal, bad=True))
            else:
                events.append(self._told(step, lost=False))
        self._remember(left)
        return events

    def seen(self, config: Config) -> "SyncSeen":
        """Return the sync daemon of this role as it is now, and where `config`, the file in force, has it."""
        from piranha.change.plan_sync import SyncSeen  # noqa: PLC0415 -- no start needs a plan

        sender = self._sync.role == ACTIVE
        try:
            own = next((one for one in self._control.daemons() if one.sender is sender), None)
        except (PiranhaError, OSError) as error:
            return SyncSeen(sender=sender, unknown=True, trouble=str(error))
        aim, nowhere = self._aim(config)
        interface = aim.place.name if aim is not None and aim.place is not None else ""
        trouble = "" if self.unknown else self.trouble or nowhere
        return SyncSeen(sender=sender, runs=own, interface=interface, otherwise=self._otherwise(own), trouble=trouble)

    def facts(self) -> dict[str, object] | None:
        """Return what `status` shows; None without synchronisation."""
        if self._wanted is None and not self._sync.ours:
            return None
        own = next((one for one in self._running if one.sender is (self._sync.role == ACTIVE)), None)
        return {
            "role": self._sync.role,
            "states": [_state(one) for one in self._running],
            "interface": own.interface if own is not None else None,
            "id": own.sync_id if own is not None else None,
            "backup_only": self._backup_only,
            "settles_in_s": round(self.settles_in_s(), 3),
            "lacking": self._lacking,
            "otherwise": self._otherwise(own),
            "trouble": self.trouble,
            "unknown": self.unknown,
            "goes_on": self.goes_on,
        }

    def _go(
        self, aim: Aim | None, lost_of: Sequence[SyncDaemon], events: list[Event]
    ) -> tuple[Sequence[SyncDaemon], str]:
        """Take step after step, add what there is to tell; return what runs then, and why a step was not taken."""
        sync, trouble = self._sync, ""
        sync.refused.clear()
        found = self._read()
        lost = _lost([one for one in lost_of if sync.ours.get(one.sender) == one.sync_id], found, sync.role)
        for _ in range(ROUNDS):
            steps = sync.steps(aim, found, self._backup_only, time.monotonic())
            if not steps:
                break
            for step in steps:
                refusal = self._take(step)
                sync.done(step, aim, refused=bool(refusal))
                trouble = refusal or trouble
                events += [self._told(step, lost=lost)] if not refusal else []
            found = self._read()
        return found, trouble

    def _read(self) -> Sequence[SyncDaemon]:
        self._backup_only = self._machine.read([BACKUP_ONLY])[BACKUP_ONLY]
        return self._control.daemons()

    def _other_trouble(self) -> str:
        for other in self._sync.foreign:
            state = _state(other)
            words = f"a sync daemon {state} of somebody else runs on {other.interface}, with id {other.sync_id}"
            return f"{words}, and is left: ipvsadm --stop-daemon {state} makes room for that of lvs.cf"
        if self._sync.role == STANDBY and self._wanted is not None and self._backup_only is None:
            return f"this kernel has no {BACKUP_ONLY}"
        return ""

    def _aim(self, config: Config) -> tuple[Aim | None, str]:
        wanted = config.kernel.sync
        if wanted is None:
            return None, ""
        place: Place | str
        self._there = None
        try:
            self._there, addresses = self._control.interfaces()
            place = place_of(wanted.device, config, self.node, self._there, addresses)
        except (PiranhaError, OSError) as error:
            place = str(error)  # who is active must balance all the same
        daemon = SyncDaemon(
            sender=False,
            interface=wanted.device if isinstance(place, str) else place.name,
            sync_id=wanted.sync_id,
            max_length=wanted.max_length,
            group=wanted.group,
            port=wanted.port,
            ttl=wanted.ttl,
        )
        return (Aim(daemon, None), place) if isinstance(place, str) else (Aim(daemon, place), "")

    def _take(self, step: Step) -> str:
        match step:
            case SetBackupOnly(value):
                why = self._machine.write(BACKUP_ONLY, value)
                return f"{BACKUP_ONLY} cannot be set to {value}: {why}" if why else ""
            case Start(daemon):
                why = self._control.start(daemon)
                return f"sync daemon {_state(daemon)} cannot be started: {why}" if why else ""
            case Stop(daemon, _):
                why = self._control.stop(daemon)
                return f"sync daemon {_state(daemon)} cannot be stopped: {why}" if why else ""

    def _told(self, step: Step, *, lost: bool) -> Event:
        role = f"this router is {self._sync.role}" if self._sync.role else ""
        match step:
            case SetBackupOnly(value):
                rule = "the active router balances" if value == "0" else "a standby balances nothing a second time"
                return _event(f"{BACKUP_ONLY} set", self._backup_only or "", value, rule, role)
            case Start(daemon) if lost:
                cause = "stopped by somebody else"
                return _event("sync daemon started", "", _state(daemon), "syncdaemon = 1", cause, bad=True)
            case Start(daemon):
                return _event("sync daemon started", "", _state(daemon), "syncdaemon = 1", role)
            case Stop(daemon, why):
                return _event("sync daemon stopped", _state(daemon), "", "", why)

    def _serving(self, own: SyncDaemon | None) -> str:
        """Return what synchronises connections, in words; a daemon outlives its interface, and does nothing then."""
        if own is None or self._sync.ours.get(own.sender) != own.sync_id:
            return ""
        if self._there is not None and own.interface not in {link.name for link in self._there}:
            return ""
        return f"sync daemon {_state(own)} on {own.interface} with id {own.sync_id}"

    def _otherwise(self, own: SyncDaemon | None) -> str:
        """Return what the kernel made otherwise of a daemon that was started here: `syncd_port 8848 -> 9000`."""
        return self._sync.otherwise[own.sender][1] if own is not None and own.sender in self._sync.otherwise else ""

    def _fallen_short(self, own: SyncDaemon | None) -> list[Event]:
        """Tell what the kernel does not give the daemon although it took the order, and when it does."""
        parts = [f"this kernel knows no {', '.join(self._lacking)}: Linux 4.3 does"] if self._lacking else []
        if otherwise := self._otherwise(own):
            parts.append(f"it has made it otherwise: {otherwise}")
        before, self._shortfall = self._shortfall, "; ".join(parts)
        if before == self._shortfall:
            return []
        if parts:
            message = "the kernel does not give the sync daemon all that the file asks for"
            return [_event(message, "", "", "read back after the start", self._shortfall, bad=True)]
        if own is None:
            return []
        return [_event("the sync daemon has all that the file asks for", before, "", "", "")]

    def _troubled(self, trouble: str, serving: str = "", *, unknown: bool = False) -> list[Event]:
        """Tell when trouble begins, ends, or is another one. serving: what synchronises connections all the same."""
        before, went_on, unread = self.trouble, self.goes_on, self.unknown
        self.trouble, self.goes_on, self.unknown = trouble, serving if trouble else "", unknown
        if (before, went_on, unread) == (self.trouble, self.goes_on, self.unknown):
            return []
        if trouble:
            message = "connections are not synchronised"
            if unknown:
                message = "whether connections are synchronised is unknown"
            if serving:
                message = f"connections are synchronised, but not as they should be: by {serving}"
            return [_event(message, "", "", "tried again with each look", trouble, bad=True)]
        if self._wanted is None:
            message = "synchronisation is not asked for any more"
        elif not serving:
            message = "nothing keeps connections from being synchronised any more"
        elif unread:
            message = "connections are synchronised: that can be read again"
        else:
            message = f"connections are synchronised {'as they should be' if went_on else 'again'}"
        return [_event(message, before, "", "", "")]

    def _remember(self, found: Sequence[SyncDaemon]) -> None:
        """Keep on disk what is ours, for an lvs daemon that finds another file; only memory has it where that fails."""
        sync = self._sync
        sync.ours = {one.sender: one.sync_id for one in found if sync.ours.get(one.sender) == one.sync_id}
        if sync.ours != self._on_disk:
            ours = {_state(one): one.sync_id for one in found if one.sender in sync.ours}
            with contextlib.suppress(OSError):
                self._kept.write({FILE: json.dumps(ours).encode()})
                self._on_disk = dict(sync.ours)


def _event(message: str, before: str, after: str, rule: str, cause: str, *, bad: bool = False) -> Event:
    return Event(
        when_s=time.monotonic(),
        subject=SUBJECT,
        message=message,
        before=before,
        after=after,
        rule=rule,
        cause=cause,
        level=Level.WARNING if bad else Level.INFO,
    )


def _state(daemon: SyncDaemon) -> str:
    """Return the kernel's word for what a daemon does."""
    return "master" if daemon.sender else "backup"


def _lost(before: Sequence[SyncDaemon], found: Sequence[SyncDaemon], role: str) -> bool:
    """Whether the daemon of this role ran and does not any more."""
    ran, runs = ([one for one in those if one.sender is (role == ACTIVE)] for those in (before, found))
    return bool(ran) and not runs


def _read(kept: StateFiles) -> dict[bool, int]:
    try:
        found = json.loads(kept.read(FILE))
        return {state == "master": int(sync_id) for state, sync_id in found.items()}
    except (OSError, *MISSHAPEN):
        return {}
