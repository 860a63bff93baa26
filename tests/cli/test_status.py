"""`piranha status`: the screen, and the command with daemons that answer or do not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.answers import ADDED, by_hand, leaving, lvsd, partner, pulse, server, virtual
from tests.cli.daemons import Daemons

from piranha.cli import status
from piranha.cli.status_facts import judge
from piranha.cli.status_screen import Screen, render
from piranha.cli.words import WIDTH, cut, duration

GOOD = """\
example-net: OK                                              primary, 22 Nov 14:01:12, serial 42

ROUTER     ROLE        FOR  READY  PUBLIC  PRIVATE  GENERATION
primary *  active   31d 4h    yes  -       -                 3
backup     standby       -    yes  0.4s    0.4s              3

VIP         ON       DEVICE  LEASE
192.0.2.10  primary  eth0    2.4 of 3

VIRTUAL  SERVICE             HOW       UP  CONNS  NEW/S  OUT BY  STATE
www      tcp 192.0.2.10:443  nat wlc  2/2     82     94      6s  ok
2 servers up, none otherwise (--all lists them)"""

BAD = """\
example-net: DEGRADED                                        primary, 22 Nov 14:01:12, serial 42
  ! www/web2  down 4m04s: connect: no answer in 2000 ms

VIRTUAL  SERVICE             HOW       UP  CONNS  NEW/S  OUT BY  STATE
www      tcp 192.0.2.10:443  nat wlc  1/2     82     94      6s  degraded !

