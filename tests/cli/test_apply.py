"""piranha apply, confirm, rollback, history, diff: what they say and end with, whatever the daemon answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.daemons import Daemons

from piranha.change.disk import Disk
from piranha.change.history import Entry, keep
from piranha.cli.main import main
from piranha.control.messages import Refused

FILE = """serial_no = {serial}
primary = 127.0.0.1
virtual www {{
    active = 1
    address = 192.0.2.10
    port = {port}
    server web1 {{ active = 1; address = 10.0.0.1 }}
}}
"""
LINE = {"kind": "disruptive", "sign": ">", "subject": "www", "what": "port 80 -> 81", "effect": "clients must follow"}
PREVIEW: dict[str, Any] = {
    "plan": [LINE],
    "counts": "1 change: 1 disruptive",
    "kind": "disruptive",
    "changed": True,
    "serial_no": 2,
    "base": "b",
}


class Site:
    """A folder with lvs.cf, new.cf and a lone lvsd that answers."""

    def __init__(self, folder: Path, daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.daemons, self._capsys = folder, daemons, capsys
        self.new = folder / "new.cf"
        self.new.write_text(FILE.format(serial=2, port=81))
        self.answer: dict[str, Any] = PREVIEW

    def serve(self) -> None:
        status = {"file": str(self.folder / "lvs.cf"), "generation": 1, "meaning": "m", "unconfirmed": None}
        self.daemons.add("lvsd", status, stage=lambda: {"size": 1}, apply=lambda: self.answer, confirm=self.confirm)

    def confirm(self) -> dict[str, Any]:
        raise Refused("nothing waits for a confirmation")

    def say(self, *words: str) -> tuple[int, str, str]:
        where = ["--run-dir", str(self.daemons.folder), "--state-dir", str(self.folder)]
        status = main([*words, *where])
        told = self._capsys.readouterr()
        return status, told.out, told.err


@pytest.fixture
def site(tmp_path: Path, daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, daemons, capsys)


def test_without_a_daemon_nothing_can_be_put_in_force(site: Site) -> None:
    status, _, told = site.say("apply", str(site.new))
    assert status == 3
    assert told.startswith("piranha: no daemon runs here")


def test_a_dry_run_shows_the_plan_and_says_that_there_are_changes(site: Site) -> None:
    site.serve()
    status, told, _ = site.say("apply", str(site.new), "--dry-run")
    assert status == 2
    assert "> www  port 80 -> 81  clients must follow" in told
    assert told.endswith("1 change: 1 disruptive\nNothing has been changed.\n")


def test_without_a_terminal_more_than_drains_must_be_allowed(site: Site) -> None:
    site.serve()
    status, _, told = site.say("apply", str(site.new))
    said = "piranha: refused: this is disruptive; if that is meant: --allow disruptive; nothing was changed\n"
    assert (status, told) == (1, said)


def test_what_is_in_force_is_told(site: Site) -> None:
    site.serve()
    site.answer = PREVIEW | {"generation": 2, "up": {"www": [1, 1]}, "unconfirmed": None}
    status, told, _ = site.say("apply", str(site.new), "--allow", "disruptive")
    assert status == 0
    assert "active as serial 2, generation 2" in told
    assert "up: www 1/1" in told


def test_whether_the_partner_is_behind_depends_on_what_it_runs(site: Site) -> None:
    status = {"file": str(site.folder / "lvs.cf"), "paired": True, "node": "primary", "partner": {"meaning": "new"}}
    site.daemons.add("pulse", status, stage=lambda: {"size": 1}, apply=lambda: site.answer)
    for meaning, behind in (("new", False), ("other", True)):
        site.answer = PREVIEW | {"kind": "safe", "generation": 2, "up": {}, "unconfirmed": None, "meaning": meaning}
        _, told, _ = site.say("apply", str(site.new))
        assert ("the backup is behind until the same file is applied there" in told) is behind


def test_the_way_to_confirm_names_the_folders_that_were_given(site: Site) -> None:
    site.serve()
    waits = {"back_to_serial_no": 1, "left_s": 60.0, "until": 0.0}
    site.answer = PREVIEW | {"generation": 2, "up": {}, "unconfirmed": waits}
    status, told, _ = site.say("apply", str(site.new), "--allow", "disruptive", "--confirm", "60", "--no-wait")
    assert status == 0
    assert f"    piranha confirm --run-dir {site.daemons.folder} --state-dir {site.folder}\n" in told


def test_a_daemon_that_falls_silent_before_it_was_asked_to_apply_has_changed_nothing(site: Site) -> None:
    status = {"file": str(site.folder / "lvs.cf"), "unconfirmed": None}
    site.daemons.add("lvsd", status, stage=lambda: {"size": 1}, apply=site.daemons.hang_up)
    ended, _, told = site.say("apply", str(site.new))
    assert ended == 3
    assert told.endswith("; nothing was changed\n")


def test_a_file_with_errors_does_not_reach_the_daemon(site: Site) -> None:
    site.serve()
    site.new.write_text("primary = 127.0.0.1\n")
    status, _, told = site.say("apply", str(site.new))
    assert status == 1
    assert "no active lvs services defined" in told


def test_with_json_too_the_author_is_told_each_error_with_its_line(site: Site) -> None:
    site.serve()
    site.new.write_text("prmary = 192.0.2.2\n")
    status, told, findings = site.say("apply", str(site.new), "--json")
    assert (status, json.loads(told)["status"]) == (1, 1)
    assert f"{site.new}:1:1: error: " in findings


def test_json_is_one_object_with_the_status(site: Site) -> None:
    site.serve()
    status, told, _ = site.say("apply", str(site.new), "--dry-run", "--json")
    shown = json.loads(told)
    assert (status, shown["status"], shown["plan"]) == (2, 2, [LINE])


def test_nothing_to_confirm_is_a_no(site: Site) -> None:
    site.serve()
    assert site.say("confirm")[::2] == (1, "piranha: nothing waits for a confirmation\n")


def test_the_history_is_listed_and_its_files_are_compared(site: Site) -> None:
    for generation, port in ((1, 80), (2, 81)):
        entry = Entry(
            generation=generation, at_s=1e9, who="alice, uid 0", how="apply", serial_no=1, meaning=str(port), reason="r"
        )
        keep(Disk(), site.folder, entry, FILE.format(serial=1, port=port).encode())
    status, told, _ = site.say("history")
    assert status == 0
    assert [line.split()[0] for line in told.splitlines()] == ["GENERATION", "1", "2"]
    assert "alice" in told
    status, told, _ = site.say("diff", "1", "2")
    assert status == 2
    assert "-    port = 80\n+    port = 81\n" in told
    assert site.say("diff", "1", "1")[:2] == (0, "They are the same.\n")
    assert site.say("diff", "1", "9")[0] == 1


def test_the_plan_of_an_apply_is_as_wide_as_the_screen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    site.answer = PREVIEW | {"plan": [LINE | {"effect": "all clients must follow, " * 6}]}
    site.serve()
    _, told, _ = site.say("apply", str(site.new), "--dry-run")
    assert max(map(len, told.splitlines())) <= 60
    assert told.count("follow,") == 6
