"""IPVS in memory: what the kernel answers to each change, without a kernel.

Held to the real one by the contract tests of this folder.
"""

import errno
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Counters, Refusal, Sample, ServerStatistics, ServiceStatistics
from piranha.forwarding.refusals import refusal_words
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
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Family, ForwardingMethod

SCHEDULERS = frozenset(["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"])

Refuser = Callable[[Change], int]
"""Returns an errno value to refuse a change, 0 to let the kernel's own rules decide."""


def refuses_nothing(_: Change) -> int:
    return 0


def refuses_at_random(seed: int, share: float = 0.2) -> Refuser:
    """Refuse about one change in five, as a kernel short of memory would; the same ones for the same seed."""
    dice = random.Random(seed)
    return lambda _: errno.ENOMEM if dice.random() < share else 0


class FakeKernel:
    """A table that takes changes with the kernel's rules. history: the table after each change it took."""

    def __init__(self, table: Table | None = None, refuse: Refuser = refuses_nothing) -> None:
        self.services: dict[ServiceKey, Service] = dict(table or {})
        self.refuse = refuse
        self.history: list[Table] = []
        self.touched: set[ServiceKey] = set()

    def carry_out(self, change: Change) -> int:
        """Carry out one change; return 0 or a positive errno value."""
        code = self.refuse(change) or self._objection(change)
        if not code:
            self._do(change)
            self.touched.add(change.service)
            self.history.append(dict(self.services))
        return code

    def _objection(self, change: Change) -> int:
        if isinstance(change, AddService):
            return errno.EEXIST if change.service in self.services else _bad_settings(change.service, change.settings)
        if change.service not in self.services:
            return errno.ESRCH
        pool = self.services[change.service].destinations
        match change:
            case EditService():
                return _bad_settings(change.service, change.settings)
            case AddDestination():
                bad = _bad_server(change.service, change.server, change.destination)
                return bad or (errno.EEXIST if change.server in pool else 0)
            case EditDestination():
                bad = _bad_server(change.service, change.server, change.destination)
                return bad or (0 if change.server in pool else errno.ENOENT)
            case RemoveDestination():
                return 0 if change.server in pool else errno.ENOENT
            case RemoveService():
                return 0

    def _do(self, change: Change) -> None:
        key = change.service
        match change:
            case AddService():
                self.services[key] = Service(change.settings)
            case EditService():
                self.services[key] = replace(self.services[key], settings=change.settings)
            case RemoveService():
                del self.services[key]
            case AddDestination() | EditDestination():
                self._pool(key, {**self.services[key].destinations, change.server: change.destination})
            case RemoveDestination():
                rest = {s: d for s, d in self.services[key].destinations.items() if s != change.server}
                self._pool(key, rest)

    def _pool(self, key: ServiceKey, pool: Mapping[DestinationKey, Destination]) -> None:
        self.services[key] = replace(self.services[key], destinations=pool)


def _bad_settings(key: ServiceKey, settings: ServiceSettings) -> int:
    if settings.scheduler not in SCHEDULERS or settings.persistence_engine not in ("", "sip"):
        return errno.ENOENT
    mask = settings.persistence_mask
    if key.family is Family.IPV6 and mask is not None and not 1 <= mask <= 128:
        return errno.EINVAL
    return 0


def _bad_server(key: ServiceKey, server: DestinationKey, destination: Destination) -> int:
    mixed = Family.of(server.address) is not key.family
    if mixed and destination.forwarding is not ForwardingMethod.TUNNEL:
        return errno.EINVAL
    if destination.lower_threshold > destination.upper_threshold:
        return errno.ERANGE
    return errno.EINVAL if server.address.is_multicast else 0


class FakePlane:
    """A Plane on a FakeKernel. fail_after: changes until the process 'dies' (PlaneUnavailable), None = never."""

    def __init__(self, kernel: FakeKernel | None = None, fail_after: int | None = None) -> None:
        self.kernel = kernel or FakeKernel()
        self.fail_after = fail_after
        self.timeouts_s = (900, 120, 300)

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        return {key: service for key, service in self.kernel.services.items() if only is None or key in only}

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        refusals = []
        for change in changes:
            if self.fail_after is not None:
                if self.fail_after == 0:
                    raise PlaneUnavailable("interrupted")
                self.fail_after -= 1
            code = self.kernel.carry_out(change)
            if code:
                refusals.append(Refusal(change, code, refusal_words(change, code, errno.errorcode[code])))
        return refusals

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        table = self.dump(only)
        statistics = {
            key: ServiceStatistics(
                counters=Counters(),
                servers={server: ServerStatistics(counters=Counters()) for server in service.destinations},
            )
            for key, service in table.items()
        }
        return Sample(table, statistics)

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        before = self.timeouts_s
        tcp, tcpfin, udp = (new or old for new, old in zip((tcp_s, tcpfin_s, udp_s), before, strict=True))
        self.timeouts_s = (tcp, tcpfin, udp)

    def close(self) -> None:
        pass
