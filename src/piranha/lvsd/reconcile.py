"""One pass over the table: what to change, what others changed, what was refused; in words.

A pass reads the live table, asks `plan` what to do, lets the plane do it and tells `done` what came
of it. Everything in between passes that an operator should hear is returned as events.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from piranha.dataclass import dataclass, field, replace
from piranha.events.event import Event, Level
from piranha.forwarding.plane import Refusal
from piranha.lvscf.config import Config, ForeignEdits, Virtual
from piranha.lvsd.together import ONE_BY_ONE, Told, together
from piranha.table.by_hand import Seen, noticed
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    describe,
)
from piranha.table.desired import NO_EDITS, Edits, Place, Verdicts, desired, services_of
from piranha.table.destination import Destination
from piranha.table.diff import diff
from piranha.table.leaving import Leaver
from piranha.table.left_alone import changed_by_others, left_alone
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.setting_words import destination_words, differing, settings_words
from piranha.table.table import Table
from piranha.table.targets import NO_NAMES, Names, Target, names_in, target_of

REPAIRED = "table repaired"
"""The sentence of the event that undoes what somebody else did."""

_SERVER_VERBS: Mapping[type, str] = {AddDestination: "added", EditDestination: "edited", RemoveDestination: "removed"}


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass is going to do.

    repairs: what others had changed, in words, with its target. part: the services that it is about, None = all.
    edits: what others changed and what stays. asked: what file and health ask for; `wanted` has in it what is left
    alone although they do.
    """

    live: Table
    wanted: Table
    changes: tuple[Change, ...]
    repairs: dict[Target, str]
    names: Names
    asked: Table
    edits: Edits = NO_EDITS
    part: Collection[ServiceKey] | None = None


