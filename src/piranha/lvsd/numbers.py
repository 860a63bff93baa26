"""What passed, service by service and server by server: totals that only grow, and rates, from one sample to the next.

A counter of the plane belongs to an object of its table and begins at 0 with it: when a server is put back, when the
services are added again after the module was loaded anew, or by `ipvsadm -Z`. IPVS gives a server that comes back
within minutes the counters that it had. So a counter that went back has started anew, and what it had counted until
then is carried on; one that was away and has not gone back goes on.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from piranha.dataclass import dataclass, field
from piranha.forwarding.plane import NOTHING, Counters, ServiceStatistics
from piranha.table.destination import DestinationKey
from piranha.table.key_data import server_data, server_from, service_data, service_from
from piranha.table.service import ServiceKey

Statistics = Mapping[ServiceKey, ServiceStatistics]

COUNTED = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
"""The fields of Counters, in the order in which they are kept."""
WINDOW_S = 10.0
"""Rates are those of at least so long: IPVS itself brings its counters up to date every 2 s only."""
APART_S = 5.0
"""What is kept of the past lies so far apart, at least."""
SHORTEST_S = 4.0
"""A rate of less than this says more about the moments of reading than about traffic."""


@dataclass(frozen=True, slots=True)
class Count:
    """One counted object. last: what the plane said last; carried: what had passed before that started anew."""

    last: Counters
    carried: Counters = NOTHING

    @property
    def total(self) -> Counters:
        """What has passed in all."""
        return self.carried + self.last

    def then(self, counters: Counters) -> "Count":
        """Return it with what the plane says now."""
        if counters == self.last:
            return self
        if any(getattr(counters, name) < getattr(self.last, name) for name in COUNTED):
            return Count(counters, self.total)
        return Count(counters, self.carried)


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """A service and its servers, those that the plane does not have at the moment included."""

    own: Count
    servers: Mapping[DestinationKey, Count] = field(default_factory=dict)

    def then(self, found: ServiceStatistics) -> "ServiceCount":
        """Return it with what the plane says now."""
        known = self.servers
        servers = {where: _then(known.get(where), numbers.counters) for where, numbers in found.servers.items()}
        return ServiceCount(self.own.then(found.counters), {**known, **servers})


Counts = Mapping[ServiceKey, ServiceCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What passes in a second."""

    connections: float = 0.0
    packets_in: float = 0.0
    packets_out: float = 0.0
    bytes_in: float = 0.0
    bytes_out: float = 0.0


def counted(counts: Counts, found: Statistics) -> Counts:
    """Return `counts` with what the plane says now of some services; the others stay as they are."""
    now = {key: counts[key].then(one) if key in counts else _first(one) for key, one in found.items()}
    return {**counts, **now}


