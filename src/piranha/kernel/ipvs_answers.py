"""Answers of IPVS: bytes as table values. Reading raises WireError and nothing else.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c of the kernel (ip_vs_genl_fill_*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

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
from piranha.kernel.wire import WireError, attributes, number, number_be, string
from piranha.table.destination import Destination, DestinationKey, Tunnel
from piranha.table.service import ONE_PACKET, PERSISTENT, AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Address, Family, Protocol

_FLAGS = Struct("=II")
_NO_TUNNEL = Tunnel()
_PLAIN_TUNNEL_FIELDS = (b"\0", b"\0\0", b"\0\0")


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


@dataclass(frozen=True, slots=True)
class DestinationEntry:
    """A real server of a dump; what is not a setting is read on demand and raises WireError."""

    key: DestinationKey
    destination: Destination
    fields: Mapping[int, bytes]

    def statistics(self) -> Statistics:
        """Read the counters."""
        return _statistics(self.fields, Dest.STATS64, Dest.STATS)

    @property
    def active(self) -> int:
        """Established connections."""
        return number(self.fields, Dest.ACTIVE_CONNS, 0)

    @property
    def inactive(self) -> int:
        """Connections that are not established, closing ones for the most part."""
        return number(self.fields, Dest.INACT_CONNS, 0)

    @property
    def persistent(self) -> int:
        """Persistence templates."""
        return number(self.fields, Dest.PERSIST_CONNS, 0)


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
    fields = attributes(_field(body(payload), Top.DEST))
    if Dest.ADDR_FAMILY in fields:
        family = _family(number(fields, Dest.ADDR_FAMILY))
    key = DestinationKey(_address(_field(fields, Dest.ADDR), family), number_be(fields, Dest.PORT))
    method = number(fields, Dest.FWD_METHOD) & FORWARDING_MASK
    if method not in FORWARDING_OF:
        raise WireError(f"unknown forwarding method {method}")
    destination = Destination(
        forwarding=FORWARDING_OF[method],
        weight=number(fields, Dest.WEIGHT),
        upper_threshold=number(fields, Dest.U_THRESH, 0),
        lower_threshold=number(fields, Dest.L_THRESH, 0),
        tunnel=_tunnel(fields),
    )
    return DestinationEntry(key, destination, fields)


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


def _tunnel(fields: Mapping[int, bytes]) -> Tunnel:
    raw = (fields.get(Dest.TUN_TYPE), fields.get(Dest.TUN_PORT), fields.get(Dest.TUN_FLAGS))
    if raw in (_PLAIN_TUNNEL_FIELDS, (None, None, None)):
        return _NO_TUNNEL
    kind, flags = number(fields, Dest.TUN_TYPE, 0), number(fields, Dest.TUN_FLAGS, 0)
    if kind not in TUNNEL_TYPE_OF or flags not in TUNNEL_CHECKSUM_OF:
        raise WireError(f"unknown tunnel type {kind} with flags {flags}")
    return Tunnel(
        type=TUNNEL_TYPE_OF[kind],
        port=number_be(fields, Dest.TUN_PORT, 0),
        checksum=TUNNEL_CHECKSUM_OF[flags],
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
