"""Shell: runs many checks at once in one process: an epoll and a heap of time limits.

Own loop because asyncio costs two to three times the processor time per check.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from piranha.lvscf.check_values import Program
from piranha.nanny.probes.base import Probe, Watch
from piranha.nanny.probes.kinds import probe_for
from piranha.nanny.results import Assignment, ProbeResult, Reason
from piranha.nanny.schedule import Schedule

IDLE_S = 60.0


class Engine:
    """Carries out a schedule.

    offset: see `Schedule`. program_limit: programs at the same time; more wait, and their time
    limit begins when they start. late_s: the longest delay of a start since `take_late`.
    """

    def __init__(
        self, *, offset: float = 0.0, program_limit: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.watch = Watch()
        self._schedule = Schedule(offset)
        self._program_limit = program_limit
        self._clock = clock
        self._running: dict[str, Probe] = {}
        self._limits: list[tuple[float, int, Probe]] = []
        self._order = count()
        self._waiting: deque[tuple[Assignment, float]] = deque()
        self._programs = 0
        self._late_s = 0.0

    def assign(self, assignment: Assignment) -> None:
        """Check this too; what is assigned under its id is replaced."""
        if self._schedule.assign(assignment, self._clock()):
            self._drop(assignment.id)

    def forget(self, check_id: str) -> None:
        """Stop checking."""
        self._schedule.forget(check_id)
        self._drop(check_id)

    def believe(self, check_id: str, up: bool | None) -> None:
        """Take in what is believed of one server."""
        self._schedule.believe(check_id, up, self._clock())

    def believed_up(self, check_id: str) -> bool | None:
        """Return what is believed of one server."""
        return self._schedule.believed_up(check_id)

    def take_late(self) -> float:
        """Return the longest delay of a start since the last call, in seconds."""
        late_s, self._late_s = self._late_s, 0.0
        return late_s

    def turn(self, until: float | None = None) -> list[ProbeResult]:
        """Wait for the next thing to do, at most until `until`; do it; return the results it brought."""
        results: list[ProbeResult] = []
        for owner, fd, events in self.watch.wait(self._pause(until)):
            if not self.watch.is_owner(fd, owner):
                continue
            owner.ready(fd, events, self._clock())
        # Descriptors first: an answer that waited while this process was stopped is not late.
        self._collect(results)
        self._expire(results)
        self._start(results)
        return results

    def close(self) -> None:
        """End every check that runs, and what it started."""
        for check_id in tuple(self._running):
            self._drop(check_id)
        self.watch.close()

    def _pause(self, until: float | None) -> float:
        times = [self._clock() + IDLE_S]
        if until is not None:
            times.append(until)
        if self._limits:
            times.append(self._limits[0][0])
        if (next_at := self._schedule.next_at()) is not None:
            times.append(next_at)
        return min(times) - self._clock()

    def _collect(self, results: list[ProbeResult]) -> None:
        while self.watch.ended:
            probe = self.watch.ended.pop()
            check_id = probe.assignment.id
            if self._running.get(check_id) is not probe:
                continue
            now = self._clock()
            result = probe.result()
            self._drop(check_id)
            self._schedule.finished(check_id, None if result.reason is Reason.ERROR else result.ok, now)
            results.append(result)

    def _expire(self, results: list[ProbeResult]) -> None:
        now = self._clock()
        while self._limits and (self._limits[0][0] <= now or self._limits[0][2].outcome is not None):
            probe = heapq.heappop(self._limits)[2]
            if probe.outcome is None and self._running.get(probe.assignment.id) is probe:
                probe.expire(now)
        self._collect(results)

    def _start(self, results: list[ProbeResult]) -> None:
        for assignment, due_s in self._schedule.due(self._clock()):
            if isinstance(assignment.check, Program):
                self._waiting.append((assignment, due_s))
            else:
                self._begin(assignment, due_s)
        while self._waiting and self._programs < self._program_limit:
            self._programs += 1
            self._begin(*self._waiting.popleft())
        self._collect(results)

    def _begin(self, assignment: Assignment, due_s: float) -> None:
        probe = probe_for(assignment, self.watch)
        self._running[assignment.id] = probe
        now = self._clock()
        self._late_s = max(self._late_s, now - due_s)
        probe.begin(now)
        if probe.outcome is None:
            heapq.heappush(self._limits, (now + assignment.timing.check_timeout_s, next(self._order), probe))

    def _drop(self, check_id: str) -> None:
        if self._waiting and any(assignment.id == check_id for assignment, _ in self._waiting):
            self._waiting = deque(item for item in self._waiting if item[0].id != check_id)
        probe = self._running.pop(check_id, None)
        if probe is not None:
            probe.close()
            if isinstance(probe.assignment.check, Program):
                self._programs -= 1
