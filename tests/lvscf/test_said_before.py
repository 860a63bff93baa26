"""Virtual servers that say what others said take over what was worked out of them, and nobody can tell."""

from itertools import chain
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.test_alike import CHECK, HEAD, VIRTUAL, told
from tests.properties import examples

from piranha.lvscf.config import Quota, RealServer, Virtual
from piranha.lvscf.load import load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block, Setting

PLACES = ("address = 192.0.2.10 eth0", "address = 2001:db8::1 eth0", "address = 0.0.0.0", "address = 192.0.2.1")
PORTS = ("port = 80", "port = 81", "port = 0", "port = many")
POOLS = (
    ("address = 10.0.0.1\nactive = 1\nweight = 1", "address = 10.0.0.2\nactive = 1\nweight = 2"),
    ("address = 10.0.0.1\nactive = 1\nweight = 0", "address = 10.0.0.2\nactive = 0\nweight = 2"),
    ("address = 10.0.0.1\nactive = 1\nweight = 1", "address = 10.0.0.1\nactive = 1\nweight = 1"),
    ("address = 2001:db8::5\nactive = 1\nweight = 1", "address = 10.0.0.2\nactive = 1\nweight = 1"),
    ("address = 10.0.0.1\nactive = 1\nweight = 1\nport = 99",),
    ("address = 10.0.0.1\nactive = 1\nweight = 1\nport = 99", "address = 10.0.0.2\nactive = 1\nweight = 1"),
    ("address = 2001:db8::7\nactive = 1\nweight = 1\nport = 99", "address = 10.0.0.2\nactive = 1\nweight = 1"),
    ("address = 10.0.0.1 \nactive = 1\nweight = many",),
)


def block(random: Random, name: str, settings: list[str]) -> list[str]:
    """A virtual server whose texts are those of others, more or less."""
    names = random.choice(("ab", "aa", "a/"))
    pool = [f"server {named} {{\n{said}\n}}" for named, said in zip(names, random.choice(POOLS), strict=False)]
    port = [random.choice(PORTS)] if random.randrange(4) else []
    above = random.randrange(4)
    lines = [*settings, random.choice(PLACES), *(port if above else ()), *pool, *(() if above else port)]
    return [f"virtual {name} {{", "active = 1", *lines, "}"]


def file(seed: int) -> str:
    random = Random(seed)
    settings = [random.sample(VIRTUAL, random.randrange(5)) for _ in range(2)]
    blocks = [block(random, f"v{number % 5}", random.choice(settings)) for number in range(6)]
    return "\n".join([*random.sample(HEAD, 3), CHECK, *chain.from_iterable(blocks), ""])


def with_remarks(text: str) -> bytes:
    """The same file with a remark on every setting: no such line is ordinary, and no two are alike."""
    lines = text.split("\n")
    return "\n".join(f"{line} # {n}" if " = " in line else line for n, line in enumerate(lines)).encode()


@examples(300)
@given(st.integers(0, 1 << 32))
def test_remarks_that_make_every_line_another_change_neither_meaning_nor_findings(seed: int) -> None:
    plain, remarked = load(file(seed).encode(), "lvs.cf"), load(with_remarks(file(seed)), "lvs.cf")
    assert told(plain) == told(remarked)
    assert [one.span for one in plain.findings] == [one.span for one in remarked.findings]
    assert plain.config == remarked.config


SERVERS = "".join(
    f"server r{number} {{\naddress = 10.0.0.{number}\nactive = 1\nweight = {number}\n}}\n" for number in (1, 2, 3)
)


