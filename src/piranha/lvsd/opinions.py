"""What `lvsd --observe` would do otherwise than whoever keeps the table: told when it begins and when it ends, counted.

Two programs that see the same death a second apart differ for that second. So a difference that ends within
`brief_s` is counted as brief, and one that lasts is a difference of opinion. One that turns into another has not
ended: both disagree without a break.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from piranha.events.event import Event, Level
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.setting_words import differing
from piranha.table.table import Table
from piranha.table.targets import Target, target_of

ONE_BY_ONE = 100
"""Differences that one look tells each on its own; more are counted."""
RULE = "lvsd --observe writes nothing"


class Kind(StrEnum):
    """What a difference is about, seen from the table: what it lacks, has too much, or has otherwise."""

    SERVICE_MISSING = "service missing"
    SERVICE_TOO_MANY = "service too many"
    SERVER_MISSING = "server missing"
    SERVER_TOO_MANY = "server too many"
    WEIGHT = "weight"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change that would be made. subject: as in events.

    since_s: when it was seen first, differs_s: since when both disagree about it without a break, monotonic. counted:
    what it was counted as when it began, with what has become a part of it.
    """

    kind: Kind
    subject: str
    words: str
    since_s: float
    differs_s: float
    counted: tuple[Kind, ...]


At = tuple[Kind, Target]


@dataclass(slots=True)
class Opinions:
    """Remembers what differs. brief_s: a difference that ends within so many seconds was one of timing.

    began, brief: how many there were, by kind, since `since_s`, monotonic.
    """

    since_s: float
    began: Counter[Kind] = field(default_factory=Counter, init=False)
    brief: Counter[Kind] = field(default_factory=Counter, init=False)
    _open: dict[At, Difference] = field(default_factory=dict, init=False)

    @property
    def now(self) -> Sequence[Difference]:
        """What differs at the last look, the longest first."""
        return sorted(self._open.values(), key=lambda one: one.since_s)

    def look(
        self,
        changes: Iterable[Change],
        live: Table,
        name: Callable[[Target], str],
        *,
        brief_s: float,
        now: float,
        part: Collection[ServiceKey] | None = None,
    ) -> list[Event]:
        """Take in what would be changed in `live`; return what began and what ended.

        name: of a target, as in events. part: the services that were looked at, None = all.
        """
        found: dict[At, str] = {}
        missing: set[ServiceKey] = set()
        for change in changes:
            kind, words = _opinion(change, live)
            if kind is Kind.SERVICE_MISSING:
                missing.add(change.service)
            elif change.service in missing:
                continue  # a service that is not there has no servers either
            found[kind, target_of(change)] = words
        began = {
            at: Difference(at[0], name(at[1]), words, now, now, ())
            for at, words in found.items()
            if at not in self._open
        }
        ended = {at: one for at, one in self._open.items() if at not in found and (part is None or at[1][0] in part)}
        kept = {at: one for at, one in self._open.items() if at not in ended}
        self._open = kept | began
        turned = self._turn(ended, _heirs(ended, found, began))
        going_on = {to for at, to in turned.items() if at[1] == to[1]}
        for at in began.keys() - going_on:
            one = self._open[at]
            self._open[at] = replace(one, counted=(*one.counted, one.kind))
            self.began[one.kind] += 1
        over = [one for at, one in ended.items() if at not in turned]
        for one in over:
            self.brief.update(one.counted if now - one.differs_s < brief_s else ())
        return [
            *_began([one for at, one in began.items() if at not in going_on], now),
            *_turned([(ended[at], self._open[to]) for at, to in turned.items()], now),
            *_ended(over, brief_s, now),
        ]

    def _turn(self, ended: Mapping[At, Difference], heirs: Mapping[At, At]) -> Mapping[At, At]:
        """Hand on to `heirs` since when both disagree, and what is counted."""
        for at, to in heirs.items():
            one, heir = ended[at], self._open[to]
            counted, differs_s = heir.counted + one.counted, min(heir.differs_s, one.differs_s)
            self._open[to] = replace(heir, counted=counted, differs_s=differs_s)
        return heirs


# A server that goes with its service was too many, and one that nobody wants any more was missing: there both agree.
_AGREED = ((Kind.SERVER_TOO_MANY, Kind.SERVICE_MISSING), (Kind.SERVER_MISSING, Kind.SERVICE_TOO_MANY))


