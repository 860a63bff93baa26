"""`piranha status`: the screen, and the command with daemons that answer or do not."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cli.answers import lvsd, pulse, server, virtual

from piranha.cli import status
from piranha.cli.status_facts import judge
from piranha.cli.status_screen import Screen, render
from piranha.cli.words import WIDTH, cut, duration
from piranha.control.server import ControlServer, Peer

GOOD = """\
example-net: OK                                              primary, 22 Nov 14:01:12, serial 42

ROUTER     ROLE        FOR  READY  PUBLIC  PRIVATE  GENERATION
primary *  active   31d 4h    yes  -       -                 3
backup     standby       -    yes  0.4s    0.4s              3

VIP         ON       DEVICE  LEASE
192.0.2.10  primary  eth0    2.4 of 3

VIRTUAL  SERVICE             HOW       UP  CONNS  OUT BY  STATE
www      tcp 192.0.2.10:443  nat wlc  2/2     82      6s  ok
2 servers up, none otherwise (--all lists them)"""

BAD = """\
example-net: DEGRADED                                        primary, 22 Nov 14:01:12, serial 42
  ! www/web2  down 4m04s: connect: no answer in 2000 ms

VIRTUAL  SERVICE             HOW       UP  CONNS  OUT BY  STATE
www      tcp 192.0.2.10:443  nat wlc  1/2     82      6s  degraded !

SERVER    ADDRESS           STATE  WEIGHT  CONNS    FOR  LAST CHECK
www/web2  10.11.12.21:8443  down        -      -  4m04s  connect: no answer in 2000 ms, 0.7s ago
1 server up, see above for the others (--all lists them)"""

TIMED_OUT = {"reason": "timeout", "detail": "connect: no answer in 2000 ms", "age_s": 0.7}


def screen(pulse_says: dict[str, Any] | None, lvsd_says: dict[str, Any], *names: str) -> str:
    verdict, findings = judge(pulse_says, lvsd_says, pulse_expected=pulse_says is not None)
    shown = Screen(pulse_says, lvsd_says, verdict, findings, "primary", "22 Nov 14:01:12", names=names)
    return "\n".join(render(shown))


class Daemons:
    """Control sockets in a run folder that answer what a test says; the loop runs in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, dict[str, Any]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers: list[ControlServer] = []

    def add(self, name: str, answer: dict[str, Any]) -> None:
        async def answer_status(_args: Mapping[str, object], _peer: Peer) -> object:
            return answer

        made = ControlServer(self.folder / f"{name}.sock", {"status": answer_status})
        asyncio.run_coroutine_threadsafe(made.start(), self._loop).result(5)
        self._servers.append(made)

    def close(self) -> None:
        for one in self._servers:
            asyncio.run_coroutine_threadsafe(one.close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    made = Daemons(tmp_path)
    yield made
    made.close()


def test_a_cluster_that_is_well_fits_on_a_few_lines() -> None:
    assert screen(pulse(), lvsd(virtual("www", server("web1"), server("web2")))) == GOOD


def test_what_is_wrong_stands_first_and_servers_that_are_up_are_counted() -> None:
    www = virtual("www", server("web1"), server("web2", "down", last_check=TIMED_OUT))
    www["servers"][0]["active"] = 82
    www["servers"][1]["active"] = 0
    assert screen(None, lvsd(www)) == BAD


def test_no_line_is_wider_than_96_columns() -> None:
    check = {**TIMED_OUT, "detail": "answer: expected 'HTTP/1.1 200' and got " + "x" * 200}
    www = virtual("a-rather-long-name", server("web1", "down", last_check=check))
    assert max(map(len, screen(pulse(), lvsd(www)).splitlines())) <= WIDTH


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
