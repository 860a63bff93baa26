"""Which servers count as up before their first answer, by what the table holds already."""

from collections.abc import Collection

from piranha.lvscf.config import Config
from piranha.table.desired import place, serves, services_of
from piranha.table.table import Table


def starting_up(config: Config, live: Table, in_force: Collection[str] = ()) -> dict[str, Collection[str]]:
    """Return the names of the servers that start as up, by virtual server; all others start as unknown.

    in_force: names of virtual servers that are looked after already. Those start as up that the
    table sends connections. With `start_state = up` so do all others, but not where the table has
    their service and nobody looks after it yet: whoever ran it left them out, or gave them weight
    0, for a reason that only an answer refutes.
    """
    adopted: dict[str, set[str]] = {}
    for key, virtual in services_of(config).items() if live else ():
        if key in live:
            held = live[key].destinations
            adopted.setdefault(virtual.name, set()).update(
                server.name for server in virtual.servers if serves(held.get(place(key, virtual, server)))
            )
    found: dict[str, Collection[str]] = {**adopted}
    for virtual in config.active_virtuals():
        if virtual.start_up and (virtual.name in in_force or virtual.name not in adopted):
            found[virtual.name] = tuple(server.name for server in virtual.servers)
    return found
