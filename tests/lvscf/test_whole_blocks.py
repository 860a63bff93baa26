"""Ordinary blocks of real servers are read in one piece; nobody can tell."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.layouts import file
from tests.lvscf.test_again import edited
from tests.properties import examples

from piranha.lvscf.load import Loaded, load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.scan import scan, tokenize
from piranha.lvscf.syntax.tokens import Kind, Token, cut
from piranha.lvscf.syntax.tree import Block, Node

HEAD = re.compile(r"^([ \t]*server[ \t]+\S+[ \t]+\{)[ \t]*(\r?)$", re.MULTILINE)

POOL = b"""primary = 192.0.2.2
virtual www {
    active = 1
    address = 192.0.2.10 eth0
    server one {
        address = 10.0.0.1
        active = 1
    }
    server "two" {
        address = 10.0.0.2
        active = 1
        weight = many
    }
}
"""


def drawn(seed: int) -> str:
    """A file of servers, somewhat edited or broken; half of them say nearly the same again and again."""
    random = Random(seed)
    data = file(random.randrange(1 << 32)).encode() if random.randrange(2) else POOL * random.randint(1, 3)
    for _ in range(random.randrange(3)):
        data = edited(data, random)
    return data.decode("utf-8", "surrogateescape")


def line_by_line(text: str) -> str:
    """The same file with a comment behind the `{` of each server: such a block is not read in one piece."""
    return HEAD.sub(r"\1 # not ordinary\2", text)


def words(text: str) -> list[Token]:
    """The tokens of `text`, read line by line."""
    lines = scan(text, pieces=False).tokens
    return [part for one in lines for part in (cut(one) if one.kind is Kind.SETTING else (one,))]


def told(loaded: Loaded) -> list[object]:
    return [(one.code, one.span, one.message, one.hint) for one in loaded.findings]


def shape(nodes: tuple[Node, ...]) -> list[object]:
    return [
        (node.kind, node.title, node.span, shape(node.body)) if isinstance(node, Block) else node.span for node in nodes
    ]


@examples(60)
@given(st.integers(0, 1 << 32))
def test_a_comment_behind_the_brace_of_a_server_changes_neither_meaning_nor_findings_nor_places(seed: int) -> None:
    text = drawn(seed)
    whole, apart = (load(one.encode("utf-8", "surrogateescape"), "lvs.cf") for one in (text, line_by_line(text)))
    assert whole.config == apart.config
    assert told(whole) == told(apart)
    assert shape(parse(text)[0].body) == shape(parse(line_by_line(text))[0].body)


@examples(60)
@given(st.integers(0, 1 << 32))
def test_the_tokens_of_a_block_in_one_piece_are_those_of_its_lines(seed: int) -> None:
    text = drawn(seed)
    assert tokenize(text) == words(text)


def test_servers_of_a_virtual_server_are_read_in_one_piece() -> None:
    assert [token.kind for token in scan(POOL.decode()).tokens].count(Kind.BLOCK) == 2


def test_a_block_that_is_cut_off_after_one_that_was_whole_is_read_to_its_end() -> None:
    text = POOL.decode() * 2
    for cut_off in range(1, 120):
        assert tokenize(text[:-cut_off]) == words(text[:-cut_off])


def test_a_finding_in_such_a_block_names_its_line_and_column() -> None:
    (finding,) = load(POOL, "lvs.cf").errors
    assert (finding.span.line, finding.span.column) == (12, 18)


@pytest.mark.parametrize("pool", ["ab", "ba", "aab", "abc", "a", "b", ""])
def test_the_servers_of_one_virtual_server_are_its_own_whatever_stood_in_the_one_before(pool: str) -> None:
    block = "server {} {{\nactive = 1\n}}\n"
    before, after = ("".join(map(block.format, names)) for names in ("ab", pool))
    tree, _ = parse(f"virtual v {{\n{before}}}\nvirtual w {{\n{after}}}\n")
    _, virtual = tree.blocks("virtual")
    assert [server.title for server in virtual.blocks("server")] == list(pool)
    assert [server.line for server in virtual.blocks("server")] == [10 + 3 * place for place in range(len(pool))]
