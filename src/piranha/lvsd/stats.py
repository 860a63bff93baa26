"""What passes through each virtual server and to each of its servers: the rows of `piranha stats`.

A row has connections now (`active`, `inactive`, `persistent`: clients bound to a server), totals (`…_total`) and rates
(`…_per_s`, None while nobody can say): connections, packets and bytes, from clients (`_in`) and to them (`_out`).
"""

from collections.abc import Iterable, Mapping, Sequence

from piranha.forwarding.plane import NOTHING, ServerStatistics
from piranha.lvscf.config import Config, Virtual
from piranha.lvsd.numbers import COUNTED, Numbers
from piranha.table.desired import Place, servers_of, service_keys, services_of, sorry_place
from piranha.table.destination import DestinationKey
from piranha.table.service import AddressMatch, ServiceKey
from piranha.table.table import Table

SORRY = "sorry_server"
"""Name of the row of a sorry server."""

Row = dict[str, object]


def stats_of_file(config: Config, live: Table, numbers: Numbers, leaving: Mapping[Place, str]) -> list[Row]:
    """Return a row for each active virtual server, in the order of the file, with a row for each of its servers.

    leaving: by place, the names of servers that leave.
    """
    owners = services_of(config)
    rows = []
    for virtual in config.active_virtuals():
        keys = [key for key in service_keys(virtual) if owners[key] is virtual]
        servers: dict[str, list[Place]] = {server.name: [] for server in virtual.servers if server.active}
        for key in keys:
            for where, name in _names(key, virtual, live, leaving).items():
                servers.setdefault(name, []).append((key, where))
        rows.append(_virtual(virtual.name, keys, servers, live, numbers))
    return rows


def stats_of_table(live: Table, numbers: Numbers) -> list[Row]:
    """Return the same for a table of which nobody knows the names: services and servers are called what they are."""
    return [
        _virtual(str(key), [key], {str(where): [(key, where)] for where in service.destinations}, live, numbers)
        for key, service in live.items()
    ]


def _names(key: ServiceKey, virtual: Virtual, live: Table, leaving: Mapping[Place, str]) -> dict[DestinationKey, str]:
    """Return what is in one service, or may be, by place."""
    names = {where: server.name for where, server in servers_of(key, virtual).items()}
    sorry = sorry_place(key, virtual, virtual.sorry_server) if virtual.sorry_server is not None else None
    for where in live[key].destinations if key in live else ():
        if where not in names:
            names[where] = SORRY if where == sorry else leaving.get((key, where), str(where))
    return names


def _virtual(
    name: str, keys: Sequence[ServiceKey], servers: Mapping[str, Sequence[Place]], live: Table, numbers: Numbers
) -> Row:
    there = [found for key in keys if key in numbers.statistics for found in numbers.statistics[key].servers.values()]
    return {
        "name": name,
        "vips": [*dict.fromkeys(str(key.match.address) for key in keys if isinstance(key.match, AddressMatch))],
        **_figures(there, [(key, None) for key in keys], numbers),
        "services": [_service(key, numbers) for key in keys],
        "servers": [_server(name, places, live, numbers) for name, places in servers.items() if places],
    }


def _service(key: ServiceKey, numbers: Numbers) -> Row:
    there = numbers.statistics[key].servers.values() if key in numbers.statistics else ()
    return {"service": str(key), **_figures(there, [(key, None)], numbers)}


def _server(name: str, places: Sequence[Place], live: Table, numbers: Numbers) -> Row:
    found = [numbers.statistics[key].servers.get(where) for key, where in places if key in numbers.statistics]
    held = [live[key].destinations.get(where) for key, where in places if key in live]
    weights = [one.weight for one in held if one is not None]
    return {
        "name": name,
        "address": str(places[0][1].address),
        "port": places[0][1].port,
        "weight": max(weights, default=None),
        **_figures([one for one in found if one is not None], places, numbers),
    }


def _figures(
    there: Iterable[ServerStatistics], places: Sequence[tuple[ServiceKey, DestinationKey | None]], numbers: Numbers
) -> Row:
    there = list(there)
    total = sum((numbers.total(key, where) for key, where in places), NOTHING)
    rates = [found for key, where in places if (found := numbers.rates(key, where)) is not None]
    return {
        "active": sum(one.active for one in there),
        "inactive": sum(one.inactive for one in there),
        "persistent": sum(one.persistent for one in there),
        **{f"{name}_total": getattr(total, name) for name in COUNTED},
        **{f"{name}_per_s": round(sum(getattr(one, name) for one in rates), 3) if rates else None for name in COUNTED},
    }
