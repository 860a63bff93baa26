"""`piranha set`, `unset`, `edit` and `apply` beside a real `lvsd`: what is changed is in force."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal
from tests.lvsd.running import Lvsd, RealServer, until, virtual
from tests.userspace.processes import free_vip

from piranha.cli.main import main
from piranha.forwarding.userspace import client

pytestmark = pytest.mark.slow


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    """A daemon with one virtual server, `www`, and one real server, `web1` of weight 2."""
    server = RealServer()
    made = Lvsd(tmp_path, "userspace")
    made.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())))
    made.start()
    made.until_states(web1="up")
    yield made
    made.clean_up()
    client.stop(made.run / client.SOCKET_NAME)
    server.stop()


def weights(lvsd: Lvsd) -> list[int]:
    """The weights in force."""
    return [one["weight"] for one in lvsd.status()["virtuals"][0]["servers"]]


def test_what_is_set_is_in_force_and_in_the_file(lvsd: Lvsd, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--run-dir", str(lvsd.run)]
    assert main(["set", *words, "--dry-run", "www/web1", "weight", "7"]) == 2
    assert weights(lvsd) == [2]
    capsys.readouterr()
    assert main(["set", *words, "www/web1", "weight", "7"]) == 0
    out = capsys.readouterr().out
    assert "weight 2 -> 7" in out
    until(lambda: weights(lvsd) == [7], "weight 7")
    assert "weight = 7" in lvsd.file.read_text()

    assert main(["unset", *words, "--json", "--allow", "mass", "www/web1", "weight"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "applied"
    until(lambda: weights(lvsd) == [1], "weight 1")
    assert "weight" not in lvsd.file.read_text()


def test_what_takes_connections_away_needs_its_word(lvsd: Lvsd, capsys: pytest.CaptureFixture[str]) -> None:
    before = lvsd.file.read_text()
    assert main(["set", "--run-dir", str(lvsd.run), "www", "port", "1"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith(f"asked for in {lvsd.file}, not done yet:\n{lvsd.file}:")
    assert "--allow disruptive; nothing was changed\n" in told.err
    assert lvsd.file.read_text() == before


def test_a_second_file_is_written_only(lvsd: Lvsd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.cf"
    other.write_text(lvsd.file.read_text())
    assert main(["set", "--run-dir", str(lvsd.run), "-c", str(other), "www/web1", "weight", "7"]) == 0
    assert f"the lvs.cf that is in force here is {lvsd.file}" in capsys.readouterr().err
    assert "weight = 7" in other.read_text()
    assert weights(lvsd) == [2]


def test_an_edit_shows_its_plan_and_puts_it_in_force(lvsd: Lvsd, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\nsed -i 's/weight = 2/weight = 8/' \"$1\"\n")
    editor.chmod(0o755)
    terminal = Terminal(editor, "--run-dir", str(lvsd.run))
    try:
        terminal.expect("weight 2 -> 8")
        terminal.answer("n")
        terminal.expect("What now?")
        assert weights(lvsd) == [2]
        terminal.answer("e")
        terminal.expect("Apply?")
        terminal.answer("y")
        assert terminal.end() == 0
    finally:
        terminal.close()
    until(lambda: weights(lvsd) == [8], "weight 8")
    assert list((lvsd.run / "state" / "edit").iterdir()) == []


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(lvsd: Lvsd) -> Iterator[Open]:
    """Opens a terminal with a verb on it, which asks that daemon."""
    opened: list[Terminal] = []

    def start(verb: str, *words: str) -> Terminal:
        opened.append(Terminal("/no/such", *words, "--run-dir", str(lvsd.run), verb=verb))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_ctrl_c_at_the_question_changes_nothing(lvsd: Lvsd, terminal: Open) -> None:
    before = lvsd.file.read_text()
    session = terminal("set", "www/web1", "weight", "7")
    session.expect("Apply? [y/N]")
    session.interrupt()
    session.expect("piranha: interrupted; nothing was changed\n")
    assert session.end() == 130
    assert lvsd.file.read_text() == before
    assert weights(lvsd) == [2]


def test_ctrl_c_while_a_change_waits_ends_the_waiting_alone(lvsd: Lvsd, terminal: Open) -> None:
    changed = lvsd.file.with_name("new.cf")
    changed.write_text(lvsd.file.read_text().replace("weight = 2", "weight = 7"))
    session = terminal("apply", str(changed), "--confirm", "600", "--yes")
    session.expect("goes back to serial")
    session.expect("piranha confirm --run-dir")
    session.interrupt()
    session.expect("no longer waiting; it still goes back in ")
    session.expect(f"unless: piranha confirm --run-dir {lvsd.run}\n")
    assert session.end() == 130
    assert weights(lvsd) == [7]
    assert main(["confirm", "--run-dir", str(lvsd.run)]) == 0
    assert weights(lvsd) == [7]


def test_ctrl_c_at_a_question_of_an_edit_keeps_what_was_written(lvsd: Lvsd, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\nsed -i 's/weight = 2/weight = many/' \"$1\"\n")
    editor.chmod(0o755)
    session = Terminal(editor, "--run-dir", str(lvsd.run))
    try:
        session.expect("What now?")
        session.interrupt()
        session.expect(f"piranha: interrupted: {lvsd.file} is as it was; your version is ")
        assert session.end() == 130
    finally:
        session.close()


def test_ctrl_c_ends_a_verb_that_only_looks_without_a_traceback(terminal: Open) -> None:
    session = terminal("events", "--follow")
    session.expect("www")
    session.interrupt()
    assert session.end() == 130
    assert "Traceback" not in session.seen


def test_while_the_daemon_is_dead_no_other_file_is_taken_for_its_own(
    lvsd: Lvsd, capsys: pytest.CaptureFixture[str]
) -> None:
    where, before = ["--run-dir", str(lvsd.run)], lvsd.file.read_text()
    lvsd.end(signal.SIGKILL)
    for words in (["set", *where, "www/web1", "weight", "7"], ["plan", *where]):
        assert main(words) == 3
        assert "lvsd puts files in force here, and does not answer" in (said := capsys.readouterr().err)
        assert said.endswith("which lvs.cf it has is not known meanwhile: name the file\n")
    assert lvsd.file.read_text() == before
