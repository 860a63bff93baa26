"""Requests and answers of the control socket."""

import pytest

from piranha.control.lines import decode, encode
from piranha.control.messages import Answer, BadMessage, Request, one_line, read_answer, read_request


def test_a_request_survives_the_way_over_the_socket() -> None:
    request = Request("status", {"brief": True}, 7)
    assert read_request(decode(encode(request.message()), 1000)) == request


def test_answers_survive_the_way_over_the_socket() -> None:
    for answer in (Answer(7, True, {"pid": 1}), Answer(8, False, error="no")):
        assert read_answer(decode(encode(answer.message()), 1000)) == answer


def test_members_that_a_newer_side_adds_are_ignored() -> None:
    assert read_request({"v": 1, "id": 1, "verb": "status", "args": {}, "urgent": True}) == Request("status", {}, 1)


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"v": 2, "verb": "status"},
        {"v": 1},
        {"v": 1, "verb": ""},
        {"v": 1, "verb": "status", "args": []},
        {"v": 1, "verb": "status", "id": "7"},
    ],
)
def test_what_is_no_request_of_this_version_is_refused(message: object) -> None:
    with pytest.raises(BadMessage):
        read_request(message)


def test_an_answer_says_whether_it_is_one() -> None:
    with pytest.raises(BadMessage):
        read_answer({"v": 1, "id": 1, "data": {}})


def test_a_line_that_is_too_long_or_no_json_is_refused() -> None:
    with pytest.raises(BadMessage, match="longer than 10 bytes"):
        decode(b'{"v":1,"verb":"status"}\n', 10)
    with pytest.raises(BadMessage, match="not JSON"):
        decode(b"status\n", 1000)
    with pytest.raises(BadMessage, match="not JSON"):
        decode(b"[" * 100_000, 1_000_000)


def test_an_error_is_always_one_printable_line() -> None:
    assert Answer(1, False, error="a\nb\tc\x1b[31m").message()["error"] == r"a b c\x1b[31m"
    assert one_line("  two   words \r\n") == "two words"