def virtuals(*settings: str) -> tuple[Virtual, ...]:
    """One virtual server for each of `settings`, all with the same text of real servers."""
    blocks = [
        f"virtual v{number} {{\nactive = 1\naddress = 192.0.2.{number} eth0\n{said}\n{SERVERS}}}\n"
        for number, said in enumerate(settings, 1)
    ]
    loaded = load("".join(["service = lvs\nprimary = 192.0.2.254\n", *blocks]).encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config.virtuals


def of(virtual: Virtual) -> RealServer:
    """The last of its servers."""
    return virtual.servers[-1]


def test_servers_of_the_same_text_take_what_they_inherit_from_their_own_virtual_server() -> None:
    one, other, third = virtuals("drain_time = 5", "drain_time = 6", "forwarding = direct")
    assert [of(virtual).drain_time_s for virtual in (one, other)] == [5, 6]
    assert [str(of(virtual).forwarding) for virtual in (one, other, third)] == ["nat", "nat", "direct"]


def test_servers_of_the_same_text_are_checked_at_the_port_of_their_own_virtual_server() -> None:
    assert [of(one).port for one in virtuals("port = 80", "port = 81", "port = 82", "port = 80")] == [80, 81, 82, 80]


def test_http_is_asked_for_at_port_80_only_whatever_was_read_before() -> None:
    asked = [bool(getattr(of(one).check, "send", b"")) for one in virtuals("port = 80", "port = 81", "port = 80")]
    assert asked == [True, False, True]


def test_a_check_that_names_the_vip_names_that_of_its_own_virtual_server() -> None:
    asked = [getattr(of(one).check, "send", b"") for one in virtuals("check = http", "check = http")]
    assert [b"Host: 192.0.2.1\r\n" in asked[0], b"Host: 192.0.2.2\r\n" in asked[1]] == [True, True]


def test_a_share_and_a_number_of_servers_that_are_equal_as_numbers_are_not_taken_for_each_other() -> None:
    number, share = virtuals("keep_active = 1", "keep_active = 1%")
    assert (number.keep_active, share.keep_active) == (Quota(count=1), Quota(percent=1.0))


def test_servers_of_the_same_text_stand_in_the_lines_of_their_own_block() -> None:
    one, other = virtuals("port = 81", "port = 81")
    assert (of(one).line, of(other).line) == (17, 37)


def test_servers_with_remarks_of_their_own_are_not_taken_for_each_other() -> None:
    head = "virtual {0} {{\nactive = 1\naddress = 192.0.2.{0}\n"
    server = "server a {{\n# the first\naddress = 10.0.0.{0}\nactive = 1\nweight = {0}\n}}\n}}\n"
    loaded = load("".join([(head + server).format(number) for number in (1, 2)]).encode(), "lvs.cf")
    assert loaded.config is not None
    assert [of(one).weight for one in loaded.config.virtuals] == [1, 2]


def findings(text: str) -> list[tuple[int, str]]:
    return [(one.span.line, one.code) for one in load(text.encode(), "lvs.cf").findings]


@pytest.mark.parametrize(
    ("pool", "code", "line"),
    [
        ("server a {\naddress = 10.0.0.1\nactive = 1\nweight = many\n}\n", "E011", 4),
        ("server a {\nadress = 10.0.0.1\nactive = 1\nweight = 1\n}\n", "E006", 2),
        ("server a {\naddress = 10.1\nactive = 1\nweight = 1\n}\n", "W038", 2),
        ("server a {\naddress = 10.0.0.1\nactive = 1\nweight = 0\n}\n", "W014", 4),
        (2 * "server a {\naddress = 10.0.0.1\nactive = 1\nweight = 1\n}\n", "W008", 6),
        ("".join(f"server {n} {{\naddress = 10.0.0.1\nactive = 1\nweight = 1\n}}\n" for n in "ab"), "E042", 7),
        ("server a/b {\naddress = 10.0.0.1\nactive = 1\nweight = 1\n}\n", "W045", 1),
    ],
)
def test_what_is_wrong_with_servers_is_told_at_each_virtual_server_that_has_them(
    pool: str, code: str, line: int
) -> None:
    head = "virtual {} {{\nactive = 1\naddress = 192.0.2.1 eth0\nport = {}\n"
    text = "primary = 192.0.2.2\n" + "".join(head.format(name, name) + pool + "}\n" for name in (81, 82, 83))
    starts = [number for number, one in enumerate(text.split("\n"), 1) if one.startswith("port")]
    assert [at for at, found in findings(text) if found == code] == [start + line for start in starts]


def test_a_port_below_the_servers_is_told_at_each_of_them_even_if_others_stand_below_theirs() -> None:
    head = "active = 1\naddress = 192.0.2.{} eth0\n"
    one = f"virtual a {{\n{head.format(1)}port = 81\n{SERVERS}}}\n"
    other = f"virtual b {{\n{head.format(2)}{SERVERS}port = 81\n}}\n"
    assert [line for line, code in findings(f"primary = 192.0.2.254\n{one}{other}") if code == "W041"] == [25, 30, 35]


def test_a_usual_server_behind_one_that_says_more_is_judged_by_itself() -> None:
    head = "virtual {} {{\nactive = 1\naddress = {}\n"
    more = "server a {\naddress = 2001:db8::7\nactive = 1\nweight = 1\nport = 99\n}\n"
    usual = "server b {\naddress = 10.0.0.2\nactive = 1\nweight = 1\n}\n}\n"
    text = head.format(1, "192.0.2.1") + usual + head.format(2, "2001:db8::1") + more + usual
    assert [line for line, code in findings(text) if code == "E035"] == [20]


def test_a_bad_expression_is_told_at_each_virtual_server_that_has_it() -> None:
    said = 'expect = "("\nuse_regex = 1'
    text = "".join(f"virtual {n} {{\nactive = 1\naddress = 192.0.2.{n}\n{said}\n{SERVERS}}}\n" for n in (1, 2, 3))
    assert [line for line, code in findings(text) if code == "E037"] == [4, 25, 46]


def test_an_ordinary_setting_may_have_two_words_on_its_line() -> None:
    tree, found = parse("virtual a {\n  address \t=  192.0.2.1 \t eth0:1 \t\r\n}\n")
    (block,) = tree.body
    assert isinstance(block, Block) and found == ()
    (setting,) = block.body
    assert isinstance(setting, Setting) and setting.lone == "192.0.2.1 \t eth0:1"
    assert [(one.before, one.text, one.column) for one in setting.values] == [
        ("  ", "192.0.2.1", 15),
        (" \t ", "eth0:1", 27),
    ]
    assert setting.tokens[2:4] == setting.values


@pytest.mark.parametrize("end", ["}", "{", ";", "#", '"eth0"', "'eth0'", "eth0 eth1", "# eth0"])
def test_a_setting_with_anything_else_behind_its_first_word_is_no_ordinary_one(end: str) -> None:
    (node, *_) = parse(f"address = 192.0.2.1 {end}\n")[0].body
    assert isinstance(node, Setting) and node.lone is None
