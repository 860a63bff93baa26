"""Files of maintenance_dir and the running daemon, on the userspace plane: real connections."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import SOURCE, Lvsd, Talk, TalkingServer, until, virtual
from tests.userspace.processes import free_vip

from piranha.forwarding.userspace import client

pytestmark = pytest.mark.slow

PORT = 8080


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "maintenance"
    made.mkdir()
    return made


def serve(lvsd: Lvsd, talkers: list[TalkingServer], folder: Path) -> str:
    """Have both served; return the VIP."""
    vip = free_vip()
    pool = [(f"web{n}", one.port, 1) for n, one in enumerate(talkers, 1)]
    www = virtual("www", *pool, vip=str(vip), port=PORT, scheduler="rr")
    lvsd.write(www, more=f"maintenance_dir = {folder}")
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: lvsd.status()["virtuals"][0]["serving"] == 2, "both in the table")
    client.hold(lvsd.run / client.SOCKET_NAME, {vip: None})
    return str(vip)


def weights(lvsd: Lvsd) -> dict[str, int | None]:
    return {one["name"]: one["weight"] for one in lvsd.status()["virtuals"][0]["servers"]}


def web2(lvsd: Lvsd) -> dict[str, Any]:
    found: dict[str, Any] = lvsd.status()["virtuals"][0]["servers"][1]
    return found


def test_a_file_drains_a_server_with_its_connections_kept_and_its_end_brings_it_back(
    lvsd: Lvsd, talkers: list[TalkingServer], folder: Path
) -> None:
    vip = serve(lvsd, talkers, folder)
    talks = [Talk(vip, PORT) for _ in range(2)]
    [kept] = [talk for talk in talks if talk.port == talkers[1].port]
    file = folder / f"127.0.0.1:{talkers[1].port}"
    file.touch()
    until(lambda: weights(lvsd) == {"web1": 1, "web2": 0}, "web2 without new connections")
    assert (web2(lvsd)["state"], web2(lvsd)["drained_by"]) == ("drain", str(file))
    assert {Talk(vip, PORT).port for _ in range(4)} == {talkers[0].port}
    assert kept.works()
    lvsd.until_logged(f'cause="{file} is there"')

    lvsd.end(signal.SIGKILL)
    folder.rename(folder.with_name("elsewhere"))
    lvsd.start()
    lvsd.until_states(web1="up", web2="drain")
    assert weights(lvsd)["web2"] == 0
    lvsd.until_logged("maintenance_dir cannot be read: who is drained stays so")
    assert lvsd.status()["maintenance"]["trouble"] == "No such file or directory"

    folder.mkdir()
    until(lambda: weights(lvsd) == {"web1": 1, "web2": 1}, "web2 back")
    assert kept.works()


def test_a_plan_lets_a_drained_server_be(lvsd: Lvsd, talkers: list[TalkingServer], folder: Path) -> None:
    serve(lvsd, talkers, folder)
    (folder / "web2").touch()
    until(lambda: weights(lvsd) == {"web1": 1, "web2": 0}, "web2 without new connections")
    assert plan(lvsd)["nothing_to_do"]
    lvsd.file.write_text(
        lvsd.file.read_text().replace(f"port = {talkers[1].port}; weight = 1", f"port = {talkers[1].port}; weight = 5")
    )
    [line] = [one for one in plan(lvsd)["lines"] if one["subject"] == "www/web2" and "weight" in one["what"]]
    assert line["effect"] == "gets no new connections now: counts when it is not drained any more"
    lvsd.reload()
    assert weights(lvsd)["web2"] == 0


def plan(lvsd: Lvsd) -> dict[str, Any]:
    words = [sys.executable, "-m", "piranha.cli.main", "plan", str(lvsd.file), "--run-dir", str(lvsd.run), "--json"]
    told = subprocess.run(words, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=False).stdout
    found: dict[str, Any] = json.loads(told)
    return found