SERVER    ADDRESS           STATE  WEIGHT  CONNS    FOR  LAST CHECK
www/web2  10.11.12.21:8443  down        -      -  4m04s  connect: no answer in 2000 ms, 0.7s ago
1 server up, see above for the others (--all lists them)"""

TIMED_OUT = {"reason": "timeout", "detail": "connect: no answer in 2000 ms", "age_s": 0.7}


def screen(pulse_says: dict[str, Any] | None, lvsd_says: dict[str, Any], *names: str) -> str:
    verdict, findings = judge(pulse_says, lvsd_says, pulse_expected=pulse_says is not None)
    shown = Screen(pulse_says, lvsd_says, verdict, findings, "primary", "22 Nov 14:01:12", names=names)
    return "\n".join(render(shown))


def test_a_cluster_that_is_well_fits_on_a_few_lines() -> None:
    assert screen(pulse(), lvsd(virtual("www", server("web1"), server("web2")))) == GOOD


def test_of_many_that_say_the_same_the_first_are_shown_and_the_rest_is_counted() -> None:
    drained = [server(f"web{n}", **by_hand(0) | {"by_hand_s": 5.0 + n}, weight=0, active=n) for n in range(400)]
    down = [server(f"old{n}", "down", last_check=TIMED_OUT, since_s=1.0 + 97 * n) for n in range(30)]
    www = virtual("www", *drained, *down, server("new", "down", last_check=TIMED_OUT | {"detail": "refused"}))
    said = screen(None, lvsd(www)).splitlines()
    assert len(said) == 32
    assert said[2:8] == [
        *(f"  ! www/old{n}  down {duration(1.0 + 97 * n)}: connect: no answer in 2000 ms" for n in range(5)),
        "  ! …         25 more like these (--all lists them)",
    ]
    assert "  ! www/new   down 4m04s: refused" in said
    assert "  i …         395 more like these (--all lists them)" in said
    assert said[-1] == "420 more servers like these (--all lists them)"


def test_all_of_them_are_listed_on_request_and_for_who_asks_for_a_name() -> None:
    www = virtual("www", *(server(f"web{n}", **by_hand(0), weight=0) for n in range(40)))
    verdict, findings = judge(None, lvsd(www), pulse_expected=False)
    every = Screen(None, lvsd(www), verdict, findings, "primary", "22 Nov 14:01:12", every_server=True)
    for said in ("\n".join(render(every)), screen(None, lvsd(www), "www")):
        assert len(re.findall(r"^  i www/web\d+ +drained by hand", said, re.M)) == 40
        assert len(re.findall(r"^www/web\d+ ", said, re.M)) == 40
        assert "more" not in said


def test_what_is_wrong_stands_first_and_servers_that_are_up_are_counted() -> None:
    www = virtual("www", server("web1"), server("web2", "down", last_check=TIMED_OUT))
    www["servers"][0]["active"] = 82
    www["servers"][1]["active"] = 0
    assert screen(None, lvsd(www)) == BAD


def test_no_line_is_wider_than_96_columns() -> None:
    check = {**TIMED_OUT, "detail": "answer: expected 'HTTP/1.1 200' and got " + "x" * 200}
    www = virtual("a-rather-long-name", server("web1", "down", last_check=check))
    assert max(map(len, screen(pulse(), lvsd(www)).splitlines())) <= WIDTH


@pytest.mark.parametrize("width", [40, 60, 72, 80, 96])
def test_a_narrow_terminal_loses_the_least_important_columns_first(width: int) -> None:
    check = {**TIMED_OUT, "detail": "answer: expected 'HTTP/1.1 200' and got " + "x" * 200}
    www = virtual("www", server("web1"), server("web2", "down", last_check=check))
    verdict, findings = judge(pulse(), lvsd(www), pulse_expected=True)
    since = "13:57:08 (4m04s)"
    shown = Screen(pulse(), lvsd(www), verdict, findings, "primary", "22 Nov 14:01:12", since=since, width=width)
    lines = render(shown)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("example-net: DEGRADED since 13:57:08")
    assert any(line.startswith("www ") and line.endswith("degraded !") for line in lines)
    assert any(line.startswith("primary *") and "active" in line for line in lines)


def test_a_plane_that_does_not_estimate_has_no_such_column() -> None:
    assert "NEW/S" not in screen(pulse(), lvsd(virtual("www", server("web1"), new_per_s=None)))


def test_what_others_wrote_cannot_drive_the_terminal(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07"
    check = {**TIMED_OUT, "detail": evil}
    daemons.add("pulse", pulse(cluster=evil, node=evil, warnings=[evil]))
    daemons.add("lvsd", lvsd(virtual(evil, server(evil, "down", last_check=check)), cluster=evil))
    for words in ((), ("--all",), ("--nagios",), ("--json",)):
        status.main([*words, "--run-dir", str(daemons.folder)])
        assert "\x1b" not in capsys.readouterr().out


def test_who_leaves_has_a_row_and_its_connections_count() -> None:
    lines = screen(None, lvsd(virtual("www", server("web1"), leaving=[leaving("web2")]))).splitlines()
    assert lines[1] == "  i www/web2  not in lvs.cf; leaves within 4m00s, 41 connections"
    assert "www      tcp 192.0.2.10:443  nat wlc  1/1     82     94      6s  ok" in lines
    assert "www/web2  10.11.12.22:8443  leaving       0     41  1m00s  not checked any more" in lines


def test_a_drained_server_has_been_so_since_it_was_drained() -> None:
    web2 = server("web2", "drain", weight=0, drained_by="/m/web2", drained_s=61.0)
    lines = screen(None, lvsd(virtual("www", server("web1"), web2))).splitlines()
    assert [line.split()[:6] for line in lines if line.startswith("www/web2")] == [
        ["www/web2", "10.11.12.21:8443", "drain", "0/10", "41", "1m01s"]
    ]


def test_a_server_with_a_weight_set_by_hand_and_one_that_was_added_have_rows() -> None:
    web2 = server("web2", weight=3, **by_hand(3))
    www = virtual("www", server("web1"), web2, server("web3", "drain", weight=0, **by_hand(0)), added_by_hand=[ADDED])
    lines = screen(None, lvsd(www)).splitlines()
    assert "www      tcp 192.0.2.10:443  nat wlc  2/3    130     94      6s  ok" in lines
    rows = [line.split()[:7] for line in lines if line.startswith("www/")]
    assert rows == [
        ["www/web2", "10.11.12.21:8443", "by", "hand", "3/10", "41", "4m04s"],
        ["www/web3", "10.11.12.21:8443", "drain", "0/10", "41", "1m01s", "connect:"],
        ["www/10.9.9.9:80", "10.9.9.9:80", "by", "hand", "5", "7", "1m00s"],
    ]


def test_a_name_shows_that_virtual_server_only_and_all_of_its_servers() -> None:
    text = screen(pulse(), lvsd(virtual("www", server("web1")), virtual("mail", server("mx1"))), "www")
    assert "www/web1" in text
    assert "mail" not in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0s"),
        (0.4, "0.4s"),
        (9.96, "10.0s"),
        (12.9, "12s"),
        (244, "4m04s"),
        (11520, "3h12m"),
        (2692800, "31d 4h"),
    ],
)
def test_durations_read_easily(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_long_line_is_cut_visibly() -> None:
    assert cut("abcdef", 4) == "abc…"


def test_the_exit_status_is_the_verdict(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse())
    daemons.add("lvsd", lvsd(virtual("www", server("web1", "down"))))
    assert status.main(["--run-dir", str(daemons.folder)]) == 2
    assert capsys.readouterr().out.startswith("example-net: OUTAGE ")


def test_json_has_the_verdict_and_both_answers(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse())
    daemons.add("lvsd", lvsd(virtual("www", server("web1"))))
    assert status.main(["--json", "--run-dir", str(daemons.folder)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["findings"], said["pulse"]["role"]) == ("ok", [], "active")
    assert said["lvsd"]["virtuals"][0]["name"] == "www"


def test_a_pulse_that_died_makes_everything_unknown(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    (daemons.folder / "pulse.lock").touch()
    daemons.add("lvsd", lvsd(virtual("www", server("web1"))))
    assert status.main(["--run-dir", str(daemons.folder)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("example-net: UNKNOWN ")
    assert "! pulse  pulse on this router does not answer" in out
    assert "pulse: unknown since ever, it has left no record: " in out


def test_a_router_is_a_name(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    www = virtual("www", server("web1", "down"))
    daemons.add("pulse", pulse(partner={**partner(), "alive": False, "age_s": 12.0}))
    daemons.add("lvsd", lvsd(www))
    for name in ("primary", "backup", "router", "partner", "vip", "192.0.2.10"):
        assert status.main([name, "--run-dir", str(daemons.folder)]) == 1
        out = capsys.readouterr().out
        assert "the partner is not heard" in out
        assert "ROUTER" in out
        assert "www" not in out


def test_the_parts_of_ours_are_names_too(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse(partner=None))
    daemons.add("lvsd", lvsd(virtual("www", server("web1")), refused_changes=["add x: ENOENT"]))
    assert status.main(["table", "--run-dir", str(daemons.folder)]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["  ! table  refused: add x: ENOENT"]
    assert status.main(["config", "--run-dir", str(daemons.folder)]) == 0


def test_a_server_whose_lvsd_is_silent_is_unknown(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse())
    assert status.main(["www", "--run-dir", str(daemons.folder)]) == 3
    assert "lvsd on this router does not answer" in capsys.readouterr().out


def test_the_title_says_since_when(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse())
    daemons.add(
        "lvsd", lvsd(virtual("www", server("web1"), server("web2", "down"), server("web3", "down", since_s=10.0)))
    )
    assert status.main(["--run-dir", str(daemons.folder)]) == 1
    assert re.match(r"example-net: DEGRADED since \d\d:\d\d:\d\d \(4m04s\)\s", capsys.readouterr().out)


def test_a_verdict_with_a_reason_of_unknown_age_has_no_since(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("pulse", pulse(warnings=["no key"]))
    daemons.add("lvsd", lvsd(virtual("www", server("web1"), server("web2", "down"))))
    status.main(["--run-dir", str(daemons.folder)])
    assert capsys.readouterr().out.startswith(("example-net: DEGRADED   ", "example-net: DEGRADED\n"))


def test_nagios_gets_one_line_with_numbers(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    check = {**TIMED_OUT, "detail": "got | and '"}
    daemons.add("pulse", pulse(partner=None))
    daemons.add("lvsd", lvsd(virtual("www", server("web1"), server("web2", "down", last_check=check))))
    assert status.main(["--nagios", "www", "--run-dir", str(daemons.folder)]) == 1
    numbers = "'www up'=1;;;0;2 'www connections'=82;;;0 'www new per s'=94;;;0"
    assert capsys.readouterr().out == f"PIRANHA WARNING: www/web2 down 4m04s: got / and ' | {numbers}\n"
    assert status.main(["--nagios", "--run-dir", str(daemons.folder)]) == 1
    assert " and 1 more | " in capsys.readouterr().out


def test_another_router_is_not_answered_for(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", pulse())
    daemons.add("lvsd", lvsd(virtual("www", server("web1"))))
    assert status.main(["--on", "primary", "--run-dir", str(daemons.folder)]) == 0
    capsys.readouterr()
    assert status.main(["--on", "backup", "--run-dir", str(daemons.folder)]) == 3
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_nothing_runs_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--run-dir", str(tmp_path)]) == 3
    out = capsys.readouterr().out
    assert "lvsd: never ran here" in out


def test_an_unknown_name_gets_the_nearest_ones(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", lvsd(virtual("www", server("web1"))))
    assert status.main(["ww/web1", "--run-dir", str(daemons.folder)]) == 1
    assert capsys.readouterr().err == "piranha: no such name: ww/web1; near: www/web1, www\n"


def test_a_machine_can_be_named_by_its_address(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add(
        "lvsd", lvsd(virtual("www", server("web1", "down", last_check=TIMED_OUT)), virtual("mail", server("mx1")))
    )
    assert status.main(["10.11.12.21:8443", "--run-dir", str(daemons.folder)]) == 1
    assert "www/web1" in capsys.readouterr().out


def test_synchronisation_is_one_line_with_daemon_interface_and_id() -> None:
    sync = {"states": ["backup"], "interface": "eth1", "id": 7, "backup_only": "1", "trouble": "", "lacking": []}
    shown = screen(pulse(), lvsd(virtual("www", server("web1")), kernel={"sync": sync}))
    assert "\nSYNC  backup on eth1, id 7, backup_only\n" in shown
    assert "SYNC" not in screen(pulse(), lvsd(virtual("www", server("web1"))))
