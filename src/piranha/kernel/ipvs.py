"""Requests to IPVS: table values as bytes. `ipvs_reading` asks for what is there, `ipvs_answers` reads what comes back.

Byte order is what the kernel was seen to use: ports are in network order, an IPv4 netmask is raw, an
IPv6 one is a prefix length in host order; only the port of the sync daemon is in host order.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c of the kernel.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple, assert_never

from piranha.dataclass import dataclass
from piranha.kernel.generic import command
from piranha.kernel.ipvs_numbers import (
    SCHEDULER_FLAGS_SHIFT,
    VERSION,
    WHOLE_IPV4,
    WHOLE_IPV6,
    Command,
    Daemon,
    Dest,
    Svc,
    Top,
)
from piranha.kernel.ipvs_reading import address_match, mark_match
from piranha.kernel.ipvs_terms import FORWARDING, TUNNEL_FLAGS, TUNNEL_TYPE
from piranha.kernel.wire import NLA_F_NESTED, NLATTR, attribute, be16, nested, text, u8, u16, u32
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import ONE_PACKET, PERSISTENT
from piranha.table.service import FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import PLAIN_TUNNEL, Address, Family, ForwardingMethod, Tunnel

_FLAGS = Struct("=II")  # struct ip_vs_flags: u32 flags, u32 mask
_EVERY_FLAG = 0xFFFFFFFF

# A server as one struct with ready-made attribute headers: a big table is encoded three times as fast.
_IDENTITY = Struct("=HH 4sH2x 4s16s 4s2s2x")  # nest; u16 family; 16 bytes address; __be16 port
_SETTINGS = Struct("=4sI 4sI 4sI 4sI")  # u32 each: forwarding, weight, upper and lower threshold
_NEST = Top.DEST | NLA_F_NESTED
_FAMILY_HEADER = NLATTR.pack(6, Dest.ADDR_FAMILY)
_ADDRESS_HEADER = NLATTR.pack(20, Dest.ADDR)
_PORT_HEADER = NLATTR.pack(6, Dest.PORT)
_FORWARDING_HEADER = NLATTR.pack(8, Dest.FWD_METHOD)
_WEIGHT_HEADER = NLATTR.pack(8, Dest.WEIGHT)
_UPPER_HEADER = NLATTR.pack(8, Dest.U_THRESH)
_LOWER_HEADER = NLATTR.pack(8, Dest.L_THRESH)

_NEW_DEST = command(Command.NEW_DEST, VERSION)
_SET_DEST = command(Command.SET_DEST, VERSION)
_DEL_DEST = command(Command.DEL_DEST, VERSION)


class Timeouts(NamedTuple):
    """Connection timeouts in seconds; to set: 0 keeps the kernel's value."""

    tcp_s: int = 0
    tcpfin_s: int = 0
    udp_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDaemon:
    """A connection synchronisation daemon of the kernel; None or empty = the kernel's default.

    sender: whether it multicasts connections (the kernel's state *master*) or takes them in (*backup*).
    sync_id: 0 to 255. max_length: bytes of a datagram. group: multicast group (224.0.0.81), port (8848), ttl (1).
    """

    sender: bool
    interface: str = ""
    sync_id: int = 0
    max_length: int | None = None
    group: Address | None = None
    port: int | None = None
    ttl: int | None = None


def get_service(key: ServiceKey) -> bytes:
    """Encode the question for one service; the kernel answers ESRCH if there is none."""
    return command(Command.GET_SERVICE, VERSION, _service(key))


def list_destinations(key: ServiceKey) -> bytes:
    """Encode the dump of the servers of one service."""
    return command(Command.GET_DEST, VERSION, _service(key))


def get_timeouts() -> bytes:
    """Encode the question for the connection timeouts."""
    return command(Command.GET_CONFIG, VERSION)


def set_timeouts(timeouts: Timeouts) -> bytes:
    """Encode new connection timeouts."""
    members = u32(Top.TIMEOUT_TCP, timeouts.tcp_s) + u32(Top.TIMEOUT_TCP_FIN, timeouts.tcpfin_s)
    return command(Command.SET_CONFIG, VERSION, members + u32(Top.TIMEOUT_UDP, timeouts.udp_s))


def flush() -> bytes:
    """Encode the request that removes every service: for `ipvsadm -C` alone, no daemon sends it."""
    return command(Command.FLUSH, VERSION)


def zero(key: ServiceKey | None = None) -> bytes:
    """Encode the request that sets the counters of one service, or of all, to zero."""
    return command(Command.ZERO, VERSION, b"" if key is None else _service(key))


def list_daemons() -> bytes:
    """Encode the dump of the sync daemons that run."""
    return command(Command.GET_DAEMON, VERSION)


def start_daemon(daemon: SyncDaemon) -> bytes:
    """Encode the start of a sync daemon."""
    return command(Command.NEW_DAEMON, VERSION, _daemon(daemon))


