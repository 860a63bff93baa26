"""Kept files: in the state folder, aside in the run folder while that one cannot be written."""

import copy
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from piranha.control.state_files import StateFiles


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    return StateFiles(tmp_path / "state", tmp_path / "run")


@contextmanager
def soon() -> Iterator[None]:
    """Fail what waits for ever."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_long(_number: int, _frame: object) -> None:
    pytest.fail("it waits")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def obstruct(folder: Path, name: str) -> Path:
    """Make it impossible to replace `name`; return what is in the way."""
    (folder / f"{name}.new").mkdir()
    return folder / f"{name}.new"


def test_files_are_kept_in_the_state_folder(files: StateFiles) -> None:
    assert files.write({"a": b"1", "b": b"2"}) == ""
    assert (files.read("a"), files.read("b")) == (b"1", b"2")
    assert (names(files.state), names(files.run)) == (["a", "b"], [])


def test_a_helper_process_gets_the_same_folders(files: StateFiles) -> None:
    theirs = copy.deepcopy(files)  # by the way that pickle goes
    assert (theirs.state, theirs.run) == (files.state, files.run)
    assert theirs.write({"a": b"1"}) == ""


def test_they_are_closed_to_others(files: StateFiles) -> None:
    files.write({"a": b""})
    assert files.path("a").stat().st_mode & 0o007 == 0


def test_a_state_folder_that_cannot_be_written_is_named_and_the_run_folder_keeps_them(files: StateFiles) -> None:
    files.write({"a": b"old", "b": b"old"})
    obstruct(files.state, "b")

    trouble = files.write({"a": b"new", "b": b"new"})

    assert trouble == f"{files.state}/b: Is a directory; kept in {files.run} until the machine boots"
    assert (files.read("a"), files.read("b")) == (b"new", b"new")
    assert (files.state / "a").read_bytes() == b"old", "all of them or none"


def test_a_missing_state_folder_is_such_a_folder(tmp_path: Path) -> None:
    files = StateFiles(tmp_path / "nowhere", tmp_path)
    assert files.write({"a": b""}).startswith(f"{tmp_path}/nowhere/a: No such file or directory")
    assert files.read("a") == b""


def test_when_it_can_be_written_again_nothing_stays_aside(files: StateFiles) -> None:
    obstacle = obstruct(files.state, "a")
    files.write({"a": b"1"})
    obstacle.rmdir()

    assert files.write({"a": b"2"}) == ""
    assert (names(files.state), names(files.run)) == (["a"], [])


def test_what_lies_aside_is_put_where_it_outlives_a_boot_when_there_is_room_again(files: StateFiles) -> None:
    obstacle = obstruct(files.state, "lvsd-a.json")
    files.write({"lvsd-a.json": b"1"}, mode=0o600)
    trouble = f"{files.state}/lvsd-a.json: Is a directory; kept in {files.run} until the machine boots"
    later = StateFiles(files.state, files.run)  # of a daemon that was started meanwhile
    assert (later.settle("lvsd"), files.settle("lvsd"), files.settle("pulse")) == (trouble, trouble, trouble)
    assert StateFiles(files.state, files.run).settle("pulse") is None
    obstacle.rmdir()
    assert later.settle("lvsd") == ""
    assert (names(files.state), names(files.run), files.read("lvsd-a.json")) == (["lvsd-a.json"], [], b"1")
    assert (files.state / "lvsd-a.json").stat().st_mode & 0o777 == 0o600
    assert (later.settle("lvsd"), files.settle("lvsd")) == (None, "")


def test_when_both_fail_nothing_changes_and_the_path_is_told(files: StateFiles) -> None:
    files.write({"a": b"old"})
    obstruct(files.state, "a")
    obstruct(files.run, "a")

    with pytest.raises(OSError, match="Is a directory") as failed:
        files.write({"a": b"new"})

    assert failed.value.filename == f"{files.run}/a"
    assert files.read("a") == b"old"


@pytest.mark.parametrize("name", ["a", "link"])
def test_a_fifo_is_never_waited_for(files: StateFiles, name: str) -> None:
    os.mkfifo(files.state / "a")
    (files.state / "link").symlink_to(files.state / "a")
    with pytest.raises(OSError, match="this is no regular file"), soon():
        files.read(name)


def test_nor_is_one_in_the_way_of_a_write(files: StateFiles) -> None:
    os.mkfifo(files.state / "a.new")
    with soon():
        assert files.write({"a": b"1"}).startswith(f"{files.state}/a: No such device or address; kept in {files.run}")
    assert files.read("a") == b"1"


@pytest.mark.slow
def test_a_disk_that_is_full_half_way_leaves_nothing_behind(files: StateFiles) -> None:
    program = f"""
import resource
from pathlib import Path
from piranha.control.state_files import StateFiles
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    StateFiles(Path({str(files.state)!r}), Path({str(files.run)!r})).write({{"a": b"1", "b": bytes(100)}})
except OSError as error:
    print(error.filename)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{files.run}/b\n"
    assert (names(files.state), names(files.run)) == ([], [])
