"""Shell: the table of a start that finds none, put in place before the loop and all that serves it are loaded.

Nothing is decided here: it is what the first pass of `lvsd` would do, by the same functions, where nothing but the
file has a say in it. That pass follows, reads the table back and finds it right, or puts it right.
"""

import time
from collections.abc import Mapping, Sequence

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass
from piranha.events.event import Event
from piranha.forwarding.apply import apply_safely
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane, Refusal
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import named
from piranha.lvsd.ours import Ours
from piranha.lvsd.outlook import pools_for
from piranha.lvsd.reconcile import Pass, Reconciler
from piranha.table.desired import NO_EDITS, Verdict, services_of
from piranha.table.mark_rules import wanted_rules
from piranha.table.table import Table

HAVE_A_SAY = (
    "lvsd-by-hand.json",
    "lvsd-leaving.json",
    "lvsd-maintenance.json",
    "lvsd-mark-rules.json",
    "lvsd-sync.json",
)
"""Kept files of earlier starts that may make the table another one than the file does."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put into the table, for `KeptTable` to go on from.

    reconciler: has made `plan`, and has not heard yet what came of it. trouble: why the state folder does not have
    what is ours, empty when it has.
    """

    reconciler: Reconciler
    plan: Pass
    refusals: Sequence[Refusal]
    trouble: str

    def done(self, live: Table, now: float) -> list[Event]:
        """Return what there is to say of it. live: the table as read afterwards."""
        # Of what somebody else changes meanwhile the next pass hears.
        left = live if self.refusals else self.plan.wanted
        return self.reconciler.done(self.plan, self.refusals, left, now)


def fill(config: Config, kept: StateFiles, plane: Plane | None = None) -> Filled | None:
    """Add all services of `config`, if the table has none of them; None, and nothing is touched, where it does more.

    The daemon must be the only one. plane: IPVS, unless a test says otherwise; closed afterwards. Never raises:
    trouble is met, and told, by the first pass.
    """
    if not _alone(config, kept):
        return None
    plane = plane or IpvsPlane()
    try:
        return _filled(config, kept, plane)
    except (PlaneUnavailable, OSError):
        return None
    finally:
        plane.close()


def _alone(config: Config, kept: StateFiles) -> bool:
    """Whether nothing but the file has a say in its first table, and nothing must come before it."""
    kernel = named(config) or config.kernel.sync is not None or wanted_rules(config)
    return not (kernel or config.lvsd.maintenance_dir or any(map(kept.has, HAVE_A_SAY)))


def _filled(config: Config, kept: StateFiles, plane: Plane) -> Filled | None:
    wanted, ours = services_of(config), Ours(kept)
    # Of a table that is there one service mostly is the first of the file: to see that takes less than to read it.
    if not wanted or plane.dump([next(iter(wanted))]):
        return None
    live = plane.dump()
    if any(key in live for key in ours.services | wanted.keys()):
        return None
    reconciler = Reconciler()
    plan = reconciler.prepare(config, _verdicts(config, live), live, ours.services | wanted.keys(), wall_s=time.time())
    if plan.edits != NO_EDITS:
        return None
    # A crash must not make them somebody else's.
    trouble = ours.keep(ours.services | wanted.keys()) or ""
    return Filled(reconciler, plan, apply_safely(plane, plan.changes), trouble)


def _verdicts(config: Config, live: Table) -> Mapping[tuple[str, str], Verdict]:
    now, found = time.monotonic(), dict[tuple[str, str], Verdict]()
    for pool in pools_for(config, live, {}, now).values():
        found.update(pool.verdicts(now))
    return found
