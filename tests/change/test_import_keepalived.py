"""Golden files: each keepalived.conf of the folder with the lvs.cf it becomes and every note."""

import re
import time
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.change.import_keepalived import import_keepalived
from piranha.change.import_keepalived_checks import KINDS
from piranha.change.import_keepalived_known import CHECKER, GLOBAL, INSTANCE, SERVER, TOP, VIRTUAL
from piranha.change.imported import NOTES_LIMIT, Imported
from piranha.lvscf.load import load
from piranha.lvscf.syntax.layout import formatted
from piranha.lvscf.syntax.parser import parse

FOLDER = Path(__file__).parent.parent / "golden" / "import" / "keepalived"
NAMES = sorted(path.stem for path in FOLDER.glob("*.conf") if not path.name.endswith(".backup.conf"))


def included(pattern: str, above: str) -> list[tuple[str, str]]:
    """What stands in the folder; `again.conf` is whoever asks, as a link could make it."""
    if pattern == "again.conf":
        return [(above, (FOLDER / above).read_text())]
    return [(str(path.relative_to(FOLDER)), path.read_text()) for path in sorted(FOLDER.glob(pattern))]


@cache
def imported(name: str) -> Imported:
    """The golden input of that name, the backup's file behind the primary's where there is one."""
    files = [FOLDER / f"{name}.conf", FOLDER / f"{name}.backup.conf"]
    return import_keepalived(
        [(file.name, file.read_text()) for file in files if file.exists()], included, folder="/etc/keepalived"
    )


