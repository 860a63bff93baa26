"""Which servers count as up before their first answer, by what the table holds already."""

from collections.abc import Collection

from piranha.lvscf.config import Config
from piranha.table.desired import place, serves, services_of
from piranha.table.table import Table


def starting_up(config: Config, live: Table, in_force: Collection[str] = ()) -> set[tuple[str, str]]:
    """Return the servers, by virtual and own name, that start as up; all others start as unknown.

    in_force: names of virtual servers that are looked after already. Those start as up that the
    table sends connections. With `start_state = up` so do all others, but not where the table has
    their service and nobody looks after it yet: whoever ran it left them out, or gave them weight
    0, for a reason that only an answer refutes.
    """
    found: set[tuple[str, str]] = set()
    adopted: set[str] = set()
    for key, virtual in services_of(config).items():
        if key in live:
            held = live[key].destinations
            adopted.add(virtual.name)
            found.update(
                (virtual.name, server.name)
                for server in virtual.servers
                if serves(held.get(place(key, virtual, server)))
            )
    for virtual in config.active_virtuals():
        if virtual.start_up and (virtual.name in in_force or virtual.name not in adopted):
            found.update((virtual.name, server.name) for server in virtual.servers)
    return found