@dataclass(slots=True)
class Reconciler:
    """Remembers between passes what was left behind and what is refused, and nothing of the table.

    Names in events are those of the file: `www`, `www/web3`.
    """

    _left: Table | None = field(default=None, init=False)
    _attempted: Table | None = field(default=None, init=False)  # while nobody knows what came of it
    _asked: Table = field(default_factory=dict, init=False)
    _services: dict[ServiceKey, Virtual] = field(default_factory=dict, init=False)
    _refused: dict[tuple[type, Target], Refusal] = field(default_factory=dict, init=False)
    _config: Config | None = field(default=None, init=False)
    _names: Names = field(default=NO_NAMES, init=False)
    _left_names: dict[Target, str] = field(default_factory=dict, init=False)  # of who has left since that file

    def prepare(
        self,
        config: Config,
        verdicts: Verdicts,
        live: Table,
        ours: Collection[ServiceKey],
        *,
        part: Collection[ServiceKey] | None = None,
        leaving: Mapping[Place, Leaver] | None = None,
        edits: Edits = NO_EDITS,
        wall_s: float = 0.0,
    ) -> Pass:
        """Return what turns `live` into what it should be, and name what others did since the last pass.

        ours: services that earlier files named; those of `config` are ours anyway. part: services that this pass
        is about; `live` and `config` have no others then. leaving: servers that the file does not name any more.
        edits: what others had done until the last pass, of all services. wall_s: the wall clock, for people.
        """
        services = services_of(config)
        edits = self._noticed(config.lvsd.foreign_edits, services, self._seen(live, leaving or (), wall_s), edits)
        wanted = asked = desired(config, verdicts, live, ours, leaving or (), edits=edits)
        if edits.reported:
            wanted = left_alone(live, self._asked, asked, edits.reported)
            others = edits.reported.items() if part is not None else ()
            known = {target: words for target, words in others if target[0] not in services}
            edits = replace(edits, reported=known | _still(wanted, asked, edits.reported))
        # Names of what has just left the file are still needed to say that it goes.
        names = self._names | Names(self._left_names.get)
        if part is not None or config is not self._config:
            names |= names_in(services)
        if part is None and config is not self._config:
            self._names, self._left_names, self._config = names_in(services), {}, config
        if leaving:
            # Their names are needed once more when they go.
            left: dict[Target, str] = {place: leaver.name for place, leaver in leaving.items()}
            self._left_names, names = self._left_names | left, names | Names(left.get)
        repairs = self._drift(live, wanted, services) if self._left is not None else {}
        self._attempted = wanted
        self._services = services if part is None else self._services | services
        return Pass(live, wanted, tuple(diff(live, wanted)), repairs, names, asked, edits, part)

    def noticed(self, config: Config, live: Table, leaving: Collection[Place], edits: Edits, wall_s: float) -> Edits:
        """Return `edits` with what others have done since the last pass, as far as `foreign_edits` lets it stay."""
        return self._noticed(config.lvsd.foreign_edits, services_of(config), self._seen(live, leaving, wall_s), edits)

    def _seen(self, live: Table, leaving: Collection[Place], wall_s: float) -> Seen:
        # At a start nothing is by hand.
        wrote = [] if self._left is None else [one for one in (self._left, self._attempted) if one is not None]
        return Seen(live=live, wrote=wrote, former=self._services, leaving=leaving, now_s=wall_s)

    def _noticed(self, mode: ForeignEdits, services: Mapping[ServiceKey, Virtual], seen: Seen, edits: Edits) -> Edits:
        match mode:
            case ForeignEdits.REPAIR:
                return NO_EDITS
            case ForeignEdits.ADOPT:
                return noticed(edits, services, seen)
            case ForeignEdits.REPORT:
                known = edits.reported.keys()
                found = changed_by_others(seen.wrote, seen.live, services, known, self._asked)
                return replace(edits, reported=dict.fromkeys(found, "") | dict(edits.reported)) if found else edits

    def done(self, plan: Pass, refusals: Sequence[Refusal], left: Table, now: float) -> list[Event]:
        """Take in what came of `plan`; return what there is to say.

        left: what the plane holds now: `plan.wanted`, or what was read again after a refusal. A
        change that is refused again for the same reason is not reported again.
        """
        self._attempted, starts = None, self._left is None
        if plan.part is None:
            self._left, self._asked, known = left, plan.asked, self._refused
        else:
            self._left = with_part(self._left or {}, left, plan.part)
            self._asked = with_part(self._asked, plan.asked, plan.part)
            known = {key: one for key, one in self._refused.items() if one.change.service in plan.part}
        refused = {_identity(refusal.change): refusal for refusal in _without_consequences(refusals)}
        failed = {_identity(refusal.change) for refusal in refusals}
        applied: Sequence[Change] = plan.changes
        if failed or plan.repairs:
            applied = [c for c in applied if _identity(c) not in failed and target_of(c) not in plan.repairs]
        events = together([_repaired(plan, target, words, now) for target, words in plan.repairs.items()])
        events += [_overwritten(event) if starts and event.before else event for event in _applied(plan, applied, now)]
        for key, refusal in refused.items():
            before = known.get(key)
            if before is None or before.code != refusal.code:
                events.append(_refusal(plan, refusal, now))
        for key, refusal in known.items():
            if key not in refused:
                events.append(_no_longer_refused(plan, refusal, now))
        self._refused = {key: one for key, one in self._refused.items() if key not in known} | refused
        return events

    @property
    def refused(self) -> list[str]:
        """What the plane refuses at the moment, in words."""
        return [f"{describe(refusal.change)}: {refusal.reason}" for refusal in self._refused.values()]

    @property
    def why_refused(self) -> dict[Target, str]:
        """Return of what the plane refuses at the moment why."""
        return {target: refusal.reason for (_, target), refusal in self._refused.items()}

    def _drift(self, live: Table, wanted: Table, services: dict[ServiceKey, Virtual]) -> dict[Target, str]:
        wrote = self._left or {}
        left = {key: wrote[key] for key in services if key in wrote}
        found = {key: live[key] for key in left if key in live}
        words: dict[Target, str] = {}
        gone = {key for key in left if key not in found}
        for change in diff(found, left):
            service, server = target = target_of(change)
            if service in gone and server is not None:
                continue  # went with its service
            if _entry(live, target) == (want := _entry(wanted, target)):
                continue  # nobody puts it back: it was to be so anyway, or stays so
            if isinstance(change, EditDestination) and isinstance(want, Destination):
                have = live[service].destinations[change.server]
                kept = replace(change.destination, weight=have.weight)
                if want.weight == have.weight != change.destination.weight and kept != have:
                    # Set by hand: it stays, the rest does not.
                    words[target] = _undone(replace(change, destination=kept), live)
                    continue
            words[target] = _undone(change, live)
        return words


def with_part(table: Table, found: Table, part: Collection[ServiceKey]) -> Table:
    """Return `table` with what was `found` of some of its services."""
    # A copy asks no key for its hash, which takes longer than all else.
    whole = dict(table)
    for key in part:
        whole.pop(key, None)
    return whole | dict(found)


def _entry(table: Table, target: Target) -> ServiceSettings | Destination | None:
    key, server = target
    if key not in table:
        return None
    return table[key].settings if server is None else table[key].destinations.get(server)


def _still(wanted: Table, asked: Table, targets: Collection[Target]) -> dict[Target, str]:
    """Return in words which of `targets` are left although they should be otherwise."""
    away = {key for key in asked if key not in wanted}
    found = ((target_of(change), change) for change in diff(wanted, asked))
    return {
        target: _found(change, wanted)
        for target, change in found
        if target in targets and (target[1] is None or target[0] not in away)
    }


_STILL = "{} is {}, should be {}"


def _found(change: Change, live: Table) -> str:
    """Say what somebody did that `change` would undo."""
    match change:
        case EditService(service, settings):
            return f"{service}: {_differences(service, live[service].settings, settings, _STILL)}"
        case EditDestination(service, server, destination):
            found = live[service].destinations[server]
            return f"server {server} of {service}: {_differences(service, found, destination, _STILL)}"
        case _:
            return _undone(change, live)


def _identity(change: Change) -> tuple[type, Target]:
    return type(change), target_of(change)


def _without_consequences(refusals: Sequence[Refusal]) -> list[Refusal]:
    # Servers cannot be added to a service that was refused: one cause, one line.
    missing = {refusal.change.service for refusal in refusals if isinstance(refusal.change, AddService)}
    return [r for r in refusals if isinstance(r.change, AddService) or r.change.service not in missing]