def own_notes(result: Imported) -> str:
    """Every note but those that `piranha check` says of the result: they change with what lvs.cf learns."""
    lines = [note.render() for note in result.notes]
    return "".join(f"{line}\n" for line in lines if not re.search(r"\[[EW]\d{3}\]", line))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_becomes_what_its_golden_file_says(name: str) -> None:
    result = imported(name)

    assert result.text == (FOLDER / f"{name}.cf").read_text()
    assert own_notes(result) == (FOLDER / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_result_without_error_notes_is_a_valid_configuration(name: str) -> None:
    result = imported(name)

    loaded = load(result.text.encode(), "lvs.cf")
    assert (loaded.config is not None) or result.has_errors


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_in_the_one_layout(name: str) -> None:
    text = imported(name).text
    tree, mistakes = parse(text)

    assert mistakes or formatted(tree) == text


def test_every_kind_of_checker_is_in_the_golden_files() -> None:
    texts = [(FOLDER / f"{name}.conf").read_text() for name in NAMES]

    assert [kind for kind in KINDS if not any(f"{kind} {{" in text for text in texts)] == []


def test_every_reason_for_leaving_out_is_told_with_the_keyword() -> None:
    for keyword, why in {**GLOBAL, **TOP, **INSTANCE, **VIRTUAL, **SERVER, **CHECKER}.items():
        assert why == why.strip()
        assert not why.endswith("."), keyword


def test_roles_that_are_said_count_more_than_state_and_priority() -> None:
    file = (FOLDER / "mark.conf").read_text()

    result = import_keepalived([("mark.conf", file)], included, ["backup"])

    assert "primary = 192.0.2.3\n" in result.text
    assert "backup = 192.0.2.2\n" in result.text


def test_the_order_of_the_two_files_does_not_matter() -> None:
    files = [(name, (FOLDER / name).read_text()) for name in ("nat-pair.conf", "nat-pair.backup.conf")]

    first, second = import_keepalived(files, included), import_keepalived(files[::-1], included)

    assert [line for line in first.text.split("\n") if "nat-pair" not in line] == [
        line for line in second.text.split("\n") if "nat-pair" not in line
    ]
    assert "differs from nat-pair.backup.conf:83" in own_notes(second)


def test_three_files_are_no_pair() -> None:
    result = import_keepalived([("a", ""), ("b", ""), ("c", "")], included)

    assert own_notes(result) == "a: error: 3 files: give that of one router, or those of both\n"


# Bad input: every import ends, soon, with a file that loads or with an error.

GOLDEN_TEXTS = [path.read_text() for path in sorted(FOLDER.rglob("*.conf"))]
WORDS = """ { } " ' \\ # ! ${A} @b @^b ~SEQ(A,1,9) ~SEQ(A,1,999999999) ~LST(A,1,2) \0 \x1b[2J é \udcff fwmark 5
99999999999999999999 -1 0 192.0.2.1-255 ::/64 10.0.0.0/8 virtual_server vrrp_instance"""
LINES = ["$A=1\n", "$A=$A $A\n", "$A ", "include again.conf\n", "real_server 10.0.0.1 80 {\n", "{\n", "}\n", "\n" * 50]
PROGRAM = "MISC_CHECK {\nmisc_path \"a 'b'\"\n}\n"
PIECES = st.sampled_from([*WORDS.split(), *LINES, PROGRAM, "{" * 50])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A golden input with some pieces taken out, doubled or put in."""
    text = draw(st.sampled_from(GOLDEN_TEXTS))
    for _ in range(draw(st.integers(1, 6))):
        at, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        end = min(end, at + 200)
        text = text[:at] + draw(st.sampled_from(["", text[at:end] * 2, "<>"])) + text[end:]
        text = text.replace("<>", draw(PIECES), 1)
    return text


@pytest.mark.slow
@examples(60)
@given(mutated() | st.text(max_size=200) | st.lists(PIECES, max_size=30).map("".join))
def test_whatever_the_file_is_the_result_loads_or_an_error_says_why_not(text: str) -> None:
    result = import_keepalived([("keepalived.conf", text)], lambda _pattern, above: [(above, text)])

    assert result.has_errors or load(result.text.encode("utf-8", "surrogateescape"), "lvs.cf").config is not None
    assert len(result.notes) <= NOTES_LIMIT + 1
    assert all(note.message.isprintable() for note in result.notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "$A=" + "$A " * 50 + "\nvirtual_server $A 80 {\n}\n",
        "$A=${B}${B}\n$B=${A}${A}\nvirtual_server ${A} 80 {\n}\n",
        "~SEQ(A,1,1000) ~SEQ(B,1,1000) ~SEQ(C,1,1000) virtual_server 10.0.0.${A} 80 {\n",
        "~SEQ(A,1,999999999) virtual_server 10.0.0.1 80 {\n",
        "~SEQ(A,1,999999999) $B=1\n",
        "$A=" + "x" * 20_000 + "\n" + "${A}" * 20_000 + "\n",
        "virtual_server_group g {\n" + "10.0.0.0/8 80\n" * 50 + "}\nvirtual_server group g {\nprotocol TCP\n}\n",
        "a {\n" * 20_000,
        "virtual_server 192.0.2.1 80 {\n" + "x 1\n" * 20_000 + "}\n",
        "include again.conf\n" * 5_000,
        '"' * 20_000,
        "\\" * 20_000 + "\nvirtual_server 192.0.2.1 80 {\n}\n",
        "$" * 20_000 + "{",
    ],
    ids=[
        "itself",
        "each other",
        "billions",
        "long",
        "no lines",
        "text",
        "networks",
        "deep",
        "unknown",
        "include",
        "quotes",
        "escapes",
        "dollars",
    ],
)
def test_what_would_take_for_ever_ends_in_seconds_with_an_error_or_a_result(text: str) -> None:
    tracemalloc.start()
    begin = time.process_time()
    result = import_keepalived([("keepalived.conf", text)], lambda _pattern, above: [(f"{above}x", "")])
    took_s, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.notes
    assert took_s < 20, "with tracing, which takes several times as long"
    assert peak < 100_000_000


def _one_check(checker: str, vip: str = "") -> Imported:
    text = "virtual_server 192.0.2.10 80 {\n protocol TCP\n real_server 10.0.0.1 80 {\n" + checker + "\n}\n}\n" + vip
    return import_keepalived([("k", text)], included)


def test_the_old_name_of_retry_counts_where_keepalived_reads_it() -> None:
    old = _one_check("HTTP_GET {\n url {\n path /\n }\n nb_get_retry 3\n}")
    assert old.text == _one_check("HTTP_GET {\n url {\n path /\n }\n retry 3\n}").text
    assert not any("nb_get_retry" in note.message for note in old.notes)


def test_the_old_name_of_retry_is_told_where_keepalived_does_not_read_it() -> None:
    old = _one_check("TCP_CHECK {\n nb_get_retry 3\n}")
    assert old.text == _one_check("TCP_CHECK {\n}").text
    assert any("'nb_get_retry'" in note.message and "the keyword is retry" in note.message for note in old.notes)


@pytest.mark.parametrize("path", ['"/health check"', '"/a\tb"', '"/a\x7fb"', '"/a\udcffb"', "health", '"http://x/ y"'])
def test_a_path_can_be_loaded_or_is_left_out_with_an_error(path: str) -> None:
    result = _one_check(f"HTTP_GET {{\n url {{\n path {path}\n }}\n}}")
    assert load(result.text.encode(), "lvs.cf").config is not None
    assert result.has_errors == ("/" not in path[:3])


def test_a_range_of_statuses_that_runs_backwards_is_left_out() -> None:
    result = _one_check("HTTP_GET {\n url {\n path /\n status_code 299-200\n }\n}")
    assert load(result.text.encode(), "lvs.cf").config is not None
    assert any("599" in note.message for note in result.notes)


def test_a_definition_inside_of_a_word_is_told_how_it_is_written() -> None:
    vip = "$VIP=192.0.2.10\nvrrp_instance a {\n interface eth0\n virtual_ipaddress {\n $VIP/24\n }\n}\n"
    assert any("is written ${VIP}" in note.message for note in _one_check("TCP_CHECK {\n}", vip).notes)
