"""Servers that are deleted from the file or drained, on a real kernel: real connections through a VIP."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import Lvsd, Talk, TalkingServer, until, virtual

from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.changes import RemoveService

pytestmark = pytest.mark.kernel

VIP, CLIENT, HOSTS = "192.0.2.10", "10.9.0.1", ("10.9.0.2", "10.9.0.3")
PORT = 8080


@pytest.fixture
def servers() -> Iterator[list[TalkingServer]]:
    for address in (VIP, CLIENT, *HOSTS):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    made = [TalkingServer(host) for host in HOSTS]
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    made = Lvsd(tmp_path, "ipvs")
    yield made
    made.clean_up()
    plane = IpvsPlane()
    plane.apply([RemoveService(key) for key in plane.dump()])
    plane.close()


def write(lvsd: Lvsd, servers: list[TalkingServer], *more: str) -> None:
    pool = [(f"web{n}", one.port, 1) for n, one in enumerate(servers, 1)]
    www = virtual("www", *pool, vip=VIP, port=PORT, scheduler="rr")
    for one in servers:
        www = www.replace(f"127.0.0.1; port = {one.port}", f"{one.host}; port = {one.port}")
    lvsd.write(www.replace("    scheduler", "".join(f"    {line}\n" for line in more) + "    scheduler"))


def serve(lvsd: Lvsd, servers: list[TalkingServer], *more: str) -> None:
    write(lvsd, servers, *more)
    lvsd.start()
    until(lambda: www(lvsd)["serving"] == len(servers), "all in the table")


def www(lvsd: Lvsd) -> dict[str, Any]:
    found: dict[str, Any] = lvsd.status()["virtuals"][0]
    return found


def talk() -> Talk:
    return Talk(VIP, PORT, CLIENT)


def talk_to(server: TalkingServer) -> Talk:
    for _ in range(10):
        made = talk()
        if made.port == server.port:
            return made
        made.close()
    raise AssertionError(f"no connection came to {server.host}")


def leaves(lvsd: Lvsd, *connections: int) -> None:
    until(lambda: [one["active"] for one in www(lvsd)["leaving"]] == list(connections), f"{connections} connections")


def test_connections_go_on_through_the_leave_and_sigkill_and_the_server_goes_with_the_last_of_them(
    lvsd: Lvsd, servers: list[TalkingServer]
) -> None:
    serve(lvsd, servers, "drain_time = 1h")
    kept = talk_to(servers[1])
    write(lvsd, servers[:1], "drain_time = 1h")
    lvsd.reload()
    leaves(lvsd, 1)
    assert {talk().port for _ in range(4)} == {servers[0].port}
    lvsd.end(signal.SIGKILL)
    lvsd.start()
    leaves(lvsd, 1)
    assert [one["weight"] for one in www(lvsd)["leaving"]] == [0]
    assert kept.works()
    kept.close()
    leaves(lvsd)
    lvsd.until_logged("removed from the table: subject=www/web2")


def test_when_the_time_is_over_it_goes_although_it_has_a_connection(lvsd: Lvsd, servers: list[TalkingServer]) -> None:
    serve(lvsd, servers, "drain_time = 4")
    kept = talk_to(servers[1])
    write(lvsd, servers[:1], "drain_time = 4")
    lvsd.reload()
    leaves(lvsd, 1)
    assert kept.works()
    lvsd.until_logged("has left: its time is over: subject=www/web2")
    lvsd.until_logged("removed from the table: subject=www/web2")


def test_a_client_that_persistence_binds_comes_back_and_keeps_the_server(
    lvsd: Lvsd, servers: list[TalkingServer]
) -> None:
    serve(lvsd, servers[1:], "drain_time = 1h", "persistent = 100")
    talk().close()
    write(lvsd, servers[:1], "drain_time = 1h", "persistent = 100")
    lvsd.reload()
    until(lambda: www(lvsd)["serving"] == 1 and [one["weight"] for one in www(lvsd)["leaving"]] == [0], "the change")
    assert talk().port == servers[1].port
    until(lambda: [one["persistent"] for one in www(lvsd)["leaving"]] == [1], "the client that is bound")


def test_a_file_of_maintenance_dir_drains_a_server_and_its_connections_go_on(
    lvsd: Lvsd, servers: list[TalkingServer], tmp_path: Path
) -> None:
    folder = tmp_path / "maintenance"
    folder.mkdir()
    serve(lvsd, servers)
    kept = talk_to(servers[1])
    lvsd.file.write_text(f"maintenance_dir = {folder}\n" + lvsd.file.read_text())
    lvsd.reload()
    (folder / servers[1].host).touch()
    until(lambda: [one["weight"] for one in www(lvsd)["servers"]] == [1, 0], "web2 without new connections")
    assert {talk().port for _ in range(4)} == {servers[0].port}
    assert kept.works()
    (folder / servers[1].host).unlink()
    until(lambda: [one["weight"] for one in www(lvsd)["servers"]] == [1, 1], "web2 back")


def test_sigterm_removes_who_leaves_with_the_rest(lvsd: Lvsd, servers: list[TalkingServer]) -> None:
    serve(lvsd, servers, "drain_time = 1h")
    kept = talk_to(servers[1])
    write(lvsd, servers[:1], "drain_time = 1h")
    lvsd.reload()
    leaves(lvsd, 1)
    assert kept.works()
    assert lvsd.end() == 0
    plane = IpvsPlane()
    assert plane.dump() == {}
    plane.close()