def subject_of(names: Names, target: Target) -> str:
    """Return what events call a target; names: of the file."""
    service, server = target
    if (name := names.get(target)) is not None:
        return name
    return f"{names.get((service, None), service)}/{server}" if server is not None else str(service)


def _undone(change: Change, live: Table) -> str:
    """Say what somebody did that `change` undoes."""
    match change:
        case AddService(service):
            return f"{service} was removed"
        case EditService(service, settings):
            return f"{service}: {_differences(service, live[service].settings, settings)}"
        case RemoveService(service):
            return f"{service} was added"
        case AddDestination(service, server):
            return f"server {server} of {service} was removed"
        case EditDestination(service, server, destination):
            found = live[service].destinations[server]
            return f"server {server} of {service}: {_differences(service, found, destination)}"
        case RemoveDestination(service, server):
            return f"server {server} of {service} was added"


def _differences(
    key: ServiceKey,
    found: ServiceSettings | Destination,
    wanted: ServiceSettings | Destination,
    words: str = "{} was {}, is {} again",
) -> str:
    return ", ".join(words.format(*one) for one in differing(key, found, wanted))


def _repaired(plan: Pass, target: Target, words: str, now: float) -> Told:
    event = Event(
        when_s=now,
        subject=subject_of(plan.names, target),
        message=REPAIRED,
        rule="services of lvs.cf are kept as the file says",
        cause=f"changed by somebody else: {words}",
        level=Level.WARNING,
    )
    return Told(target[0], subject_of(plan.names, (target[0], None)), REPAIRED, event)


def _refusal(plan: Pass, refusal: Refusal, now: float) -> Event:
    target = target_of(refusal.change)
    name = subject_of(plan.names, target)
    # The sentence of the original for a service: scripts search logs for it.
    message = f"ipvsadm failed for virtual server {name}!" if target[1] is None else "change of the table refused"
    return Event(
        when_s=now,
        subject=name,
        message=message,
        after="refused",
        rule="tried again with each pass",
        cause=refusal.reason,
        level=Level.ERROR,
        facts=(("change", describe(refusal.change)),),
    )


def _no_longer_refused(plan: Pass, refusal: Refusal, now: float) -> Event:
    return Event(
        when_s=now,
        subject=subject_of(plan.names, target_of(refusal.change)),
        message="change of the table no longer refused",
        before="refused",
        facts=(("change", describe(refusal.change)),),
    )


def _applied(plan: Pass, changes: Sequence[Change], now: float) -> list[Event]:
    counts: dict[ServiceKey, Counter[str]] = {}
    for service, group in groupby(changes, lambda change: change.service):
        counts.setdefault(service, Counter()).update(_SERVER_VERBS.get(type(change), "") for change in group)
        del counts[service][""]
    if sum(map(Counter.total, counts.values())) <= ONE_BY_ONE:
        return [_change(plan, change, now) for change in changes]
    events = []
    for change in changes:
        if type(change) not in _SERVER_VERBS:
            one = _change(plan, change, now)
            # Of a service that is new its servers need no line of their own.
            added = counts.pop(change.service) if isinstance(change, AddService) else Counter[str]()
            events.append(replace(one, facts=(*one.facts, *_counted(added))))
    for service, counted in counts.items():
        if counted:
            facts = (("service", str(service)), *_counted(counted))
            subject = plan.names.get((service, None), str(service))
            events.append(Event(when_s=now, subject=subject, message="servers of the table changed", facts=facts))
    return events


def _overwritten(event: Event) -> Event:
    """Say why what lay in the table at the start did not stay: somebody may have changed it meanwhile."""
    return replace(event, cause="it lay in the table when lvsd started", rule="file and health", level=Level.WARNING)


def _counted(counted: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(verb, str(number)) for verb, number in sorted(counted.items())]


def _change(plan: Pass, change: Change, now: float) -> Event:
    target = target_of(change)
    name = subject_of(plan.names, target)
    service = (("service", str(change.service)),)
    before = after = ""
    match change:
        case AddService(key, settings):
            message, after = f"starting virtual service {name} active: {_port(key)}", settings_words(key, settings)
        case EditService(key, settings):
            message, after = f"virtual service {name} edited in place", settings_words(key, settings)
            before = settings_words(key, plan.live[key].settings)
        case RemoveService():
            message = f"shutting down virtual service {name}"
        case AddDestination(_, server, destination):
            message, after = f"server {server} added to the table", destination_words(destination)
        case EditDestination(key, server, destination):
            message, after = f"server {server} edited in the table", destination_words(destination)
            before = destination_words(plan.live[key].destinations[server])
        case RemoveDestination(key, server):
            message, before = (
                f"server {server} removed from the table",
                destination_words(plan.live[key].destinations[server]),
            )
    return Event(when_s=now, subject=name, message=message, before=before, after=after, facts=service)


def _port(key: ServiceKey) -> str:
    return str(getattr(key.match, "port", key.match))
