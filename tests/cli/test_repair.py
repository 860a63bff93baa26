"""`piranha repair`: says what others changed and is left, asks, and has the daemon put it back."""

import json

import pytest
from tests.cli.answers import ADDED, lvsd, server, virtual
from tests.cli.daemons import Answer, Daemons
from tests.cli.terminal import Terminal

from piranha.cli import repair
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS

LEFT = {"put_back": ["server 10.0.0.1:80 of tcp 192.0.2.10:80: weight 3 by hand"], "refused": []}
NOTHING: Answer = {"put_back": [], "refused": []}


def run(daemons: Daemons, *words: str) -> int:
    return repair.main([*words, "--run-dir", str(daemons.folder)])


@pytest.mark.parametrize(
    ("says", "words", "outcome"),
    [
        (LEFT, [], (0, "Put back.")),
        (LEFT, ["--dry-run"], (2, "1 change by others would be put back.")),
        (NOTHING, [], (0, "Nothing to put back: nothing that others changed is left.")),
        (NOTHING, ["--dry-run"], (0, "Nothing to put back: nothing that others changed is left.")),
    ],
)
def test_the_exit_status_and_the_last_line_say_what_came_of_it(
    daemons: Daemons, capsys: pytest.CaptureFixture[str], says: Answer, words: list[str], outcome: tuple[int, str]
) -> None:
    daemons.add("lvsd", lvsd(), repair=lambda: says)
    status = run(daemons, *words)
    *put_back, last = capsys.readouterr().out.splitlines()
    assert (put_back, (status, last)) == (says["put_back"], outcome)


def test_what_the_kernel_refuses_is_status_1(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", lvsd(), repair=lambda: {**LEFT, "refused": ["edit server: ENOMEM"]})
    assert run(daemons) == 1
    assert capsys.readouterr().err == "piranha: refused: edit server: ENOMEM\n"


def test_a_name_may_be_a_server_that_was_added_and_one_that_fits_nothing_is_named(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", lvsd(virtual("www", server("web1"), added_by_hand=[ADDED])), repair=lambda: LEFT)
    assert run(daemons, "10.9.9.9", "*/web1") == 0
    assert run(daemons, "www/web2") == 1
    assert "no such name: www/web2; near: www/web1" in capsys.readouterr().err


def test_json_has_what_was_put_back_and_the_status(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", lvsd(), repair=lambda: LEFT)
    assert run(daemons, "--json", "--dry-run") == 2
    assert json.loads(capsys.readouterr().out) == {**LEFT, "status": 2}


def test_who_may_not_act_is_status_77(daemons: Daemons) -> None:
    def refuse() -> Answer:
        raise Refused(f"{NOT_PERMITTED_WORDS} to act")

    daemons.add("lvsd", lvsd(), repair=refuse)
    assert run(daemons) == 77


def test_without_lvsd_nobody_can_tell(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(daemons) == 3
    assert run(daemons, "www") == 3
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.slow
def test_on_a_terminal_it_asks_and_without_a_yes_changes_nothing(daemons: Daemons) -> None:
    daemons.add("lvsd", lvsd(), repair=lambda: LEFT)
    terminal = Terminal("", "--run-dir", str(daemons.folder), verb="repair")
    terminal.expect("Put it back? [y/N]")
    terminal.answer("")
    assert terminal.end() == 1
    assert daemons.asked.count("repair") == 1
