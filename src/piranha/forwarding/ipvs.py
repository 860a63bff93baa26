"""Shell: the forwarding plane that the kernel is, IPVS over netlink."""

import errno
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Counters, Refusal, Sample, ServerStatistics, ServiceStatistics
from piranha.forwarding.refusals import adds_sctp, is_sctp, refusal_words, tunnel_lost
from piranha.kernel.connection import Connection, connect
from piranha.kernel.ipvs import Timeouts
from piranha.kernel.ipvs_answers import ServiceEntry
from piranha.kernel.ipvs_reader import FIND_FAMILY
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.layout import Row
from piranha.kernel.socket import NetlinkError, errno_words
from piranha.kernel.symbols import lacks_sctp
from piranha.table.changes import AddDestination, AddService, Change, EditDestination, RemoveDestination
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey
from piranha.table.table import Service, Table
from piranha.terms import PLAIN_TUNNEL

_Result = TypeVar("_Result")


class IpvsPlane:
    """The IPVS table of this network namespace (see `forwarding.plane.Plane`).

    The first call opens the netlink socket, by `opener`. lacks: tells whether this kernel's IPVS takes services of SCTP
    and balances none, None where nobody knows; asked once, when there is one to add. Raises PlaneUnavailable when
    this kernel has no IPVS, when the process may not use it, and when it does not answer.
    """

    def __init__(
        self, opener: Callable[[int], Connection] = connect, lacks: Callable[[], bool | None] = lacks_sctp
    ) -> None:
        self._opener = opener
        self._lacks = lacks
        self._balances_sctp: bool | None = None  # not asked yet
        self._kernel: IpvsSocket | None = None

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read the live table, services of others included; only: of these services those that are there."""
        return self._call(lambda kernel: _dump(kernel, only))

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out `changes` in order, 256 in one system call; go on after a refused one."""
        there = any(map(is_sctp, _services_in(changes)))
        idle = [change for change in changes if adds_sctp(change)] if there else []
        if not idle or self._sctp():
            return self._apply(changes)
        kept = [change for change in changes if not adds_sctp(change)]
        return _not_balanced(idle) + (self._apply(kept) if kept else [])

    def unserved(self, services: Sequence[AddService]) -> list[Refusal]:
        """Return as refused those of `services`, all of SCTP and there, that this kernel lists and leaves alone."""
        return _not_balanced(services) if services and not self._sctp() else []

    def _sctp(self) -> bool:
        """Whether IPVS balances SCTP, as far as anybody knows."""
        if self._balances_sctp is None:
            self._call(lambda _: None)  # that loads the module: before it has no functions
            self._balances_sctp = self._lacks() is not True
        return self._balances_sctp

    def _apply(self, changes: Sequence[Change]) -> list[Refusal]:
        failures = self._call(lambda kernel: kernel.apply(changes))
        if failures and all(failure.code == errno.EPERM for failure in failures):
            raise PlaneUnavailable(_NOT_PERMITTED)
        refusals = [
            Refusal(
                changes[failure.index],
                failure.code,
                refusal_words(changes[failure.index], failure.code, errno_words(failure.code, failure.detail)),
            )
            for failure in failures
        ]
        refused = {failure.index for failure in failures}
        wrapped = _wrapped(changes if not refused else [c for n, c in enumerate(changes) if n not in refused])
        return refusals + self._call(lambda kernel: _unwrapped(kernel, wrapped)) if wrapped else refusals

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read the live table as `dump` does, with counters and connection numbers."""
        return self._call(lambda kernel: _sample(kernel, only))

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        """Set connection timeouts; 0 keeps the kernel's value."""
        self._call(lambda kernel: kernel.set_timeouts(Timeouts(tcp_s, tcpfin_s, udp_s)))

    def close(self) -> None:
        """Close the socket; the table stays. A later call opens it again."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = self._balances_sctp = None

    def _call(self, action: Callable[[IpvsSocket], _Result]) -> _Result:
        try:
            if self._kernel is None:
                self._kernel = IpvsSocket(self._opener)
            return action(self._kernel)
        except NetlinkError as error:
            # The number of the family changes when the module is unloaded and loaded: look it up again next time.
            self.close()
            raise PlaneUnavailable(_unavailable(error)) from None


_NOT_PERMITTED = "not permitted to use IPVS: CAP_NET_ADMIN is needed (run as root)"


def _unavailable(error: NetlinkError) -> str:
    if error.request == FIND_FAMILY and error.code == errno.ENOENT:
        return "this kernel has no IPVS: module ip_vs is missing (load it: modprobe ip_vs)"
    if error.code == errno.EPERM:
        return _NOT_PERMITTED
    return f"IPVS does not answer: {error}"


def _not_balanced(changes: Sequence[Change]) -> list[Refusal]:
    code = errno.EPROTONOSUPPORT
    return [Refusal(one, code, refusal_words(one, code, "")) for one in changes]


def _services_in(changes: Sequence[Change]) -> Iterator[ServiceKey]:
    """Yield the service of each run of changes."""
    return (service for service, _ in groupby(changes, attrgetter("service")))


Wrapped = AddDestination | EditDestination


def _wrapped(changes: Sequence[Change]) -> dict[tuple[ServiceKey, DestinationKey], Wrapped]:
    """Return the changes that last said of a server that its packets go through a tunnel other than IP in IP."""
    found: dict[tuple[ServiceKey, DestinationKey], Wrapped] = {}
    for change in changes:
        if isinstance(change, Wrapped) and change.destination.tunnel is not PLAIN_TUNNEL:
            found[change.service, change.server] = change
        elif found and isinstance(change, Wrapped | RemoveDestination):
            found.pop((change.service, change.server), None)
    return found


def _unwrapped(kernel: IpvsSocket, wrapped: Mapping[tuple[ServiceKey, DestinationKey], Wrapped]) -> list[Refusal]:
    """Return as refused what a kernel that is too old took for IP in IP: it drops what it does not know."""
    pools = {key: kernel.pool(key) for key in dict.fromkeys(key for key, _ in wrapped)}
    return [
        Refusal(change, errno.EOPNOTSUPP, tunnel_lost(change.destination))
        for (key, server), change in wrapped.items()
        if server in pools[key] and pools[key][server].tunnel != change.destination.tunnel
    ]


def _services(kernel: IpvsSocket, only: Collection[ServiceKey] | None) -> Iterator[ServiceEntry]:
    if only is None:
        yield from kernel.services()
        return
    for key in only:
        try:
            yield kernel.service(key)
        except NetlinkError as error:
            if error.code != errno.ESRCH:
                raise


def _dump(kernel: IpvsSocket, only: Collection[ServiceKey] | None) -> Table:
    return {service.key: Service(service.settings, kernel.pool(service.key)) for service in _services(kernel, only)}


def _sample(kernel: IpvsSocket, only: Collection[ServiceKey] | None) -> Sample:
    table: dict[ServiceKey, Service] = {}
    statistics: dict[ServiceKey, ServiceStatistics] = {}
    for service in _services(kernel, only):
        servers = kernel.destinations(service.key)
        table[service.key] = Service(service.settings, {server.key: server.destination for server in servers})
        statistics[service.key] = ServiceStatistics(
            counters=_counters(service.counters),
            servers={
                server.key: ServerStatistics(
                    counters=_counters(server.counters),
                    active=server.active,
                    inactive=server.inactive,
                    persistent=server.persistent,
                )
                for server in servers
            },
        )
    return Sample(table, statistics)


def _counters(row: Row) -> Counters:
    """Return the counters that an entry begins with, in the order of Statistics: ten thousand are read at once."""
    connections, packets_in, packets_out, bytes_in, bytes_out = row[:5]
    return Counters(
        connections=connections,
        packets_in=packets_in,
        packets_out=packets_out,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
    )
