"""What the steps of a line cost, so that no line says less than the table will show."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from piranha.change.plan_lines import RANK, Kind, Line
from piranha.change.plan_words import ending
from piranha.change.plan_world import World
from piranha.table.changes import Change, EditDestination, RemoveDestination, RemoveService
from piranha.table.desired import serves


def costed(world: World, line: Line) -> Line:
    """Return `line` with at least the kind that its steps have, and with the connections that they end."""
    kind, ends = cost(world, line.changes)
    if kind is Kind.DISRUPTIVE and (line.kind is not kind or line.ends == 0):
        return replace(line, kind=kind, ends=ends, effect=f"{line.effect}; {ending(ends)}")
    if RANK[kind] > RANK[line.kind]:
        return replace(line, kind=kind, effect=f"{line.effect}; a server leaves the pool")
    return line


def cost(world: World, changes: Iterable[Change]) -> tuple[Kind, int | None]:
    """Return what `changes` cost and how many connections they end, None where nobody can count them."""
    steps = tuple(changes)
    gone = [change for change in steps if isinstance(change, RemoveService | RemoveDestination)]
    ends = ending_with(world, gone)
    if gone:
        return (Kind.DRAINS if ends == 0 else Kind.DISRUPTIVE), ends
    return (Kind.DRAINS if any(_quiesces(world, change) for change in steps) else Kind.SAFE), 0


def ending_with(world: World, gone: Collection[Change]) -> int | None:
    """Return the connections of what these steps remove; None where nobody can count them."""
    services = [change.service for change in gone if isinstance(change, RemoveService)]
    servers = tuple((change.service, change.server) for change in gone if isinstance(change, RemoveDestination))
    of_services, of_servers = world.connections(services), world.connections_at(servers)
    return None if of_services is None or of_servers is None else of_services + of_servers


def _quiesces(world: World, change: Change) -> bool:
    if not isinstance(change, EditDestination) or change.service not in world.live:
        return False
    return serves(world.live[change.service].destinations.get(change.server)) and not serves(change.destination)
