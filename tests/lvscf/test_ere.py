"""POSIX extended regular expressions mean what regcomp(3) says."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.lvscf.ere import BadExpression, translate


def found(expression: bytes, text: bytes) -> bool:
    return re.search(translate(expression).pattern, text, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        (b"HTTP/1\\.[01] (200|302)", b"HTTP/1.1 302 Found", b"HTTP/1x1 200"),
        (b"^[[:digit:]]{3} ", b"220 ready", b"at 220 "),
        (b"^[^[:space:]]+$", b"word", b"two words"),
        (b"[]x]", b"]", b"["),
        (b"[^]x]", b"y", b"]x]"),
        (b"[a-]", b"-", b"b"),
        (b"[[.-.]]", b"-", b"."),
        (b"[\\]", b"\\", b"x"),
        (b"a{2}b{1,}c{0,1}$", b"aabbc", b"abbc"),
        (b"(ab)+x?", b"abab", b"ba"),
        (b"x)", b"x)", b"x"),
        (b"a|b|", b"", b"\0never"),
        (b"\\$\\^\\*", b"$^*", b"^*"),
        (b"a.b", b"a\nb", b"ab"),
        (b"a**b", b"aaab", b"c"),
        (b"\\bok\\b", b"is ok.", b"token"),
        (b"caf\xc3\xa9", b"caf\xc3\xa9", b"cafe"),
    ],
)
def test_expressions_match_as_posix_says(expression: bytes, yes: bytes, no: bytes) -> None:
    assert found(expression, yes)
    assert not found(expression, no) or no.startswith(b"\0")


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (b"(a", "( without ), at character 1"),
        (b"ab[c", "[ without ], at character 3"),
        (b"*a", "nothing before * to repeat, at character 1"),
        (b"a|+b", "nothing before + to repeat, at character 3"),
        (b"^*", "nothing before * to repeat, at character 2"),
        (b"a{2", "{ is not followed by N}, N,} or N,M}, at character 3"),
        (b"a{3,2}", "repetitions go from 0 to 1000, the smaller number first, at character 3"),
        (b"[z-a]", "a range runs backwards, at character 5"),
        (b"[[:number:]]", "no character class [:number:], at character 12"),
        (b"(a)\\1", "back-references are not supported, at character 4"),
        (b"\\d+", "\\d is not POSIX (a digit is [0-9] or [[:digit:]]), at character 1"),
        (b"a\\", "a backslash at the end, at character 2"),
        (b"(" * 60, "more than 50 groups within each other"),
    ],
)
def test_what_regcomp_refuses_is_refused_in_words(expression: bytes, why: str) -> None:
    with pytest.raises(BadExpression) as raised:
        translate(expression)
    assert str(raised.value) == why


def test_the_ends_are_those_of_the_whole_text() -> None:
    assert not found(b"^b", b"a\nb")
    assert not found(b"a$", b"a\n")
    assert translate(b"a$").to_end
    assert not translate(b"a\\$").to_end


pieces = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "[[:alpha:]]", "(a|b)", "(ab)*", "a+", "b?", "a{1,2}", "^", "$", "|", "\\."]
)


@given(parts=st.lists(pieces, min_size=1, max_size=6), text=st.text("abc.d", max_size=8))
@examples(30)
def test_grep_agrees(parts: list[str], text: str) -> None:
    """GNU grep -E reads the same language with the same library."""
    grep = shutil.which("grep")
    expression = "".join(parts)
    if grep is None:
        pytest.skip("no grep")
    command = [grep, "-qzE", "--", expression]
    answer = subprocess.run(command, input=text.encode() + b"\0", capture_output=True, check=False, env={"LC_ALL": "C"})
    assert found(expression.encode(), text.encode()) == (answer.returncode == 0)
