"""The lvs daemon as a process, on the userspace plane: start, refusals, restart, end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import LIMIT_S, SOURCE, Lvsd, RealServer, until, userspace_lvsd, virtual
from tests.nanny.servers import alive
from tests.userspace.processes import free_vip

from piranha.control.client import NoAnswer
from piranha.control.messages import Refused
from piranha.events.record import read_file
from piranha.forwarding.userspace import client
from piranha.nanny.privilege import children_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    made = RealServer()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, server: RealServer) -> Iterator[Lvsd]:
    """One that serves, shared by tests that leave it as it is."""
    for made in userspace_lvsd(tmp_path_factory.mktemp("lvsd")):
        made.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())))
        made.start()
        made.until_states(web1="up")
        yield made


def test_status_says_everything_with_its_age(running: Lvsd) -> None:
    until(lambda: running.status()["ready"], "ready")
    until(lambda: running.count("added to the table") == 1, "the server in the table")
    status = running.status()
    assert (status["generation"], status["serial_no"], status["plane"]) == (1, 1, "userspace")
    assert (status["table_equal"], status["not_ready"], status["refused_file"]) == (True, [], None)
    [www] = status["virtuals"]
    [web1] = www["servers"]
    assert (www["name"], www["up"], www["serving"]) == ("www", 1, 1)
    assert (web1["state"], web1["weight"], web1["configured_weight"]) == ("up", 2, 2)
    assert web1["last_check"]["reason"] == "ok"
    assert 0 <= web1["last_check"]["age_s"] < LIMIT_S
    assert "virtuals" not in running.ask("status", brief=True)


def test_what_it_decided_can_be_asked_for(running: Lvsd) -> None:
    sentences = [event["message"] for event in running.ask("events", limit=100)["events"]]
    assert "starting virtual service www active: 8080" in sentences
    assert any(sentence.startswith("[ active ] making 127.0.0.1:") for sentence in sentences)


def test_pulse_can_say_which_role_this_router_has(running: Lvsd) -> None:
    assert running.ask("role", role="active") == {"role": "active"}
    assert running.status()["role"] == "active"
    with pytest.raises(Refused, match="active or standby"):
        running.ask("role", role="master")


def test_a_second_one_in_the_same_folder_does_not_start(running: Lvsd) -> None:
    first = running.process
    assert first is not None
    second = running.launch()
    running.process = first
    assert second.wait(LIMIT_S) == 1
    running.until_logged(f"lvsd: already running as process {first.pid}")


def test_a_reload_that_is_asked_for_answers_what_is_wrong(running: Lvsd) -> None:
    good = running.file.read_text()
    running.file.write_text(good + "virtual\n")
    with pytest.raises(Refused, match=r"lvs\.cf is refused: line "):
        running.ask("reload")
    running.file.write_text(good + "# a comment\n")
    assert running.ask("reload")["changed"] is False
    assert running.status()["refused_file"] is None


def test_a_reload_changes_the_table_before_anything_is_written_to_the_disk(lvsd: Lvsd, server: RealServer) -> None:
    vip = str(free_vip())
    others = [virtual(f"other{port}", ("web1", server.port, 1), vip=vip, port=port) for port in range(8081, 8085)]
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=vip), *others)
    lvsd.start()
    until(lambda: lvsd.count("added to the table") == 5, "the servers in the table")
    lvsd.write(virtual("www", ("web1", server.port, 7), vip=vip), *others)
    lvsd.reload()

    told = [record.event.message for record in read_file(lvsd.run / "state" / "lvsd-events.jsonl")]
    [edited] = [number for number, message in enumerate(told) if "edited in the table" in message]
    assert told.index("plan of the reload") < edited < len(told) - told[::-1].index("configuration accepted") - 1
    assert '"generation": 2' in (lvsd.run / "state" / "accepted.json").read_text()


def test_stop_ends_as_sigterm_does_and_ends_the_forwarder(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.ask("stop")
    assert lvsd.process is not None
    assert lvsd.process.wait(LIMIT_S) == 0
    with pytest.raises(NoAnswer):
        lvsd.ask("status")
    assert not (lvsd.run / client.SOCKET_NAME).exists()


def test_after_sigkill_the_next_one_adopts_forwarder_and_table(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(web1="up")
    until(lambda: lvsd.count("added to the table") == 1, "the server in the table")
    socket = lvsd.run / client.SOCKET_NAME
    forwarder = client.status(socket)["pid"]
    lvsd.end(signal.SIGKILL)
    lvsd.start()
    assert lvsd.states() == {"www/web1": "up"}
    assert client.status(socket)["pid"] == forwarder
    assert lvsd.count("added to the table") == 1


def test_a_forwarder_that_died_is_started_again_and_filled_at_once(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(web1="up")
    socket = lvsd.run / client.SOCKET_NAME
    os.kill(client.status(socket)["pid"], signal.SIGKILL)
    until(lambda: lvsd.count("the table can be reached again") == 1, "a new forwarder")
    [service] = client.UserspacePlane(socket).dump().values()
    assert len(service.destinations) == 1


def test_nannies_that_freeze_again_and_again_are_said_and_empty_no_pool(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(web1="up")
    until(lambda: lvsd.count("added to the table") == 1, "the server in the table")

    def freeze_all() -> None:
        for pid in children_of(lvsd.status()["nannies"]["pid"]):
            with contextlib.suppress(ProcessLookupError):  # killed in between, for it was frozen
                os.kill(pid, signal.SIGSTOP)

    def is_told() -> bool:
        freeze_all()
        return lvsd.count("no check results any more") == 1

    until(is_told, "that checks bring no results")
    until(lambda: lvsd.count("check results come again") == 1, "results")
    lvsd.until_logged('cause="said nothing for 3 s and was killed"')
    assert lvsd.states() == {"www/web1": "up"}
    assert lvsd.count("added to the table") == 1
    assert lvsd.count("removed from the table") == 0


def test_frozen_nannies_do_not_outlive_a_killed_lvsd(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(web1="up")
    parent = lvsd.status()["nannies"]["pid"]
    frozen = [parent, *children_of(parent)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    lvsd.end(signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in frozen), "the end of the nannies")


def test_a_server_with_a_slash_in_its_name_is_judged(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("rack1/web1", server.port, 1), vip=str(free_vip())))
    lvsd.start()
    lvsd.until_states(**{"rack1/web1": "up"})


def test_its_records_tell_of_a_file_that_was_refused(lvsd: Lvsd) -> None:
    lvsd.write(virtual("www", ("a", 9, 1)))
    lvsd.start()
    lvsd.file.write_text("")
    lvsd.reload()
    lvsd.end(signal.SIGKILL)
    events = [record.event for record in read_file(lvsd.run / "state" / "lvsd-events.jsonl")]
    refused = [event for event in events if event.subject == "config"][-1]
    assert refused.after == "refused"
    assert refused.cause.startswith("line 1: ")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["-c", "nowhere/lvs.cf"], "nowhere/lvs.cf: No such file or directory"),
        (["--plane", "nftables"], "argument --plane: invalid choice"),
        (["--accepted", "-c", "lvs.cf"], "--accepted and -c exclude each other"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(options: list[str], line: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "piranha.lvsd.main", "-n", "--run-dir", str(tmp_path / "run"), *options],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lvsd: ")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_test_start_says_what_would_change_and_changes_nothing(lvsd: Lvsd, server: RealServer) -> None:
    lvsd.write(virtual("www", ("web1", server.port, 1), vip="127.0.0.77"))
    assert lvsd.launch("-t").wait(LIMIT_S) == 0
    lvsd.until_logged("add service tcp 127.0.0.77:8080")
    assert not lvsd.run.exists()  # not even a forwarder was started


def test_a_state_folder_that_cannot_be_had_is_told_once_and_keeps_nothing_from_working(
    lvsd: Lvsd, server: RealServer, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("not a folder")
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    lvsd.start("--state-dir", str(nowhere))
    lvsd.until_states(web1="up")
    lvsd.write(virtual("www", ("web1", server.port, 2), vip=str(free_vip())))
    lvsd.reload()
    assert lvsd.status()["generation"] == 2
    assert lvsd.count(f'state cannot be written: subject=lvsd cause="{nowhere}/lvsd-services.json: Not a dir') == 1
    assert lvsd.count(f"events cannot be written: file={nowhere}") == 1
    assert lvsd.count(f"{nowhere}/") == 2
