"""Rows of a dump, made from the wire up: what the kernel would send for a service or a server."""

from struct import pack

from piranha.kernel.generic import body
from piranha.kernel.ipvs import change_requests
from piranha.kernel.ipvs_numbers import Dest, Svc, Top
from piranha.kernel.ipvs_reading import server_rows, service_rows
from piranha.kernel.layout import Row
from piranha.kernel.wire import attribute, nested, u32
from piranha.table.changes import AddDestination, AddService
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey, ServiceSettings

Numbers = tuple[int, ...]
"""Connections, packets in, packets out, bytes in, bytes out; then the same per second."""

_HEADER = bytes(4)


def service_row(key: ServiceKey, settings: ServiceSettings, numbers: Numbers = ()) -> Row:
    (request,) = change_requests([AddService(key, settings)])
    nest = nested(Top.SERVICE, body(request)[Top.SERVICE], _counters(Svc.STATS64, numbers))
    return service_rows().read_payload(_HEADER + nest)


def server_row(
    key: ServiceKey,
    server: DestinationKey,
    destination: Destination,
    connections: tuple[int, int, int] = (0, 0, 0),
    numbers: Numbers = (),
) -> Row:
    """connections: active, inactive, persistent."""
    (request,) = change_requests([AddDestination(key, server, destination)])
    kinds = (Dest.ACTIVE_CONNS, Dest.INACT_CONNS, Dest.PERSIST_CONNS)
    now = b"".join(u32(kind, value) for kind, value in zip(kinds, connections, strict=True))
    nest = nested(Top.DEST, body(request)[Top.DEST], now, _counters(Dest.STATS64, numbers))
    return server_rows().read_payload(_HEADER + nest)


def _counters(kind: int, numbers: Numbers) -> bytes:
    return nested(kind, *(attribute(place, pack("=Q", value)) for place, value in enumerate(numbers, 1)))
