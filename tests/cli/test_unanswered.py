"""Verbs that change lvs.cf while the daemon that should take it up does not answer: what was done, and what not."""

import json
from pathlib import Path

import pytest

from piranha.change import journal
from piranha.change.disk import Disk, replace
from piranha.change.ground import FILE
from piranha.change.kept import digest, pack
from piranha.change.pending import Pending
from piranha.cli.main import main

TEXT = """primary = 192.0.2.2
virtual www {
    active = 1
    address = 192.0.2.10 eth0
    port = 443
    server web1 { active = 1; address = 10.11.12.21 }
}
"""


class Dead:
    """A router whose daemon ran once, and is dead."""

    def __init__(self, folder: Path, daemon: str) -> None:
        self.file = folder / "lvs.cf"
        self.file.write_text(TEXT)
        (folder / f"{daemon}.lock").touch()
        self.folder = folder

    def say(self, verb: str, *words: str) -> int:
        return main([verb, "--run-dir", str(self.folder), "--state-dir", str(self.folder), *words])

    def leave_a_change(self) -> None:
        change = Pending(
            id="1",
            old=digest(b""),
            new=digest(TEXT.encode()),
            confirm_s=3600.0,
            began=journal.now(),
            who="alice, uid 0, process 1",
            how="apply",
            generation=2,
            old_serial_no=7,
            serial_no=8,
        )
        replace(Disk(), self.folder / FILE, pack(change.facts(), b""))


@pytest.fixture(params=["pulse", "lvsd"])
def dead(tmp_path: Path, request: pytest.FixtureRequest) -> Dead:
    return Dead(tmp_path, str(request.param))


def test_set_writes_the_file_and_says_that_nobody_took_it_up(dead: Dead, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead.say("set", "-c", str(dead.file), "www", "port", "1") == 3
    assert "port = 1\n" in dead.file.read_text()
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert f"{dead.file}: written, not in force: " in told.err
    assert "puts files in force here, and does not answer: " in told.err
    assert told.out.startswith(f"{dead.file}:5: - port = 443\n")


def test_json_of_a_file_that_nobody_took_up_has_the_status(dead: Dead, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead.say("unset", "-c", str(dead.file), "--json", "www", "port") == 3
    assert json.loads(capsys.readouterr().out)["status"] == 3
    assert "port" not in dead.file.read_text()


def test_apply_says_that_nothing_was_changed(dead: Dead, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead.say("apply", str(dead.file)) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("; nothing was changed\n")


def test_while_a_change_waits_for_its_confirmation_nobody_else_writes(
    dead: Dead, capsys: pytest.CaptureFixture[str]
) -> None:
    dead.leave_a_change()
    assert dead.say("set", "-c", str(dead.file), "www", "port", "1") == 1
    said = capsys.readouterr().err
    assert "a change by alice, uid 0, process 1 to serial 8 is not confirmed" in said
    assert f"until then {dead.file} is left as it is" in said
    assert dead.file.read_text() == TEXT


def test_status_shows_the_change_that_waits_on_the_disk_as_json_too(
    dead: Dead, capsys: pytest.CaptureFixture[str]
) -> None:
    dead.say("status", "--json")
    assert json.loads(capsys.readouterr().out)["unconfirmed_on_disk"] is None
    dead.leave_a_change()
    assert dead.say("status", "--json") == 3
    shown = json.loads(capsys.readouterr().out)["unconfirmed_on_disk"]
    assert (shown["serial_no"], shown["back_to_serial_no"], shown["going_back"]) == (8, 7, "")
    assert 0 < shown["left_s"] <= 3600
