"""`piranha show NAME`: every setting in force, and where it comes from."""

import json
from pathlib import Path

import pytest

from piranha.cli.show import main
from piranha.cli.words import WIDTH
from piranha.control.state_files import StateFiles
from piranha.lvscf.load import load
from piranha.lvsd.accepted import store_accepted

Capture = pytest.CaptureFixture[str]
TEXT = """primary = 192.0.2.2
serial_no = 42
virtual web {
    active = 1
    address = 192.0.2.10 eth0
    timeout = 6
    server a { active = 1; address = 10.0.0.21 }
    server b { active = 1; address = 10.0.0.22; weight = 3 }
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lvs.cf"
    path.write_text(TEXT)
    return path


def test_a_block_is_shown_with_value_and_origin_of_each_setting(file: Path, capsys: Capture) -> None:
    assert main(["-c", str(file), "web", "web/b"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["timeout", "6", "line", "6"] in lines
    assert ["interval", "2", "s", "default:", "timeout", "/", "3"] in lines
    assert ["weight", "3", "line", "8"] in lines


def test_the_file_shown_is_the_one_that_was_accepted_last(file: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "run" / "state"
    folder.mkdir(parents=True)
    config = load(TEXT.encode(), "lvs.cf").config
    assert config is not None
    store_accepted(StateFiles(folder, tmp_path / "run"), TEXT.encode(), config)
    assert main(["--run-dir", str(tmp_path / "run"), "global"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("accepted file, generation 1, serial 42 (")
    assert "serial_no" in out


def test_a_server_is_found_by_its_address(file: Path, capsys: Capture) -> None:
    assert main(["-c", str(file), "--json", "10.0.0.22"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    weight = next(one for one in shown["settings"] if one["keyword"] == "weight")
    assert (shown["name"], weight["value"], weight["line"], weight["origin"]) == ("web/b", "3", 8, "file")


def test_a_name_that_fits_nothing_is_status_1_with_the_nearest(file: Path, capsys: Capture) -> None:
    assert main(["-c", str(file), "wep"]) == 1
    assert "near: web" in capsys.readouterr().err


def test_no_line_is_wider_than_the_screen(file: Path, capsys: Capture) -> None:
    file.write_text(TEXT.replace("timeout", f'send = "{"x" * 300}"\n    timeout'))
    assert main(["-c", str(file), "--all", "global", "web", "web/a"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines()[1:])) <= WIDTH


def test_a_file_with_errors_has_nothing_in_force(file: Path, capsys: Capture) -> None:
    file.write_text("primry = 1\n" + TEXT)
    assert main(["-c", str(file), "web"]) == 1
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_read_is_status_2(tmp_path: Path, capsys: Capture) -> None:
    assert main(["-c", str(tmp_path / "none"), "web"]) == 2
    assert capsys.readouterr().err == f"piranha: {tmp_path}/none: No such file or directory\n"
