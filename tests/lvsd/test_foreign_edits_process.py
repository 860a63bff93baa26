"""Edits by hand behind a running daemon on the userspace plane: kept over a death, whatever it is looked at with."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests.lvsd.running import SOURCE, Lvsd, TalkingServer, until, virtual
from tests.userspace.processes import free_vip

from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane
from piranha.table.changes import Change, EditDestination
from piranha.table.table import Table

pytestmark = pytest.mark.slow


def serve(lvsd: Lvsd, talkers: list[TalkingServer], *, serial: int = 1, weight: int = 5, mode: str = "adopt") -> None:
    """Write a file with both servers; web1 has this weight."""
    pool = [("web1", talkers[0].port, weight), ("web2", talkers[1].port, 5)]
    vip = str(free_vip()) if serial == 1 else lvsd.file.read_text().partition("address = ")[2].split()[0]
    lvsd.write(virtual("www", *pool, vip=vip), serial=serial, more=f"foreign_edits = {mode}")


def plane(lvsd: Lvsd) -> UserspacePlane:
    return UserspacePlane(lvsd.run / SOCKET_NAME)


def set_by_hand(lvsd: Lvsd, port: int, weight: int) -> None:
    table = dump(lvsd)
    changes: list[Change] = [
        EditDestination(key, at, type(one)(forwarding=one.forwarding, weight=weight))
        for key, service in table.items()
        for at, one in service.destinations.items()
        if at.port == port
    ]
    made = plane(lvsd)
    assert made.apply(changes) == []
    made.close()


def dump(lvsd: Lvsd) -> Table:
    made = plane(lvsd)
    try:
        return made.dump()
    finally:
        made.close()


def weights(lvsd: Lvsd) -> dict[int, int]:
    [service] = dump(lvsd).values()
    return {at.port: one.weight for at, one in service.destinations.items()}


def piranha(lvsd: Lvsd, verb: str, *words: str) -> str:
    command = [sys.executable, "-m", "piranha.cli.main", verb, *words, "--run-dir", str(lvsd.run)]
    env = {"PYTHONPATH": str(SOURCE), "COLUMNS": "96"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout


def trial(lvsd: Lvsd) -> str:
    """What `lvsd -t` says."""
    command = [sys.executable, "-m", "piranha.lvsd.main", "-t", "-c", str(lvsd.file), "--run-dir", str(lvsd.run)]
    words = [*command, "--plane", "userspace"]
    return subprocess.run(words, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False).stdout


def test_a_weight_set_by_hand_outlives_a_kill_and_ends_with_another_weight_in_the_file(
    lvsd: Lvsd, talkers: list[TalkingServer]
) -> None:
    one, two = talkers[0].port, talkers[1].port
    serve(lvsd, talkers)
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: len(weights(lvsd)) == 2, "both in the table")
    set_by_hand(lvsd, one, 2)
    until(lambda: "i www/web1  weight 2 by hand for" in piranha(lvsd, "status"), "the edit by hand")
    assert "Weight 2 by hand for" in piranha(lvsd, "why", "www/web1")

    lvsd.end(signal.SIGKILL)
    assert trial(lvsd) == "0 changes before the first checks. Nothing has been changed.\n"
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    assert weights(lvsd) == {one: 2, two: 5}
    serve(lvsd, talkers, serial=2, weight=9)
    told: dict[str, Any] = json.loads(piranha(lvsd, "plan", str(lvsd.file), "--json"))
    assert [f"{line['subject']} {line['what']}" for line in told["ended"]] == ["www/web1 weight 2 by hand -> 9"]
    lvsd.reload()
    lvsd.until_logged("what was done by hand ends: ~ www/web1 weight 2 by hand -> 9")
    until(lambda: weights(lvsd) == {one: 9, two: 5}, "the weight of the file")
    lvsd.until_logged("weight set by hand: not in force any more")


def test_the_last_server_drained_by_hand_is_an_outage_with_its_cause(lvsd: Lvsd, talkers: list[TalkingServer]) -> None:
    serve(lvsd, talkers)
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: len(weights(lvsd)) == 2, "both in the table")
    for talker in talkers:
        set_by_hand(lvsd, talker.port, 0)
    until(lambda: "! www       serves nobody: every real server is drained" in piranha(lvsd, "status"), "the outage")
    assert "i www/web2  drained by hand for" in piranha(lvsd, "status")
    lvsd.until_logged("Virtual Server www: No real servers")
