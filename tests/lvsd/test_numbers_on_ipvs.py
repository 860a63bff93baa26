"""Totals of real traffic through the kernel, over everything that sets its counters back."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import SOURCE, Lvsd, TalkingServer, until
from tests.lvsd.test_draining_on_ipvs import lvsd, serve, servers, talk
from tests.lvsd.test_draining_on_ipvs import www as www_of

from piranha.kernel.ipvs_socket import IpvsSocket

__all__ = ["lvsd", "servers"]

pytestmark = pytest.mark.kernel


def stats(lvsd: Lvsd) -> dict[str, Any]:
    found: dict[str, Any] = lvsd.ask("stats")["virtuals"][0]
    return found


class Clients:
    """Make connections through the VIP and count to whom they came."""

    def __init__(self, servers: list[TalkingServer]) -> None:
        self._names = {one.port: f"web{n}" for n, one in enumerate(servers, 1)}
        self.sent = dict.fromkeys(self._names.values(), 0)

    def connect(self, times: int) -> None:
        for _ in range(times):
            one = talk()
            assert one.works()
            one.close()
            self.sent[self._names[one.port]] += 1

    def counted(self, lvsd: Lvsd) -> bool:
        return {one["name"]: one["connections_total"] for one in stats(lvsd)["servers"]} == self.sent

    def until_counted(self, lvsd: Lvsd, after: str) -> None:
        until(lambda: self.counted(lvsd), f"{self.sent} after {after}")


@pytest.fixture
def clients(servers: list[TalkingServer]) -> Clients:
    return Clients(servers)


def test_counters_rise_by_what_was_sent_and_go_on_over_sigkill_zeroing_health_and_a_lost_table(
    lvsd: Lvsd, servers: list[TalkingServer], clients: Clients
) -> None:
    serve(lvsd, servers)
    clients.connect(9)
    clients.until_counted(lvsd, "the first connections")

    lvsd.end(signal.SIGKILL)
    clients.connect(6)
    lvsd.start()
    clients.until_counted(lvsd, "SIGKILL")
    www = stats(lvsd)
    assert (www["connections_total"], www["bytes_in_total"] > 0) == (15, True)
    assert www["packets_in_total"] >= 4 * 15

    with IpvsSocket() as kernel:
        kernel.zero()
    clients.connect(5)
    clients.until_counted(lvsd, "ipvsadm -Z")

    servers[1].stop()
    until(lambda: www_of(lvsd)["serving"] == 1, "web2 out of the table")
    clients.connect(4)
    clients.until_counted(lvsd, "a death")
    servers[1].start()
    until(lambda: www_of(lvsd)["serving"] == 2, "web2 back")
    clients.connect(6)
    clients.until_counted(lvsd, "a return")

    with IpvsSocket() as kernel:
        kernel.flush()
    lvsd.ask("read_back")
    clients.connect(8)
    clients.until_counted(lvsd, "a flush")
    assert stats(lvsd)["connections_total"] == 38


def test_a_stop_that_removes_the_table_keeps_its_totals(
    lvsd: Lvsd, servers: list[TalkingServer], clients: Clients
) -> None:
    serve(lvsd, servers)
    clients.connect(5)
    clients.until_counted(lvsd, "the first connections")
    assert lvsd.end() == 0

    lvsd.start()
    until(lambda: www_of(lvsd)["serving"] == 2, "the table")
    clients.connect(2)
    clients.until_counted(lvsd, "a stop")


def test_rates_are_those_of_the_last_seconds_and_end_with_the_traffic(
    lvsd: Lvsd, servers: list[TalkingServer], clients: Clients
) -> None:
    serve(lvsd, servers)
    clients.connect(10)
    until(lambda: (stats(lvsd)["connections_per_s"] or 0) > 0, "a rate")
    assert www_of(lvsd)["new_per_s"] > 0
    until(lambda: stats(lvsd)["connections_per_s"] == 0, "its end", limit_s=40)


def test_without_lvsd_the_kernel_is_read_and_that_is_said(
    lvsd: Lvsd, servers: list[TalkingServer], clients: Clients
) -> None:
    serve(lvsd, servers)
    clients.connect(5)
    clients.until_counted(lvsd, "the first connections")
    lvsd.end(signal.SIGKILL)

    assert piranha(lvsd.run, "stats").startswith("lvsd does not answer: totals of the kernel since each was added")
    found = json.loads(piranha(lvsd.run, "stats", "192.0.2.10", "--json"))
    assert (found["source"], [one["connections_total"] for one in found["virtuals"]]) == ("kernel", [5])
    lvsd.start()
    assert "www/web1" in piranha(lvsd.run, "stats")


def piranha(run: Path, *words: str) -> str:
    command = [sys.executable, "-m", "piranha.cli.main", *words, "--run-dir", str(run)]
    return subprocess.run(
        command, env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    ).stdout
