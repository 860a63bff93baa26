"""What others changed and what stays of it, in words and as data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from piranha.events.event import Event, Level
from piranha.lvscf.config import Config
from piranha.lvsd.together import Told, together
from piranha.table.desired import NO_EDITS, Edits, Place, WeightByHand
from piranha.table.key_data import server_data, server_from, service_data, service_from
from piranha.table.service import ServiceKey
from piranha.table.targets import Names, Target, names_of

ADOPT, REPORT = "foreign_edits = adopt", "foreign_edits = report"

Name = Callable[[Target], str]
"""What events call a service, or a server of it: `www/web1`."""


def edits_data(edits: Edits) -> dict[str, object]:
    """Return them as JSON has them."""
    return {
        "weights": [
            {**_place(place), "weight": one.weight, "configured": one.configured, "since": one.since_s}
            for place, one in edits.weights.items()
        ],
        "added": [{**_place(place), "since": since_s} for place, since_s in edits.added.items()],
        "reported": [{**target_data(target), "what": words} for target, words in edits.reported.items()],
    }


def edits_from(data: Mapping[str, Any]) -> Edits:
    """Read what `edits_data` made. Raises one of MISSHAPEN for anything else."""
    return Edits(
        {
            _place_from(row): WeightByHand(_weight(row["weight"]), _weight(row["configured"]), float(row["since"]))
            for row in data["weights"]
        },
        {_place_from(row): float(row["since"]) for row in data["added"]},
        {target_from(row): str(row["what"]) for row in data.get("reported", ())},
    )


def target_data(target: Target) -> dict[str, object]:
    """Return a service or a server of it as JSON has them."""
    key, at = target
    return {"service": service_data(key), "server": None if at is None else server_data(at)}


def target_from(row: Mapping[str, Any]) -> Target:
    """Read what `target_data` made. Raises one of MISSHAPEN for anything else."""
    return service_from(row["service"]), None if row["server"] is None else server_from(row["server"])


def _place(place: Place) -> dict[str, object]:
    return {"service": service_data(place[0]), "server": server_data(place[1])}


def _place_from(row: Mapping[str, Any]) -> Place:
    return service_from(row["service"]), server_from(row["server"])


def _weight(value: object) -> int:
    """Raises ValueError for what is no weight."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"no weight: {value!r}")
    return value


def merged(now: Edits, before: Edits, after: Edits) -> Edits:
    """Return `now` with what a pass, which had `before`, made `after` of it."""
    if now is before:
        return after
    return Edits(
        _merged(now.weights, before.weights, after.weights),
        _merged(now.added, before.added, after.added),
        _merged(now.reported, before.reported, after.reported),
    )


def _merged(now: Mapping[Any, Any], before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[Any, Any]:
    kept = {key: value for key, value in now.items() if key in after or key not in before}
    return kept | {key: value for key, value in after.items() if before.get(key) != value}


def named(names: Names) -> Name:
    """Return what events call whatever others changed. names: those of the file."""

    def name(target: Target) -> str:
        key, at = target
        service = names.get((key, None), str(key))
        return names.get(target) or (service if at is None else f"{service}/{at}")

    return name


def parted(edits: Edits, config: Config, names: Sequence[str]) -> tuple[Edits, Edits]:
    """Return the edits of virtual servers and servers with these names, none = all of them, and the others."""
    if not names:
        return edits, NO_EDITS
    name = named(names_of(config))

    def part(found: Mapping[Any, Any], *, meant: bool) -> dict[Any, Any]:
        return {
            target: one
            for target, one in found.items()
            if meant == any(name(target) == this or name(target).startswith(f"{this}/") for this in names)
        }

    both = [
        Edits(part(edits.weights, meant=meant), part(edits.added, meant=meant), part(edits.reported, meant=meant))
        for meant in (True, False)
    ]
    return both[0], both[1]


def told(before: Edits, after: Edits, name: Name, why: Callable[[Target], str], now: float) -> list[Event]:
    """Return what began and what ended, many of a kind together. why: an end came. now: monotonic seconds."""
    return together([*_began(before, after, name, now), *_ended(before, after, name, why, now)])


def _began(before: Edits, after: Edits, name: Name, now: float) -> Iterator[Told]:
    for place, one in after.weights.items():
        had = before.weights.get(place)
        if had is None or had.weight != one.weight:
            yield _told(_weight_set(name(place), place, one, had, now), place, name)
    for place in after.added.keys() - before.added.keys():
        words = f"server {place[1]} was added by hand: it stays, unchecked"
        event = _event(name(place), words, place[0], now, after="by hand", rule=ADOPT, level=Level.WARNING)
        yield _told(event, place, name, "servers were added by hand: they stay, unchecked")
    for target, words in after.reported.items():
        if before.reported.get(target) != words:
            sentence = "changed by somebody else: left as it is"
            event = _event(name(target), sentence, target[0], now, cause=words, rule=REPORT, level=Level.WARNING)
            yield _told(event, target, name)


def _ended(before: Edits, after: Edits, name: Name, why: Callable[[Target], str], now: float) -> Iterator[Told]:
    for place, one in before.weights.items():
        if place not in after.weights:
            words, then = "weight set by hand: not in force any more", "as lvs.cf and its checks say"
            was = f"weight {one.weight} by hand"
            event = _event(name(place), words, place[0], now, before=was, after=then, cause=why(place))
            yield _told(event, place, name)
    for place in before.added.keys() - after.added.keys():
        words = f"server {place[1]}, added by hand, is not left alone any more"
        event = _event(name(place), words, place[0], now, before="by hand", after="not by hand", cause=why(place))
        yield _told(event, place, name, "servers added by hand are not left alone any more")
    for target in before.reported.keys() - after.reported.keys():
        sentence = "what somebody else had changed is as it should be"
        yield _told(_event(name(target), sentence, target[0], now, cause=why(target)), target, name)


def _told(event: Event, target: Target, name: Name, many: str = "") -> Told:
    return Told(target[0], name((target[0], None)), many or event.message, event)


def _weight_set(name: str, place: Place, one: WeightByHand, had: WeightByHand | None, now: float) -> Event:
    return _event(
        name,
        "weight set by hand: it stays",
        place[0],
        now,
        before=f"weight {one.configured}" if had is None else f"weight {had.weight} by hand",
        after=f"weight {one.weight} by hand",
        rule=ADOPT,
        cause=f"changed by somebody else; weight = {one.configured} in lvs.cf",
        level=Level.WARNING,
    )


def _event(
    name: str,
    message: str,
    service: ServiceKey,
    now: float,
    *,
    before: str = "",
    after: str = "",
    rule: str = "",
    cause: str = "",
    level: Level = Level.INFO,
) -> Event:
    return Event(
        when_s=now,
        subject=name,
        message=message,
        before=before,
        after=after,
        rule=rule,
        cause=cause,
        level=level,
        facts=(("service", str(service)),),
    )


def words_of(edits: Edits) -> list[str]:
    """Return what others have done and stays, one line each."""
    return [
        *(f"server {at} of {key}: weight {one.weight} by hand" for (key, at), one in edits.weights.items()),
        *(f"server {at} of {key} was added by hand" for key, at in edits.added),
        *edits.reported.values(),
    ]
