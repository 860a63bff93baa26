"""Golden files: each keepalived.conf of the folder with the lvs.cf it becomes and every note."""

import re
from pathlib import Path

import pytest

from piranha.change.import_keepalived import import_keepalived
from piranha.change.imported import Imported
from piranha.lvscf.load import load

FOLDER = Path(__file__).parent.parent / "golden" / "import" / "keepalived"
NAMES = sorted(path.stem for path in FOLDER.glob("*.conf") if not path.name.endswith(".backup.conf"))


def included(pattern: str, above: str) -> list[tuple[str, str]]:
    """What stands in the folder; `again.conf` is whoever asks, as a link could make it."""
    if pattern == "again.conf":
        return [(above, (FOLDER / above).read_text())]
    return [(str(path.relative_to(FOLDER)), path.read_text()) for path in sorted(FOLDER.glob(pattern))]


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
