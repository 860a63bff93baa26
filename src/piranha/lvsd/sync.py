"""Connection synchronisation: which sync daemons of the kernel run in which role, and the steps to there.

The active router sends its connections (the kernel's state *master*), the standby takes them in (*backup*) with
net.ipv4.vs.backup_only = 1, so that it balances nothing that the active router has sent it. After a change of role
both daemons run on both routers for SETTLE_S: what the former active router had not sent yet (up to 3 s of
connections) still gets across. Source: docs/failover.md, decision 20.
"""

from collections.abc import Sequence

from piranha.dataclass import dataclass, field, replace
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.sync_daemons import differences

ACTIVE, STANDBY = "active", "standby"
BACKUP_ONLY = "net.ipv4.vs.backup_only"
SETTLE_S = 4.5
"""So long after a change of role connections that were not sent yet may come."""


@dataclass(frozen=True, slots=True)
class Place:
    """The interface of synchronisation: its name, and its number, which changes when it is made anew."""

    name: str
    index: int


@dataclass(frozen=True, slots=True)
class Aim:
    """What the file asks for. daemon: its attributes, whichever state. place: None = nowhere on this router."""

    daemon: SyncDaemon
    place: Place | None


@dataclass(frozen=True, slots=True)
class SetBackupOnly:
    """Write net.ipv4.vs.backup_only."""

    value: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start a sync daemon."""

    daemon: SyncDaemon


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a sync daemon. why: for the record."""

    daemon: SyncDaemon
    why: str


Step = SetBackupOnly | Start | Stop


@dataclass(slots=True)
class Sync:
    """Decides which daemons run.

    ours: sync ids of the daemons that this lvs daemon started or adopted, by sender. refused: what the kernel
    did not do in this look. foreign: daemons of others that keep ours from running. otherwise: by sender how the
    kernel made one that was started here, and which one was asked for: to start it again would change nothing.
    """

    ours: dict[bool, int] = field(default_factory=dict)
    refused: list[Step] = field(default_factory=list)
    foreign: list[SyncDaemon] = field(default_factory=list)
    otherwise: dict[bool, tuple[SyncDaemon, str]] = field(default_factory=dict)
    role: str = ""
    _settled_at: float = 0.0
    _indices: dict[bool, int] = field(default_factory=dict)
    _fresh: set[bool] = field(default_factory=set)  # started, and not seen since

    def enter(self, role: str, now: float) -> None:
        """Take in the role of this router, `active` or `standby`; empty while nobody has said it."""
        if self.role and role != self.role:
            self._settled_at = now + SETTLE_S
        self.role = role

    def settles_in_s(self, now: float) -> float:
        """Return how long both daemons still run, 0 when the change of role is over."""
        return max(0.0, self._settled_at - now)

    def steps(self, aim: Aim | None, found: Sequence[SyncDaemon], backup_only: str | None, now: float) -> list[Step]:
        """Return what is to be done next, nothing when all is as it should be.

        aim: None = no synchronisation. backup_only: None = this kernel does not have it. Call it again with what is
        there afterwards: some steps come only after others.
        """
        self.foreign = []
        if aim is None:
            return [Stop(one, "syncdaemon = 0") for one in found if self.ours.get(one.sender) == one.sync_id]
        if not self.role:
            return []
        sends = self.role == ACTIVE
        wanted = replace(aim.daemon, sender=sends)
        mine = next((one for one in found if one.sender is sends), None)
        other = next((one for one in found if one.sender is not sends), None)
        balances = not sends or other is None or backup_only in (None, "0")
        steps = self._mode(sends=sends, beside=other, backup_only=backup_only)
        if other is not None and not steps:
            steps += self._leave(aim, other, safe=balances, now=now)
        # A router that sends must balance; with a backup daemon and backup_only = 1 it would not.
        if balances and aim.place is not None:
            steps += self._have(aim.place, wanted, mine)
        return [step for step in steps if step not in self.refused]

    def done(self, step: Step, aim: Aim | None, *, refused: bool) -> None:
        """Take in what became of a step."""
        if refused:
            self.refused.append(step)
            return
        match step:
            case Start(daemon) if aim is not None and aim.place is not None:
                self.ours[daemon.sender] = daemon.sync_id
                self._indices[daemon.sender] = aim.place.index
                self._fresh.add(daemon.sender)
            case Stop(daemon):
                self.ours.pop(daemon.sender, None)
                self._indices.pop(daemon.sender, None)
                self.otherwise.pop(daemon.sender, None)
                self._fresh.discard(daemon.sender)

    def _mode(self, *, sends: bool, beside: SyncDaemon | None, backup_only: str | None) -> list[Step]:
        """Return the write of backup_only; on the active router it matters only while connections are taken in."""
        value = "0" if sends else "1"
        step = SetBackupOnly(value)
        needed = backup_only not in (None, value) and (not sends or beside is not None)
        return [step] if needed and step not in self.refused else []

    def _leave(self, aim: Aim, other: SyncDaemon, *, safe: bool, now: float) -> list[Step]:
        """Return the end of the daemon of the other role, once all is across."""
        if not self._is_ours(aim.daemon, other):
            return []
        if safe and self.settles_in_s(now) > 0:
            return []
        return [Stop(other, f"this router is {self.role}")]

    def _have(self, place: Place, wanted: SyncDaemon, mine: SyncDaemon | None) -> list[Step]:
        if mine is None:
            return [Start(wanted)]
        if not self._is_ours(wanted, mine):
            self.foreign = [mine]
            return []
        why = self._repairable(wanted, mine)
        if not why and self._indices.get(mine.sender, place.index) != place.index:
            why = f"{place.name} was made anew"
        if why:
            return [Stop(mine, why), Start(wanted)]
        # Adopted: it runs as the file asks.
        self.ours[mine.sender] = mine.sync_id
        self._indices[mine.sender] = place.index
        return []

    def _repairable(self, wanted: SyncDaemon, mine: SyncDaemon) -> str:
        """Return what another start would put right of a daemon, in words."""
        why = differences(wanted, mine)
        if why and mine.sender in self._fresh:
            self.otherwise[mine.sender] = wanted, why
        self._fresh.discard(mine.sender)
        if self.otherwise.get(mine.sender) == (wanted, why):
            return ""
        self.otherwise.pop(mine.sender, None)
        return why

    def _is_ours(self, wanted: SyncDaemon, daemon: SyncDaemon) -> bool:
        return daemon.sync_id in (self.ours.get(daemon.sender), wanted.sync_id)
