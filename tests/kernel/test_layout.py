"""Entries read many at once are those read one by one, whatever the kernel sends."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.kernel.layout import Field, Row, Rows
from piranha.kernel.wire import (
    HEADER,
    NLM_F_DUMP_INTR,
    NLM_F_MULTI,
    WireError,
    attribute,
    nested,
    next_message,
    u16,
    u32,
)

SEQUENCE = 7
KIND = 27
FIELDS = (
    Field(((1, 1),)),
    Field(((1, 2), (1, 3)), 0),
    Field(((1, 4),), b"", raw=True),
    Field(((1, 5, 1), (1, 6, 1)), 9),
)


def entry(body: bytes, flags: int = NLM_F_MULTI, sequence: int = SEQUENCE) -> bytes:
    """One message of a dump as the kernel sends it, without a header of its protocol."""
    return HEADER.pack(HEADER.size + len(body), KIND, flags, sequence, 4711) + body


def usual(number: int, name: bytes = b"rr\0", count: int = 3) -> bytes:
    return entry(nested(1, u32(1, number), u16(2, 80), attribute(4, name), nested(5, u32(1, count))))


def one_by_one(data: bytes) -> list[Row]:
    """The rows of every entry, read attribute by attribute."""
    rows, start, found = Rows(HEADER.size, FIELDS), 0, []
    while start < len(data):
        message, start = next_message(data, start)
        if message.sequence == SEQUENCE:
            found.append(rows.read_payload(message.payload))
    return found


def at_once(rows: Rows, data: bytes) -> list[Row]:
    """The rows of every entry, those of known layouts at once."""
    found: list[Row] = []
    start = rows.known(data, 0, SEQUENCE, found)
    while start < len(data):
        message, after = next_message(data, start)
        if message.sequence == SEQUENCE:
            found.append(rows.read(data[start : start + HEADER.size + len(message.payload)]))
        start = rows.known(data, after, SEQUENCE, found)
    return found


def taught(*entries: bytes) -> Rows:
    rows = Rows(HEADER.size, FIELDS)
    for one in entries:
        rows.read(one)
    return rows


def test_entries_like_one_that_was_read_are_read_at_once() -> None:
    found: list[Row] = []
    data = b"".join(usual(number, count=number * 2) for number in range(100))

    assert taught(usual(5)).known(data, 0, SEQUENCE, found) == len(data)
    assert found == [(number, 80, b"rr\0", number * 2) for number in range(100)]


def test_an_entry_that_differs_in_a_header_ends_them() -> None:
    rows, found = taught(usual(5)), list[Row]()
    data = usual(1) + usual(2, b"wlc\0") + usual(3)

    assert rows.known(data, 0, SEQUENCE, found) == len(usual(1))
    assert found == [(1, 80, b"rr\0", 3)]


def test_layouts_that_take_turns_are_read_without_looking_at_attributes() -> None:
    rows, found = taught(usual(5), usual(6, b"longer\0")), list[Row]()
    data = b"".join(usual(number, b"longer\0" if number % 3 == 0 else b"rr\0") for number in range(50))

    assert rows.known(data, 0, SEQUENCE, found) == len(data)
    assert [row[0] for row in found] == list(range(50))


@pytest.mark.parametrize(
    "other",
    [
        entry(usual(1)[HEADER.size :], flags=NLM_F_MULTI | NLM_F_DUMP_INTR),
        entry(usual(1)[HEADER.size :], sequence=SEQUENCE + 1),
        usual(1)[:-4],
        b"\x14\0\0\0\3\0\2\0\7\0\0\0\0\0\0\0\0\0\0\0",
        b"",
    ],
    ids=["interrupted", "of another request", "cut", "the end of a dump", "nothing"],
)
def test_what_is_no_whole_entry_of_this_dump_is_left_to_the_caller(other: bytes) -> None:
    rows, found = taught(usual(5)), list[Row]()

    assert rows.known(usual(1) + other, 0, SEQUENCE, found) == len(usual(1))
    assert len(found) == 1


def test_what_is_missing_has_its_default_and_any_order_will_do() -> None:
    odd = entry(nested(1, nested(6, u32(1, 44)), attribute(4, b"x"), u16(3, 8), u32(1, 1)))
    rows, found = taught(odd), list[Row]()

    assert rows.known(odd + odd, 0, SEQUENCE, found) == 2 * len(odd)
    assert found == [(1, 8, b"x", 44)] * 2
    sparse = entry(nested(1, u32(1, 1)))
    assert at_once(taught(sparse), sparse * 3) == [(1, 0, b"", 9)] * 3


def test_what_nobody_asks_for_may_be_doubled() -> None:
    padded = entry(nested(1, attribute(11, b""), u32(1, 5), attribute(11, b""), u16(2, 8)))
    rows, found = taught(padded), list[Row]()

    assert rows.known(padded * 2, 0, SEQUENCE, found) == 2 * len(padded)
    assert found == [(5, 8, b"", 9)] * 2


def test_of_doubled_values_the_last_counts_each_time() -> None:
    doubled = entry(nested(1, u32(1, 5), u32(1, 6)))

    assert at_once(taught(doubled), doubled * 2) == [(6, 0, b"", 9)] * 2


def test_more_layouts_than_a_kernel_has_are_read_but_not_remembered() -> None:
    many = [usual(number, b"n" * number) for number in range(40)]
    data = b"".join(many)

    assert at_once(taught(*many), data) == one_by_one(data)


payloads = st.binary(max_size=9) | st.sampled_from([bytes(1), bytes(2), bytes(4), bytes(8)])
members = st.builds(attribute, st.integers(1, 6), payloads)
nests = st.builds(lambda kind, inner: nested(kind, *inner), st.sampled_from([5, 6]), st.lists(members, max_size=3))
odd_entries = st.lists(members | nests, max_size=6).map(lambda inner: entry(nested(1, u32(1, 1), *inner)))
usual_entries = st.builds(usual, st.integers(0, 2**32 - 1), st.sampled_from([b"rr\0", b"wlc\0", b"lblcr\0"]))
entries = st.lists(usual_entries | odd_entries, min_size=1, max_size=8)


@given(data=st.data(), before=entries, after=entries)
@examples(150)
def test_what_is_read_at_once_is_what_is_read_one_by_one(
    data: st.DataObject, before: list[bytes], after: list[bytes]
) -> None:
    rows = Rows(HEADER.size, FIELDS)
    for one in before:
        with suppress(WireError):
            rows.read(one)
    sent = bytearray(b"".join(data.draw(st.permutations(before + after))))
    for _ in range(data.draw(st.integers(0, 3))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))

    try:
        expected: list[Row] | None = one_by_one(bytes(sent))
    except WireError:
        expected = None
    try:
        found: list[Row] | None = at_once(rows, bytes(sent))
    except WireError:
        found = None

    assert found == expected