class Numbers:
    """The last sample and what follows from those before it. Times are monotonic seconds.

    statistics: of the last sample. counts: with what came before it. taken_at_s: when, None before the first one.
    """

    def __init__(self) -> None:
        self.statistics: Statistics = {}
        self.counts: Counts = {}
        self.taken_at_s: float | None = None
        self._points: deque[tuple[float, Counts]] = deque()

    def resume(self, counts: Counts, at_s: float | None) -> None:
        """Go on from what was kept. at_s: when it was read, None: too long ago for a rate."""
        self.counts = counts
        self._points = deque([(at_s, counts)] if at_s is not None else [])

    def still(self) -> "Numbers":
        """Return them as they are now, for another thread."""
        made = Numbers()
        made.statistics, made.counts, made.taken_at_s = self.statistics, self.counts, self.taken_at_s
        made._points = self._points.copy()
        return made

    def take(self, found: Statistics, counts: Counts, now: float) -> None:
        """Take in a sample of all services. counts: `counted` of it."""
        self.statistics, self.counts, self.taken_at_s = found, counts, now
        if len(self._points) > 1 and now - self._points[-2][0] < APART_S:
            self._points.pop()  # who looks again and again needs no more of the past
        self._points.append((now, counts))
        while len(self._points) > 2 and now - self._points[1][0] >= WINDOW_S:
            self._points.popleft()

    def take_some(self, found: Statistics, asked: Collection[ServiceKey]) -> None:
        """Take in a sample of the services that were asked for alone; rates stay those of the last whole one."""
        rest = {key: one for key, one in self.statistics.items() if key not in asked}
        self.statistics, self.counts = {**rest, **found}, counted(self.counts, found)

    def forget(self, places: Mapping[ServiceKey, Collection[DestinationKey]]) -> None:
        """Keep only what is counted at `places`."""
        self.counts = {
            key: ServiceCount(one.own, {where: n for where, n in one.servers.items() if where in places[key]})
            for key, one in self.counts.items()
            if key in places
        }

    @property
    def rates_over_s(self) -> float | None:
        """Of how many seconds the rates are, None while there are none."""
        span_s = self._points[-1][0] - self._points[0][0] if self._points else 0.0
        return span_s if span_s >= SHORTEST_S else None

    def total(self, key: ServiceKey, where: DestinationKey | None = None) -> Counters:
        """Return what passed through a service, or to one server of it."""
        found = _find(self.counts, key, where)
        return found.total if found is not None else NOTHING

    def rates(self, key: ServiceKey, where: DestinationKey | None = None) -> Rates | None:
        """Return what passes now through a service, or to one server of it; None while nobody can say."""
        span_s = self.rates_over_s
        if span_s is None:
            return None
        before, after = (_find(self._points[end][1], key, where) for end in (0, -1))
        if before is None or after is None:
            return None
        old, new = before.total, after.total
        return Rates(**{name: (getattr(new, name) - getattr(old, name)) / span_s for name in COUNTED})


def numbers_data(counts: Counts) -> list[Any]:
    """Return `counts` as JSON has it, briefly: there may be ten thousands."""
    return [
        [
            service_data(key),
            _count_data(one.own),
            [[server_data(where), _count_data(count)] for where, count in one.servers.items()],
        ]
        for key, one in counts.items()
    ]


def numbers_from(rows: Sequence[Any]) -> Counts:
    """Read what `numbers_data` made. Raises one of MISSHAPEN for anything else."""
    return {
        service_from(key): ServiceCount(
            _count_from(own), {server_from(where): _count_from(count) for where, count in servers}
        )
        for key, own, servers in rows
    }


def anew(counts: Counts) -> Counts:
    """Return `counts` for a plane that has begun anew, as that of a machine which was booted has."""
    return {
        key: ServiceCount(_anew(one.own), {where: _anew(count) for where, count in one.servers.items()})
        for key, one in counts.items()
    }


def _then(before: Count | None, counters: Counters) -> Count:
    return before.then(counters) if before is not None else Count(counters)


def _first(found: ServiceStatistics) -> ServiceCount:
    return ServiceCount(Count(found.counters), {where: Count(one.counters) for where, one in found.servers.items()})


def _anew(count: Count) -> Count:
    return Count(NOTHING, count.total)


def _find(counts: Counts, key: ServiceKey, where: DestinationKey | None) -> Count | None:
    service = counts.get(key)
    if service is None or where is None:
        return service.own if service is not None else None
    return service.servers.get(where)


def _count_data(count: Count) -> list[list[int]]:
    found = [count.last] if count.carried == NOTHING else [count.last, count.carried]
    return [[getattr(counters, name) for name in COUNTED] for counters in found]


def _count_from(rows: Sequence[Sequence[int]]) -> Count:
    last, carried = [_counters(row) for row in rows] if len(rows) == 2 else (_counters(*rows), NOTHING)
    return Count(last, carried)


def _counters(row: Sequence[int]) -> Counters:
    if any(not isinstance(number, int) or isinstance(number, bool) or number < 0 for number in row):
        raise ValueError("not a counter")
    return Counters(**dict(zip(COUNTED, row, strict=True)))
