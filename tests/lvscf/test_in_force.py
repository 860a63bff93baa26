"""What is in force in a block, and where it comes from."""

import pytest

from piranha.lvscf.directives import ALL, Scope, Status
from piranha.lvscf.in_force import COMPUTED, NONE, InForce, Origin, in_force
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block

FILE = """primary = 192.0.2.2
network = direct
vs_conntrack = 1
virtual web {
    active = 1
    address = 192.0.2.10/28 eth0
    port = 8080
    timeout = 6
    fall = 3
    fall = 4
    server a {
        active = 1
        address = 10.0.0.21
        interval = 500ms
    }
    server b {
        address = 10.0.0.22
    }
}
"""
TREE, _ = parse(FILE)
(WEB,) = TREE.blocks("virtual")
A, B = WEB.blocks("server")


def of(name: str) -> dict[str, InForce]:
    """The settings of a block by keyword."""
    blocks: dict[str, Block | None] = {"global": None, "web": WEB, "a": A, "b": B}
    return {one.keyword: one for one in in_force(TREE, blocks[name])}


@pytest.mark.parametrize(
    ("block", "keyword", "value", "origin", "line"),
    [
        ("global", "primary", "192.0.2.2", Origin.FILE, 1),
        ("global", "keepalive", "2 s", Origin.DEFAULT, None),
        ("global", "vs_conntrack", "1", Origin.FILE, 3),
        ("web", "address", "192.0.2.10/28 eth0", Origin.FILE, 6),
        ("web", "fall", "4", Origin.FILE, 10),
        ("web", "interval", "2 s", Origin.DEFAULT, None),
        ("web", "forwarding", "direct", Origin.DEFAULT, None),
        ("a", "interval", "500ms", Origin.FILE, 14),
        ("a", "check_timeout", "0.5 s", Origin.DEFAULT, None),
        ("b", "interval", "2 s", Origin.DEFAULT, None),
        ("b", "fall", "4", Origin.INHERITED, 10),
        ("b", "port", "8080", Origin.DEFAULT, None),
        ("b", "active", "0", Origin.DEFAULT, None),
    ],
)
def test_a_setting_has_its_value_and_its_origin(
    block: str, keyword: str, value: str, origin: Origin, line: int | None
) -> None:
    found = of(block)[keyword]
    assert (found.value, found.origin, found.line) == (value, origin, line)


@pytest.mark.parametrize(("block", "scope"), [("global", Scope.GLOBAL), ("web", Scope.VIRTUAL), ("a", Scope.SERVER)])
def test_every_keyword_that_is_acted_on_is_listed(block: str, scope: Scope) -> None:
    known = {directive.name for directive in ALL if scope in directive.scopes and directive.status is Status.ACTED_ON}
    assert known <= of(block).keys()


def test_a_computed_default_says_what_it_is_made_of() -> None:
    assert of("web")["interval"].told == "timeout / 3"


def test_a_keyword_that_adds_up_is_listed_as_often_as_it_is_given() -> None:
    tree, _ = parse("heartbeat_path = 10.1.0.1 10.1.0.2 a\nheartbeat_path = 10.2.0.1 10.2.0.2 b\n")
    paths = [one for one in in_force(tree, None) if one.keyword == "heartbeat_path"]
    assert [(one.value, one.line) for one in paths] == [("10.1.0.1 10.1.0.2 a", 1), ("10.2.0.1 10.2.0.2 b", 2)]


def test_what_is_computed_is_a_computed_default_of_the_table() -> None:
    assert COMPUTED.keys() <= {directive.name for directive in ALL if directive.computed}


def test_a_check_block_takes_its_times_from_who_asks_for_it() -> None:
    tree, _ = parse("check healthz {\n    kind = http\n}\n")
    (block,) = tree.blocks("check")
    fall = next(one for one in in_force(tree, block) if one.keyword == "fall")
    assert (fall.value, fall.told) == (NONE, "that of who asks for the check")
