"""What a client lived through, and who held an address when: outages, failures, overlaps.

Everything works on records with monotonic seconds of one kernel; the lab's processes share it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one request ended."""

    OK = "ok"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    GARBLED = "garbled"  # an answer that does not name a server


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the recording client. Times: monotonic seconds. server: "" unless it answered."""

    start_s: float
    end_s: float
    target: str
    outcome: Outcome
    server: str

    @property
    def ok(self) -> bool:
        """Whether a server answered in time."""
        return self.outcome is Outcome.OK


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the client did not run at all: a stalled machine or a clock that jumped."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Record:
    """All that a recording client wrote: requests in the order of their start, and its gaps."""

    requests: tuple[Request, ...]
    gaps: tuple[Gap, ...] = ()

    def between(self, from_s: float, until_s: float = float("inf")) -> "Record":
        """Return what started in [from_s, until_s)."""
        starts = [request.start_s for request in self.requests]
        low, high = bisect_left(starts, from_s), bisect_left(starts, until_s)
        gaps = tuple(gap for gap in self.gaps if gap.from_s < until_s and gap.until_s > from_s)
        return Record(self.requests[low:high], gaps)

    def to(self, target: str) -> "Record":
        """Return the requests to one target."""
        return Record(tuple(request for request in self.requests if request.target == target), self.gaps)

    @property
    def failures(self) -> tuple[Request, ...]:
        """Requests that got no answer in time."""
        return tuple(request for request in self.requests if not request.ok)

    def by_server(self) -> Counter[str]:
        """Return how many requests each server answered."""
        return Counter(request.server for request in self.requests if request.ok)

    def by_outcome(self) -> Counter[Outcome]:
        """Return how many requests ended how."""
        return Counter(request.outcome for request in self.requests)

    def summary(self) -> str:
        """Return one line for a test's message or a demo: counts per outcome and per server."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.by_outcome().most_common())
        servers = ", ".join(f"{server} {count}" for server, count in sorted(self.by_server().items()))
        return f"{len(self.requests)} requests: {outcomes or 'none'}" + (f" ({servers})" if servers else "")


def parse_record(text: str) -> Record:
    """Read what `piranha.lab.traffic` writes; a last line cut short by a kill is left out.

    Lines: `START END TARGET OUTCOME SERVER` (server `-` if none) and `gap FROM UNTIL`.
    """
    requests: list[Request] = []
    gaps: list[Gap] = []
    whole, _, _ = text.rpartition("\n")
    for line in whole.split("\n"):
        words = line.split()
        if not words:
            continue
        if words[0] == "gap":
            gaps.append(Gap(float(words[1]), float(words[2])))
            continue
        start, end, target, outcome, server = words
        requests.append(Request(float(start), float(end), target, Outcome(outcome), "" if server == "-" else server))
    requests.sort(key=lambda request: request.start_s)
    return Record(tuple(requests), tuple(gaps))


@dataclass(frozen=True, slots=True)
class Outage:
    """From the start of the first failed request to the end of the first one of a calm time."""

    from_s: float
    until_s: float
    failed: int

    @property
    def duration_s(self) -> float:
        """Seconds from first failure to calm."""
        return self.until_s - self.from_s


def outages(record: Record, calm_s: float = 0.2) -> list[Outage]:
    """Return the outages in a record, in order.

    One ends with the completion of the first request from which on every request that starts
    within calm_s succeeds; one that has not ended is counted to the end of the record.
    """
    found: list[Outage] = []
    requests = record.requests
    position = 0
    while position < len(requests):
        if requests[position].ok:
            position += 1
            continue
        first = position
        failed = 0
        last_failure_s = requests[position].start_s
        calm: int | None = None
        while position < len(requests):
            request = requests[position]
            if not request.ok:
                failed, last_failure_s, calm = failed + 1, request.start_s, None
            elif calm is None:
                calm = position
            position += 1
            if calm is not None and request.start_s - requests[calm].start_s >= calm_s:
                break
        until_s = requests[calm].end_s if calm is not None else max(last_failure_s, requests[-1].end_s)
        found.append(Outage(requests[first].start_s, until_s, failed))
    return found


def outage_after(record: Record, event_s: float, calm_s: float = 0.2) -> float:
    """Return the seconds from an event until service is calm again, 0 if no request failed after it.

    This is the figure in which takeover times are compared: it also holds the time before the first
    failure. `record` should end where the next event begins.
    """
    found = outages(record.between(event_s), calm_s)
    return found[-1].until_s - event_s if found else 0.0


def windows(record: Record, from_s: float, width_s: float) -> list[Counter[Outcome]]:
    """Return outcomes counted per window of width_s, by start, from `from_s` on."""
    counted: list[Counter[Outcome]] = []
    for request in record.between(from_s).requests:
        index = int((request.start_s - from_s) / width_s)
        while len(counted) <= index:
            counted.append(Counter())
        counted[index][request.outcome] += 1
    return counted


@dataclass(frozen=True, slots=True)
class Sighting:
    """A machine gained (held True) or lost an address."""

    at_s: float
    holder: str
    address: str
    held: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """A machine held an address from `from_s` until `until_s` (infinite: still does)."""

    holder: str
    from_s: float
    until_s: float = float("inf")


def holdings(sightings: Iterable[Sighting], address: str) -> list[Holding]:
    """Return who held `address` when, in the order in which it was gained.

    A renewal (held again by who holds it) changes nothing.
    """
    done: list[Holding] = []
    since: dict[str, float] = {}
    for sighting in sighting_order(sightings):
        if sighting.address != address:
            continue
        if sighting.held:
            since.setdefault(sighting.holder, sighting.at_s)
        elif sighting.holder in since:
            done.append(Holding(sighting.holder, since.pop(sighting.holder), sighting.at_s))
    done += [Holding(holder, from_s) for holder, from_s in since.items()]
    return sorted(done, key=lambda holding: holding.from_s)


def sighting_order(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return sightings in order of time; of those seen at the same instant losses come first."""
    return sorted(sightings, key=lambda sighting: (sighting.at_s, sighting.held))


def overlaps(held: Sequence[Holding]) -> list[Gap]:
    """Return the times in which two machines held the same address."""
    found: list[Gap] = []
    for index, first in enumerate(held):
        for second in held[index + 1 :]:
            from_s, until_s = max(first.from_s, second.from_s), min(first.until_s, second.until_s)
            if first.holder != second.holder and from_s < until_s:
                found.append(Gap(from_s, until_s))
    return found


def holders_at(held: Iterable[Holding], at_s: float) -> tuple[str, ...]:
    """Return the machines that hold the address at one instant."""
    return tuple(sorted(holding.holder for holding in held if holding.from_s <= at_s < holding.until_s))
