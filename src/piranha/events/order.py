"""The order in which things happened: by the clock that nobody sets, one run of the machine after the other."""

from collections.abc import Mapping, Sequence

from piranha.events.event import Record

Told = tuple[str, Record]
"""The daemon that recorded it, and what."""


def in_order(records: Mapping[str, Sequence[Record]]) -> list[Told]:
    """Merge what the daemons of one machine recorded, oldest first; each sequence in the order of its `seq`.

    The wall clock may have been set back in between, so it decides only between runs of the machine
    that no daemon has seen both of.
    """
    rank = {boot: place for place, boot in enumerate(_boots(list(records.values())))}
    told = [(daemon, record) for daemon, found in records.items() for record in found]
    return sorted(told, key=lambda one: (rank[one[1].boot], one[1].event.when_s))


def _boots(stories: Sequence[Sequence[Record]]) -> list[str]:
    order: list[str] = []
    first_at: dict[str, float] = {}
    for records in stories:
        for record in records:
            first_at.setdefault(record.boot, record.at_s)
        own = list(dict.fromkeys(record.boot for record in records))
        place = 0
        for number, boot in enumerate(own):
            if boot in order:
                place = order.index(boot) + 1
                continue
            later = [order.index(other) for other in own[number + 1 :] if other in order]
            end = min(later, default=len(order))
            while place < end and first_at[order[place]] <= first_at[boot]:
                place += 1
            order.insert(place, boot)
            place += 1
    return order
