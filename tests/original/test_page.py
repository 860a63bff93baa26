"""docs/original-defects.md names tests that exist, each once, and leaves no line without one."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "original-defects.md"
LATER = "not built yet"


def lines() -> list[list[str]]:
    """The cells of every defect."""
    rows = [line.strip("|").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows if row[0].strip() != "the original"]


def named() -> list[str]:
    return [cells[2].strip("`") for cells in lines() if cells[2] != LATER]


@cache
def written_in(path: Path) -> frozenset[str]:
    """The tests of a module; those of a class are not among them."""
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE))


def test_every_published_defect_has_a_test_or_says_that_it_is_not_built_yet() -> None:
    assert len(lines()) > 60
    for cells in lines():
        assert len(cells) == 3, cells
        assert cells[2] == LATER or re.fullmatch(r"`tests/\w+/test_\w+\.py::test_\w+`", cells[2]), cells


def test_every_test_that_the_page_names_exists() -> None:
    for name in named():
        path, _, function = name.partition("::")
        assert function in written_in(ROOT / path), name


def test_every_defect_has_a_test_of_its_own() -> None:
    assert [name for name, times in Counter(named()).items() if times > 1] == []


def test_every_test_made_for_a_defect_is_on_the_page() -> None:
    made = {
        f"{path.relative_to(ROOT)}::{test}"
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
        for test in written_in(path)
    }
    assert made <= set(named())
