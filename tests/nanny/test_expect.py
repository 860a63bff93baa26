"""What counts as the expected answer, and how long an expression may take."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nanny.servers import answering, assignment, check_once, exchange, results_of, serving, silent

from piranha.lvscf.check_values import Expect, Program
from piranha.nanny.expect import Search, Verdict, compare, difference, output_matches, quoted
from piranha.nanny.probes.search import linear
from piranha.nanny.results import Reason

CATASTROPHE = b"^((a+)+)+b"
AAA = b"a" * 3000


def test_a_plain_text_is_compared_with_the_start_of_the_answer() -> None:
    expect = Expect(text=b"+OK")

    assert compare(expect, b"+OK ready", ended=False) is Verdict.MATCH
    assert compare(expect, b"+O", ended=False) is Verdict.MORE
    assert compare(expect, b"+O", ended=True) is Verdict.MISMATCH
    assert compare(expect, b"-ERR", ended=False) is Verdict.MISMATCH
    assert compare(expect, b"say +OK", ended=False) is Verdict.MISMATCH


def test_an_asterisk_matches_any_single_byte() -> None:
    expect = Expect(text=b"*", anything=True)

    assert compare(expect, b"\0", ended=False) is Verdict.MATCH
    assert compare(expect, b"", ended=False) is Verdict.MORE
    assert compare(expect, b"", ended=True) is Verdict.MISMATCH


def test_of_bytes_the_digits_that_are_given_count() -> None:
    expect = Expect(text=b"\x16\x03\x00\x20", mask=b"\xff\xff\x00\xf0")

    assert compare(expect, b"\x16\x03\x07\x2f and more", ended=False) is Verdict.MATCH
    assert compare(expect, b"\x16\x03\xff", ended=False) is Verdict.MORE
    assert compare(expect, b"\x16\x03\xff", ended=True) is Verdict.MISMATCH
    assert compare(expect, b"\x16\x03\x07\x30", ended=False) is Verdict.MISMATCH
    assert compare(expect, b"\x15", ended=False) is Verdict.MISMATCH


def test_bytes_that_differ_are_told_in_digits() -> None:
    expect = Expect(text=b"\x16\x03\x00\x20", mask=b"\xff\xff\x00\xf0")

    assert difference(expect, b"\x15\x03") == "15 03 instead of 16 03 xx 2x"
    assert difference(expect, bytes(21)) == f"{' '.join(['00'] * 20)} … instead of 16 03 xx 2x"


@given(text=st.binary(max_size=20), answer=st.binary(max_size=40), cuts=st.lists(st.integers(0, 40), max_size=5))
def test_how_an_answer_is_cut_into_segments_does_not_matter(text: bytes, answer: bytes, cuts: list[int]) -> None:
    expect = Expect(text=text)
    whole = compare(expect, answer, ended=True)
    for cut in [*sorted(cuts), len(answer)]:
        verdict = compare(expect, answer[:cut], ended=cut >= len(answer))
        if verdict is not Verdict.MORE:
            assert verdict is whole
            return
    raise AssertionError("undecided at the end")


def test_an_expected_newline_at_the_end_of_output_may_be_there_once_or_twice() -> None:
    assert output_matches(Expect(text=b"OK\n"), b"OK\n")
    assert output_matches(Expect(text=b"OK\n"), b"OK\n\n")
    assert not output_matches(Expect(text=b"OK"), b"OK\n\n")


def test_quoted_bytes_are_printable_whatever_they_are() -> None:
    assert quoted(b"\x1b[2J\xff\n") == r"'\x1b[2J\xff\n'"
    assert quoted(b"x" * 100) == "'" + "x" * 60 + "'…"


@pytest.mark.parametrize("expression", [b"HTTP/1\\.[01] (200|302)", b"^220 .*ESMTP", b"[[:digit:]]{3}"])
def test_everyday_expressions_are_searched_at_once(expression: bytes) -> None:
    assert Search(expression).cheap(254)


def test_an_expression_that_may_take_for_ever_is_never_searched_in_the_shared_loop() -> None:
    search = Search(CATASTROPHE)

    assert not search.cheap(30)
    assert not Search(b"(a|aa)*b").cheap(30)
    assert not Search(b".*.*.*x").cheap(1000)


@given(length=st.integers(0, 400))
def test_what_is_called_cheap_is_cheap(length: int) -> None:
    """The worst that fits: a repetition that has to be tried from every place."""
    search = Search(b"a*b")
    if search.cheap(length):
        began = time.process_time()
        assert not search.found(b"a" * length)
        assert time.process_time() - began < 0.1


@pytest.mark.slow
def test_a_catastrophic_expression_ends_with_its_own_check_and_delays_no_other() -> None:
    if linear(Search(CATASTROPHE).expression.linear) is not None:
        pytest.skip("google-re2 is installed: nothing is catastrophic")
    with serving(answering(AAA)) as hostile, silent() as good:
        found = results_of(
            [
                assignment(exchange(b"?", CATASTROPHE, regex=True), hostile, interval_s=0.4, name="www/hostile"),
                assignment(exchange(), good, interval_s=0.02, name="www/good"),
            ],
            40,
        )

    hostile_results = [result for result in found if result.id == "www/hostile"]
    good_starts = [result.started_s for result in found if result.id == "www/good"]
    assert {result.reason for result in found if result.id == "www/good"} == {Reason.OK}
    assert max(b - a for a, b in itertools.pairwise(good_starts)) < 0.2
    assert hostile_results
    for result in hostile_results:
        assert (result.reason, result.detail) == (Reason.MISMATCH, "answer: the search for expect took too long")


def test_an_expensive_expression_is_searched_in_a_process_of_its_own() -> None:
    with serving(answering(b"state: " + b"ab" * 40 + b" ready\r\n")) as port:
        assert check_once(exchange(b"?", b"(ab|ba)*.*ready", regex=True), port, limit_s=2.0).ok
        result = check_once(exchange(b"?", b"(ab|ba)*.*asleep", regex=True), port, limit_s=2.0)

    assert result.reason is Reason.MISMATCH


def test_an_expensive_expression_works_on_the_output_of_programs_too() -> None:
    expect = Expect(text=b"(ab|ba)*c$", regex=True)

    assert check_once(Program(command=("printf", "ababc"), expect=expect), 80, limit_s=2.0).ok
    assert not check_once(Program(command=("printf", "ababcd"), expect=expect), 80, limit_s=2.0).ok


@pytest.mark.parametrize("expression", [b"ready$", b"(re|a)*ady$"])
def test_the_end_of_the_text_is_the_end_of_what_the_server_sends(expression: bytes) -> None:
    with serving(answering(b"ready")) as ready, serving(answering(b"ready or not")) as more:
        assert check_once(exchange(b"?", expression, regex=True), ready, limit_s=2.0).ok
        assert not check_once(exchange(b"?", expression, regex=True), more, limit_s=2.0).ok


def test_an_invalid_expression_says_nothing_of_the_server() -> None:
    """The original called the server down for ever (reference 4.3); `check` refuses such a file."""
    with serving(answering(b"(")) as port:
        result = check_once(exchange(b"?", b"(", regex=True), port)

    assert result.reason is Reason.ERROR
    assert result.detail == "expect is no regular expression: ( without ), at character 1"
