"""Assignments and results as values of JSON, and back.

Nothing here trusts the other side: what does not read as such a value raises TypeError, ValueError or KeyError.
"""

import math
from collections.abc import Mapping
from ipaddress import ip_address

from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect, HttpExpect, Program, WeightFrom
from piranha.nanny.results import Advice, Assignment, ProbeResult, Reason
from piranha.terms import Protocol

MAX_TEXT = 300  # characters of a reason's detail


def result_object(result: ProbeResult) -> list[object]:
    """Return a result as a list."""
    phases = [[name, round(took_ms, 3)] for name, took_ms in result.phases_ms]
    advice = [result.advice.value, result.advice.percent] if result.advice else None
    return [result.id, str(result.reason), result.detail[:MAX_TEXT], round(result.started_s, 6), phases, advice]


def read_result(item: object) -> ProbeResult:
    """Read a result."""
    check_id, reason, detail, started_s, phases, advice = as_list(item)
    timed = []
    for phase in as_list(phases)[:10]:
        name, took_ms = as_list(phase)
        timed.append((as_text(name)[:40], as_number(took_ms)))
    return ProbeResult(
        id=as_text(check_id),
        reason=Reason(as_text(reason)),
        detail=as_text(detail)[:MAX_TEXT],
        started_s=as_number(started_s),
        phases_ms=tuple(timed),
        advice=_advice(advice),
    )


def _advice(value: object) -> Advice | None:
    if value is None:
        return None
    number, percent = as_list(value)
    if not 0 <= as_number(number) <= (100 if percent is True else 253):
        raise ValueError("a weight out of range")
    return Advice(as_number(number), percent is True)


def assignment_object(assignment: Assignment) -> dict[str, object]:
    """Return an assignment as an object."""
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


def read_assignment(item: object) -> Assignment:
    """Read an assignment."""
    members = _members(item)
    interval_s, check_timeout_s, fast_interval_s, fall, rise, reentry_s, reentry_max_s = as_list(members["timing"])
    timing = CheckTiming(
        interval_s=_positive(interval_s),
        check_timeout_s=_positive(check_timeout_s),
        fast_interval_s=_positive(fast_interval_s),
        fall=as_integer(fall),
        rise=as_integer(rise),
        reentry_s=as_number(reentry_s),
        reentry_max_s=as_number(reentry_max_s),
    )
    port = as_integer(members["port"])
    if port > 65535:
        raise ValueError("port over 65535")
    return Assignment(
        id=as_text(members["id"]),
        address=ip_address(as_text(members["address"])),
        port=port,
        check=_check(_members(members["check"])),
        timing=timing,
        believed_up=as_maybe_bool(members["up"]),
    )


def _check_object(check: Check) -> dict[str, object]:
    expect = _expect_object(check.expect)
    if isinstance(check, Program):
        honour = check.honour_status
        weight_from = str(check.weight_from)
        return {"command": list(check.command), "honour_status": honour, "weight_from": weight_from, "expect": expect}
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
        command = tuple(as_text(word) for word in as_list(members["command"]))
        if not command:
            raise ValueError("a program without words")
        honour, weight_from = members["honour_status"] is True, WeightFrom(as_text(members["weight_from"]))
        return Program(command=command, expect=expect, honour_status=honour, weight_from=weight_from)
    transport = Protocol[as_text(members["transport"]).upper()]
    sources = tuple(ip_address(as_text(source)) for source in as_list(members["sources"]))
    send, http = as_text(members["send"]).encode("latin-1"), _http(members["http"])
    return Exchange(transport=transport, send=send, expect=expect, http=http, sources=sources)


def _http(value: object) -> HttpExpect | None:
    if value is None:
        return None
    ranges, body = as_list(value)
    statuses = []
    for one in as_list(ranges):
        first, last = as_list(one)
        statuses.append((as_integer(first), as_integer(last)))
    return HttpExpect(statuses=tuple(statuses), body=_expect(body))


def _expect(value: object) -> Expect | None:
    if value is None:
        return None
    text, regex, anything, mask, anywhere = as_list(value)
    expect = Expect(
        text=as_text(text).encode("latin-1"),
        regex=regex is True,
        anything=anything is True,
        mask=as_text(mask).encode("latin-1"),
        anywhere=anywhere is True,
    )
    if expect.mask and len(expect.mask) != len(expect.text):
        raise ValueError("a mask of another length")
    return expect


def _members(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def as_list(value: object) -> list[object]:
    """Return `value` if it is a list."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def as_text(value: object) -> str:
    """Return `value` if it is a text."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def as_integer(value: object) -> int:
    """Return `value` if it is a whole number from 0, below 2 to the power of 63."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise TypeError("not a whole number from 0")
    return value


def as_number(value: object) -> float:
    """Return `value` if it is a number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError("not a number")
    return float(value)


def _positive(value: object) -> float:
    number = as_number(value)
    if number <= 0:
        raise ValueError("a time that is not positive")
    return number


def as_maybe_bool(value: object) -> bool | None:
    """Return `value` if it is true, false or null."""
    if value is None or isinstance(value, bool):
        return value
    raise TypeError("neither true, false nor null")
