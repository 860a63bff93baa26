"""IPVS behind a raw netlink socket, in memory: what the kernel sends for each request, and what may become of it.

    kernel = WireKernel()
    plane = IpvsPlane(kernel.connect)

The table is that of `tests.contracts.fake_kernel`; the bytes are laid out as Linux 6.1 lays them out.
"""

import errno
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from tests.contracts.fake_kernel import FakeKernel

from piranha.kernel.generic import CONTROL_FAMILY, GENL_HEADER, body, command
from piranha.kernel.ipvs import Timeouts, change_requests, get_service, set_timeouts
from piranha.kernel.ipvs_answers import read_destination, read_service, read_timeouts
from piranha.kernel.ipvs_numbers import Command, Dest, Info, Svc, Top
from piranha.kernel.wire import (
    HEADER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_MULTI,
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    attribute,
    attributes,
    messages,
    nested,
    text,
    u16,
    u32,
)
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
from piranha.table.service import FirewallMark, ServiceKey, ServiceSettings

FAMILY = 0x1B
PORT = 4711
ENTRIES_A_DATAGRAM = 3

_CODE = Struct("=i")
_STATS_PAD = 11  # IPVS_STATS_ATTR_PAD
_ANY_SERVICE = ServiceKey(FirewallMark(1))


class Delivery(NamedTuple):
    """One receive. port: of the sender, 0 is the kernel; size: as the kernel says it, larger if it was cut."""

    data: bytes
    port: int = 0
    size: int | None = None


Arrival = Delivery | OSError
Spoil = Callable[[list[Arrival]], list[Arrival]]
"""What arrives of the answers to one `sendto`."""


def as_sent(answers: list[Arrival]) -> list[Arrival]:
    return answers


@dataclass
class WireKernel:
    """One kernel. spoil: what becomes of answers; opened: how many sockets were opened so far.

    tunnels: whether it knows tunnels other than IP in IP, as Linux 5.3 and later do.
    """

    table: FakeKernel = field(default_factory=FakeKernel)
    spoil: Spoil = as_sent
    opened: int = 0
    tunnels: bool = True
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(900, 120, 300))

    def connect(self, _protocol: int) -> "WireConnection":
        self.opened += 1
        return WireConnection(self)

    def answers(self, request: Message) -> list[bytes]:
        """What a request is answered, acknowledgement aside; raises OSError when it is refused."""
        if request.kind == CONTROL_FAMILY:
            return [message_of(CONTROL_FAMILY, request, command(1, 2, u16(1, FAMILY)))]
        if request.kind != FAMILY:
            raise OSError(errno.ENOENT, "no such family")
        return list(self._ipvs(request))

    def _ipvs(self, request: Message) -> Iterator[bytes]:
        number = request.payload[0]
        match number:
            case Command.GET_INFO:
                members = u32(Info.VERSION, 0x010201) + u32(Info.CONN_TAB_SIZE, 4096)
                yield message_of(FAMILY, request, command(Command.GET_INFO, 1, members))
            case Command.GET_CONFIG:
                yield message_of(FAMILY, request, set_timeouts(self.timeouts))
            case Command.SET_CONFIG:
                new, old = read_timeouts(request.payload), self.timeouts
                self.timeouts = Timeouts(new.tcp_s or old.tcp_s, new.tcpfin_s or old.tcpfin_s, new.udp_s or old.udp_s)
            case Command.GET_SERVICE:
                keys = list(self.table.services) if request.flags & NLM_F_DUMP else [self._key(request)]
                for key in keys:
                    yield message_of(FAMILY, request, service_answer(key, self.table.services[key].settings))
            case Command.GET_DEST:
                named = self._named(request)
                for server, destination in named[1].items() if named else ():
                    yield message_of(FAMILY, request, server_answer(server, destination, tunnels=self.tunnels))
            case _:
                code = self.table.carry_out(_change(number, request.payload))
                if code:
                    raise OSError(code, "refused")

    def _key(self, request: Message) -> ServiceKey:
        named = self._named(request)
        if named is None:
            raise OSError(errno.ESRCH, "no such service")
        return named[0]

    def _named(self, request: Message) -> tuple[ServiceKey, dict[DestinationKey, Destination]] | None:
        wanted = body(request.payload)[Top.SERVICE]
        for key, service in self.table.services.items():
            if body(get_service(key))[Top.SERVICE] == wanted:
                return key, dict(service.destinations)
        return None


class WireConnection:
    """A socket of a WireKernel; see `kernel.socket.Connection`."""

    def __init__(self, kernel: WireKernel) -> None:
        self._kernel = kernel
        self._arriving: deque[Arrival] = deque()
        self._dump: deque[Arrival] = deque()  # what a dump has yet to send: it goes on as it is read
        self._closed = False

    def sendto(self, data: bytes, _address: tuple[int, int], /) -> int:
        if self._closed:
            raise OSError(errno.EBADF, "closed")
        answers: list[Arrival] = []
        for request in messages(data):
            answers += self._answer(request)
        if answers:
            self._arriving.extend(self._kernel.spoil(answers))
        return len(data)

    def _answer(self, request: Message) -> list[Arrival]:
        try:
            if request.flags & NLM_F_DUMP != NLM_F_DUMP:
                found = [Delivery(one) for one in self._kernel.answers(request)]
                return [*found, *([Delivery(_ended(NLMSG_ERROR, request, 0))] if request.flags & NLM_F_ACK else [])]
            if self._dump:
                raise OSError(errno.EBUSY, "a dump is under way")
            entries = self._kernel.answers(request)
        except OSError as error:
            return [Delivery(_ended(NLMSG_ERROR, request, error.errno or errno.EIO))]
        parts = range(0, len(entries), ENTRIES_A_DATAGRAM)
        datagrams = [Delivery(b"".join(entries[place : place + ENTRIES_A_DATAGRAM])) for place in parts]
        first, *rest = self._kernel.spoil([*datagrams, Delivery(_ended(NLMSG_DONE, request, 0))])
        self._dump.extend(rest)
        self._arriving.append(first)
        return []

    def recvfrom_into(self, buffer: bytearray, _nbytes: int, _flags: int, /) -> tuple[int, tuple[int, int]]:
        if self._closed:
            raise OSError(errno.EBADF, "closed")
        if not self._arriving:
            raise BlockingIOError(errno.EAGAIN, "nothing comes")
        arrival = self._arriving.popleft()
        if self._dump:
            self._arriving.append(self._dump.popleft())
        if isinstance(arrival, OSError):
            raise arrival
        kept = arrival.data[: len(buffer)]
        buffer[: len(kept)] = kept
        return len(arrival.data) if arrival.size is None else arrival.size, (arrival.port, 0)

    def setsockopt(self, _level: int, _option: int, _value: int, /) -> None:
        pass

    def close(self) -> None:
        self._closed = True


