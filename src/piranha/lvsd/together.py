"""Many events of one kind are told as few: a script that edits a table would else fill the log and its record."""

from collections.abc import Sequence

from piranha.dataclass import dataclass, replace
from piranha.events.event import Event
from piranha.table.service import ServiceKey

ONE_BY_ONE = 100
"""So many are told each on its own; more are told for each service, and of more services all at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event about something in a service. virtual: what events call the service; many: its message for several."""

    service: ServiceKey
    virtual: str
    many: str
    event: Event


def together(all_of_it: Sequence[Told]) -> list[Event]:
    """Return the events, or few that count them and tell the first of each kind in full."""
    if len(all_of_it) <= ONE_BY_ONE:
        return [one.event for one in all_of_it]
    of_service: dict[tuple[str, ServiceKey], list[Told]] = {}
    of_kind: dict[str, list[Told]] = {}
    for one in all_of_it:
        of_service.setdefault((one.many, one.service), []).append(one)
        of_kind.setdefault(one.many, []).append(one)
    if len(of_service) > ONE_BY_ONE:
        return [_counted(group, "table", (("services", _services(group)),)) for group in of_kind.values()]
    return [_counted(group, group[0].virtual, (("service", str(key)),)) for (_, key), group in of_service.items()]


def _services(group: Sequence[Told]) -> str:
    return str(len({one.service for one in group}))


def _counted(group: Sequence[Told], subject: str, facts: tuple[tuple[str, str], ...]) -> Event:
    first = group[0]
    if len(group) == 1:
        return first.event
    facts = (*facts, ("entries", str(len(group))), ("first", first.event.subject))
    return replace(first.event, subject=subject, message=first.many, facts=facts)
