"""What travels between the lvs daemon and the nannies, and what is refused."""

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.control.messages import BadMessage
from piranha.events.event import Level
from piranha.lvscf.check_values import CheckTiming, Exchange, Expect, HttpExpect, Program, WeightFrom
from piranha.nanny.protocol import (
    Alive,
    Assign,
    Believe,
    Downward,
    Forget,
    LineBuffer,
    Results,
    Said,
    Summary,
    Upward,
    batches,
    read_downward,
    read_upward,
    to_object,
)
from piranha.nanny.results import Advice, Assignment, ProbeResult, Reason
from piranha.terms import Protocol

TIMING = CheckTiming(interval_s=2, check_timeout_s=1.5, fast_interval_s=0.5, fall=3, rise=2, reentry_s=15)
RESULT = ProbeResult(
    id="www/web3",
    reason=Reason.TIMEOUT,
    detail="connect: no answer in 2000 ms",
    started_s=12.5,
    phases_ms=(("connect", 0.25),),
)


def assigned(check: Exchange | Program, up: bool | None = None) -> Assignment:
    return Assignment(
        id="www/web3", address=ip_address("2001:db8::3"), port=80, check=check, timing=TIMING, believed_up=up
    )


def over_the_wire(message: Downward | Upward) -> object:
    return json.loads(json.dumps(to_object(message)))


@pytest.mark.parametrize(
    "message",
    [
        Assign((assigned(Exchange()), assigned(Exchange(transport=Protocol.UDP, send=b"\x00\xff\r\n"), up=True))),
        Assign((assigned(Exchange(expect=Expect(text=b"\xffOK", regex=True)), up=False),)),
        Assign((assigned(Exchange(expect=Expect(text=b"*", anything=True))),)),
        Assign((assigned(Exchange(send=b"\x16", expect=Expect(text=b"\x16\0", mask=b"\xff\xf0"))),)),
        Assign((assigned(Exchange(http=HttpExpect(statuses=((200, 204), (301, 301))))),)),
        Assign(
            (assigned(Exchange(http=HttpExpect(statuses=((200, 399),), body=Expect(text=b"\xffOK", anywhere=True)))),)
        ),
        Assign((assigned(Exchange(sources=(ip_address("192.0.2.2"), ip_address("2001:db8::2")))),)),
        Assign((assigned(Program(command=("check", "%h"), expect=Expect(text=b"OK"), honour_status=False)),)),
        Assign((assigned(Program(command=("check",), weight_from=WeightFrom.OUTPUT)),)),
        Forget(("www/web1", "www/web2")),
        Believe("www/web1", None),
        Believe("www/web1", False),
    ],
)
def test_messages_to_a_nanny_arrive_as_they_were(message: Downward) -> None:
    assert read_downward(over_the_wire(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Results(
            (replace(RESULT, advice=Advice(253.0, percent=False)), replace(RESULT, advice=Advice(75.5, percent=True)))
        ),
        Results((RESULT, RESULT)),
        Summary(4711, 30, 1.5, 2, (RESULT,)),
        Alive(32),
        Said("nanny met a defect", "tcp.py:12", Level.ERROR, failure=True),
    ],
)
def test_messages_from_a_nanny_arrive_as_they_were(message: Upward) -> None:
    assert read_upward(over_the_wire(message)) == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from(["assign", "forget", "believe", "results", "summary", "alive", "said", "reboot"])


@given(value=json_values | st.dictionaries(names, json_values, min_size=1, max_size=1))
@examples(60)
def test_whatever_else_arrives_is_refused_and_nothing_worse(value: object) -> None:
    for read in (read_downward, read_upward):
        try:
            message = read(value)
        except BadMessage:
            continue
        assert isinstance(message, Assign | Forget | Believe | Results | Summary | Alive | Said)


@pytest.mark.parametrize("path", [("port", 70000), ("timing", [0, 1, 1, 1, 1, 1]), ("address", "localhost"), ("id", 7)])
def test_an_assignment_with_an_impossible_value_is_refused(path: tuple[str, object]) -> None:
    value = to_object(Assign((assigned(Exchange()),)))
    value["assign"][0][path[0]] = path[1]  # type: ignore[index]  # plain JSON

    with pytest.raises(BadMessage):
        read_downward(value)


def test_a_time_that_is_no_number_is_refused() -> None:
    value = to_object(Results((RESULT,)))

    with pytest.raises(BadMessage, match="not a number"):
        read_upward(json.loads(json.dumps(value).replace("12.5", "NaN")))


@pytest.mark.parametrize("advice", [[254, False], [101, True], [-1, True], ["50", True], 50])
def test_a_weight_that_no_check_can_say_is_refused(advice: object) -> None:
    value = json.loads(json.dumps(to_object(Results((RESULT,)))))
    value["results"][0][5] = advice

    with pytest.raises(BadMessage):
        read_upward(value)


def test_a_long_reason_is_cut() -> None:
    result = ProbeResult(id="a", reason=Reason.MISMATCH, detail="x" * 10_000, started_s=0.0)
    message = read_upward(to_object(Results((result,))))

    assert isinstance(message, Results)
    assert len(message.results[0].detail) == 300


@given(lines=st.lists(st.sampled_from([b"", b"one", b"2", b"x" * 30]), max_size=6), data=st.data())
@examples(40)
def test_lines_survive_any_cut_of_the_stream(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer, at = LineBuffer(), 0
    found: list[bytes] = []
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream)))
        found += buffer.feed(stream[at : at + size])
        at += size

    assert found == lines


@pytest.mark.parametrize("data", [b"x" * 11, b"x" * 11 + b"\n", b"ok\n" + b"x" * 11])
def test_a_line_without_end_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        list(LineBuffer(limit=10).feed(data))


def test_batches_lose_nothing() -> None:
    assert list(batches(range(7), 3)) == [(0, 1, 2), (3, 4, 5), (6,)]
