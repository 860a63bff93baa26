"""Lines of a plan about what others have changed, and what the new file lets stay of it."""

from collections.abc import Iterator
from dataclasses import replace

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_table import table_lines
from piranha.change.plan_words import count
from piranha.change.plan_world import World
from piranha.lvscf.config import ForeignEdits
from piranha.table.by_hand import holding
from piranha.table.desired import servers_of, services_of
from piranha.table.diff import diff
from piranha.table.targets import NO_NAMES, Names, names_of, target_of


def by_hand_lines(world: World) -> tuple[Line, ...]:
    """Return what others have changed, and the new file leaves alone."""
    return tuple(_lines(world, names_of(world.after))) if world.staying else ()


def _lines(world: World, names: Names) -> Iterator[Line]:
    for place, one in world.staying.weights.items():
        yield Line(
            kind=Kind.SAFE,
            sign=Sign.EDITED,
            about=About.WEIGHT_BY_HAND,
            subject=names.get(place, str(place[1])),
            what=f"weight {one.weight} by hand",
            effect=f"stays; weight = {one.configured} in lvs.cf",
        )
    for service, server in world.staying.added:
        held = world.live[service].destinations.get(server) if service in world.live else None
        yield Line(
            kind=Kind.SAFE,
            sign=Sign.ADDED,
            about=About.SERVER_BY_HAND,
            subject=f"{names.get((service, None), str(service))}/{server}",
            what=str(server) + (f" weight {held.weight}" if held is not None else ""),
            effect=f"added by hand: stays, {count(world.connections_at(((service, server),)), 'connection')}",
        )
    if world.staying.reported:
        left = (one for one in diff(world.wanted, world.asked) if target_of(one) in world.staying.reported)
        for line in table_lines(replace(world, live=world.wanted), left, names):
            effect = "left as it is (foreign_edits = report)"
            yield replace(line, kind=Kind.SAFE, about=About.LEFT_AS_IT_IS, effect=effect, changes=(), ends=0)


def ended_lines(world: World) -> tuple[Line, ...]:
    """Return what others have changed, and the new file ends, in whichever service."""
    return tuple(_ended(world)) if world.edits else ()


def _ended(world: World) -> Iterator[Line]:
    left, after, mode = holding(world.edits, world.after), services_of(world.after), world.after.lvsd.foreign_edits
    names = (names_of(world.before) if world.before is not None else NO_NAMES) | names_of(world.after)
    changed = "" if mode is ForeignEdits.ADOPT else f"foreign_edits = {mode}"
    for (service, at), one in world.edits.weights.items():
        if (service, at) in left.weights:
            continue
        server = servers_of(service, after[service]).get(at) if service in after else None
        what = f"weight {one.weight} by hand" + (f" -> {server.weight}" if server is not None else "")
        given = f"lvs.cf gave it {one.configured}" if server is not None else "no server of the file then"
        yield _end(names.get((service, at), str(at)), Sign.EDITED, what, changed or given)
    for service, at in world.edits.added:
        if (service, at) in left.added:
            continue
        held = world.live[service].destinations.get(at) if service in world.live else None
        server = servers_of(service, after[service]).get(at) if service in after else None
        what = str(at) + (f" weight {held.weight}" if held is not None else "")
        what += f" -> {server.weight}" if server is not None else ""
        given = "is in the file then" if server is not None else changed or "its service is not in the file then"
        sign = Sign.EDITED if server is not None else Sign.REMOVED
        yield _end(f"{names.get((service, None), str(service))}/{at}", sign, what, f"added by hand; {given}")
    for target, words in world.edits.reported.items():
        if target not in left.reported:
            yield _end(names.get(target, str(target[1] or target[0])), Sign.EDITED, words, changed or "is put back")


def _end(subject: str, sign: Sign, what: str, effect: str) -> Line:
    return Line(kind=Kind.SAFE, sign=sign, about=About.ENDS_BY_HAND, subject=subject, what=what, effect=effect)
