"""Golden files: what other programs had becomes an lvs.cf and notes; whatever it is, the outcome is bounded."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.targets import holds
from tests.properties import examples

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.change.import_ldirectord import import_ldirectord
from piranha.change.import_piranha import Original, import_piranha
from piranha.change.imported import Imported

FOLDER = Path(__file__).parent.parent / "golden" / "import"
OPTIONS = '# pulse\nOPTIONS="-v --fos=/usr/sbin/fos -c /etc/lvs.cf --odd"\nDELAY=random\n'
IMPORTERS: dict[str, Callable[[str, str], Imported]] = {
    "ipvsadm": import_ipvsadm,
    "ldirectord": import_ldirectord,
    "piranha": lambda name, text: import_piranha(
        Original(name=name, text=text, options=OPTIONS, password=True, devices=("lo", "eth0"))
    ),
}
ENDINGS = {"ipvsadm": "rules", "ldirectord": "ldirectord", "piranha": "original"}
INPUTS = [path for kind, ending in ENDINGS.items() for path in sorted((FOLDER / kind).glob(f"*.{ending}"))]
each_input = pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.stem}")


def imported(path: Path) -> Imported:
    return IMPORTERS[path.parent.name](path.name, path.read_bytes().decode("utf-8", "surrogateescape"))


def own_notes(result: Imported) -> str:
    """Every note but the findings of `piranha check` on the result: they change with what lvs.cf learns."""
    lines = [note.render() for note in result.notes]
    return "".join(f"{line}\n" for line in lines if not re.search(r"\[[EW]\d{3}\]", line))


@each_input
def test_a_source_becomes_what_its_golden_files_say(path: Path) -> None:
    result = imported(path)
    assert result.text == path.with_suffix(".cf").read_text()
    assert own_notes(result) == path.with_suffix(".txt").read_text()


@each_input
def test_every_note_stands_at_a_line_of_the_source_and_of_the_result(path: Path) -> None:
    result = imported(path)
    lines = path.read_bytes().count(b"\n") + 1
    for note in result.notes:
        assert 0 <= note.origin.line <= lines
        assert note.line is None or 1 <= note.line <= result.text.count("\n")


def words_of(kind: str) -> st.SearchStrategy[str]:
    """Texts made of the words of the golden inputs, and of what stands nowhere."""
    found = sorted(
        {word for path in INPUTS if path.parent.name == kind for word in re.findall(r"\S+|\n", path.read_text())}
    )
    odd = [
        "",
        '"',
        "=",
        "{",
        "}",
        "->",
        ":",
        "[::1]",
        "\x00",
        "\r",
        "\udcff",
        "x" * 5000,
        "-1",
        "99999999999",
        "\n",
        "    ",
    ]
    words = st.lists(st.one_of(st.sampled_from(found), st.sampled_from(odd), st.text(max_size=6)), max_size=60)
    return words.map(" ".join)


@pytest.mark.parametrize("kind", IMPORTERS)
def test_whatever_is_imported_loads_or_a_note_says_why_not(kind: str) -> None:
    @given(text=words_of(kind))
    @examples(120)
    def every(text: str) -> None:
        holds(IMPORTERS[kind]("source", text))

    every()


@pytest.mark.slow
@each_input
def test_a_source_cut_off_anywhere_or_without_one_of_its_lines_is_answered(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    lines = text.splitlines(keepends=True)
    for place in range(0, len(text), max(1, len(text) // 40)):
        holds(IMPORTERS[path.parent.name]("source", text[:place]))
    for number in range(len(lines)):
        holds(IMPORTERS[path.parent.name]("source", "".join(lines[:number] + lines[number + 1 :])))
