"""`piranha plan` beside a real `lvsd`."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, RealServer, until, userspace_lvsd, virtual
from tests.userspace.processes import free_vip

from piranha.change.staging import MOST
from piranha.cli.main import main
from piranha.forwarding.userspace import client
from piranha.table.changes import EditDestination

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[RealServer]:
    made = RealServer()
    yield made
    made.stop()


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    yield from userspace_lvsd(tmp_path)


def test_what_was_planned_is_what_a_reload_does_and_then_nothing_is_left_to_do(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str]
) -> None:
    vip = str(free_vip())
    lvsd.write(virtual("www", ("web1", server.port, 2), vip=vip))
    lvsd.start()
    lvsd.until_states(web1="up")
    words = ["plan", str(lvsd.file), "--run-dir", str(lvsd.run)]
    assert main(words) == 0
    lvsd.write(virtual("www", ("web1", server.port, 5), vip=vip, scheduler="rr"), serial=2)
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().out
    assert "serial 1 -> 2 against the live table" in said
    assert "scheduler wlc -> rr" in said
    assert "weight 2 -> 5" in said
    assert [one["weight"] for one in lvsd.status()["virtuals"][0]["servers"]] == [2]  # nothing has been changed
    lvsd.reload()
    assert main(words) == 0


def test_apply_finds_the_same_changes_at_the_same_cost(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str]
) -> None:
    vip = str(free_vip())
    pool = [("web1", server.port, 2), ("web2", server.port + 1, 2)]
    lvsd.write(virtual("www", *pool, vip=vip))
    lvsd.start()
    until(lambda: lvsd.status()["virtuals"][0]["serving"] == 1, "the server in the table")
    new = lvsd.folder / "new.cf"
    new.write_text(lvsd.file.read_text().replace("weight = 2", "weight = 0", 1))
    lines = []
    for words in (["plan", str(new), "--json"], ["apply", str(new), "--dry-run", "--json"]):
        capsys.readouterr()
        assert main([*words, "--run-dir", str(lvsd.run)]) == 2
        said = json.loads(capsys.readouterr().out)
        lines.append([(line["kind"], line["subject"], line["effect"]) for line in said.get("lines") or said["plan"]])
    assert lines[0] == lines[1]
    assert lines[0][0][:2] == ("disruptive", "www/web1")  # nobody serves then


@pytest.mark.parametrize("change", ["another server that refuses", "idle server removed"])
def test_both_verbs_give_a_change_the_same_class_and_figures(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    vip, other = str(free_vip()), RealServer()
    lvsd.write(virtual("www", ("web1", server.port, 2), ("web2", other.port, 2), vip=vip))
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: lvsd.status()["virtuals"][0]["serving"] == 2, "both in the table")
    pool = [("web1", 9, 2)] if change == "another server that refuses" else [("web1", server.port, 2)]
    new = lvsd.folder / "new.cf"
    old = lvsd.file.read_bytes()
    lvsd.write(virtual("www", *pool, vip=vip), serial=2)
    new.write_bytes(lvsd.file.read_bytes())
    lvsd.file.write_bytes(old)
    found = []
    for words in (["plan", str(new), "--json"], ["apply", str(new), "--dry-run", "--json"]):
        capsys.readouterr()
        assert main([*words, "--run-dir", str(lvsd.run)]) == 2
        said = json.loads(capsys.readouterr().out)
        found.append([(line["kind"], line["subject"], line["effect"]) for line in said.get("lines") or said["plan"]])
    other.stop()
    assert found[0] == found[1]
    if change == "idle server removed":
        assert found[0] == [("drains", "www/web2", "no connections: goes at once")]
    else:
        assert {kind for kind, _, _ in found[0]} == {"disruptive"}
        assert "if none answers, www serves nobody" in found[0][0][2]


def test_dry_runs_and_refused_changes_lock_nobody_out(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(web1="up")
    new = lvsd.folder / "new.cf"
    new.write_text(lvsd.file.read_text().replace("weight = 2", "weight = 0", 1))
    where = ["--run-dir", str(lvsd.run)]
    for _ in range(MOST):
        assert main(["apply", str(new), "--dry-run", *where]) == 2
        assert main(["apply", str(new), "--allow", "safe", *where]) == 1
    assert main(["apply", str(new), "--allow", "mass", *where]) == 0
    assert main(["rollback", *where, "--allow", "disruptive"]) == 0


def test_a_generation_that_there_never_was_is_no_way_back(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str]
) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())))
    lvsd.start()
    before = lvsd.file.read_text()
    lvsd.write(virtual("www", ("web1", server.port, 3), vip=str(free_vip())))
    lvsd.reload()
    new = lvsd.file.read_text()
    assert new != before
    for generation in ("0", "99"):
        assert main(["rollback", generation, "--run-dir", str(lvsd.run), "--allow", "mass"]) == 1
        assert f"generation {generation} is not kept" in capsys.readouterr().err
    assert lvsd.file.read_text() == new


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("repair", ("changed by somebody else: repaired with or without this file", "~ www/web1  weight 7 -> 2")),
        ("adopt", ("left alone: changed by somebody else (foreign_edits)", "~ www/web1  weight 7 by hand")),
        ("report", ("left alone: changed by somebody else (foreign_edits)", "~ www/web1  weight 7 -> 2")),
    ],
)
def test_what_somebody_changed_by_hand_is_named_and_left_to_lvsd(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str], mode: str, words: tuple[str, str]
) -> None:
    www = virtual("www", ("web1", server.port, 2), vip=str(free_vip()))
    lvsd.write(www, repair_s=3600, more=f"foreign_edits = {mode}")
    lvsd.start()
    until(lambda: lvsd.status()["virtuals"][0]["serving"] == 1, "the server in the table")
    plane = client.UserspacePlane(lvsd.run / client.SOCKET_NAME)
    [(service, found)] = plane.dump().items()
    [(where, destination)] = found.destinations.items()
    assert plane.apply([EditDestination(service, where, replace(destination, weight=7))]) == []
    before = plane.dump()
    capsys.readouterr()
    assert main(["plan", str(lvsd.file), "--run-dir", str(lvsd.run)]) == 0
    said = capsys.readouterr().out
    assert [one for one in words if one not in said] == []
    assert plane.dump() == before


def test_without_lvsd_its_forwarder_is_read(lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str]) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())), more="keep_table = 1")
    lvsd.start()
    lvsd.until_states(web1="up")
    lvsd.end()
    capsys.readouterr()
    assert main(["plan", str(lvsd.file), "--run-dir", str(lvsd.run), "--plane", "userspace"]) == 0
    assert "against the forwarder of this machine" in capsys.readouterr().out


def test_without_lvsd_what_was_done_by_hand_and_the_next_start_ends_is_told(
    lvsd: Lvsd, server: RealServer, capsys: pytest.CaptureFixture[str]
) -> None:
    www = virtual("www", ("web1", server.port, 2), vip=str(free_vip()))
    lvsd.write(www, more="keep_table = 1\nforeign_edits = adopt")
    lvsd.start()
    lvsd.until_states(web1="up")
    plane = client.UserspacePlane(lvsd.run / client.SOCKET_NAME)
    [(service, found)] = plane.dump().items()
    [(where, destination)] = found.destinations.items()
    assert plane.apply([EditDestination(service, where, replace(destination, weight=7))]) == []
    lvsd.ask("read_back")
    lvsd.end()
    capsys.readouterr()
    for mode, group in (
        ("adopt", "left alone: changed by somebody else (foreign_edits)"),
        ("repair", "ends: done by hand (foreign_edits)"),
    ):
        lvsd.write(www, more=f"keep_table = 1\nforeign_edits = {mode}")
        words = ["plan", str(lvsd.file), "--run-dir", str(lvsd.run)]
        assert main([*words, "--plane", "userspace"]) == (0 if mode == "adopt" else 2)
        said = capsys.readouterr().out
        assert group in said
        assert "www/web1  weight 7 by hand" in said
