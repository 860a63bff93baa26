"""The one layout of lvs.cf: nothing is lost, nothing means anything else, and a second time changes nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from tests.lvscf.layouts import files

from piranha.lvscf.config import meaning
from piranha.lvscf.load import load
from piranha.lvscf.syntax.layout import formatted
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.scan import tokenize
from piranha.lvscf.syntax.tokens import Kind

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.cf"))
SAMPLES = [*EXAMPLES, *sorted((ROOT / "tests" / "golden" / "lvscf").glob("*.cf"))]

WILD = """

# head
primary=192.0.2.2   # lvs1
deadtime   = 6      # as long as
                    # a switch needs
virtual www
{ # the shop


  active = 1  # on
     # its address
     address =   192.0.2.10    eth0:1
  server web1 { active=1; address =  10.11.12.21 ; } # first
     server web2
# old
  {
    active = 1

  }     # last

}
check a{kind=tcp}
check b { kind = http; }
# the end
"""
TIDY = """# head
primary = 192.0.2.2                    # lvs1
deadtime = 6                           # as long as
                                       # a switch needs

virtual www {  # the shop
    active = 1                         # on
    # its address
    address = 192.0.2.10 eth0:1
    server web1 { active = 1; address = 10.11.12.21 }  # first
    server web2 {  # old
        active = 1
    }  # last
}

check a { kind = tcp }
check b { kind = http }

# the end
"""


def words(text: str) -> list[str]:
    """Everything that is said, comments too, without what only parts it."""
    parting = (Kind.NEWLINE, Kind.SEMICOLON, Kind.END)
    return [token.text.rstrip() for token in tokenize(text) if token.kind not in parting]


def tidy(text: str) -> str:
    """The text in the one layout."""
    tree, findings = parse(text)
    assert not findings
    return formatted(tree)


def test_the_layout_by_example() -> None:
    assert tidy(WILD) == TIDY


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_have_it(path: Path) -> None:
    assert tidy(path.read_text()) == path.read_text()


@given(files())
def test_nothing_is_lost_and_a_second_time_changes_nothing(text: str) -> None:
    once = tidy(text)
    before, after = load(text.encode(), "lvs.cf").config, load(once.encode(), "lvs.cf").config
    assert before is not None
    assert after is not None
    assert meaning(after) == meaning(before)
    assert words(once) == words(text)
    assert tidy(once) == once


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_keeps_its_words_and_its_meaning(path: Path) -> None:
    data = path.read_bytes()
    text = data.decode("utf-8", "surrogateescape")
    if parse(text)[1]:
        return
    once = tidy(text)
    assert sorted(words(once)) == sorted(words(text))
    assert tidy(once) == once
    before, after = load(data, "x").config, load(once.encode("utf-8", "surrogateescape"), "x").config
    assert (before and meaning(before)) == (after and meaning(after))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", ""),
        ("\n\n", ""),
        ("\ufeffa = 1", "\ufeffa = 1\n"),
        ("a=1\r\nb  = 2\n", "a = 1\r\nb = 2\r\n"),
        ("virtual a {\r\n}", "virtual a {\r\n}\r\n"),
        ("virtual a { server b { x = 1 } }", "virtual a {\n    server b { x = 1 }\n}\n"),
        ('send = "a b\\"', 'send = "a b\\"\n'),
        ("expect = #OK  ", "expect = #OK\n"),
        ("debug_level = x\r \n", "debug_level = x\r \n"),
        ("a = 1  ## x  ", "a = 1                                  ## x\n"),
        ("virtual a {} x = 1\n", "virtual a { }\n\nx = 1\n"),
    ],
)
def test_line_ends_byte_order_mark_and_odd_values(text: str, after: str) -> None:
    assert tidy(text) == after
