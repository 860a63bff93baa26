"""How everything stands that a plan needs: as a value, as data of the control verb `standing`, and the plan itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from piranha.change.plan import Plan, plan
from piranha.change.plan_sync import SyncSeen
from piranha.dataclass import dataclass, field
from piranha.forwarding.plane import ServiceStatistics
from piranha.forwarding.userspace.protocol import statistics_data, statistics_from, table_data, table_from
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config
from piranha.lvsd.by_hand import edits_data, edits_from, target_data, target_from
from piranha.lvsd.leaving import leaver_data, leaver_from
from piranha.lvsd.maintenance import Marks
from piranha.lvsd.marked import marked_data, marked_from
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import NOTHING_BELIEVED, Belief, Beliefs, outlook
from piranha.lvsd.pool import ServerKey
from piranha.lvsd.sync_seen import sync_data, sync_from
from piranha.nanny.results import Advice
from piranha.table.desired import NO_EDITS
from piranha.table.key_data import service_data, service_from
from piranha.table.leaving import Leaver
from piranha.table.mark_rules import Marked
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.table.targets import Target
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is at `now`, monotonic seconds; the rest is as for `change.plan.plan`."""

    live: Table
    statistics: Mapping[ServiceKey, ServiceStatistics] | None = None
    beliefs: Beliefs = NOTHING_BELIEVED
    ours: frozenset[ServiceKey] = frozenset()
    leaving: tuple[Leaver, ...] = ()
    refused: Mapping[Target, str] = field(default_factory=dict)
    held: frozenset[Address] | None = None
    kernel: Mapping[str, str] | None = None
    refused_settings: Mapping[str, str] = field(default_factory=dict)
    marked: Marked | None = None
    sync: SyncSeen | None = None
    now: float = 0.0

    def plan(self, before: Config | None, after: Config, *, only_changed: bool = False) -> Plan:
        """Return what `after` would change; before: the file in force, None while no daemon runs.

        only_changed: see `change.plan.plan`; this then needs what stands of `lvscf.changed.apart` alone.
        """
        parts = apart(before, after) if only_changed and before is not None else (before, after)
        seen = outlook(*parts, self.live, self.beliefs, self.now)
        return plan(
            before,
            after,
            self.live,
            statistics=self.statistics,
            verdicts=seen.now,
            believed=seen.then,
            ours=self.ours,
            leavers=self.leaving,
            edits=self.beliefs.edits,
            refused=self.refused,
            held=self.held,
            kernel=self.kernel,
            refused_settings=self.refused_settings,
            marked=self.marked,
            sync=self.sync,
            now=self.now,
            only_changed=only_changed,
        )


def standing_data(standing: Standing) -> dict[str, object]:
    """Return what lvsd answers; `held` is not its to know."""
    return {
        "now": standing.now,
        "beliefs": [
            {"virtual": virtual, "server": server, **asdict(belief)}
            for (virtual, server), belief in standing.beliefs.servers.items()
        ],
        "below_quorum": sorted(standing.beliefs.below_quorum),
        "ours": [service_data(key) for key in standing.ours],
        "maintenance": {
            "folder": standing.beliefs.marks.folder,
            "names": sorted(standing.beliefs.marks.names),
        },
        "by_hand": edits_data(standing.beliefs.edits),
        "leaving": [leaver_data(leaver) for leaver in standing.leaving],
        "refused": [{**target_data(target), "why": why} for target, why in standing.refused.items()],
        "table": table_data(standing.live),
        "statistics": statistics_data(standing.statistics or {}),
        "kernel": None if standing.kernel is None else dict(standing.kernel),
        "refused_settings": dict(standing.refused_settings),
        "marked": None if standing.marked is None else marked_data(standing.marked),
        "sync": None if standing.sync is None else sync_data(standing.sync),
    }


def standing_from(data: Mapping[str, Any]) -> Standing:
    """Read what `standing_data` made. Raises one of MISSHAPEN for anything else."""
    return Standing(
        now=float(data["now"]),
        beliefs=Beliefs(
            servers=dict(map(_belief, data["beliefs"])),
            below_quorum=frozenset(data["below_quorum"]),
            marks=_marks(data.get("maintenance", {})),
            edits=edits_from(data["by_hand"]) if "by_hand" in data else NO_EDITS,
        ),
        ours=frozenset(map(service_from, data["ours"])),
        leaving=tuple(map(leaver_from, _rows(data.get("leaving", [])))),
        refused={target_from(row): str(row["why"]) for row in _rows(data.get("refused", []))},
        live=table_from(_rows(data["table"])),
        statistics=statistics_from(_rows(data["statistics"])),
        kernel=_kernel(data.get("kernel")),
        refused_settings=_kernel(data.get("refused_settings")) or {},
        marked=marked_from(found) if isinstance(found := data.get("marked"), dict) else None,
        sync=sync_from(seen) if isinstance(seen := data.get("sync"), dict) else None,
    )


def _marks(data: Mapping[str, Any]) -> Marks:
    return Marks(str(data.get("folder", "")), frozenset(map(str, _rows(data.get("names", [])))))


def _kernel(data: object) -> dict[str, str] | None:
    # A daemon of another version does not tell.
    return {str(setting): str(value) for setting, value in data.items()} if isinstance(data, dict) else None


def _rows(data: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    if not isinstance(data, list):
        raise TypeError("not a list")
    return data


def _belief(row: Mapping[str, Any]) -> tuple[ServerKey, Belief]:
    recovered_s = row["recovered_s"]
    # What a daemon of another version says of weights by checks is nothing.
    advices = tuple(Advice(float(one["value"]), one["percent"] is True) for one in row.get("advices", ()))
    belief = Belief(
        Health(row["health"]), float(row["since_s"]), None if recovered_s is None else float(recovered_s), advices
    )
    return (str(row["virtual"]), str(row["server"])), belief
