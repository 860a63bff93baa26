"""Messages between the daemons and the forwarder, as plain values that JSON can carry.

One request a line: `{"v": 1, "id": 7, "verb": "apply", "args": {…}}`; one answer a line:
`{"v": 1, "id": 7, "ok": true, "data": {…}}` or `{…, "ok": false, "error": "one clear line"}`: the
envelope of every control socket of Piranha. Verbs:

dump {}                                   the whole table
apply {"changes": […]}                    refusals, by index into `changes`
statistics {}                             counters and connection numbers
set_timeouts {"tcp_s", "tcpfin_s", "udp_s"}
hold {"vips": {VIP: ttl_s | null}, "only_held": bool, "not_after_s": number | null}
release {"vips": [VIP, …]}
held {}                                   every VIP that is held, and on which ports
status {}                                 pid, start, numbers of services, VIPs and connections
stop {}                                   close everything and end

The functions below turn values of the table into such data and back; those that read raise one of
`errors.MISSHAPEN` on anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from ipaddress import ip_address

from piranha.dataclass import dataclass, field
from piranha.forwarding.plane import Counters, Refusal, ServerStatistics, ServiceStatistics
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination
from piranha.table.key_data import Data, server_data, server_from, service_data, service_from
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Address, ForwardingMethod, Tunnel, TunnelChecksum, TunnelType

VERSION = 1

_CHANGES: dict[str, type[Change]] = {
    "add_service": AddService,
    "edit_service": EditService,
    "remove_service": RemoveService,
    "add_destination": AddDestination,
    "edit_destination": EditDestination,
    "remove_destination": RemoveDestination,
}
_NAMES = {kind: name for name, kind in _CHANGES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How a VIP is held.

    remaining_s: seconds until it lapses unless renewed, None = without limit. since_s: seconds
    since it was acquired. listening: ports that accept connections now. waiting: ports on which
    a listener is wanted but not possible yet, with the reason (another process, such as the other
    router's forwarder, still listens there); it is tried again many times a second.
    """

    remaining_s: float | None
    since_s: float
    listening: tuple[int, ...] = ()
    waiting: Mapping[int, str] = field(default_factory=dict)


def request(number: int, verb: str, args: Mapping[str, object]) -> Data:
    """Return the envelope of a request."""
    return {"v": VERSION, "id": number, "verb": verb, "args": dict(args)}


def answer(number: object, data: object) -> Data:
    """Return the envelope of a good answer."""
    return {"v": VERSION, "id": number, "ok": True, "data": data}


def refusal(number: object, error: str) -> Data:
    """Return the envelope of an error: one clear line."""
    return {"v": VERSION, "id": number, "ok": False, "error": error}


def destination_from(data: Data) -> Destination:
    """Read a destination from `dataclasses.asdict` of one."""
    tunnel = data["tunnel"]
    return Destination(
        forwarding=ForwardingMethod(data["forwarding"]),
        weight=int(data["weight"]),
        upper_threshold=int(data["upper_threshold"]),
        lower_threshold=int(data["lower_threshold"]),
        tunnel=Tunnel(
            type=TunnelType(tunnel["type"]),
            port=int(tunnel["port"]),
            checksum=TunnelChecksum(tunnel["checksum"]),
        ),
    )


def change_data(change: Change) -> Data:
    """Return one change as data."""
    data: Data = {"change": _NAMES[type(change)], "service": service_data(change.service)}
    match change:
        case AddService(settings=settings) | EditService(settings=settings):
            data["settings"] = asdict(settings)
        case AddDestination(server=server, destination=to) | EditDestination(server=server, destination=to):
            data |= {"server": server_data(server), "destination": asdict(to)}
        case RemoveDestination(server=server):
            data["server"] = server_data(server)
        case RemoveService():
            pass
    return data


def change_from(data: Data) -> Change:
    """Read what `change_data` made."""
    service = service_from(data["service"])
    kind = _CHANGES[data["change"]]
    if kind is AddService or kind is EditService:
        return kind(service, ServiceSettings(**data["settings"]))
    if kind is AddDestination or kind is EditDestination:
        return kind(service, server_from(data["server"]), destination_from(data["destination"]))
    if kind is RemoveDestination:
        return RemoveDestination(service, server_from(data["server"]))
    return RemoveService(service)


def refusals_data(refusals: Sequence[Refusal], changes: Sequence[Change]) -> list[Data]:
    """Return refusals as data; the change is named by its index in `changes`."""
    index = {id(change): number for number, change in enumerate(changes)}
    return [{"index": index[id(r.change)], "code": r.code, "reason": r.reason} for r in refusals]


def refusals_from(data: Sequence[Data], changes: Sequence[Change]) -> list[Refusal]:
    """Read what `refusals_data` made."""
    return [Refusal(changes[item["index"]], int(item["code"]), str(item["reason"])) for item in data]


def table_data(table: Table) -> list[Data]:
    """Return a table as data."""
    return [
        {
            "service": service_data(key),
            "settings": asdict(service.settings),
            "servers": [
                {"server": server_data(server), "destination": asdict(destination)}
                for server, destination in service.destinations.items()
            ],
        }
        for key, service in table.items()
    ]


def table_from(data: Sequence[Data]) -> Table:
    """Read what `table_data` made."""
    return {
        service_from(item["service"]): Service(
            ServiceSettings(**item["settings"]),
            {server_from(row["server"]): destination_from(row["destination"]) for row in item["servers"]},
        )
        for item in data
    }


def statistics_data(statistics: Mapping[ServiceKey, ServiceStatistics]) -> list[Data]:
    """Return statistics as data."""
    return [
        {
            "service": service_data(key),
            "counters": asdict(service.counters),
            "servers": [
                {"server": server_data(server), **asdict(numbers)} for server, numbers in service.servers.items()
            ],
        }
        for key, service in statistics.items()
    ]


def statistics_from(data: Sequence[Data]) -> dict[ServiceKey, ServiceStatistics]:
    """Read what `statistics_data` made."""
    return {
        service_from(item["service"]): ServiceStatistics(
            counters=Counters(**item["counters"]),
            servers={server_from(row["server"]): _server_statistics(row) for row in item["servers"]},
        )
        for item in data
    }


def _server_statistics(row: Data) -> ServerStatistics:
    return ServerStatistics(
        counters=Counters(**row["counters"]),
        active=row["active"],
        inactive=row["inactive"],
        persistent=row["persistent"],
    )


def holdings_data(holdings: Mapping[Address, Holding]) -> Data:
    """Return holdings as data."""
    return {
        str(vip): {
            "remaining_s": holding.remaining_s,
            "since_s": holding.since_s,
            "listening": list(holding.listening),
            "waiting": {str(port): reason for port, reason in holding.waiting.items()},
        }
        for vip, holding in holdings.items()
    }


def holdings_from(data: Mapping[str, Data]) -> dict[Address, Holding]:
    """Read what `holdings_data` made."""
    return {
        ip_address(vip): Holding(
            remaining_s=item["remaining_s"],
            since_s=item["since_s"],
            listening=tuple(item["listening"]),
            waiting={int(port): str(reason) for port, reason in item["waiting"].items()},
        )
        for vip, item in data.items()
    }
