"""Answers of IPVS: bytes as table values. Reading raises WireError and nothing else.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c of the kernel (ip_vs_genl_fill_*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Any

from piranha.kernel.generic import body
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_numbers import (
    FORWARDING_MASK,
    FORWARDING_OF,
    SCHEDULER_FLAGS_SHIFT,
    TUNNEL_CHECKSUM_OF,
    TUNNEL_TYPE_OF,
    WHOLE_IPV4,
    WHOLE_IPV6,
    Daemon,
    Dest,
    Info,
    Stats,
    Svc,
    Top,
)
from piranha.kernel.wire import Layout, WireError, attributes, number, number_be, string
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ONE_PACKET, PERSISTENT, AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Address, Family, Protocol, Tunnel

_FLAGS = Struct("=II")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
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


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service of a dump; what is not a setting is read on demand and raises WireError."""

    key: ServiceKey
    settings: ServiceSettings
    fields: Mapping[int, bytes]

    def statistics(self) -> Statistics:
        """Read the counters."""
        return _statistics(self.fields, Svc.STATS64, Svc.STATS)


@dataclass(slots=True)
class DestinationEntry:
    """A real server of a dump. active, inactive: connections, established or not; persistent: templates.

    `statistics()` reads on demand and raises WireError.
    """

    key: DestinationKey
    destination: Destination
    active: int
    inactive: int
    persistent: int
    nest: bytes

    def statistics(self) -> Statistics:
        """Read the counters."""
        return _statistics(attributes(self.nest), Dest.STATS64, Dest.STATS)


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """What the kernel says of its IPVS. version: such as (1, 2, 1); table_size: buckets for connections."""

    version: tuple[int, int, int]
    table_size: int


def read_service(payload: bytes) -> ServiceEntry:
    """Read one service of a dump or of `get_service`."""
    fields = attributes(_field(body(payload), Top.SERVICE))
    family = _family(number(fields, Svc.AF))
    match: AddressMatch | FirewallMark
    if Svc.FWMARK in fields:
        match = FirewallMark(number(fields, Svc.FWMARK), family)
    else:
        match = AddressMatch(
            _protocol(number(fields, Svc.PROTOCOL)),
            _address(_field(fields, Svc.ADDR), family),
            number_be(fields, Svc.PORT),
        )
    return ServiceEntry(ServiceKey(match), _settings(fields, family), fields)


def read_destination(payload: bytes, family: Family) -> DestinationEntry:
    """Read one server of a dump; `family` is that of its service, for kernels that do not name it."""
    nest = _field(body(payload), Top.DEST)
    values = _USUAL_ORDER.read(nest) or _any_order(attributes(nest), family)
    address, port, *_, active, inactive, persistent, named_family = values
    key = _destination_key(address, port, named_family)
    return DestinationEntry(key, _destination(values[2:9]), active, inactive, persistent, nest)


# ip_vs_genl_fill_dest of Linux 5.3 and later.
_USUAL_ORDER = Layout(
    *((Dest.ADDR, "16s"), (Dest.PORT, "2s"), (Dest.FWD_METHOD, "I"), (Dest.WEIGHT, "I")),
    *((Dest.TUN_TYPE, "B"), (Dest.TUN_PORT, "2s"), (Dest.TUN_FLAGS, "H")),
    *((Dest.U_THRESH, "I"), (Dest.L_THRESH, "I")),
    *((Dest.ACTIVE_CONNS, "I"), (Dest.INACT_CONNS, "I"), (Dest.PERSIST_CONNS, "I"), (Dest.ADDR_FAMILY, "H")),
)


def _any_order(fields: Mapping[int, bytes], family: Family) -> tuple[Any, ...]:
    """Return what `_USUAL_ORDER` would, from attributes in any order and with old ones missing."""
    return (
        *(_field(fields, Dest.ADDR), _field(fields, Dest.PORT)),
        *(number(fields, Dest.FWD_METHOD), number(fields, Dest.WEIGHT)),
        *(number(fields, Dest.TUN_TYPE, 0), fields.get(Dest.TUN_PORT, b"\0\0"), number(fields, Dest.TUN_FLAGS, 0)),
        *(number(fields, Dest.U_THRESH, 0), number(fields, Dest.L_THRESH, 0)),
        *(number(fields, Dest.ACTIVE_CONNS, 0), number(fields, Dest.INACT_CONNS, 0)),
        *(number(fields, Dest.PERSIST_CONNS, 0), number(fields, Dest.ADDR_FAMILY, family)),
    )


