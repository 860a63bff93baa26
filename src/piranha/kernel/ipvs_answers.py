"""Answers of IPVS: bytes as table values. Reading raises WireError and nothing else.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c of the kernel (ip_vs_genl_fill_*).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import NamedTuple

from piranha.kernel.generic import body
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_numbers import (
    FORWARDING_MASK,
    SCHEDULER_FLAGS_SHIFT,
    WHOLE_IPV4,
    WHOLE_IPV6,
    Daemon,
    Top,
)
from piranha.kernel.ipvs_reading import SERVER_COUNTERS, SERVER_FAMILY, SERVICE_COUNTERS, server_rows, service_rows
from piranha.kernel.ipvs_terms import FORWARDING_OF, TUNNEL_CHECKSUM_OF, TUNNEL_TYPE_OF
from piranha.kernel.layout import Row
from piranha.kernel.wire import HOST_ORDER, WireError, attributes, number, string, terminated
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import ONE_PACKET, PERSISTENT
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Address, Family, Protocol, Tunnel

_FLAGS = Struct("=II")
_FAMILY_OF = {int(family): family for family in Family}  # asked ten thousand times: faster than `Family(2)`
_PROTOCOL_OF = {int(protocol): protocol for protocol in Protocol}


class Statistics(NamedTuple):
    """Counters since the object was added or zeroed, and the kernel's estimate of rates per second."""

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_per_s: int = 0
    packets_in_per_s: int = 0
    packets_out_per_s: int = 0
    bytes_in_per_s: int = 0
    bytes_out_per_s: int = 0


class ServiceEntry(NamedTuple):
    """A service of a dump. counters: as `statistics` says them."""

    key: ServiceKey
    settings: ServiceSettings
    counters: Row

    def statistics(self) -> Statistics:
        """Return the counters by name."""
        return Statistics(*self.counters)


class DestinationEntry(NamedTuple):
    """A real server of a dump. active, inactive: connections, established or not; persistent: templates.

    counters: as `statistics` says them.
    """

    key: DestinationKey
    destination: Destination
    active: int
    inactive: int
    persistent: int
    counters: Row

    def statistics(self) -> Statistics:
        """Return the counters by name."""
        return Statistics(*self.counters)


def service_entry(row: Row) -> ServiceEntry:
    """Make a service of its row; raises WireError."""
    return ServiceEntry(_service_key(row[:5]), _settings(row[0], row[5:SERVICE_COUNTERS]), row[SERVICE_COUNTERS:])


def destination_entry(row: Row, family: Family) -> DestinationEntry:
    """Make a server of its row; `family` is that of its service; raises WireError."""
    key = _places(row[SERVER_FAMILY] or family)[row[0] + _two(row[1])]
    return DestinationEntry(key, _destination(row[2:9]), row[9], row[10], row[11], row[SERVER_COUNTERS:])


def pool(rows: Iterable[Row], family: Family) -> dict[DestinationKey, Destination]:
    """Make the pool of a service of the rows of its servers, without their connections; raises WireError."""
    found: dict[DestinationKey, Destination] = {}
    alike: Row | None = None
    places = _places(family)
    for row in rows:
        if row[2:9] != alike:  # as a rule servers of a service have the same settings
            alike = row[2:9]
            destination = _destination(alike)
        known = places if row[9] in (0, family) else _places(row[9])
        found[known[row[0] + _two(row[1])]] = destination
    return found


def read_service(payload: bytes) -> ServiceEntry:
    """Read one service as `get_service` answers it."""
    return service_entry(service_rows().read_payload(payload))


def read_destination(payload: bytes, family: Family) -> DestinationEntry:
    """Read one server; `family` is that of its service, for kernels that do not name it."""
    return destination_entry(server_rows().read_payload(payload), family)


# The table is read again and again, and most of it looks alike: equal values share one object.
@lru_cache(maxsize=1 << 12)
def _service_key(values: Row) -> ServiceKey:
    family_number, protocol, address, port, mark = values
    family = _family(family_number)
    if mark is not None:
        return ServiceKey(FirewallMark(mark, family))
    if protocol is None or address is None or port is None:
        raise WireError("a service with neither a firewall mark nor protocol, address and port")
    return ServiceKey(AddressMatch(_protocol(protocol), _address(address, family), _port(port)))


class _Places(dict[bytes, DestinationKey]):
    """Servers of one family by address and port in the kernel's bytes, each made when it is first asked for.

    There are so many of them that what a cache of Python's own keeps of each, twice as much, is felt.
    """

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, place: bytes) -> DestinationKey:
        key = DestinationKey(_address(place[:-2], self._family), int.from_bytes(place[-2:], "big"))
        if len(self) >= _PLACES_REMEMBERED:
            self.clear()
        self[place] = key
        return key


