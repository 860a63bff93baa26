"""The plan of a change: what a new lvs.cf would do to what is there now, before anything is done."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from piranha.change.plan_by_hand import by_hand_lines, ended_lines
from piranha.change.plan_costs import costed
from piranha.change.plan_kernel import kernel_drift, kernel_lines
from piranha.change.plan_lines import RANK, About, Daemons, Kind, Line, Plan, Sign, counted, summary
from piranha.change.plan_marks import mark_drift, mark_lines
from piranha.change.plan_settings import heartbeat_changes, restarts, setting_lines
from piranha.change.plan_sync import SyncSeen, sync_drift, sync_lines
from piranha.change.plan_table import later_lines, leaving_lines, table_lines, waiting_lines
from piranha.change.plan_virtuals import virtual_lines
from piranha.change.plan_world import World, drifted, world
from piranha.dataclass import replace
from piranha.forwarding.plane import ServiceStatistics
from piranha.lvscf.changed import apart
from piranha.lvscf.check_values import run_key
from piranha.lvscf.config import Config, meaning
from piranha.table.changes import AddDestination, Change
from piranha.table.desired import NO_EDITS, Edits, Verdicts
from piranha.table.leaving import Leaver
from piranha.table.mark_rules import Marked
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.table.targets import Target, names_of, target_of
from piranha.terms import Address

__all__ = ["About", "Daemons", "Kind", "Line", "Plan", "Sign", "counted", "plan", "summary"]


def plan(
    before: Config | None,
    after: Config,
    live: Table,
    *,
    statistics: Mapping[ServiceKey, ServiceStatistics] | None = None,
    verdicts: Verdicts | None = None,
    believed: Verdicts | None = None,
    ours: Collection[ServiceKey] = (),
    leavers: Sequence[Leaver] = (),
    edits: Edits = NO_EDITS,
    refused: Mapping[Target, str] | None = None,
    held: Collection[Address] | None = None,
    kernel: Mapping[str, str] | None = None,
    refused_settings: Mapping[str, str] | None = None,
    marked: Marked | None = None,
    sync: SyncSeen | None = None,
    only_changed: bool = False,
    now: float = 0.0,
) -> Plan:
    """Return what changes when `after` comes into force.

    before: the file in force; None while no daemon of ours is in charge: then the table alone counts, with what
    somebody else made of the same servers. live, statistics: what the plane holds, services of others included, and
    its connections; None where they cannot be counted. verdicts: what is believed of the servers of `before`;
    believed: what will be of those of `after`, see `lvsd.outlook`; left out = the same. ours: what earlier files
    named. leavers: servers that leave already, at `now`, monotonic seconds. edits: what others have changed. refused:
    what the plane refuses of the file in force, and why. held: addresses of this machine, for a plan without
    `before`. kernel: settings that it has (`lvscf.kernel_named`), None where nobody knows. refused_settings: why, of
    those that it does not take. marked, sync: its mark rules and its sync daemon, None where nobody knows or need
    know. only_changed: look only at virtual servers that both files do not share (`lvscf.changed`): the same lines,
    and nothing of drift there, of what is left alone and of the daemons; live and statistics need no services of
    others.

    The steps that `table.diff` makes of `table.desired` are those that lines, drift and refused name, and no others.
    Two files of one meaning (`lvscf.config.meaning`) give an empty plan.
    """
    known = verdicts or {}
    old, new = apart(before, after) if only_changed and before is not None else (before, after)
    seen = world(
        before,
        after,
        live,
        statistics=statistics,
        verdicts=known,
        believed=known if believed is None else believed,
        ours=ours,
        leavers=leavers,
        edits=edits,
        parts=(old, new),
    )
    if before is None:
        lines = [*_missing_vips(after, held), *kernel_lines(None, after, kernel), *mark_lines(None, after, marked)]
        return _of_the_table(seen, after, lines, _others(seen, ours))
    told = [*virtual_lines(seen), *mark_lines(before, after, marked), *setting_lines(before, after)]
    told += [*kernel_lines(before, after, kernel), *sync_lines(before, after, sync)]
    drifting = partial(drifted, old or before, live, known, ours, leavers, edits=edits)
    lines, drift, again = _complete(seen, (old or before, new), told, drifting, refused or {})
    beside = [kernel_drift(before, after, kernel, refused_settings or {}), sync_drift(before, after, sync)]
    drift += [*mark_drift(before, after, marked), *(line for repaired, _ in beside for line in repaired)]
    made = Plan(
        lines=_sorted(seen, lines or _order(before, after)),
        drift=_sorted(seen, drift),
        refused=_sorted(seen, [*again, *(line for _, hindered in beside for line in hindered)]),
        leaving=tuple(leaving_lines(seen, now)),
        ended=ended_lines(seen),
    )
    if only_changed:
        return made
    return replace(made, by_hand=by_hand_lines(seen), left_alone=_others(seen, ours), daemons=_daemons(before, after))


def _others(seen: World, ours: Collection[ServiceKey]) -> tuple[ServiceKey, ...]:
    """Return the services of others."""
    return tuple(key for key in seen.live if key not in ours and key not in seen.had and key not in seen.has)


def _of_the_table(seen: World, after: Config, others: list[Line], left_alone: tuple[ServiceKey, ...]) -> Plan:
    """Return the plan where no file is in force. others: lines that are not about the table."""
    names = names_of(after)
    lines = [*others, *table_lines(seen, seen.changes, names), *later_lines(seen, names)]
    return Plan(
        lines=_sorted(seen, lines),
        waiting=tuple(waiting_lines(seen)),
        by_hand=by_hand_lines(seen),
        ended=ended_lines(seen),
        left_alone=left_alone,
    )


def _complete(
    seen: World,
    parts: tuple[Config, Config],
    told: list[Line],
    drifting: Callable[[], Collection[Change]],
    refused: Mapping[Target, str],
) -> tuple[list[Line], list[Line], list[Line]]:
    """Return the lines with those steps that none of them names; apart what is repaired, and refused, anyway."""
    named = {change for line in told for change in line.changes}
    rest = [change for change in seen.changes if change not in named]
    if not rest:
        return told, [], []
    drift, names = frozenset(drifting()), names_of(parts[0]) | names_of(parts[1])
    repaired = [change for change in rest if change in drift]
    own = [change for change in rest if change not in drift]
    again = [change for change in repaired if _why(change, refused) is not None]
    repaired = [change for change in repaired if _why(change, refused) is None]
    return (
        [*told, *table_lines(seen, own, names)],
        list(table_lines(seen, repaired, names)),
        [_refused(line, refused) for line in table_lines(seen, again, names)],
    )


def _why(change: Change, refused: Mapping[Target, str]) -> str | None:
    """Return why the plane refuses this, None if it does not. Servers cannot be added to a service that is refused."""
    why = refused.get(target_of(change))
    return refused.get((change.service, None)) if why is None and isinstance(change, AddDestination) else why


def _refused(line: Line, refused: Mapping[Target, str]) -> Line:
    """Return the line of a step that comes to nothing."""
    return replace(line, kind=Kind.SAFE, effect=_why(line.changes[0], refused) or "", ends=0)


def _missing_vips(after: Config, held: Collection[Address] | None) -> Iterator[Line]:
    """Yield VIPs that this machine lacks while it has others: a standby has none of them, rightly."""
    vips = after.floating_addresses()
    if held is None or not any(vip.address in held for vip in vips):
        return
    for vip in vips:
        if vip.address not in held:
            yield Line(
                kind=Kind.SAFE,
                sign=Sign.ADDED,
                about=About.VIP_MISSING,
                subject="VIP",
                what=str(vip.address),
                effect="is not on this machine, which has others of the file",
            )


def _order(before: Config, after: Config) -> list[Line]:
    """Return the line of a file that means something else although nothing else tells what."""
    if meaning(before) == meaning(after):
        return []
    line = Line(
        kind=Kind.SAFE,
        sign=Sign.EDITED,
        about=About.ORDER,
        subject="file",
        what="another order of its blocks",
        effect="nothing happens",
    )
    return [line]


def _sorted(seen: World, lines: Collection[Line]) -> tuple[Line, ...]:
    return tuple(sorted((costed(seen, line) for line in lines), key=lambda line: RANK[line.kind]))


def _daemons(before: Config, after: Config) -> Daemons:
    old, new = _runs(before), _runs(after)
    asked = {name: check for run in old for name, check in run}
    go_on = sum(any(asked.get(name) == check for name, check in run) for run in new)
    return Daemons(
        checks_start=len(new) - go_on,
        checks_stop=max(0, len(old) - go_on),
        checks_go_on=go_on,
        restart=restarts(before, after),
        heartbeat_changes=heartbeat_changes(before, after),
    )


Asked = tuple[tuple[str, str, int], object]
"""A check: of which server it is and its number there, and what it asks."""


def _runs(config: Config) -> list[list[Asked]]:
    """Return what is run: one check, or several that share a run."""
    runs: dict[object, list[Asked]] = {}
    for virtual in config.active_virtuals():
        for server in virtual.servers:
            for number, one in enumerate(server.all_checks() if server.active else ()):
                where = one.address or server.address, one.port or server.port
                name = (virtual.name, server.name, number)
                key = run_key(*where, one.check, one.timing) if config.lvsd.share_checks else name
                runs.setdefault(key, []).append((name, (where, one.check)))
    return list(runs.values())
