"""Lines of a plan that say what the table itself tells: drift, and everything while no file is in force."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import arrow, count, countdown, draining, ending, place_words, staying
from piranha.change.plan_world import World
from piranha.lvscf.config import Virtual
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.desired import place, servers_of, serves
from piranha.table.destination import Destination
from piranha.table.diff import diff
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.targets import Names


def table_lines(world: World, changes: Iterable[Change], names: Names) -> Iterator[Line]:
    """Yield one line for each of `changes`, and none for servers that come with their new service."""
    steps = tuple(changes)
    new: dict[ServiceKey, list[Change]] = {step.service: [step] for step in steps if isinstance(step, AddService)}
    for step in steps:
        if isinstance(step, AddDestination) and step.service in new:
            new[step.service].append(step)
    for step in steps:
        if isinstance(step, AddService):
            yield replace(_line_of(world, step, names), changes=tuple(new[step.service]))
        elif step.service not in new:
            yield _line_of(world, step, names)


def later_lines(world: World, names: Names) -> Iterator[Line]:
    """Yield the servers that leave although no step of now tells it, or as soon as one of the file has answered."""
    for (service, server), leaver in world.leaving.items():
        has = world.wanted[service].destinations[server]
        if has == world.live[service].destinations[server]:
            words = draining(world.connections_at(((service, server),)), leaver.drain_s)
            when = "when a server of the file is up: " if serves(has) else ""
            line = _line_of(world, RemoveDestination(service, server), names)
            yield replace(line, kind=Kind.DRAINS, effect=f"not in the file; {when}{words}", changes=())
    for change in diff(world.wanted, world.eventual):
        if isinstance(change, RemoveDestination) and not _is_sorry(world, change):
            number = world.connections_at(((change.service, change.server),))
            effect = f"not in the file; goes when a server of the file is up, {ending(number)} then"
            kind = Kind.DRAINS if number == 0 else Kind.DISRUPTIVE
            yield replace(_line_of(world, change, names), kind=kind, effect=effect, ends=number, changes=())


def leaving_lines(world: World, now: float) -> Iterator[Line]:
    """Yield the servers that leave already, and that the new file leaves alone. now: monotonic seconds."""
    for leaver in dict.fromkeys(world.left.values()):
        later = world.leaver(leaver.places)
        if later is None:
            continue
        left_s = later.left_s(now)
        when = "when another server is up" if left_s is None else f"within {countdown(left_s)}"
        yield Line(
            kind=Kind.SAFE,
            sign=Sign.REMOVED,
            about=About.SERVER_LEAVING,
            subject=later.name,
            what=str(leaver.where),
            effect=f"{count(world.connections_at(leaver.places), 'connection')}; goes {when}",
        )


def waiting_lines(world: World) -> Iterator[Line]:
    """Yield the servers of the file that are not served now: taken out by whoever is in charge, or new."""
    for virtual in world.after.active_virtuals():
        keys = [key for key in world.keys_after(virtual) if key in world.live]
        for server in virtual.servers:
            held = [world.wanted[key].destinations.get(place(key, virtual, server)) for key in keys]
            by_hand = any((key, place(key, virtual, server)) in world.staying.weights for key in keys)
            if not server.active or by_hand or server.weight == 0 or not held or all(serves(one) for one in held):
                continue
            there = any(one is not None for one in held)
            yield Line(
                kind=Kind.SAFE,
                sign=Sign.ADDED,
                about=About.TABLE_SERVER_ADDED,
                subject=f"{virtual.name}/{server.name}",
                what=f"{place_words(server)} weight {server.weight}",
                effect=f"{'has weight 0 now' if there else 'is not in the table now'}: down, or new",
            )


def _is_sorry(world: World, change: RemoveDestination) -> bool:
    virtual: Virtual | None = world.has.get(change.service)
    return (
        virtual is not None
        and virtual.sorry_server is not None
        and (change.server.address == virtual.sorry_server.address)
    )


def _line_of(world: World, change: Change, names: Names) -> Line:
    name, kind = names.get((change.service, None), str(change.service)), Kind.SAFE
    match change:
        case AddService(service, settings):
            virtual = world.has.get(service)
            servers = count(len(servers_of(service, virtual)) if virtual is not None else 0, "server")
            effect = "is not in the table; its servers join after their first good check"
            about, sign, what = About.TABLE_SERVICE_ADDED, Sign.ADDED, f"{service} {settings.scheduler}, {servers}"
        case EditService(service, settings):
            effect = f"edited in place, {staying(world.connections((service,)))}"
            about, sign, what = (
                About.TABLE_SERVICE_EDITED,
                Sign.EDITED,
                _settings(world.live[service].settings, settings),
            )
        case RemoveService(service):
            about, sign, what, effect = About.TABLE_SERVICE_REMOVED, Sign.REMOVED, str(service), "not in the file"
        case AddDestination(service, server, destination):
            name = names.get((service, server), f"{name}/{server}")
            what, effect = f"{server} weight {destination.weight}", "joins at once"
            about, sign = About.TABLE_SERVER_ADDED, Sign.ADDED
        case EditDestination(service, server) if (leaver := world.leaving.get((service, server))) is not None:
            name, kind = names.get((service, server), name), Kind.DRAINS
            number = world.connections_at(((service, server),))
            what, effect = str(server), f"not in the file; {draining(number, leaver.drain_s)}"
            about, sign = About.TABLE_SERVER_REMOVED, Sign.REMOVED
        case EditDestination(service, server, destination):
            name = names.get((service, server), f"{name}/{server}")
            effect = f"edited in place, {staying(world.connections_at(((service, server),)))}"
            about, sign = About.TABLE_SERVER_EDITED, Sign.EDITED
            what = _settings(world.live[service].destinations[server], destination)
        case RemoveDestination(service, server):
            what, effect = str(server), "not in the file"
            if (named := names.get((service, server))) is not None:
                name, effect = named, "leaves the pool"
            about, sign = About.TABLE_SERVER_REMOVED, Sign.REMOVED
    return Line(kind=kind, sign=sign, about=about, subject=name, what=what, effect=effect, changes=(change,))


def _settings(live: ServiceSettings | Destination, wanted: ServiceSettings | Destination) -> str:
    pairs = [(f.name.removesuffix("_s"), getattr(live, f.name), getattr(wanted, f.name)) for f in fields(wanted)]
    return ", ".join(f"{name} {arrow(have, want)}" for name, have, want in pairs if have != want)
