"""Which check is due when.

Checks start in slots, so that many of them share one wake-up of the process: a slot is a tenth of
the interval, at least 5 ms. A check keeps a slot of its own, found from its id, so that checks of
equal interval spread over it. An interval runs between the starts of two checks and is never
exceeded by a slot: a due time is moved to an earlier slot, never to a later one.
"""

import hashlib
import heapq
import math
from dataclasses import dataclass, field, replace

from piranha.nanny.results import Assignment

MIN_SLOT_S = 0.005
_GRACE_S = 1e-6  # two sums of the same floats may differ by less


@dataclass(slots=True)
class _Entry:
    assignment: Assignment
    due_s: float
    started_s: float | None = None
    running: bool = False
    last_ok: bool | None = None
    spread: float = field(init=False)  # 0 to 1: where in the interval its own slot is

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(self.assignment.id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
        self.spread = int.from_bytes(digest, "big") / 2**32


class Schedule:
    """All checks of one process. `now` is monotonic seconds.

    offset: 0 to 1, this process's part of a slot, so that processes do not all wake at once.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, str]] = []

    def assign(self, assignment: Assignment, now: float) -> bool:
        """Check this too, for the first time at once; return whether a running check of it is to be dropped.

        Where only the belief differs from what is assigned already, the check goes on undisturbed;
        where only the timing does, it keeps its last result.
        """
        entry = self._entries.get(assignment.id)
        if entry is None or _subject(entry.assignment) != _subject(assignment):
            self._entries[assignment.id] = new = _Entry(assignment, now)
            self._push(new)
            return entry is not None and entry.running
        before, entry.assignment = entry.assignment, assignment
        if before != assignment:
            self._plan(entry, now)
        return False

    def forget(self, check_id: str) -> None:
        """Stop checking; an id that is not known changes nothing."""
        self._entries.pop(check_id, None)

    def believe(self, check_id: str, up: bool | None, now: float) -> None:
        """Take in what is believed from now on; an id that is not known changes nothing."""
        entry = self._entries.get(check_id)
        if entry is not None and entry.assignment.believed_up is not up:
            entry.assignment = replace(entry.assignment, believed_up=up)
            self._plan(entry, now)

    def believed_up(self, check_id: str) -> bool | None:
        """Return what is believed of one server."""
        entry = self._entries.get(check_id)
        return entry.assignment.believed_up if entry else None

    def __len__(self) -> int:
        return len(self._entries)

    def next_at(self) -> float | None:
        """Return when `due` has something next, None while everything runs or nothing is assigned."""
        while self._heap:
            due_s, check_id = self._heap[0]
            entry = self._entries.get(check_id)
            if entry is not None and not entry.running and entry.due_s == due_s:
                return due_s
            heapq.heappop(self._heap)
        return None

    def due(self, now: float) -> list[tuple[Assignment, float]]:
        """Return the checks to start now, each with the time it was due; they count as running.

        A check is never returned again before `finished` was called for it.
        """
        found: list[tuple[Assignment, float]] = []
        while (next_at := self.next_at()) is not None and next_at <= now + _GRACE_S:
            _, check_id = heapq.heappop(self._heap)
            entry = self._entries[check_id]
            entry.running = True
            entry.started_s = now
            found.append((entry.assignment, next_at))
        return found

    def finished(self, check_id: str, ok: bool | None, now: float) -> None:
        """A check ended. ok: None when it says nothing of the server."""
        entry = self._entries.get(check_id)
        if entry is not None:
            entry.running = False
            entry.last_ok = ok
            self._plan(entry, now)

    def _plan(self, entry: _Entry, now: float) -> None:
        if entry.running or entry.started_s is None:
            return
        timing = entry.assignment.timing
        believed = entry.assignment.believed_up
        disagrees = entry.last_ok is not None and believed is not entry.last_ok
        interval_s = timing.fast_interval_s if disagrees else timing.interval_s
        latest = entry.started_s + interval_s
        slot_s = max(MIN_SLOT_S, timing.interval_s / 10)
        due_s = self._own_slot(entry, latest, slot_s) if interval_s == timing.interval_s else math.inf
        if not entry.started_s + _GRACE_S < due_s <= latest + _GRACE_S:
            due_s = _floor(latest, slot_s, self._offset * slot_s)
        if due_s <= entry.started_s + _GRACE_S:
            due_s = latest
        entry.due_s = max(due_s, now)
        self._push(entry)

    def _own_slot(self, entry: _Entry, latest: float, slot_s: float) -> float:
        """Return the last time not after `latest` that belongs to this check's slot."""
        interval_s = entry.assignment.timing.interval_s
        slots = max(1, int(interval_s / slot_s + _GRACE_S))
        return _floor(latest, interval_s, (int(entry.spread * slots) + self._offset) * slot_s)

    def _push(self, entry: _Entry) -> None:
        heapq.heappush(self._heap, (entry.due_s, entry.assignment.id))


def _subject(assignment: Assignment) -> tuple[object, ...]:
    return assignment.address, assignment.port, assignment.check


def _floor(time_s: float, step_s: float, base_s: float) -> float:
    """Return the last of base, base + step, base + 2 step, … that is not after `time_s`."""
    return base_s + math.floor((time_s - base_s) / step_s + _GRACE_S) * step_s
