"""The exit status of a command does not depend on who reads what it prints."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha.output import SHOWN

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).resolve().parents[2] / "src"
FULL = "standard output: No space left on device\n"
CHECK = ("piranha.cli.main", "check")
GOOD = "primary = 192.0.2.2\nvirtual web {\n active = 1\n address = 192.0.2.10 eth0\n}\n"


def run(*words: str, out: int, err: int = subprocess.PIPE) -> tuple[int, str]:
    """Exit status and stderr of a module that is run with this standard output."""
    module, *rest = words
    done = subprocess.run(
        [sys.executable, "-m", module, *rest],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr or ""


@pytest.fixture
def nobody() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def full() -> Iterator[int]:
    """A disk that is full."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(("text", "status"), [("primry = 1\n", 1), (GOOD, 0)])
def test_a_reader_that_went_away_changes_no_exit_status(text: str, status: int, nobody: int, tmp_path: Path) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(text)
    assert run(*CHECK, str(file), out=nobody, err=nobody) == (status, "")
    assert run(*CHECK, "--json", str(file), out=nobody) == (status, "")
    assert run(*CHECK, str(tmp_path / "none"), out=nobody, err=nobody) == (2, "")


def test_wrong_usage_and_help_keep_their_status_without_a_reader(nobody: int) -> None:
    assert run("piranha.cli.main", "chekc", out=nobody, err=nobody) == (64, "")
    assert run("piranha.cli.main", "why", out=nobody, err=nobody) == (64, "")
    assert run(*CHECK, "--help", out=nobody) == (0, "")


def test_output_that_cannot_be_written_is_one_line_and_status_74(full: int, tmp_path: Path) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(GOOD)
    status, err = run(*CHECK, str(file), out=full)
    assert (status, err.splitlines(keepends=True)[-1]) == (74, f"piranha: {FULL}")
    assert "Traceback" not in err
    assert run(*CHECK, "--help", out=full) == (74, f"piranha: {FULL}")


CLOSED = "standard output: Bad file descriptor\n"


def run_closed(closed: str, *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a module that is run with these of the standard streams closed, as by `>&-`."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", [("explain", "W010"), ("check", "--help"), ("version",), ("demo", "--help")])
def test_a_closed_output_is_one_line_and_status_74(words: tuple[str, ...]) -> None:
    assert run_closed(">&-", "piranha.cli.main", *words) == (74, "", f"piranha: {CLOSED}")
    assert run_closed(">&- 2>&-", "piranha.cli.main", *words) == (74, "", "")


def test_a_screen_with_a_closed_output_is_no_defect(tmp_path: Path) -> None:
    words = ("piranha.cli.main", "status", "--run-dir", str(tmp_path))
    for more in ((), ("--json",)):
        assert run_closed(">&-", *words, *more) == (74, "", f"piranha: {CLOSED}")
        assert run_closed(">/dev/full", *words, *more) == (74, "", f"piranha: {FULL}")


def test_errors_never_get_into_the_output_of_who_closed_stderr(tmp_path: Path) -> None:
    assert run_closed("2>&-", *CHECK, str(tmp_path / "none")) == (2, "", "")
    assert run_closed("2>&-", "piranha.cli.ipvsadm.entry", "-A", "-t", "nonsense")[1] == ""


def test_what_prints_nothing_needs_no_output() -> None:
    words = ("piranha.cli.main", "fmt", str(SOURCE.parent / "examples" / "nat-pair.cf"))
    status, _, err = run_closed(">&-", *words)
    assert (status, CLOSED in err) == (0, False)


def test_ipvsadm_with_a_closed_output_says_so_in_one_line() -> None:
    assert run_closed(">&-", "piranha.cli.ipvsadm.entry", "-h") == (1, "", f"ipvsadm: {CLOSED}")
    assert run_closed(">&-", "piranha.cli.ipvsadm.entry", "-A", "-t", "nonsense")[2].count("Traceback") == 0


NANNY = ("piranha.nanny.main", "-h", "127.0.0.1", "-p", "1", "-t", "0.05")


def test_a_nanny_without_a_reader_ends_with_the_status_of_its_last_check(nobody: int, full: int) -> None:
    assert run(*NANNY, "--count", "3", out=nobody) == (1, "")
    assert run(*NANNY, "--count", "1", "-e", "true", out=nobody) == (0, "")
    assert run(*NANNY, "-e", "true", out=nobody) == (0, "")
    assert run(*NANNY, out=full) == (74, f"nanny: {FULL}")


def test_ipvsadm_gives_the_same_status_without_a_reader(nobody: int) -> None:
    assert run("piranha.cli.ipvsadm.entry", "-h", out=nobody) == (0, "")
    status, _ = run("piranha.cli.ipvsadm.entry", "-A", "-t", "nonsense", out=nobody)
    assert (status, "") == run("piranha.cli.ipvsadm.entry", "-A", "-t", "nonsense", out=nobody, err=nobody)
    assert status != 0


def test_what_an_encoding_has_no_place_for_is_shown_as_byte_or_by_its_number() -> None:
    said = os.fsdecode(b"x\xff\x80 ") + "\u20ac\U0001f600"
    assert said.encode("ascii", SHOWN) == rb"x\xff\x80 \u20ac\U0001f600"
    assert said.encode("utf-8", SHOWN).decode() == r"x\xff\x80 " + "\u20ac\U0001f600"