def _heirs(ended: Iterable[At], found: Iterable[At], began: Iterable[At]) -> dict[At, At]:
    """Return what has become of differences that are not there any more although the tables do not agree.

    Another one of the same place; of a server one of its whole service; of a service that was not there one of its
    servers.
    """
    places = {at[1]: at for at in began}
    services = {at[1][0]: at for at in found if at[0] in (Kind.SERVICE_MISSING, Kind.SERVICE_TOO_MANY)}
    servers: dict[ServiceKey, At] = {}
    for at in began:
        if at[1][1] is not None:
            servers.setdefault(at[1][0], at)
    heirs = {}
    for kind, target in ended:
        to = places.get(target) or services.get(target[0])
        if to is not None and (kind, to[0]) in _AGREED:
            continue
        if to is None and kind is Kind.SERVICE_MISSING:
            to = servers.get(target[0])
        if to is not None:
            heirs[kind, target] = to
    return heirs


def _opinion(change: Change, live: Table) -> tuple[Kind, str]:
    match change:
        case AddService(key):
            return Kind.SERVICE_MISSING, f"the table does not have {key}"
        case RemoveService(key):
            return Kind.SERVICE_TOO_MANY, f"the table has {key}, lvsd would not"
        case EditService(key, settings):
            return Kind.SETTINGS, _differing(key, live[key].settings, settings)
        case AddDestination(_, server, destination):
            words = f"the table does not have {server}, lvsd would, with weight {destination.weight}"
            return Kind.SERVER_MISSING, words
        case RemoveDestination(key, server):
            weight = live[key].destinations[server].weight
            return Kind.SERVER_TOO_MANY, f"the table has {server} with weight {weight}, lvsd would not"
        case EditDestination(key, server, destination):
            have = live[key].destinations[server]
            same_but_weight = replace(have, weight=destination.weight) == destination
            kind = Kind.WEIGHT if same_but_weight else Kind.SETTINGS
            return kind, f"{server}: {_differing(key, have, destination)}"


def _differing(key: ServiceKey, found: ServiceSettings | Destination, wanted: ServiceSettings | Destination) -> str:
    return ", ".join(f"{name} is {have}, lvsd would have {want}" for name, have, want in differing(key, found, wanted))


def _began(differences: Sequence[Difference], now: float) -> list[Event]:
    if len(differences) > ONE_BY_ONE:
        return [_together("the table differs from what lvsd would have", differences, now)]
    return [
        Event(
            when_s=now,
            subject=one.subject,
            message="the table differs from what lvsd would have",
            after=one.kind,
            rule=RULE,
            cause=one.words,
            level=Level.WARNING,
        )
        for one in differences
    ]


def _turned(pairs: Sequence[tuple[Difference, Difference]], now: float) -> list[Event]:
    if len(pairs) > ONE_BY_ONE:
        return [_together("the table differs otherwise than before", [heir for _, heir in pairs], now)]
    return [
        Event(
            when_s=now,
            subject=one.subject,
            message="the table differs otherwise than before"
            if one.subject == heir.subject
            else "the difference is a part of another one",
            before=one.kind,
            after=heir.kind,
            rule=RULE,
            cause=heir.words,
            level=Level.WARNING,
            facts=(("for_s", f"{now - one.differs_s:.1f}"),),
        )
        for one, heir in pairs
    ]


def _ended(differences: Sequence[Difference], brief_s: float, now: float) -> list[Event]:
    if len(differences) > ONE_BY_ONE:
        return [_together("the table is again what lvsd would have", differences, now)]
    return [
        Event(
            when_s=now,
            subject=one.subject,
            message="the table is again what lvsd would have",
            before=one.kind,
            rule=f"{RULE}; brief is less than {brief_s:g} s",
            facts=(
                ("for_s", f"{now - one.differs_s:.1f}"),
                ("brief", "yes" if now - one.differs_s < brief_s else "no"),
            ),
        )
        for one in differences
    ]


def _together(message: str, differences: Sequence[Difference], now: float) -> Event:
    counts = Counter(one.kind for one in differences)
    facts = tuple((kind.replace(" ", "_"), str(number)) for kind, number in sorted(counts.items()))
    return Event(when_s=now, subject="table", message=message, rule=RULE, facts=facts, level=Level.WARNING)
