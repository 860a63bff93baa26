"""Every case of the original's language and every message of its parser has a golden file: tests/golden/lvscf."""

import pytest
from tests.lvscf.test_findings import EXAMPLES, FOLDER

from piranha.lvscf.codes import CODES
from piranha.lvscf.diagnostics import Severity

# What the original's parser did in each case, and the files that say what becomes of it here.
CASES: dict[str, tuple[str, ...]] = {
    "no blanks round =: unknown command": ("row-no-blanks-round-equals",),
    "a comment behind a value: unexpected arguments": ("row-trailing-comment",),
    "{ on the next line: missing arguments": ("row-brace-on-next-line",),
    "{ at the end of a name: missing arguments": ("row-brace-sticks-to-name",),
    "a block on one line: unexpected arguments": ("row-block-on-one-line", "row-semicolons-where-none-belong"),
    "a name with blanks, quoted: accepted": ("row-name-with-blanks", "row-name-with-blanks-unquoted"),
    "more than 100 words on a line: cut": ("row-more-than-100-words",),
    "blank lines, tabs, no newline at the end: accepted": ("row-blank-lines-tabs-no-last-newline",),
    "a file of 0 bytes: empty configuration": ("E001-empty-configuration",),
    "a file of blank lines or comments: accepted": ("row-blank-lines-only", "row-comments-only"),
    "} missing at the end, something in the block: accepted": (
        "E050-brace-missing-at-the-end",
        "E050-cut-off-in-a-server",
    ),
    "} missing at the end, nothing in the block: unexpected arguments": ("E009-end-of-file-in-an-empty-block",),
    "a } too many: unknown command": ("row-surplus-brace", "E007-closes-nothing"),
    "a keyword twice: the last one wins": ("row-key-twice", "W002-given-twice"),
    "a block twice: two blocks": ("row-block-twice", "W008-name-twice"),
    "CRLF: only the first line counted": ("row-crlf",),
    "a quoted word before a blank: quotation mismatch": ("row-quoted-word-then-blank",),
    "a closing quote is missing: quotation mismatch": ("E002-closing-quote",),
    'a \\" in a text: accepted before the first blank': (
        "row-quote-escaped",
        "row-quote-escaped-before-end-of-line",
    ),
    "single quotes: part of the text": ("row-single-quotes", "W007-single-quotes"),
    "a word without quotes: accepted": ("row-unquoted-word",),
    "several words without quotes: unexpected arguments": ("row-unquoted-words",),
    "an empty text: accepted": ("row-empty-text",),
    "escapes: left for the checks": ("row-escapes",),
    "int: 16, 0x10, 010, signs, quotes": ("row-integers", "E011-integer", "E017-out-of-range"),
    "bool: 0 or 1": ("row-booleans", "E012-boolean"),
    "port: a number or a name": ("row-port-by-name", "E013-service-name"),
    "port of a server: numbers only": ("row-server-port-by-name",),
    "host: an address, short forms too, or a name": ("row-short-addresses", "row-host-names", "E010-no-address"),
    "mask: as an address; pmask passed over junk": ("row-masks", "E015-netmask"),
    "word: any single word": ("E003-unexpected-argument",),
}

# Rules of our own: what the original never had to decide.
OWN = {
    "row-all-old-keywords",
    "row-byte-order-mark",
    "row-byte-order-mark-mistake",
    "row-several-mistakes",
}

# Messages of the original's parser, and the codes that say it here; those without are explained.
MESSAGES: dict[str, tuple[str, ...]] = {
    "quotation mismatch": ("E002",),
    "unexpected end of file": ("E009", "E050"),
    "unexpected arguments": ("E003",),
    "equal (=) expected after command": ("E004",),
    "missing arguments": ("E005",),
    "invalid host name or ip address": ("E010",),
    "invalid argument": ("E013", "E014"),
    "integer expected": ("E011",),
    "boolean expected": ("E012",),
    "unknown command": ("E006", "E007", "E022"),
    "list expected": ("E023",),
    "Bad subnet mask specified": ("E015",),
    "Empty configuration": ("E001",),
}
# `unknown error` was never raised, nor is its like here; FOS is gone, and a `failover` block is a warning (W003).
# A file that cannot be read is no finding in it: `piranha check` ends with status 2 (test_check.py).
GONE = {
    "unknown error",
    "Cannot use both virtual AND failover services",
    "I/O error while reading configuration",
}

STEMS = {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_original_has_its_golden_file(case: str) -> None:
    assert set(CASES[case]) <= STEMS
    assert all((FOLDER / f"{stem}.txt").exists() for stem in CASES[case])


def test_every_golden_file_of_a_case_is_in_the_table() -> None:
    named = {stem for stems in CASES.values() for stem in stems}
    assert {stem for stem in STEMS if stem.startswith("row-")} == {s for s in named | OWN if s.startswith("row-")}


def test_every_message_of_the_original_is_accounted_for() -> None:
    assert len(MESSAGES) + len(GONE) == 16
    assert MESSAGES.keys().isdisjoint(GONE)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_original_has_its_counterparts(message: str) -> None:
    for code in MESSAGES[message]:
        assert Severity.of(code) is Severity.ERROR
        assert CODES[code]
        assert any(stem.startswith(code) for stem in STEMS), code


@pytest.mark.parametrize(
    ("stem", "accepted"),
    [
        ("row-no-blanks-round-equals", True),
        ("row-trailing-comment", True),
        ("row-quoted-word-then-blank", True),
        ("row-surplus-brace", False),
        ("row-unquoted-words", False),
        ("row-blank-lines-only", False),
        ("E050-brace-missing-at-the-end", False),
    ],
)
def test_what_was_an_error_may_have_a_meaning_now_but_what_looks_cut_off_is_refused(stem: str, accepted: bool) -> None:
    assert (FOLDER / f"{stem}.txt").read_text().endswith("accepted\n" if accepted else "refused\n")
