"""`piranha stats`: the screen, and the command with a daemon that answers or does not."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from tests.cli.daemons import Daemons

from piranha.cli import stats
from piranha.cli.stats_screen import short
from piranha.cli.words import WIDTH
from piranha.forwarding.userspace import client
from piranha.forwarding.userspace.client import UserspacePlane
from piranha.table.changes import AddDestination, AddService
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol

SCREEN = """\
primary: read 2.1s ago, rates of the last 10s
NAME       ACTIVE  INACT  NEW/S  IN P/S  OUT P/S  IN B/S  OUT B/S  CONNS   IN B  OUT B
www           341      3    512     512      512     512      512   421k   421k   421k
www/web1       41      3     62      62       62      62       62  50.6k  50.6k  50.6k
www/web2      300      3    450     450      450     450      450   370k   370k   370k
shop         9.0k      3  13.5k   13.5k    13.5k   13.5k    13.5k  11.1M  12.3G  11.1M
shop/web1    9.0k      3  13.5k   13.5k    13.5k   13.5k    13.5k  11.1M  11.1M  11.1M
"""


def figures(active: int, **more: float | None) -> dict[str, Any]:
    made: dict[str, Any] = {"active": active, "inactive": 3, "persistent": 0}
    for name in ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out"):
        made |= {f"{name}_total": 1234 * active, f"{name}_per_s": 1.5 * active}
    return made | more


def server(name: str, active: int, address: str = "10.11.12.21", **more: Any) -> dict[str, Any]:
    return {"name": name, "address": address, "port": 8443, "weight": 1, **figures(active), **more}


def virtual(name: str, *servers: dict[str, Any], vip: str = "192.0.2.10", **more: Any) -> dict[str, Any]:
    total = sum(one["active"] for one in servers)
    return {"name": name, "vips": [vip], "services": [], **figures(total), "servers": [*servers], **more}


ANSWER = {
    "source": "lvsd",
    "node": "primary",
    "age_s": 2.1,
    "rates_over_s": 10.0,
    "totals_since": None,
    "virtuals": [
        virtual("www", server("web1", 41), server("web2", 300, "10.11.12.22")),
        virtual("shop", server("web1", 9000), vip="192.0.2.20", bytes_in_total=12_345_678_901),
    ],
}


@pytest.fixture
def answering(daemons: Daemons) -> Iterator[Daemons]:
    daemons.add("lvsd", {}, stats=lambda: ANSWER)
    yield daemons


def run(folder: Path, *words: str) -> int:
    return stats.main([*words, "--run-dir", str(folder)])


def told(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The rows that were printed, without heading."""
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    return [line.split() for line in lines[2:]]


def test_each_virtual_server_has_a_row_and_its_servers_below(
    answering: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(answering.folder) == 0
    assert capsys.readouterr().out.splitlines() == SCREEN.splitlines()


def test_names_are_of_virtual_servers_servers_machines_and_vips(
    answering: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, expected in (
        (("www",), ["www", "www/web1", "www/web2"]),
        (("www/web2",), ["www", "www/web2"]),
        (("*/web1",), ["www", "www/web1", "shop", "shop/web1"]),
        (("10.11.12.22",), ["www", "www/web2"]),
        (("192.0.2.20",), ["shop", "shop/web1"]),
        (("--virtuals",), ["www", "shop"]),
    ):
        assert run(answering.folder, *words) == 0
        assert [row[0] for row in told(capsys)] == expected


def test_the_largest_stand_first_where_that_is_asked_for(
    answering: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(answering.folder, "--sort", "new") == 0
    assert [row[0] for row in told(capsys)] == ["shop", "shop/web1", "www", "www/web2", "www/web1"]


def test_a_name_that_fits_nothing_is_status_1_and_the_nearest_is_named(
    answering: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(answering.folder, "shopp") == 1
    assert capsys.readouterr().err == "piranha: no such name: shopp; near: shop, shop/web1\n"


def test_json_has_exact_numbers_with_their_units(answering: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(answering.folder, "shop", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    [shop] = found["virtuals"]
    assert (found["source"], found["age_s"], found["rates_over_s"]) == ("lvsd", 2.1, 10.0)
    assert (shop["bytes_in_total"], shop["connections_per_s"]) == (12_345_678_901, 13500.0)


@pytest.mark.slow
def test_without_lvsd_the_forwarder_itself_is_asked_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.ensure_forwarder(tmp_path)
    path = tmp_path / client.SOCKET_NAME
    www = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))
    web1 = DestinationKey(ip_address("127.0.0.1"), 8001)
    nat = Destination(forwarding=ForwardingMethod.NAT)
    try:
        UserspacePlane(path).apply([AddService(www, ServiceSettings()), AddDestination(www, web1, nat)])
        assert run(tmp_path) == 0
        head, _, *rows = capsys.readouterr().out.splitlines()
        assert "lvsd does not answer" in head
        assert [row.split("  ")[0] for row in rows[:2]] == ["tcp 192.0.2.10:80", "tcp 192.0.2.10:80/127.0.0.1:8001"]
        assert run(tmp_path, "127.0.0.1:8001", "--json") == 0
        assert json.loads(capsys.readouterr().out)["source"] == "forwarder"
    finally:
        client.stop(path)


def test_where_neither_lvsd_nor_the_kernel_answers_nobody_can_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if Path("/proc/net/ip_vs").exists():
        pytest.skip("this kernel has IPVS")
    assert run(tmp_path, "--json") == 3
    said = capsys.readouterr()
    [line] = said.err.splitlines()
    assert "nobody listens there, and the table cannot be read either" in line
    assert json.loads(said.out)["status"] == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (0, "0"),
        (0.04, "0"),
        (0.35, "0.3"),
        (5.0, "5"),
        (9.97, "10"),
        (812.4, "812"),
        (999.6, "1.0k"),
        (12_345, "12.3k"),
        (99_960, "100k"),
        (123_456, "123k"),
        (1_234_567_890, "1.2G"),
        (2**64, "18447P"),
    ],
)
def test_numbers_are_short(value: float | None, words: str) -> None:
    assert short(value) == words
