"""A plan as a value: what a new lvs.cf changes, line by line, and what each change costs."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from piranha.dataclass import dataclass
from piranha.table.changes import Change
from piranha.table.service import ServiceKey


class Kind(StrEnum):
    """What a change costs, from nothing upward: the words of `--allow`."""

    SAFE = "safe"  # no connection ends, nobody who serves stops serving
    DRAINS = "drains"  # a server gets no new connections; none ends before its time
    DISRUPTIVE = "disruptive"  # connections end, or the routers may lose each other


RANK = {kind: rank for rank, kind in enumerate(Kind)}


class Sign(StrEnum):
    """What happens to the subject of a line."""

    ADDED = "+"
    REMOVED = "-"
    EDITED = "~"
    MOVED = ">"


class About(StrEnum):
    """What a line is about; every one has a golden file."""

    VIRTUAL_ADDED = "virtual-added"
    VIRTUAL_REMOVED = "virtual-removed"
    VIRTUAL_ACTIVATED = "virtual-activated"
    VIRTUAL_DEACTIVATED = "virtual-deactivated"
    VIRTUAL_RENAMED = "virtual-renamed"
    VIRTUAL_INACTIVE = "virtual-inactive"
    VIP_ADDED = "vip-added"
    VIP_REMOVED = "vip-removed"
    VIP_MOVED = "vip-moved"
    VIP_PLACE = "vip-place"
    VIP_MISSING = "vip-missing"
    SERVICE_MOVED = "service-moved"
    SCHEDULER = "scheduler"
    PERSISTENCE = "persistence"
    POOL_RULES = "pool-rules"
    SORRY_SERVER = "sorry-server"
    DRAIN_TIME = "drain-time"
    CHECK = "check"
    CHECK_TIMING = "check-timing"
    SERVER_ADDED = "server-added"
    SERVER_REMOVED = "server-removed"
    SERVER_LEAVING = "server-leaving"
    SERVER_RENAMED = "server-renamed"
    SERVER_MOVED = "server-moved"
    SERVER_INACTIVE = "server-inactive"
    WEIGHT = "weight"
    THRESHOLDS = "thresholds"
    FORWARDING = "forwarding"
    ROUTERS = "routers"
    HEARTBEAT = "heartbeat"
    HEARTBEAT_TIMING = "heartbeat-timing"
    STANDBY = "standby"
    VIP_SETTINGS = "vip-settings"
    NAT_ROUTER = "nat-router"
    LINKS = "links"
    COMMANDS = "commands"
    NANNIES = "nannies"
    RESTART = "restart"
    TIMEOUTS = "timeouts"
    KERNEL = "kernel"
    MARK_RULES = "mark-rules"
    SYNC = "sync"
    LVSD = "lvsd"
    CHANGES = "changes"
    ORDER = "order"
    OTHER = "other"
    TABLE_SERVICE_ADDED = "table-service-added"
    TABLE_SERVICE_EDITED = "table-service-edited"
    TABLE_SERVICE_REMOVED = "table-service-removed"
    TABLE_SERVER_ADDED = "table-server-added"
    TABLE_SERVER_EDITED = "table-server-edited"
    TABLE_SERVER_REMOVED = "table-server-removed"
    WEIGHT_BY_HAND = "weight-by-hand"
    SERVER_BY_HAND = "server-by-hand"
    ENDS_BY_HAND = "ends-by-hand"
    LEFT_AS_IT_IS = "left-as-it-is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One change.

    subject: `www`, `www/web4`, `VIP`, `heartbeat`. what: before and after. effect: what comes of it.
    ends: connections that end, active and inactive ones; None where nobody can count them. changes:
    those steps of the table that belong to this line, as `table.diff` makes them now.
    """

    kind: Kind
    sign: Sign
    about: About
    subject: str
    what: str
    effect: str
    ends: int | None = 0
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        return f"{self.sign} {self.subject} {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemons:
    """What the daemons do. Counted are the checks that run; those that are shared once.

    restart: daemons that must be started again for all of the file to count.
    """

    checks_start: int = 0
    checks_stop: int = 0
    checks_go_on: int = 0
    restart: tuple[str, ...] = ()
    heartbeat_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a new file changes.

    lines: safe ones first, each kind in the order of the file. drift: what somebody else changed in our services; it
    is put back with or without the new file. refused: what of the file in force the plane or the kernel does not
    take, and why; tried again with or without the new file. waiting: servers of the file that are not served now,
    nothing being known of them (`Line` with what they wait for); filled only without a file in force. leaving:
    servers that leave already, with or without the new file. by_hand: what somebody else changed in our services, and
    that stays; ended: what of it the new file ends (the steps are in `lines`). left_alone: services of others.
    """

    lines: tuple[Line, ...] = ()
    drift: tuple[Line, ...] = ()
    refused: tuple[Line, ...] = ()
    waiting: tuple[Line, ...] = ()
    leaving: tuple[Line, ...] = ()
    by_hand: tuple[Line, ...] = ()
    ended: tuple[Line, ...] = ()
    left_alone: tuple[ServiceKey, ...] = ()
    daemons: Daemons | None = None

    @property
    def empty(self) -> bool:
        """Whether the new file changes nothing. Drift and services of others are no changes of the file."""
        return not self.lines

    @property
    def counts(self) -> dict[Kind, int]:
        """How many lines there are of each kind."""
        found = Counter(line.kind for line in self.lines)
        return {kind: found[kind] for kind in Kind}

    @property
    def highest(self) -> Kind | None:
        """The most that a line costs: what `--allow` must name; None for an empty plan."""
        return max((line.kind for line in self.lines), key=RANK.__getitem__, default=None)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every step of the table that the plan and the drift name."""
        found = dict.fromkeys(change for line in (*self.lines, *self.drift, *self.refused) for change in line.changes)
        return tuple(found)


SUMMARY_LINES = 5
"""Lines that `summary` says in full."""


def counted(plan: Plan) -> str:
    """Return `6 changes: 3 safe, 2 drain, 1 disruptive`."""
    total = len(plan.lines)
    words = {Kind.SAFE: "safe", Kind.DRAINS: "drain", Kind.DISRUPTIVE: "disruptive"}
    kinds = [f"{number} {words[kind]}" for kind, number in plan.counts.items() if number]
    return f"{total} change{'' if total == 1 else 's'}" + (f": {', '.join(kinds)}" if kinds else "")


def summary(plan: Plan) -> str:
    """Return the plan in few words, one line for a log: how many changes, the costly ones first, and what ends."""
    if plan.empty:
        return "no changes"
    said = _first(sorted(plan.lines, key=lambda line: -RANK[line.kind]))
    ends = f"; what was done by hand ends: {_first(plan.ended)}" if plan.ended else ""
    return f"{counted(plan)}; {said}{ends}"


def _first(lines: Sequence[Line]) -> str:
    rest = len(lines) - SUMMARY_LINES
    return "; ".join([*map(str, lines[:SUMMARY_LINES]), *([f"{rest} more"] if rest > 0 else [])])