def _change(number: int, payload: bytes) -> Change:
    """Read a request that changes the table."""
    fields = body(payload)
    # What a request leaves out is put in front of it: of two attributes of a type the last one counts.
    settings = text(Svc.SCHED_NAME, "") + attribute(Svc.FLAGS, bytes(8)) + u32(Svc.TIMEOUT, 0)
    service = read_service(bytes(4) + nested(Top.SERVICE, settings, fields[Top.SERVICE]))
    if number == Command.NEW_SERVICE:
        return AddService(service.key, service.settings)
    if number == Command.SET_SERVICE:
        return EditService(service.key, service.settings)
    if number == Command.DEL_SERVICE:
        return RemoveService(service.key)
    weight = u32(Dest.FWD_METHOD, 0) + u32(Dest.WEIGHT, 0)
    server = read_destination(bytes(4) + nested(Top.DEST, weight, fields[Top.DEST]), service.key.family)
    if number == Command.NEW_DEST:
        return AddDestination(service.key, server.key, server.destination)
    if number == Command.SET_DEST:
        return EditDestination(service.key, server.key, server.destination)
    assert number == Command.DEL_DEST
    return RemoveDestination(service.key, server.key)


def message_of(kind: int, request: Message, payload: bytes) -> bytes:
    flags = NLM_F_MULTI if request.flags & NLM_F_DUMP == NLM_F_DUMP else 0
    return HEADER.pack(HEADER.size + len(payload), kind, flags, request.sequence, PORT) + payload


def _ended(kind: int, request: Message, code: int) -> bytes:
    payload = _CODE.pack(-code)
    if kind == NLMSG_ERROR:
        payload += HEADER.pack(HEADER.size + len(request.payload), request.kind, request.flags, request.sequence, 0)
    return HEADER.pack(HEADER.size + len(payload), kind, 0, request.sequence, PORT) + payload


def _counters(kind: int, sizes: str) -> bytes:
    """Encode counters of so many bytes each; the kernel aligns those of eight and does not flag the nest."""
    align = {"4": b"", "8": attribute(_STATS_PAD, b"")}
    return attribute(kind, b"".join(align[size] + attribute(at, bytes(int(size))) for at, size in enumerate(sizes, 1)))


def _statistics(narrow: int, wide: int) -> bytes:
    return _counters(narrow, "4448844444") + _counters(wide, "8888888888")


def service_answer(key: ServiceKey, settings: ServiceSettings) -> bytes:
    """What the kernel answers of a service (ip_vs_genl_fill_service)."""
    (request,) = change_requests([AddService(key, settings)])
    fields = attributes(body(request)[Top.SERVICE])
    order = (Svc.AF, Svc.FWMARK, Svc.PROTOCOL, Svc.ADDR, Svc.PORT, Svc.SCHED_NAME, Svc.PE_NAME)
    members = [attribute(kind, fields[kind]) for kind in order if kind in fields]
    members += [attribute(kind, fields[kind]) for kind in (Svc.FLAGS, Svc.TIMEOUT, Svc.NETMASK)]
    nest = attribute(Top.SERVICE, b"".join(members) + _statistics(Svc.STATS, Svc.STATS64))
    return GENL_HEADER.pack(Command.NEW_SERVICE, 1, 0) + nest


def server_answer(server: DestinationKey, destination: Destination, *, tunnels: bool) -> bytes:
    """What the kernel answers of a server (ip_vs_genl_fill_dest)."""
    (request,) = change_requests([AddDestination(_ANY_SERVICE, server, destination)])
    fields = attributes(body(request)[Top.DEST])
    tunnel: dict[int, bytes] = {Dest.TUN_TYPE: bytes(1), Dest.TUN_PORT: bytes(2), Dest.TUN_FLAGS: bytes(2)}
    now: dict[int, bytes] = {Dest.ACTIVE_CONNS: bytes(4), Dest.INACT_CONNS: bytes(4), Dest.PERSIST_CONNS: bytes(4)}
    order: tuple[int, ...] = (Dest.ADDR, Dest.PORT, Dest.FWD_METHOD, Dest.WEIGHT)
    order += (*tunnel, Dest.U_THRESH, Dest.L_THRESH, *now, Dest.ADDR_FAMILY)
    whole = {**tunnel, **now, **fields}
    known = [kind for kind in order if tunnels or kind not in tunnel]
    members = b"".join(attribute(kind, whole[kind]) for kind in known) + _statistics(Dest.STATS, Dest.STATS64)
    return GENL_HEADER.pack(Command.NEW_DEST, 1, 0) + attribute(Top.DEST, members)
