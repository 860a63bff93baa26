"""The netlink codec as a target: whatever a kernel sends is entries or one NetlinkError."""

import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address

from tests.kernel.recorded import Replay, answer, at_once, one_by_one

from piranha.cli.ipvsadm.listing import MODES, Style, service_lines
from piranha.cli.ipvsadm.rows import in_order, service_order
from piranha.cli.ipvsadm.saving import rules
from piranha.cli.ipvsadm.services import numeric
from piranha.kernel.addresses import Addresses
from piranha.kernel.ipvs_reading import server_rows, service_rows
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.layout import Row, Rows
from piranha.kernel.socket import NetlinkError, NetlinkSocket, Request
from piranha.kernel.wire import WireError
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Protocol

_WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 80))
_ENTRIES_LIMIT = 4096  # a datagram of 64 KiB has no room for more
_KINDS: dict[str, Callable[[], Rows]] = {"services": service_rows, "servers": server_rows}


def codec(text: str) -> None:
    """Every request, answered by these bytes in one part or in two; then what is read at once, one by one."""
    data = text.encode("utf-8", "surrogateescape")
    answered(Replay(data, () if zlib.crc32(data) % 2 else (len(data) // 2 & ~3,)))
    for name, kind in _KINDS.items():
        rows = kind()
        at_once(rows, answer(name), 1)
        assert at_once(rows, data, 1) == one_by_one(kind(), data, 1)


def answered(replay: Replay) -> None:
    ipvs = IpvsSocket(replay.open)
    routes = Addresses(replay.open)
    batches = NetlinkSocket(0, opener=replay.open)
    lists: list[Callable[[], list[object]]] = [
        lambda: [entry.statistics() for entry in ipvs.services()],
        lambda: [entry.statistics() for entry in ipvs.destinations(_WWW)],
        lambda: list(ipvs.pool(_WWW)),
        lambda: list(ipvs.daemons()),
        lambda: list(routes.links()),
        lambda: list(routes.addresses()),
        lambda: list(batches.batch([Request(20, 0, b"")] * 3)),
    ]
    for read in lists:
        with suppress(NetlinkError):
            assert len(read()) <= _ENTRIES_LIMIT
    for mode in MODES:
        with suppress(NetlinkError, WireError):
            listed(ipvs, partial(service_lines, style=Style(names=numeric, mode=mode)))
    with suppress(NetlinkError, WireError):
        listed(ipvs, partial(rules, names=numeric))
    for ask in (ipvs.info, ipvs.timeouts, lambda: ipvs.service(_WWW)):
        with suppress(NetlinkError):
            ask()


def listed(ipvs: IpvsSocket, lines: Callable[[Row, Sequence[Row]], list[str]]) -> None:
    """What `ipvsadm -L` and `-S` print, in order."""
    for service in sorted(ipvs.service_rows(counters=True), key=service_order):
        servers = in_order(ipvs.server_rows(service, counters=True))
        assert len(lines(service, servers)) == 1 + len(servers)
