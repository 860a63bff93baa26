"""`piranha switchover`: says what will happen, does it, waits for the outcome, and never pretends."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.cli.answers import lvsd, partner, pulse, server, virtual
from tests.cli.daemons import Answer, Daemons
from tests.cli.terminal import Terminal
from tests.lvsd.running import until

from piranha.cli import switchover
from piranha.cli.handover import Outcome, obstacles, outcome
from piranha.control.messages import Refused

ACTIVE = pulse(phase="active")
GONE = [{"address": "192.0.2.10", "held": False}]
SERVING = partner(role="active", lease_s=3)


def standby(them: Answer) -> Answer:
    return pulse(role="standby", phase="standby", since_s=0.2, vips=GONE, partner=them)


def script(*answers: Answer) -> Callable[[], Answer]:
    """Give one answer after the other, the last one for ever."""
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def run(daemons: Daemons, *words: str) -> int:
    return switchover.main([*words, "--run-dir", str(daemons.folder)])


@pytest.mark.parametrize(
    ("says", "what", "final"),
    [
        ({"paired": False}, "there is no partner (backup_active = 0)", True),
        ({"role": "standby"}, "this router is standby: say it on the backup", True),
        ({"phase": "stepping down"}, "the VIPs are on the way already (stepping down)", True),
        ({"partner": None}, "the backup is not heard, never since pulse started", True),
        ({"partner": partner(alive=False, age_s=9.0)}, "the backup is not heard, last heartbeat 9.0s ago", True),
        ({"partner": partner(role="active")}, "the backup is active too", True),
        ({"partner": partner(ready=False, obstacle="lvsd")}, "the backup is not ready: lvsd", True),
        ({"partner": partner(hears_us=False)}, "the backup does not hear this router", True),
        ({"partner": partner(meaning="def")}, "the routers run different configurations", False),
        ({"since_s": 12.0}, "this router became active only 12s ago", False),
    ],
)
def test_what_stands_against_it_is_said(says: dict[str, Any], what: str, final: bool) -> None:
    assert [(one.what, one.final) for one in obstacles(pulse(**says))] == [(what, final)]


def test_nothing_stands_against_a_ready_partner() -> None:
    assert obstacles(ACTIVE) == []


def test_a_dry_run_says_what_would_happen_and_does_nothing(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("pulse", ACTIVE)
    daemons.add("lvsd", lvsd(virtual("www", server("web1"), server("web2"))))
    assert run(daemons, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [
        "primary -> backup:",
        "   1 VIP moves: 192.0.2.10",
        "   82 connections will end: the backup does not know of any",
    ]


def test_an_unready_partner_is_a_refusal_with_its_cure(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse(partner=partner(ready=False, obstacle="lvsd")))
    for words in (("--dry-run",), ("--yes",), ("--yes", "--force")):
        assert run(daemons, *words) == 1
        assert "   the backup is not ready: lvsd\n     on the backup: piranha why router\n" in capsys.readouterr().out


def test_two_in_a_row_must_be_forced(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse(since_s=12.0))
    assert run(daemons, "--dry-run") == 1
    assert capsys.readouterr().out.endswith("   --force says it anyway\n")
    assert run(daemons, "--dry-run", "--force") == 0


def test_it_is_done_when_the_partner_holds_the_vips(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    leaving = pulse(phase="stepping down", since_s=0.1)
    taking = standby(partner(role="active", lease_s=0))
    daemons.add("pulse", script(ACTIVE, leaving, standby(partner()), taking, standby(SERVING)), switchover=dict)
    assert run(daemons, "--yes") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("backup serves, ")


def test_a_partner_that_does_not_come_is_status_4(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    back = pulse(phase="active", since_s=0.3)
    daemons.add("pulse", script(ACTIVE, standby(partner()), back), switchover=dict)
    assert run(daemons, "--yes") == 4
    assert capsys.readouterr().err == "piranha: backup did not take over; primary serves on\n"


def test_what_takes_too_long_is_status_4(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", script(ACTIVE, standby(partner())), switchover=dict)
    assert run(daemons, "--yes", "--wait", "0.1") == 4
    assert "not finished after 0.1 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status"), [("the backup is not heard", 1), ("not permitted: acting needs root", 77)]
)
def test_a_refusal_of_the_daemon_is_told(
    daemons: Daemons, capsys: pytest.CaptureFixture[str], words: str, status: int
) -> None:
    def refuse() -> Answer:
        raise Refused(words)

    daemons.add("pulse", ACTIVE, switchover=refuse)
    assert run(daemons, "--yes") == status
    assert capsys.readouterr().err == f"piranha: refused: {words}\n"


def test_without_a_terminal_it_must_be_said_twice(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", ACTIVE)
    assert run(daemons) == 64
    assert "say --yes" in capsys.readouterr().err


def test_a_dead_pulse_cannot_tell(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(daemons, "--yes") == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_json_has_the_obstacles(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse(partner=None))
    assert run(daemons, "--json", "--dry-run") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["from"], said["to"], said["would_go"], len(said["obstacles"])) == ("primary", "backup", False, 1)


def test_json_has_the_outcome(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", script(ACTIVE, standby(SERVING)), switchover=dict)
    assert run(daemons, "--json", "--yes") == 0
    assert json.loads(capsys.readouterr().out)["outcome"].startswith("backup serves, ")


def test_heartbeats_that_say_active_before_the_vips_are_there_are_not_the_end() -> None:
    assert outcome(ACTIVE, standby(partner(role="active", lease_s=0))) is Outcome.UNDER_WAY
    assert outcome(ACTIVE, standby(partner(role="active", lease_s=None))) is Outcome.DONE
    assert outcome(ACTIVE, ACTIVE) is Outcome.UNDER_WAY


@pytest.mark.slow
def test_ctrl_c_says_what_becomes_of_the_switchover(daemons: Daemons) -> None:
    daemons.add("pulse", ACTIVE, switchover=dict)
    daemons.add("lvsd", lvsd(virtual("www", server("web1"))))
    for options, before, said, status in (
        ((), "(backup):", "not confirmed; nothing was changed", 1),
        (("--yes",), "will end", "no longer waiting; the switchover goes on", 130),
    ):
        terminal = Terminal("/no/such", *options, "--run-dir", str(daemons.folder), verb="switchover")
        try:
            terminal.expect(before)
            if options:
                until(lambda: "switchover" in daemons.asked, "the command asks for it")
            terminal.interrupt()
            terminal.expect(said)
            assert terminal.end() == status
        finally:
            terminal.close()