def stop_daemon(daemon: SyncDaemon) -> bytes:
    """Encode the stop of a sync daemon; only `sender` and `sync_id` count."""
    return command(Command.DEL_DAEMON, VERSION, _daemon(daemon))


def change_requests(changes: Sequence[Change]) -> Iterator[bytes]:
    """Encode each change as the payload of one request."""
    last: ServiceKey | None = None
    alike: Destination | None = None
    identity = settings = b""
    for change in changes:
        # Changes of one service come in a row and share the key object, and many servers share their settings.
        if change.service is not last:
            last = change.service
            identity = _service(last)
        match change:
            case AddDestination() | EditDestination():
                if change.destination is not alike:
                    alike = change.destination
                    settings = _destination(alike)
                command_of = _NEW_DEST if isinstance(change, AddDestination) else _SET_DEST
                yield command_of + identity + _identity(change.server, len(settings)) + settings
            case RemoveDestination():
                yield _DEL_DEST + identity + _identity(change.server, 0)
            case AddService():
                yield command(Command.NEW_SERVICE, VERSION, _service(change.service, change.settings))
            case EditService():
                yield command(Command.SET_SERVICE, VERSION, _service(change.service, change.settings))
            case RemoveService():
                yield command(Command.DEL_SERVICE, VERSION, identity)
            case _:
                assert_never(change)


def _service(key: ServiceKey, settings: ServiceSettings | None = None) -> bytes:
    match = key.match
    members = b"" if settings is None else _settings(match.family, settings)
    if isinstance(match, FirewallMark):
        return mark_match(match.family, match.mark, members)
    address = match.address
    return address_match(
        2 if address.version == 4 else 10, match.protocol, address.packed, match.port.to_bytes(2, "big"), members
    )


def _settings(family: Family, settings: ServiceSettings) -> bytes:
    flags = settings.scheduler_flags << SCHEDULER_FLAGS_SHIFT
    flags |= PERSISTENT if settings.persistence_s else 0
    flags |= ONE_PACKET if settings.one_packet else 0
    mask = settings.persistence_mask
    if family is Family.IPV6:
        netmask = u32(Svc.NETMASK, WHOLE_IPV6 if mask is None else mask)
    else:
        netmask = attribute(Svc.NETMASK, (WHOLE_IPV4 if mask is None else mask).to_bytes(4, "big"))
    members = text(Svc.SCHED_NAME, settings.scheduler) + attribute(Svc.FLAGS, _FLAGS.pack(flags, _EVERY_FLAG))
    members += u32(Svc.TIMEOUT, settings.persistence_s) + netmask
    if settings.persistence_engine:
        members += text(Svc.PE_NAME, settings.persistence_engine)
    return members


def _identity(server: DestinationKey, more: int) -> bytes:
    """Encode the nest of a server up to its port; `more` bytes of attributes follow in the nest."""
    address = server.address
    return _IDENTITY.pack(
        _IDENTITY.size + more,
        _NEST,
        _FAMILY_HEADER,
        2 if address.version == 4 else 10,
        _ADDRESS_HEADER,
        address.packed,
        _PORT_HEADER,
        server.port.to_bytes(2, "big"),
    )


def _destination(destination: Destination) -> bytes:
    """Encode the settings of a server, which end its nest."""
    settings = _SETTINGS.pack(
        _FORWARDING_HEADER,
        FORWARDING[destination.forwarding],
        _WEIGHT_HEADER,
        destination.weight,
        _UPPER_HEADER,
        destination.upper_threshold,
        _LOWER_HEADER,
        destination.lower_threshold,
    )
    # Older kernels know no tunnel attributes, and would not need them for the plain case either.
    if destination.forwarding is ForwardingMethod.TUNNEL and destination.tunnel != PLAIN_TUNNEL:
        return settings + _tunnel(destination.tunnel)
    return settings


def _tunnel(tunnel: Tunnel) -> bytes:
    flags = u16(Dest.TUN_FLAGS, TUNNEL_FLAGS[tunnel.checksum])
    return u8(Dest.TUN_TYPE, TUNNEL_TYPE[tunnel.type]) + be16(Dest.TUN_PORT, tunnel.port) + flags


def _daemon(daemon: SyncDaemon) -> bytes:
    members = [
        u32(Daemon.STATE, 1 if daemon.sender else 2),
        text(Daemon.MCAST_IFN, daemon.interface),
        u32(Daemon.SYNC_ID, daemon.sync_id),
    ]
    if daemon.max_length is not None:
        members.append(u16(Daemon.SYNC_MAXLEN, daemon.max_length))
    if daemon.group is not None:
        kind = Daemon.MCAST_GROUP if isinstance(daemon.group, IPv4Address) else Daemon.MCAST_GROUP6
        members.append(attribute(kind, daemon.group.packed))
    if daemon.port is not None:
        members.append(u16(Daemon.MCAST_PORT, daemon.port))
    if daemon.ttl is not None:
        members.append(u8(Daemon.MCAST_TTL, daemon.ttl))
    return nested(Top.DAEMON, *members)
