"""The tree loses nothing: parse, then print, is the identity for any text."""

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.lvscf.load import load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.printer import print_tree
from piranha.lvscf.syntax.scan import tokenize
from piranha.lvscf.syntax.tokens import Kind, join

# Pieces that mean something to the language, in any order: most texts made of them are wrong in some way.
PIECES = st.sampled_from(
    [
        *("virtual", "server", "check", "failover", "virtul", "port", "send", "active", "address", "expect", "dirs"),
        *("{", "}", " {", " }", "=", " = ", " ", "\t", "\n", "\n", "\r\n", "\r", ";", "; ", "#", " # c", "[", "]"),
        *('"', "'", "\\", '\\"', '"a b"', '"a b\\"', "'x'", "0", "1", "10.0.0.1", "eth0:1", "udp", "::1", "\ufeff"),
        *("\0", "é", "\udcff", "\u2028", "\x0b", "\xa0", "name.example.net", "2s", "50%"),
    ]
)
GARBAGE = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=60).map("".join))

WORDS = st.sampled_from(["active", "port", "weight", "x", "a-b", "send"])
VALUES = st.sampled_from(["1", "80", '"a b"', "'q'", "10.0.0.1 eth0:1", "x#1", '"\\"}{"', "a=b"])
ENDS = st.sampled_from(["\n", "\r\n", " \n", "   # comment\n", "\t\r\n"])
BLANKS = st.sampled_from([" ", "", "\t", "  "])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Correct files in every layout the rules allow."""

    def setting() -> str:
        return f"{draw(BLANKS)}{draw(WORDS)}{draw(BLANKS)}={draw(BLANKS)}{draw(VALUES)}{draw(ENDS)}"

    def block(keyword: str, body: str) -> str:
        brace = draw(st.sampled_from([" {", "{", "\n{", "   # x\n\n  {"]))
        return (
            f"{draw(BLANKS)}{keyword} n{draw(st.integers(0, 9))}{brace}{draw(ENDS)}{body}{draw(BLANKS)}}}{draw(ENDS)}"
        )

    def several(make: st.SearchStrategy[int], what: str) -> str:
        return "".join(
            setting() if what == "setting" else block("server", several(st.integers(0, 3), "setting"))
            for _ in range(draw(make))
        )

    return several(st.integers(0, 3), "setting") + "".join(
        block("virtual", several(st.integers(0, 3), "setting") + several(st.integers(0, 2), "server"))
        for _ in range(draw(st.integers(0, 3)))
    )


@given(GARBAGE)
@examples(100)
def test_the_tokens_joined_are_the_text(text: str) -> None:
    assert join(tokenize(text)) == text


@given(GARBAGE)
@examples(100)
def test_a_tree_prints_as_the_text_it_was_read_from(text: str) -> None:
    assert print_tree(parse(text)[0]) == text


@given(files())
@examples(40)
def test_a_correct_file_has_no_syntax_findings_and_prints_as_it_was(text: str) -> None:
    tree, findings = parse(text)
    assert not findings
    assert print_tree(tree) == text
    assert parse(print_tree(tree)) == (tree, ())


@given(st.lists(st.tuples(BLANKS, WORDS, BLANKS, BLANKS, VALUES, ENDS), max_size=4))
@examples(100)
def test_the_words_of_a_setting_are_its_tokens(lines: list[tuple[str, ...]]) -> None:
    text = "".join(f"{indent}{word}{left}={right}{value}{end}" for indent, word, left, right, value, end in lines)
    for setting in parse(text)[0].settings():
        assert setting.keyword == setting.tokens[0]
        assert setting.values == tuple(t for t in setting.tokens[2:] if t.kind in (Kind.WORD, Kind.QUOTED))
        assert (setting.name, setting.line) == (setting.keyword.text, setting.keyword.line)


@given(GARBAGE)
@examples(60)
def test_a_token_stands_where_it_says(text: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    for token in tokenize(text):
        if token.kind not in (Kind.NEWLINE, Kind.END):
            assert lines[token.line - 1][token.column - 1 :].startswith(token.text)


@given(st.one_of(st.binary(max_size=120), GARBAGE.map(lambda text: text.encode("utf-8", "surrogatepass"))))
@examples(120)
def test_loading_never_fails_and_refuses_exactly_what_has_errors(data: bytes) -> None:
    loaded = load(data, "lvs.cf")
    assert (loaded.config is None) == bool(loaded.errors)
    assert list(loaded.findings) == sorted(
        loaded.findings, key=lambda finding: (finding.span.line, finding.span.column)
    )
    assert loaded.render().count("lvs.cf:") >= len(loaded.findings)


@given(st.lists(PIECES, max_size=60).map("".join))
@examples(60)
def test_bytes_that_are_no_utf_8_come_back(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    assert load(data.replace(b"\0", b""), "x").text.encode("utf-8", "surrogateescape") in (
        data.replace(b"\0", b""),
        b"",
    )


def test_a_file_of_openers_does_not_exhaust_the_stack() -> None:
    for text in ("virtual a {\n" * 3_000, "x {\n" * 3_000, "server a { " * 2_000, "}" * 3_000):
        assert load(text.encode(), "x").config is None


def test_long_lines_and_many_mistakes_take_no_time_worth_mentioning() -> None:
    for text in (
        '"' * 50_000,
        '" ' * 20_000,
        "\\" * 50_000,
        "a = " + "# " * 20_000,
        "word\n" * 5_000,
        '"a b' * 10_000,
    ):
        assert load(text.encode(), "x").config is None