_PLACES_REMEMBERED = 1 << 17
_PLACES = {family: _Places(family) for family in Family}


def _places(family: int) -> _Places:
    return _PLACES[_family(family)]


@lru_cache(maxsize=1 << 12)
def _settings(family: int, values: Row) -> ServiceSettings:
    scheduler, engine, raw_flags, timeout, raw_mask = values
    if len(raw_flags) < _FLAGS.size:
        raise WireError(f"service flags of {len(raw_flags)} bytes")
    flags: int = _FLAGS.unpack_from(raw_flags)[0]
    if raw_mask is not None and len(raw_mask) != 4:
        raise WireError(f"a netmask of {len(raw_mask)} bytes")
    if family == Family.IPV6:
        mask = whole = WHOLE_IPV6
        if raw_mask is not None:
            mask = int.from_bytes(raw_mask, HOST_ORDER)
    else:
        mask = whole = WHOLE_IPV4
        if raw_mask is not None:
            mask = int.from_bytes(raw_mask, "big")
    return ServiceSettings(
        scheduler=terminated(scheduler),
        scheduler_flags=flags >> SCHEDULER_FLAGS_SHIFT & 7,
        persistence_s=timeout if flags & PERSISTENT else 0,
        persistence_mask=None if mask == whole else mask,
        persistence_engine=terminated(engine),
        one_packet=bool(flags & ONE_PACKET),
    )


@lru_cache(maxsize=1 << 12)
def _destination(values: Row) -> Destination:
    method, weight, tunnel, tunnel_port, tunnel_flags, upper, lower = values
    forwarding = FORWARDING_OF.get(method & FORWARDING_MASK)
    if forwarding is None:
        raise WireError(f"unknown forwarding method {method}")
    if tunnel not in TUNNEL_TYPE_OF or tunnel_flags not in TUNNEL_CHECKSUM_OF:
        raise WireError(f"unknown tunnel type {tunnel} with flags {tunnel_flags}")
    return Destination(
        forwarding=forwarding,
        weight=weight,
        upper_threshold=upper,
        lower_threshold=lower,
        tunnel=Tunnel(
            type=TUNNEL_TYPE_OF[tunnel],
            port=_port(tunnel_port),
            checksum=TUNNEL_CHECKSUM_OF[tunnel_flags],
        ),
    )


def read_timeouts(payload: bytes) -> Timeouts:
    """Read the answer to `get_timeouts`."""
    fields = body(payload)
    return Timeouts(
        number(fields, Top.TIMEOUT_TCP, 0), number(fields, Top.TIMEOUT_TCP_FIN, 0), number(fields, Top.TIMEOUT_UDP, 0)
    )


def read_daemon(payload: bytes) -> SyncDaemon:
    """Read one sync daemon of a dump."""
    fields = attributes(_field(body(payload), Top.DAEMON))
    group: Address | None = None
    if Daemon.MCAST_GROUP in fields:
        group = _address(fields[Daemon.MCAST_GROUP], Family.IPV4)
    elif Daemon.MCAST_GROUP6 in fields:
        group = _address(fields[Daemon.MCAST_GROUP6], Family.IPV6)
    return SyncDaemon(
        sender=number(fields, Daemon.STATE) == 1,
        interface=string(fields, Daemon.MCAST_IFN),
        sync_id=number(fields, Daemon.SYNC_ID),
        max_length=number(fields, Daemon.SYNC_MAXLEN, 0) or None,
        group=group,
        port=number(fields, Daemon.MCAST_PORT, 0) or None,
        ttl=number(fields, Daemon.MCAST_TTL, 0) or None,
    )


def _field(fields: Mapping[int, bytes], kind: int) -> bytes:
    try:
        return fields[kind]
    except KeyError:
        raise WireError(f"attribute {kind} is missing") from None


def _family(value: int) -> Family:
    family = _FAMILY_OF.get(value)
    if family is None:
        raise WireError(f"unknown address family {value}")
    return family


def _protocol(value: int) -> Protocol:
    protocol = _PROTOCOL_OF.get(value)
    if protocol is None:
        raise WireError(f"unknown protocol {value}")
    return protocol


def _address(raw: bytes, family: Family) -> Address:
    if family is Family.IPV4 and len(raw) >= 4:
        return IPv4Address(raw[:4])
    if family is Family.IPV6 and len(raw) >= 16:
        return IPv6Address(raw[:16])
    raise WireError(f"an address of {len(raw)} bytes")


def _port(raw: bytes) -> int:
    return int.from_bytes(_two(raw), "big")


def _two(raw: bytes) -> bytes:
    if len(raw) != 2:
        raise WireError(f"a port of {len(raw)} bytes")
    return raw
