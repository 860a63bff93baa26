"""Which real server gets the next connection: rr, wrr, lc and wlc as IPVS has them.

Sources: linux/net/netfilter/ipvs/ip_vs_{rr,wrr,lc,wlc}.c. None of them picks a server whose weight
is 0 or that is above its upper threshold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Protocol


class Candidate(Protocol):
    """What a scheduler looks at."""

    @property
    def weight(self) -> int:
        """0 = gets no new connections."""

    @property
    def overhead(self) -> int:
        """256 * active + inactive connections (`ip_vs_dest_conn_overhead`)."""

    @property
    def overloaded(self) -> bool:
        """Above the upper threshold, and not yet below the lower."""


class Picker(Protocol):
    """A scheduler with its memory. Call `changed` whenever the list or a weight in it changed."""

    def pick(self, servers: Sequence[Candidate]) -> int | None:
        """Return the index of the next server, None if none may be picked."""

    def changed(self, servers: Sequence[Candidate], removed: int | None = None) -> None:
        """Take note of a changed list; removed: the former index of a server that left it."""


@dataclass(slots=True)
class RoundRobin:
    """`rr`: one after the other, whatever their weight."""

    _last: int = -1

    def pick(self, servers: Sequence[Candidate]) -> int | None:
        """Return the next one that may be picked, in the order of the list."""
        for step in range(1, len(servers) + 1):
            index = (self._last + step) % len(servers)
            if servers[index].weight > 0 and not servers[index].overloaded:
                self._last = index
                return index
        return None

    def changed(self, servers: Sequence[Candidate], removed: int | None = None) -> None:
        """Keep the turn where it is."""
        if removed is not None and removed <= self._last:
            self._last -= 1


@dataclass(slots=True)
class WeightedRoundRobin:
    """`wrr`: rounds with a falling threshold; in each a server has its turn if its weight reaches it.

    The step is the greatest common divisor of the weights, so that one cycle gives every server
    its weight in connections, divided by that divisor, spread as evenly as rounds allow.
    """

    _at: int = -1  # -1 stands before the first server
    _threshold: int = 0
    _highest: int = 0
    _step: int = 1

    def changed(self, servers: Sequence[Candidate], removed: int | None = None) -> None:
        """Start a round; the threshold stays if the new weights allow it."""
        weights = [server.weight for server in servers]
        self._at = -1
        self._step = gcd(*weights) or 1
        self._highest = max(weights, default=0) - (self._step - 1)
        if self._threshold > self._highest or self._threshold == 0:
            self._threshold = max(0, self._highest)
        elif self._step > 1:
            self._threshold = self._threshold // self._step * self._step + 1

    def pick(self, servers: Sequence[Candidate]) -> int | None:
        """Go on with the round, lower the threshold at its end; look at every server before giving up."""
        if self._highest <= 0:
            return None
        start = at = self._at
        stop: int | None = None
        restarted = last_pass = False
        while True:
            for index in range(at + 1, len(servers)):
                if servers[index].weight >= self._threshold and not servers[index].overloaded:
                    self._at = index
                    return index
                if index == stop:
                    return None
            at = -1
            self._threshold -= self._step
            if self._threshold <= 0:
                self._threshold = self._highest
                if last_pass or start == -1:
                    self._at = -1
                    return None
                restarted = True
            last_pass = self._threshold <= self._step
            if last_pass and restarted and start != -1:
                stop = start


@dataclass(slots=True)
class LeastConnection:
    """`lc`: the lowest overhead; the first of equals."""

    def pick(self, servers: Sequence[Candidate]) -> int | None:
        """Return the one with the fewest connections."""
        able = [i for i, server in enumerate(servers) if server.weight > 0 and not server.overloaded]
        return min(able, key=lambda i: servers[i].overhead, default=None)

    def changed(self, servers: Sequence[Candidate], removed: int | None = None) -> None:
        """Nothing is remembered."""


@dataclass(slots=True)
class WeightedLeastConnection:
    """`wlc`: the lowest overhead for its weight; the first of equals."""

    def pick(self, servers: Sequence[Candidate]) -> int | None:
        """Return the one with the lowest overhead / weight, compared without division as IPVS does."""
        best: int | None = None
        for index, server in enumerate(servers):
            if server.weight <= 0 or server.overloaded:
                continue
            if best is None or servers[best].overhead * server.weight > server.overhead * servers[best].weight:
                best = index
        return best

    def changed(self, servers: Sequence[Candidate], removed: int | None = None) -> None:
        """Nothing is remembered."""


PICKERS: dict[str, Callable[[], Picker]] = {
    "rr": RoundRobin,
    "wrr": WeightedRoundRobin,
    "lc": LeastConnection,
    "wlc": WeightedLeastConnection,
}
