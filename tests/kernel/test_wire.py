"""Netlink messages and attributes: exact bytes, and nothing but WireError on hostile input."""

import errno
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.kernel import wire
from piranha.kernel.wire import (
    NLM_F_ACK,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    WireError,
    acknowledgement,
    attribute,
    attributes,
    message,
    messages,
    nested,
    number,
    number_be,
    string,
    text,
)

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the golden bytes are little-endian")


def test_a_name_keeps_the_bytes_that_are_no_text() -> None:
    assert text(6, b"\xff".decode("utf-8", "surrogateescape"))[4:] == b"\xff\0\0\0"


@little_endian
def test_an_attribute_counts_its_header_but_not_its_padding() -> None:
    assert attribute(6, b"rr\0").hex() == "0700060072720000"
    assert nested(1, attribute(2, b"\x06\x00")).hex() == "0c0001800600020006000000"


@little_endian
def test_ports_travel_in_network_order_and_numbers_in_host_order() -> None:
    assert wire.be16(4, 80).hex() == "0600040000500000"
    assert wire.u16(4, 80).hex() == "0600040050000000"
    assert wire.u32(8, 300).hex() == "080008002c010000"
    assert wire.u8(8, 7).hex() == "0500080007000000"
    assert wire.text(6, "wlc").hex() == "08000600776c6300"


@little_endian
def test_a_request_is_padded_so_that_another_may_follow() -> None:
    one = message(0x1B, NLM_F_ACK, 7, b"\1\1\0\0\xff")

    assert one.hex() == "15000000" + "1b00" + "0500" + "07000000" + "00000000" + "01010000ff" + "000000"
    assert [(m.kind, m.sequence, m.payload) for m in messages(one + one)] == [(0x1B, 7, b"\1\1\0\0\xff")] * 2


def test_flags_in_an_attribute_type_are_not_part_of_the_type() -> None:
    assert attributes(attribute(3 | 0x8000, b"abcd") + attribute(5 | 0x4000, b"")) == {3: b"abcd", 5: b""}


def test_the_last_attribute_may_lack_its_padding() -> None:
    assert attributes(attribute(1, b"xy")[:-2]) == {1: b"xy"}


def test_a_doubled_attribute_counts_once_and_the_last_wins() -> None:
    assert attributes(attribute(1, b"a") + attribute(1, b"b")) == {1: b"b"}


@pytest.mark.parametrize("data", [b"\1", b"\3\0\1\0", b"\0\0\0\0", b"\x09\0\1\0abcd", b"\4\0\1\0\4"])
def test_attributes_that_cannot_be_are_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        attributes(data)


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_message_cut_short_is_a_wire_error(cut: int) -> None:
    with pytest.raises(WireError):
        messages(message(2, 0, 1, b"abcd")[:-cut])


def test_an_acknowledgement_carries_a_positive_errno_and_the_kernels_words() -> None:
    request = message(16, 0, 9, b"")
    words = attribute(1, b"Unknown scheduler\0")
    code = (-errno.ENOENT).to_bytes(4, sys.byteorder, signed=True)

    capped = Message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 9, code + request + words)
    whole = Message(NLMSG_ERROR, NLM_F_ACK_TLVS, 9, code + message(16, 0, 9, b"body") + words)
    assert acknowledgement(capped) == acknowledgement(whole)
    assert acknowledgement(capped) == wire.Acknowledgement(9, errno.ENOENT, "Unknown scheduler")


def test_success_and_the_end_of_a_dump_have_code_zero() -> None:
    assert acknowledgement(Message(NLMSG_ERROR, 0, 3, bytes(20))).code == 0
    assert acknowledgement(Message(NLMSG_DONE, 0, 3, bytes(4))).code == 0


@pytest.mark.parametrize("code", [-(2**31), -4096])
def test_an_acknowledgement_with_an_errno_that_no_kernel_has_is_a_wire_error(code: int) -> None:
    with pytest.raises(WireError, match="errno"):
        acknowledgement(Message(NLMSG_ERROR, 0, 3, code.to_bytes(4, sys.byteorder, signed=True) + bytes(16)))


def test_broken_words_of_an_acknowledgement_are_dropped_but_not_its_code() -> None:
    code = (-errno.EPERM).to_bytes(4, sys.byteorder, signed=True)
    broken = Message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 9, code + bytes(16) + b"\xff\xff\1\0")

    assert acknowledgement(broken) == wire.Acknowledgement(9, errno.EPERM, "")


def test_numbers_of_every_size_can_be_read_in_both_orders() -> None:
    fields = {1: b"\x01", 2: b"\x01\x02", 4: b"\x01\x02\x03\x04", 8: bytes(7) + b"\x05", 3: b"abc"}

    assert number(fields, 1) == number_be(fields, 1) == 1
    assert number_be(fields, 2) == 0x0102
    assert number_be(fields, 8) == 5
    assert number(fields, 4) == int.from_bytes(b"\x01\x02\x03\x04", sys.byteorder)
    assert number(fields, 9, 7) == number_be(fields, 9, 7) == 7
    for broken in (3, 9):
        with pytest.raises(WireError):
            number(fields, broken)
        with pytest.raises(WireError):
            number_be(fields, broken)


def test_a_string_ends_at_its_first_zero_byte() -> None:
    fields = {1: b"wlc\0garbage", 2: b"open", 3: b"\xff\0"}

    assert [string(fields, kind) for kind in (1, 2, 3)] == ["wlc", "open", "\\xff"]
    assert string(fields, 4, "") == ""
    with pytest.raises(WireError):
        string(fields, 4)


@given(data=st.binary(max_size=200))
@examples(150)
def test_arbitrary_bytes_raise_nothing_but_wire_errors(data: bytes) -> None:
    with suppress(WireError):
        for found in messages(data):
            with suppress(WireError):
                attributes(found.payload)
            with suppress(WireError):
                acknowledgement(found)
    with suppress(WireError):
        attributes(data)


@given(fields=st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=40), max_size=6))
@examples(50)
def test_attributes_read_back_as_they_were_written(fields: dict[int, bytes]) -> None:
    assert attributes(b"".join(attribute(kind, payload) for kind, payload in fields.items())) == fields
