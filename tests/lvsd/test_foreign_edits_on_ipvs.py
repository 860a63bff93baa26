"""Edits behind the back of a running lvsd, with ipvsadm on a real kernel: put back, kept or only named."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import SOURCE, Lvsd, RealServer, until, virtual

from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.destination import DestinationKey
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import ForwardingMethod, Protocol

pytestmark = pytest.mark.kernel

SERVICE = "192.0.2.10:8080"
WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 8080))
STRANGER = DestinationKey(ip_address("10.9.9.9"), 80)
NAT, DIRECT = ForwardingMethod.NAT, ForwardingMethod.DIRECT


@pytest.fixture
def lvsd(tmp_path: Path, plane: IpvsPlane) -> Iterator[Lvsd]:
    made = Lvsd(tmp_path, "ipvs")
    yield made
    made.clean_up()


def command(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        [sys.executable, "-m", module, *words], env=env, capture_output=True, text=True, check=False, timeout=60
    )


def ipvsadm(*words: str) -> None:
    done = command("piranha.cli.ipvsadm.entry", *words)
    assert done.returncode == 0, done.stderr


def plan(lvsd: Lvsd) -> dict[str, Any]:
    folders = ["--run-dir", str(lvsd.run), "--state-dir", str(lvsd.folder / "state")]
    found: dict[str, Any] = json.loads(command("piranha.cli.main", "plan", str(lvsd.file), "--json", *folders).stdout)
    return found


def serving(lvsd: Lvsd, servers: list[RealServer], mode: str, weight: int = 3) -> None:
    write(lvsd, servers, mode, weight)
    lvsd.start("--state-dir", str(lvsd.folder / "state"))
    lvsd.until_states(web1="up", web2="up")
    lvsd.ask("read_back")


def write(lvsd: Lvsd, servers: list[RealServer], mode: str, weight: int = 3, serial: int = 1) -> None:
    first, second = servers
    file = virtual("www", ("web1", first.port, weight), ("web2", second.port, 3))
    lvsd.write(file, serial=serial, more=f"foreign_edits = {mode}")


def pool(plane: IpvsPlane) -> dict[DestinationKey, tuple[ForwardingMethod, int]]:
    found = plane.dump()[WWW].destinations
    return {where: (one.forwarding, one.weight) for where, one in found.items()}


def at(server: RealServer) -> DestinationKey:
    return DestinationKey(ip_address("127.0.0.1"), server.port)


def server_row(lvsd: Lvsd, number: int) -> dict[str, Any]:
    found: dict[str, Any] = lvsd.status()["virtuals"][0]["servers"][number]
    return found


def edited(servers: list[RealServer]) -> None:
    """Set a weight, delete a server, add one."""
    ipvsadm("-e", "-t", SERVICE, "-r", str(at(servers[0])), "-m", "-w", "7")
    ipvsadm("-d", "-t", SERVICE, "-r", str(at(servers[1])))
    ipvsadm("-a", "-t", SERVICE, "-r", str(STRANGER), "-m", "-w", "5")


def test_repair_puts_everything_back(lvsd: Lvsd, plane: IpvsPlane, servers: list[RealServer]) -> None:
    serving(lvsd, servers, "repair")
    before = plane.dump()
    edited(servers)
    lvsd.ask("read_back")
    assert plane.dump() == before
    assert len(lvsd.status()["overruled"]) == 3


def test_report_puts_nothing_back_and_applies_what_the_file_asks_for_anew(
    lvsd: Lvsd, plane: IpvsPlane, servers: list[RealServer]
) -> None:
    serving(lvsd, servers, "report")
    edited(servers)
    as_edited = plane.dump()
    lvsd.ask("read_back")
    assert plane.dump() == as_edited
    assert lvsd.status()["overruled"] == []
    assert sorted(words.partition(" of ")[0] for words in lvsd.status()["left_alone"]) == sorted(
        [f"server {at(servers[0])}", f"server {at(servers[1])}", f"server {STRANGER}"]
    )
    assert plan(lvsd)["nothing_to_do"]
    assert len(plan(lvsd)["by_hand"]) == 3
    write(lvsd, servers, "report", weight=9, serial=2)
    lvsd.reload()
    lvsd.ask("read_back")
    assert pool(plane) == {at(servers[0]): (NAT, 9), STRANGER: (NAT, 5)}


def test_adopt_keeps_a_weight_set_by_hand_across_reload_restart_and_sigkill(
    lvsd: Lvsd, plane: IpvsPlane, servers: list[RealServer]
) -> None:
    serving(lvsd, servers, "adopt")
    edited(servers)
    kept = {at(servers[0]): (NAT, 7), at(servers[1]): (NAT, 3), STRANGER: (NAT, 5)}
    lvsd.ask("read_back")
    assert pool(plane) == kept
    [repair] = lvsd.status()["overruled"]
    assert repair["what"] == f"server {at(servers[1])} of {WWW} was removed"
    assert server_row(lvsd, 0)["by_hand"] == {str(WWW): 7}
    assert lvsd.status()["virtuals"][0]["added_by_hand"][0]["name"] == str(STRANGER)
    assert plan(lvsd)["nothing_to_do"]
    assert [line["about"] for line in plan(lvsd)["by_hand"]] == ["weight-by-hand", "server-by-hand"]

    lvsd.reload()
    assert pool(plane) == kept
    lvsd.end(signal.SIGKILL)
    told = plan(lvsd)
    assert (told["against"], told["nothing_to_do"], len(told["by_hand"])) == ("this machine's kernel", True, 2)
    lvsd.start("--state-dir", str(lvsd.folder / "state"))
    lvsd.ask("read_back")
    assert pool(plane) == kept
    lvsd.ask("prepare_restart")
    assert lvsd.end() == 0
    lvsd.start("--state-dir", str(lvsd.folder / "state"))
    lvsd.ask("read_back")
    assert pool(plane) == kept

    ipvsadm("-e", "-t", SERVICE, "-r", str(at(servers[0])), "-m", "-w", "3")
    lvsd.ask("read_back")
    assert pool(plane)[at(servers[0])] == (NAT, 3)
    assert server_row(lvsd, 0)["by_hand"] == {}
    lvsd.until_logged("weight set by hand: not in force any more")


def test_a_server_that_was_drained_by_hand_dies_and_comes_back_drained(
    lvsd: Lvsd, plane: IpvsPlane, servers: list[RealServer]
) -> None:
    serving(lvsd, servers, "adopt")
    ipvsadm("-e", "-t", SERVICE, "-r", str(at(servers[0])), "-m", "-w", "0")
    lvsd.ask("read_back")
    lvsd.until_states(web1="drain")
    servers[0].stop()
    until(lambda: at(servers[0]) not in pool(plane), "its end")
    servers[0].start()
    until(lambda: at(servers[0]) in pool(plane), "its return")
    assert pool(plane)[at(servers[0])] == (NAT, 0)


def test_piranha_repair_puts_back_what_was_left(lvsd: Lvsd, plane: IpvsPlane, servers: list[RealServer]) -> None:
    serving(lvsd, servers, "adopt")
    before = plane.dump()
    edited(servers)
    lvsd.ask("read_back")
    words = ["repair", "--run-dir", str(lvsd.run), "--json"]
    told = command("piranha.cli.main", *words, "--dry-run")
    assert (told.returncode, len(json.loads(told.stdout)["put_back"])) == (2, 2)
    assert command("piranha.cli.main", *words, f"www/{STRANGER}").returncode == 0
    assert pool(plane) == {at(servers[0]): (NAT, 7), at(servers[1]): (NAT, 3)}
    assert command("piranha.cli.main", *words).returncode == 0
    assert plane.dump() == before
    lvsd.until_logged("weight set by hand: not in force any more")
