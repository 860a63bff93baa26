"""`piranha fmt`: the file in the one layout, in place or through a pipe; a wrong file is left alone."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from piranha.cli.main import main

SOURCE = Path(__file__).resolve().parents[2] / "src"
SERVED = "virtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n}\n"
WILD = "primary=192.0.2.2\n" + SERVED.replace("    ", "\t")
TIDY = "primary = 192.0.2.2\n\n" + SERVED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in another layout, readable by a few."""
    path = tmp_path / "lvs.cf"
    path.write_text(WILD)
    path.chmod(0o640)
    return path


def test_a_file_is_written_in_the_one_layout_and_keeps_its_mode(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(file)]) == 0
    assert file.read_text() == TIDY
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert capsys.readouterr().err == f"{file}: written in the one layout\n"
    assert list(file.parent.iterdir()) == [file]

    inode = file.stat().st_ino
    assert main(["fmt", str(file)]) == 0
    assert capsys.readouterr().err == f"{file}: has the layout already\n"
    assert file.stat().st_ino == inode


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.cf")
    link.symlink_to(file)
    assert main(["fmt", str(link)]) == 0
    assert link.is_symlink()
    assert file.read_text() == TIDY


def test_check_and_diff_write_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "--check", str(file)]) == 1
    assert capsys.readouterr() == ("", f"{file}: would be changed\n")
    assert main(["fmt", "--diff", str(file)]) == 1
    out = capsys.readouterr().out
    assert "\n-primary=192.0.2.2\n" in out
    assert "\n+primary = 192.0.2.2\n" in out
    assert file.read_text() == WILD
    file.write_text(TIDY)
    assert main(["fmt", "--check", str(file)]) == 0


def test_json_says_what_was_done(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fmt", "--json", "--check", str(file)])
    assert json.loads(capsys.readouterr().out) == {"path": str(file), "changed": True, "written": False}
    main(["fmt", "--json", "--diff", str(file)])
    assert "-primary=192.0.2.2" in json.loads(capsys.readouterr().out)["diff"]
    main(["fmt", "--json", str(file)])
    assert json.loads(capsys.readouterr().out) == {"path": str(file), "changed": True, "written": True}


def test_a_file_with_errors_is_left_as_it_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = WILD + "virtual x {\nport = many\n"
    file.write_text(wrong)
    assert main(["fmt", str(file)]) == 1
    assert file.read_text() == wrong
    assert "[E050]" in capsys.readouterr().err


@pytest.mark.slow
def test_standard_input_goes_to_standard_output() -> None:
    text = b"\xef\xbb\xbf# caf\xe9\r\n" + WILD.encode().replace(b"\n", b"\r\n")
    done = subprocess.run(
        [sys.executable, "-m", "piranha.cli.main", "fmt", "-"],
        input=text,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"\xef\xbb\xbf# caf\xe9\r\n" + TIDY.encode().replace(b"\n", b"\r\n")


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(tmp_path / "none.cf")]) == 2
    assert capsys.readouterr().err == f"piranha: {tmp_path}/none.cf: No such file or directory\n"
    assert main(["fmt", str(tmp_path)]) == 2
