"""Lines of a plan about what others have changed, and what the new file lets stay of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_table import table_lines
from piranha.change.plan_words import count
from piranha.change.plan_world import Places, World
from piranha.table.diff import diff
from piranha.table.targets import Target, names_of, target_of


def by_hand_lines(world: World) -> tuple[Line, ...]:
    """Return what others have changed, and the new file leaves alone."""
    return tuple(_lines(world, names_of(world.after))) if world.staying else ()


def _lines(world: World, names: Mapping[Target, str]) -> Iterator[Line]:
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


def ended_by_hand(world: World, places: Places) -> str:
    """Return the weight that was set by hand at `places` and goes with the new file, in words; empty for none."""
    ended = [world.edits.weights[one] for one in places if one in world.edits.weights.keys() - world.staying.weights]
    return f"ends weight {ended[0].weight} by hand" if ended else ""
