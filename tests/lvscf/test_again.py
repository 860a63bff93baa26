"""A file that is read again: what stands in it as before is not read once more, and nobody can tell."""

from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.layouts import file
from tests.properties import examples

from piranha.lvscf.config import Virtual
from piranha.lvscf.load import Again, Loaded, elaborated, load, parsed
from piranha.lvscf.syntax import parser
from piranha.terms import Address

GOLDEN = [path.read_bytes() for path in sorted(Path("tests/golden/lvscf").glob("*.cf")) if path.stat().st_size < 4000]
LINES = [line for data in GOLDEN for line in data.splitlines(keepends=True)]

REPLACED = ((b"1", b"2"), (b"0", b"1"), (b" = ", b"="), (b"a", b"e"))
"""In a line, each by the other."""

TWO = b"""primary = 192.0.2.2
serial_no = 1
virtual a {
    active = 1
    address = 192.0.2.10 eth0
    server one {
        active = 1
        address = 10.0.0.1
    }
}
virtual b {
    active = 1
    address = 192.0.2.11 eth0
    load_monitor = rup
    server one {
        active = 1
        address = 10.0.0.2
    }
}
"""


def reread(data: bytes, before: Loaded, hosts: dict[str, Address] | None = None) -> Loaded:
    return elaborated(parsed(data, "lvs.cf", before.again), hosts or {})


def edited(data: bytes, random: Random) -> bytes:
    """The file after somebody changed a few lines, as people do it, or as a broken tool does."""
    lines = data.splitlines(keepends=True) or [b"\n"]
    for _ in range(random.randrange(1, 3)):
        at = random.randrange(len(lines))
        # Mostly what leaves the blocks below on their lines.
        match random.randrange(9) if random.randrange(3) == 0 else 7:
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, random.choice(LINES))
            case 2:
                lines.insert(at, random.choice((b"\n", b"# a comment\n", b"}\n", b"virtual new {\n", b"\xef\xbb\xbf")))
            case 3:
                lines[at] = random.choice(LINES)
            case 4:
                lines += lines[at : at + random.randrange(12)]
            case 5:
                lines[at], lines[0] = lines[0], lines[at]
            case 6:
                lines[at] = lines[at].replace(b" ", b"  ", 1).rstrip(random.choice((b"\n", b"")))
            case 7:
                lines[at] = lines[at].replace(*random.choice(REPLACED))
            case _:
                lines[at : at + 5] = random.choice(GOLDEN).splitlines(keepends=True)
        lines = lines or [b""]
    return b"".join(lines)


@examples(40)
@given(st.integers(0, 1 << 32))
def test_reading_again_finds_what_reading_afresh_finds(seed: int) -> None:
    random = Random(seed)
    parts = [file(random.randrange(1 << 32)).encode() for _ in range(2)] + random.sample(GOLDEN, random.randrange(2))
    data = b"".join(parts)
    before = load(data, "lvs.cf")
    for _ in range(4):
        data = edited(data, random)
        fresh, again = load(data, "lvs.cf"), reread(data, before)
        assert again == fresh
        assert again.render() == fresh.render()
        if fresh.again is not None and again.again is not None:
            assert again.again.syntax[:4] == fresh.again.syntax[:4]
        before = again if again.config is not None else before


def served(loaded: Loaded) -> list[Virtual]:
    assert loaded.config is not None, loaded.render()
    return list(loaded.config.virtuals)


def test_a_virtual_server_that_stands_there_as_before_is_the_same_object() -> None:
    before = load(TWO, "lvs.cf")

    again = reread(TWO.replace(b"10.0.0.1", b"10.0.0.9").replace(b"serial_no = 1", b"serial_no = 2"), before)

    assert served(again)[1] is served(before)[1]
    assert served(again)[0] is not served(before)[0]


def test_its_findings_are_told_again_with_the_lines_where_they_are_now() -> None:
    before = load(TWO, "lvs.cf")
    assert [one.code for one in before.findings] == ["W004"]

    assert reread(TWO.replace(b"10.0.0.1", b"10.0.0.9"), before).findings == before.findings
    moved = TWO.replace(b"10.0.0.1\n", b"10.0.0.1\n        weight = 2\n")
    assert [one.span.line for one in reread(moved, before).findings] == [before.findings[0].span.line + 1]


def test_a_global_setting_that_blocks_depend_on_makes_all_of_them_new() -> None:
    again = reread(TWO.replace(b"serial_no = 1", b"network = tunnel"), load(TWO, "lvs.cf"))

    assert {server.forwarding for one in served(again) for server in one.servers} == {"tunnel"}


def test_of_a_file_with_host_names_nothing_is_kept_for_they_may_move() -> None:
    data = TWO.replace(b"10.0.0.1", b"web.example.net")
    assert load(data, "lvs.cf").again is None


def test_what_did_not_change_is_not_even_cut_into_words() -> None:
    before = load(TWO, "lvs.cf")
    assert isinstance(before.again, Again)

    again = parser.read(TWO.decode().replace("10.0.0.2", "10.0.0.9"), before.again.syntax)

    assert again.tree.body[2] is before.again.syntax.tree.body[2]


@given(st.integers(0, 1 << 32))
@examples(40)
def test_servers_that_say_no_more_than_others_are_read_as_if_they_stood_alone(seed: int) -> None:
    random = Random(seed)
    own = ["active = 1", "address = 10.0.0.{}", "weight = {}"]
    inherited = [
        "port = 81",
        "timeout = 9",
        "slow_start = 9s",
        "forwarding = direct",
        "quiesce_server = 1",
        "check = tcp",
    ]
    inherited += ["check = one", "port = 82"]
    lines = ["check one {", "kind = tcp", f"source = {random.choice(('192.0.2.2', '2001:db8::1'))}", "}"]
    lines += ["virtual www {", "active = 1", "address = 192.0.2.10 eth0"]
    for number in range(1, 8):
        lines += random.sample(inherited, random.choice((0, 0, 1, 3)))
        said = [line.format(number) for line in own[: random.choice((3, 3, 3, 2))]]
        lines += [f"server web{random.choice((number, 1))} {{", *said, "THRESHOLD", "}"]
    text = "\n".join([*lines, "}", ""])

    alike = load(text.replace("THRESHOLD", "# nothing").encode(), "lvs.cf")
    alone = load(text.replace("THRESHOLD", "upper_threshold = 0").encode(), "lvs.cf")

    assert (alike.config, alike.findings) == (alone.config, alone.findings)
