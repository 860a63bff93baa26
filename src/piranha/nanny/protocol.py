"""What the lvs daemon, the nanny parent and the nannies say to each other.

One JSON object a line, with one member that names the message. Both sides are of one build, so
there is no version. Nothing here trusts the other side: a line has a longest length, and whatever
does not read as a message raises BadMessage. Bytes travel as text, one character a byte (Latin-1).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

from piranha.control.messages import BadMessage
from piranha.events.event import Level
from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect, HttpExpect, Program
from piranha.nanny.results import Assignment, ProbeResult, Reason
from piranha.terms import Protocol

MAX_LINE = 512 * 1024  # bytes; one assignment with long texts, or a batch of results
BATCH = 100  # results or assignments in one message
MAX_TEXT = 300  # characters of a reason's detail
SUMMARY_INTERVAL_S = 1.0

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
            return {"assign": [_assignment_object(assignment) for assignment in assignments]}
        case Forget(ids):
            return {"forget": list(ids)}
        case Believe(check_id, up):
            return {"believe": [check_id, up]}
        case Results(results):
            return {"results": [_result_object(result) for result in results]}
        case Summary():
            head = [message.pid, message.checks, round(message.late_ms, 1), message.lost]
            return {"summary": [*head, [_result_object(result) for result in message.results]]}
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
    except (TypeError, ValueError, KeyError, AttributeError, UnicodeError) as error:
        raise BadMessage(f"{name}: {str(error)[:MAX_TEXT]}") from error


def _assign(content: object) -> Assign:
    return Assign(tuple(_assignment(item) for item in _items(content)))


def _forget(content: object) -> Forget:
    return Forget(tuple(_text(item) for item in _items(content)))


def _believe(content: object) -> Believe:
    check_id, up = _items(content)
    return Believe(_text(check_id), _maybe_bool(up))


def _results(content: object) -> Results:
    return Results(tuple(_result(item) for item in _items(content)))


def _summary(content: object) -> Summary:
    pid, checks, late_ms, lost, results = _items(content)
    return Summary(
        pid=_integer(pid),
        checks=_integer(checks),
        late_ms=_number(late_ms),
        lost=_integer(lost),
        results=tuple(_result(item) for item in _items(results)),
    )


def _alive(content: object) -> Alive:
    return Alive(_integer(content))


def _said(content: object) -> Said:
    message, cause, level, failure = _items(content)
    return Said(_text(message)[:MAX_TEXT], _text(cause)[:MAX_TEXT], Level(_text(level)), failure is True)


def _result_object(result: ProbeResult) -> list[object]:
    phases = [[name, round(took_ms, 3)] for name, took_ms in result.phases_ms]
    return [result.id, str(result.reason), result.detail[:MAX_TEXT], round(result.started_s, 6), phases]


def _result(item: object) -> ProbeResult:
    check_id, reason, detail, started_s, phases = _items(item)
    timed = []
    for phase in _items(phases)[:10]:
        name, took_ms = _items(phase)
        timed.append((_text(name)[:40], _number(took_ms)))
    return ProbeResult(
        id=_text(check_id),
        reason=Reason(_text(reason)),
        detail=_text(detail)[:MAX_TEXT],
        started_s=_number(started_s),
        phases_ms=tuple(timed),
    )


def _assignment_object(assignment: Assignment) -> dict[str, object]:
    timing = assignment.timing
    return {
        "id": assignment.id,
        "address": str(assignment.address),
        "port": assignment.port,
        "check": _check_object(assignment.check),
        "timing": [
            timing.interval_s,
            timing.check_timeout_s,
            timing.fast_interval_s,
            timing.fall,
            timing.rise,
            timing.reentry_s,
            timing.reentry_max_s,
        ],
        "up": assignment.believed_up,
    }


def _assignment(item: object) -> Assignment:
    members = _members(item)
    interval_s, check_timeout_s, fast_interval_s, fall, rise, reentry_s, reentry_max_s = _items(members["timing"])
    timing = CheckTiming(
        interval_s=_positive(interval_s),
        check_timeout_s=_positive(check_timeout_s),
        fast_interval_s=_positive(fast_interval_s),
        fall=_integer(fall),
        rise=_integer(rise),
        reentry_s=_number(reentry_s),
        reentry_max_s=_number(reentry_max_s),
    )
    port = _integer(members["port"])
    if port > 65535:
        raise ValueError("port over 65535")
    return Assignment(
        id=_text(members["id"]),
        address=ip_address(_text(members["address"])),
        port=port,
        check=_check(_members(members["check"])),
        timing=timing,
        believed_up=_maybe_bool(members["up"]),
    )


def _check_object(check: Check) -> dict[str, object]:
    expect = _expect_object(check.expect)
    if isinstance(check, Program):
        return {"command": list(check.command), "honour_status": check.honour_status, "expect": expect}
    sources = [str(source) for source in check.sources]
    send = check.send.decode("latin-1")
    http = [[list(one) for one in check.http.statuses], _expect_object(check.http.body)] if check.http else None
    return {"transport": check.transport.word, "send": send, "expect": expect, "http": http, "sources": sources}


def _expect_object(expect: Expect | None) -> object:
    if expect is None:
        return None
    text, mask = expect.text.decode("latin-1"), expect.mask.decode("latin-1")
    return [text, expect.regex, expect.anything, mask, expect.anywhere]


def _check(members: Mapping[str, object]) -> Check:
    expect = _expect(members["expect"])
    if "command" in members:
        command = tuple(_text(word) for word in _items(members["command"]))
        if not command:
            raise ValueError("a program without words")
        return Program(command=command, expect=expect, honour_status=members["honour_status"] is True)
    transport = Protocol[_text(members["transport"]).upper()]
    sources = tuple(ip_address(_text(source)) for source in _items(members["sources"]))
    send, http = _text(members["send"]).encode("latin-1"), _http(members["http"])
    return Exchange(transport=transport, send=send, expect=expect, http=http, sources=sources)


def _http(value: object) -> HttpExpect | None:
    if value is None:
        return None
    ranges, body = _items(value)
    statuses = []
    for one in _items(ranges):
        first, last = _items(one)
        statuses.append((_integer(first), _integer(last)))
    return HttpExpect(statuses=tuple(statuses), body=_expect(body))


def _expect(value: object) -> Expect | None:
    if value is None:
        return None
    text, regex, anything, mask, anywhere = _items(value)
    expect = Expect(
        text=_text(text).encode("latin-1"),
        regex=regex is True,
        anything=anything is True,
        mask=_text(mask).encode("latin-1"),
        anywhere=anywhere is True,
    )
    if expect.mask and len(expect.mask) != len(expect.text):
        raise ValueError("a mask of another length")
    return expect


def _members(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise TypeError("not a whole number from 0")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError("not a number")
    return float(value)


def _positive(value: object) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("a time that is not positive")
    return number


def _maybe_bool(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError("neither true, false nor null")


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
