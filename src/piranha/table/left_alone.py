"""What others changed and nobody puts back (`foreign_edits = report`)."""

from collections.abc import Collection, Iterable, Sequence

from piranha.table.service import ServiceKey
from piranha.table.table import Service, Table
from piranha.table.targets import Target


def changed_by_others(
    wrote: Sequence[Table], live: Table, services: Iterable[ServiceKey], known: Collection[Target], asked: Table
) -> set[Target]:
    """Return what in `services` is not as we wrote it; a service that is gone is one.

    wrote: see `by_hand.Seen`. known: what was left alone already; all of a service that was away and is back belongs
    to it. asked: what file and health asked for at the last pass.
    """
    found: set[Target] = set()
    for key in services:
        ours = [table[key] for table in wrote if key in table]
        have = live.get(key)
        if not ours and have is not None and (key, None) in known:
            before = asked[key].destinations if key in asked else {}
            found |= {(key, at) for at in have.destinations.keys() | before.keys()}
        if not ours or have in ours:
            continue
        if have is None:
            found.add((key, None))
            continue
        if have.settings not in [before.settings for before in ours]:
            found.add((key, None))
        places = have.destinations.keys() | {at for before in ours for at in before.destinations}
        for at in places:
            if have.destinations.get(at) not in [before.destinations.get(at) for before in ours]:
                found.add((key, at))
    return found


def left_alone(live: Table, asked: Table, wanted: Table, targets: Collection[Target]) -> Table:
    """Return `wanted` with each of `targets` as it lies in `live`, as long as it is wanted as it was `asked` for last.

    asked, wanted: what file and health asked for at the last pass, and ask for now. A service that others removed
    stays away with all of its servers while its settings are asked for as before.
    """
    table = dict(wanted)
    for key in {key for key, _ in targets if key in wanted and key in asked}:
        before, want, have = asked[key], wanted[key], live.get(key)
        same = before.settings == want.settings
        if have is None:
            if same and (key, None) in targets:
                del table[key]
            continue
        settings = have.settings if same and (key, None) in targets else want.settings
        pool = dict(want.destinations)
        for at in [at for service, at in targets if service == key and at is not None]:
            if before.destinations.get(at) != want.destinations.get(at):
                continue
            pool.pop(at, None)
            if at in have.destinations:
                pool[at] = have.destinations[at]
        table[key] = Service(settings, pool)
    return table
