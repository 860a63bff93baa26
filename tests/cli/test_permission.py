"""Who may not look is told so in one line, and never meets a traceback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha.cli import confirm, events, rollback, status, switchover, why
from piranha.cli.main import main

NOBODY = 65534
LOADED = (confirm, events, rollback, status, switchover, why)  # nobody may not be able to read them


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process, which is nobody meanwhile, may not look into."""
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)


@pytest.mark.parametrize(
    "words", [["status"], ["why", "www"], ["events"], ["switchover", "--yes"], ["confirm"], ["rollback"]]
)
def test_who_may_not_look_gets_one_line_and_status_77(
    locked: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--run-dir", str(locked)]) == 77
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("not permitted: looking needs root or the group piranha\n")
    assert said.err.count("\n") == 1


def test_a_state_folder_that_is_not_for_who_asks_is_no_defect(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody_listens = ["--run-dir", "/", "--state-dir", str(locked)]
    assert main(["status", *nobody_listens]) == 3
    assert main(["why", "www", *nobody_listens]) == 3
    assert "defect" not in capsys.readouterr().err