# The table is read again and again, and most servers look alike: equal values share one object.
@lru_cache(maxsize=1 << 15)
def _destination_key(address: bytes, port: bytes, family: int) -> DestinationKey:
    if len(port) != 2:
        raise WireError(f"a port of {len(port)} bytes")
    return DestinationKey(_address(address, _family(family)), int.from_bytes(port, "big"))


@lru_cache(maxsize=1 << 12)
def _destination(values: tuple[Any, ...]) -> Destination:
    method, weight, tunnel, tunnel_port, tunnel_flags, upper, lower = values
    forwarding = FORWARDING_OF.get(method & FORWARDING_MASK)
    if forwarding is None:
        raise WireError(f"unknown forwarding method {method}")
    if tunnel not in TUNNEL_TYPE_OF or tunnel_flags not in TUNNEL_CHECKSUM_OF or len(tunnel_port) != 2:
        raise WireError(f"unknown tunnel type {tunnel} with flags {tunnel_flags}")
    return Destination(
        forwarding=forwarding,
        weight=weight,
        upper_threshold=upper,
        lower_threshold=lower,
        tunnel=Tunnel(
            type=TUNNEL_TYPE_OF[tunnel],
            port=int.from_bytes(tunnel_port, "big"),
            checksum=TUNNEL_CHECKSUM_OF[tunnel_flags],
        ),
    )


def read_info(payload: bytes) -> KernelInfo:
    """Read the answer to `get_info`."""
    fields = body(payload)
    version = number(fields, Info.VERSION)
    return KernelInfo((version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF), number(fields, Info.CONN_TAB_SIZE))


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
    try:
        return Family(value)
    except ValueError:
        raise WireError(f"unknown address family {value}") from None


def _protocol(value: int) -> Protocol:
    try:
        return Protocol(value)
    except ValueError:
        raise WireError(f"unknown protocol {value}") from None


def _address(raw: bytes, family: Family) -> Address:
    if family is Family.IPV4 and len(raw) >= 4:
        return IPv4Address(raw[:4])
    if family is Family.IPV6 and len(raw) >= 16:
        return IPv6Address(raw[:16])
    raise WireError(f"an address of {len(raw)} bytes")


def _settings(fields: Mapping[int, bytes], family: Family) -> ServiceSettings:
    raw_flags = _field(fields, Svc.FLAGS)
    if len(raw_flags) < _FLAGS.size:
        raise WireError(f"service flags of {len(raw_flags)} bytes")
    flags: int = _FLAGS.unpack_from(raw_flags)[0]
    if family is Family.IPV6:
        mask, whole = number(fields, Svc.NETMASK, WHOLE_IPV6), WHOLE_IPV6
    else:
        mask, whole = number_be(fields, Svc.NETMASK, WHOLE_IPV4), WHOLE_IPV4
    return ServiceSettings(
        scheduler=string(fields, Svc.SCHED_NAME),
        scheduler_flags=flags >> SCHEDULER_FLAGS_SHIFT & 7,
        persistence_s=number(fields, Svc.TIMEOUT) if flags & PERSISTENT else 0,
        persistence_mask=None if mask == whole else mask,
        persistence_engine=string(fields, Svc.PE_NAME, ""),
        one_packet=bool(flags & ONE_PACKET),
    )


def _statistics(fields: Mapping[int, bytes], wide: int, narrow: int) -> Statistics:
    """Read STATS64 where the kernel has it (4.1 and later), else STATS."""
    stats = attributes(fields.get(wide) or fields.get(narrow) or b"")
    return Statistics(
        connections=number(stats, Stats.CONNS, 0),
        packets_in=number(stats, Stats.INPKTS, 0),
        packets_out=number(stats, Stats.OUTPKTS, 0),
        bytes_in=number(stats, Stats.INBYTES, 0),
        bytes_out=number(stats, Stats.OUTBYTES, 0),
        connections_per_s=number(stats, Stats.CPS, 0),
        packets_in_per_s=number(stats, Stats.INPPS, 0),
        packets_out_per_s=number(stats, Stats.OUTPPS, 0),
        bytes_in_per_s=number(stats, Stats.INBPS, 0),
        bytes_out_per_s=number(stats, Stats.OUTBPS, 0),
    )
