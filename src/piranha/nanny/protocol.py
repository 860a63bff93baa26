"""What the lvs daemon, the nanny parent and the nannies say to each other.

One JSON object a line, with one member that names the message. Both sides are of one build, so
there is no version. Nothing here trusts the other side: a line has a longest length, and whatever
does not read as a message raises BadMessage. Bytes travel as text, one character a byte (Latin-1).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from piranha.control.messages import BadMessage
from piranha.errors import MISSHAPEN
from piranha.events.event import Level
from piranha.lvscf.check_values import Exchange, Program
from piranha.nanny import wire
from piranha.nanny.results import Assignment, ProbeResult

MAX_LINE = 512 * 1024  # bytes; one assignment with long texts, or a batch of results
BATCH = 100  # results or assignments in one message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Assign:
    """Downwards: check these too; one with a known id replaces it."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    """Downwards: stop checking these."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Believe:
    """Downwards: what is believed of one server from now on."""

    id: str
    up: bool | None


@dataclass(frozen=True, slots=True)
class Results:
    """Upwards, at once: results that differ from the one before or from what is believed."""

    results: tuple[ProbeResult, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Upwards, once an interval: a nanny is alive; the last result of each check it finished since.

    checks: how many it finished. late_ms: how much later than due the latest of them started.
    lost: messages dropped because nobody took them.
    """

    pid: int
    checks: int
    late_ms: float
    lost: int
    results: tuple[ProbeResult, ...]


@dataclass(frozen=True, slots=True)
class Alive:
    """Upwards, once an interval: the nanny parent is alive and has so many nannies."""

    nannies: int


@dataclass(frozen=True, slots=True)
class Said:
    """Upwards: something worth a log line. failure: a nanny failed (counts for `hard_shutdown`)."""

    message: str
    cause: str = ""
    level: Level = Level.INFO
    failure: bool = False


Downward = Assign | Forget | Believe
Upward = Results | Summary | Alive | Said


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[tuple[T, ...]]:
    """Cut `items` (assignments, results, ids) into tuples of at most `size` that fit into one line."""
    batch: list[T] = []
    room = MAX_LINE // 2
    for item in items:
        needs = _bytes_needed(item)
        if batch and (len(batch) == size or needs > room):
            yield tuple(batch)
            batch, room = [], MAX_LINE // 2
        batch.append(item)
        room -= needs
    if batch:
        yield tuple(batch)


def _bytes_needed(item: object) -> int:
    """Return about how long `item` is at most as JSON, where a character can take six bytes."""
    match item:
        case Assignment(id=name, check=check):
            texts = [*check.command] if isinstance(check, Program) else [check.send]
            expects = [check.expect, check.http.body if isinstance(check, Exchange) and check.http else None]
            expect = sum(len(one.text) + len(one.mask) for one in expects if one)
            return 6 * (len(name) + expect + sum(map(len, texts))) + 8 * len(texts) + 300
        case ProbeResult(id=name, detail=detail, phases_ms=phases):
            return 6 * (len(name) + len(detail)) + 300 * len(phases) + 100
        case _:
            return 6 * len(str(item)) + 10


def to_object(message: Downward | Upward) -> dict[str, object]:
    """Return what JSON carries for `message`."""
    match message:
        case Assign(assignments):
            return {"assign": [wire.assignment_object(assignment) for assignment in assignments]}
        case Forget(ids):
            return {"forget": list(ids)}
        case Believe(check_id, up):
            return {"believe": [check_id, up]}
        case Results(results):
            return {"results": [wire.result_object(result) for result in results]}
        case Summary():
            head = [message.pid, message.checks, round(message.late_ms, 1), message.lost]
            return {"summary": [*head, [wire.result_object(result) for result in message.results]]}
        case Alive(nannies):
            return {"alive": nannies}
        case Said():
            return {"said": [message.message, message.cause, str(message.level), message.failure]}


def read_downward(value: object) -> Downward:
    """Read a message to a nanny. Raises BadMessage."""
    readers: dict[str, Callable[[object], Downward]] = {"assign": _assign, "forget": _forget, "believe": _believe}
    return _read(value, readers)


def read_upward(value: object) -> Upward:
    """Read a message from a nanny. Raises BadMessage."""
    readers: dict[str, Callable[[object], Upward]] = {
        "results": _results,
        "summary": _summary,
        "alive": _alive,
        "said": _said,
    }
    return _read(value, readers)


def _read(value: object, readers: Mapping[str, Callable[[object], T]]) -> T:
    if not isinstance(value, dict) or len(value) != 1:
        raise BadMessage("not an object with one member")
    ((name, content),) = value.items()
    reader = readers.get(name)
    if reader is None:
        raise BadMessage(f"unknown message {str(name)[:40]!r}")
    try:
        return reader(content)
    except MISSHAPEN as error:
        raise BadMessage(f"{name}: {str(error)[: wire.MAX_TEXT]}") from error


def _assign(content: object) -> Assign:
    return Assign(tuple(wire.read_assignment(item) for item in wire.as_list(content)))


def _forget(content: object) -> Forget:
    return Forget(tuple(wire.as_text(item) for item in wire.as_list(content)))


def _believe(content: object) -> Believe:
    check_id, up = wire.as_list(content)
    return Believe(wire.as_text(check_id), wire.as_maybe_bool(up))


def _results(content: object) -> Results:
    return Results(tuple(wire.read_result(item) for item in wire.as_list(content)))


def _summary(content: object) -> Summary:
    pid, checks, late_ms, lost, results = wire.as_list(content)
    return Summary(
        pid=wire.as_integer(pid),
        checks=wire.as_integer(checks),
        late_ms=wire.as_number(late_ms),
        lost=wire.as_integer(lost),
        results=tuple(wire.read_result(item) for item in wire.as_list(results)),
    )


def _alive(content: object) -> Alive:
    return Alive(wire.as_integer(content))


def _said(content: object) -> Said:
    message, cause, level, failure = wire.as_list(content)
    return Said(
        wire.as_text(message)[: wire.MAX_TEXT],
        wire.as_text(cause)[: wire.MAX_TEXT],
        Level(wire.as_text(level)),
        failure is True,
    )


class LineBuffer:
    """Cuts a stream into lines; holds at most one unfinished line of `limit` bytes."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Return the lines that `data` completes, without their line breaks. Raises BadMessage."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            raise BadMessage(f"a line longer than {self._limit} bytes")
        return lines
