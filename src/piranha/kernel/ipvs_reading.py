"""Reading the IPVS table: questions as bytes, answers as rows of plain values. Reading raises WireError, nothing else.

`ipvs_answers` makes table values of rows; who only prints a table takes the rows as they are: one of 90,000 servers
is read so in a fifth of the time.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c of the kernel (ip_vs_genl_fill_*).
"""

from __future__ import annotations

from struct import Struct

from piranha import TYPE_CHECKING
from piranha.dataclass import dataclass
from piranha.kernel.generic import GENL_HEADER, body, command
from piranha.kernel.ipvs_numbers import VERSION, Command, Dest, Info, Stats, Svc, Top
from piranha.kernel.layout import Field, Rows
from piranha.kernel.wire import HEADER, NLA_F_NESTED, NLATTR, WireError, nested, number, u16, u32

if TYPE_CHECKING:
    from piranha.kernel.layout import Row

# A service as one struct; its servers are asked for one service at a time.
_MATCH = Struct("=HH 4sH2x 4sH2x 4s16s 4s2s2x")  # nest; u16 family; u16 protocol; 16 bytes address; __be16 port
_SERVICE_NEST = Top.SERVICE | NLA_F_NESTED
_FAMILY_HEADER = NLATTR.pack(6, Svc.AF)
_PROTOCOL_HEADER = NLATTR.pack(6, Svc.PROTOCOL)
_ADDRESS_HEADER = NLATTR.pack(20, Svc.ADDR)
_PORT_HEADER = NLATTR.pack(6, Svc.PORT)


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """What the kernel says of its IPVS. version: such as (1, 2, 1); table_size: buckets for connections."""

    version: tuple[int, int, int]
    table_size: int


def _counters(top: int, wide: int, narrow: int) -> list[Field]:
    """Return the fields of the counters: STATS64 where the kernel has it (4.1 and later), else STATS."""
    return [Field(((top, wide, kind), (top, narrow, kind)), 0) for kind in range(Stats.CONNS, Stats.OUTBPS + 1)]


_SERVICE = [
    Field(((Top.SERVICE, Svc.AF),)),
    Field(((Top.SERVICE, Svc.PROTOCOL),), None),
    Field(((Top.SERVICE, Svc.ADDR),), None, raw=True),
    Field(((Top.SERVICE, Svc.PORT),), None, raw=True),
    Field(((Top.SERVICE, Svc.FWMARK),), None),
    Field(((Top.SERVICE, Svc.SCHED_NAME),), raw=True),
    Field(((Top.SERVICE, Svc.PE_NAME),), b"", raw=True),
    Field(((Top.SERVICE, Svc.FLAGS),), raw=True),
    Field(((Top.SERVICE, Svc.TIMEOUT),)),
    Field(((Top.SERVICE, Svc.NETMASK),), None, raw=True),
]
SERVICE_COUNTERS = len(_SERVICE)
"""Where in the row of a service its counters begin."""

_SERVER = [
    Field(((Top.DEST, Dest.ADDR),), raw=True),
    Field(((Top.DEST, Dest.PORT),), raw=True),
    Field(((Top.DEST, Dest.FWD_METHOD),)),
    Field(((Top.DEST, Dest.WEIGHT),)),
    # Before Linux 5.3 there is IP in IP alone.
    Field(((Top.DEST, Dest.TUN_TYPE),), 0),
    Field(((Top.DEST, Dest.TUN_PORT),), b"\0\0", raw=True),
    Field(((Top.DEST, Dest.TUN_FLAGS),), 0),
    Field(((Top.DEST, Dest.U_THRESH),), 0),
    Field(((Top.DEST, Dest.L_THRESH),), 0),
    Field(((Top.DEST, Dest.ACTIVE_CONNS),), 0),
    Field(((Top.DEST, Dest.INACT_CONNS),), 0),
    Field(((Top.DEST, Dest.PERSIST_CONNS),), 0),
    Field(((Top.DEST, Dest.ADDR_FAMILY),), 0),  # before Linux 3.18 that of the service
]
SERVER_FAMILY = len(_SERVER) - 1
SERVER_COUNTERS = len(_SERVER)
"""Where in the row of a server its counters begin."""

_MEMBER = [*_SERVER[:9], _SERVER[SERVER_FAMILY]]  # what a table value holds of a server


def service_rows(*, counters: bool = True) -> Rows:
    """Return what reads the rows of services, with their counters if asked for."""
    more = _counters(Top.SERVICE, Svc.STATS64, Svc.STATS) if counters else []
    return Rows(HEADER.size + GENL_HEADER.size, [*_SERVICE, *more])


def server_rows(*, counters: bool = True) -> Rows:
    """Return what reads the rows of servers, with their counters if asked for."""
    more = _counters(Top.DEST, Dest.STATS64, Dest.STATS) if counters else []
    return Rows(HEADER.size + GENL_HEADER.size, [*_SERVER, *more])


def member_rows() -> Rows:
    """Return what reads of the rows of servers as much as `ipvs_answers.pool` needs."""
    return Rows(HEADER.size + GENL_HEADER.size, _MEMBER)


def get_info() -> bytes:
    """Encode the question for version and size."""
    return command(Command.GET_INFO, VERSION)


def read_info(payload: bytes) -> KernelInfo:
    """Read the answer to `get_info`."""
    fields = body(payload)
    version = number(fields, Info.VERSION)
    return KernelInfo((version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF), number(fields, Info.CONN_TAB_SIZE))


def list_services() -> bytes:
    """Encode the dump of all services."""
    return command(Command.GET_SERVICE, VERSION)


def list_servers(service: Row) -> bytes:
    """Encode the dump of the servers of the service of that row; raises WireError for one that is none."""
    family, protocol, address, port, mark = service[:5]
    if max(family, protocol or 0) > 0xFFFF or (mark or 0) > 0xFFFFFFFF:
        raise WireError(f"a service of family {family}, protocol {protocol} and mark {mark}")
    if mark is not None:
        match = mark_match(family, mark)
    elif protocol is None or address is None or port is None:
        raise WireError("a service with neither a firewall mark nor protocol, address and port")
    else:
        match = address_match(family, protocol, address, port)
    return command(Command.GET_DEST, VERSION, match)


def address_match(family: int, protocol: int, address: bytes, port: bytes, members: bytes = b"") -> bytes:
    """Encode a service that is found by protocol, address and port, with more attributes if given."""
    identity = _MATCH.pack(
        _MATCH.size + len(members),
        _SERVICE_NEST,
        _FAMILY_HEADER,
        family,
        _PROTOCOL_HEADER,
        protocol,
        _ADDRESS_HEADER,
        address,
        _PORT_HEADER,
        port,
    )
    return identity + members


def mark_match(family: int, mark: int, members: bytes = b"") -> bytes:
    """Encode a service that is found by a firewall mark, with more attributes if given."""
    return nested(Top.SERVICE, u16(Svc.AF, family), u32(Svc.FWMARK, mark), members)
