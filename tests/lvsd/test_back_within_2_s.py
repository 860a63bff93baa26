"""SIGKILL of a nanny, the nanny parent, lvsd or all of them, at the machine's own speed.

A lone router on loopback: `pulse`, `lvsd`, nannies and the forwarder, as real processes. What the same costs on IPVS,
in the user-mode kernel, is in tests/lab/test_health.py.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import LIMIT_S, SOURCE, until
from tests.nanny.servers import serving
from tests.userspace.processes import free_vip

from piranha.control.client import NoAnswer, ask
from piranha.forwarding.userspace import client
from piranha.nanny.privilege import children_of

pytestmark = pytest.mark.slow

BACK_WITHIN_S = 2.0

FILE = """
primary = 127.0.0.1
heartbeat_port = {heartbeat_port}
heartbeat_auth = none
forwarding_plane = userspace
initdead = 1
virtual www {{
    active = 1
    address = {vip}
    port = 8080
    timeout = 3
    server web1 {{ active = 1; address = 127.0.0.1; port = {ports[0]} }}
    server web2 {{ active = 1; address = 127.0.0.1; port = {ports[1]} }}
}}
"""


class LoneRouter:
    """`pulse` in the foreground in a folder of its own, and everything that it starts."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.vip = str(free_vip())
        self.run = folder / "run"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            heartbeat_port = free.getsockname()[1]
        file = folder / "lvs.cf"
        file.write_text(FILE.format(vip=self.vip, ports=ports, heartbeat_port=heartbeat_port))
        words = ["-n", "-c", str(file), "--node", "primary", "--run-dir", str(self.run)]
        lvsd = folder / "lvsd"
        lvsd.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m piranha.lvsd.main "$@"\n')
        lvsd.chmod(0o755)
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.pulse = subprocess.Popen(
                [sys.executable, "-m", "piranha.pulse.main", *words, "--lvsd", str(lvsd)],
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def lvsd(self) -> dict[str, Any]:
        """What lvsd answers, empty when it does not."""
        with suppress(NoAnswer):
            return ask(self.run / "lvsd.sock", "status", {}, 2.0)
        return {}

    def pids(self) -> dict[str, list[int]]:
        """The processes that a test kills, by what they are; empty unless all of them run and the router is ready."""
        status = self.lvsd()
        if not status.get("ready") or not (parent := status["nannies"]["pid"]):
            return {}
        nannies = children_of(parent)
        if len(nannies) != 2:
            return {}
        found = {"lvsd": [status["pid"]], "nanny parent": [parent], "nanny": nannies[:1]}
        return found | {"all of them": [status["pid"], parent, *nannies]}

    def end(self) -> None:
        self.pulse.terminate()
        self.pulse.wait(LIMIT_S)
        client.stop(self.run / client.SOCKET_NAME)


class Client:
    """Asks the VIP without a pause until it is stopped. failed: what went wrong."""

    def __init__(self, vip: str) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._vip = vip
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            try:
                with socket.create_connection((self._vip, 8080), timeout=1) as connection:
                    answer = connection.recv(10)
            except OSError as error:
                self.failed.append(str(error))
            else:
                self.answered += answer == b"ok"
                if answer != b"ok":
                    self.failed.append(f"answered {answer!r}")


def say_ok(connection: socket.socket) -> None:
    connection.sendall(b"ok")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneRouter]:
    with ExitStack() as servers:
        ports = [servers.enter_context(serving(say_ok)) for _ in range(2)]
        router = LoneRouter(tmp_path_factory.mktemp("router"), ports)
        servers.callback(router.end)
        yield router


@pytest.mark.parametrize("victims", ["nanny", "nanny parent", "lvsd", "all of them"])
def test_a_killed_checker_costs_no_request_and_is_back_within_2_s(router: LoneRouter, victims: str) -> None:
    assert kill_and_wait(router, victims) < BACK_WITHIN_S


def kill_and_wait(router: LoneRouter, victims: str) -> float:
    """Kill under requests, none of which may fail; return the seconds until everything is there again."""
    until(lambda: bool(router.pids()) and answers(router.vip), "the router")
    killed = router.pids()[victims]
    client = Client(router.vip)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    try:
        until(lambda: bool(now := router.pids()) and not set(killed) & set(now["all of them"]), "all of them again")
        back_after_s = time.monotonic() - killed_at
    finally:
        client.stop()
    assert client.failed == []
    assert client.answered > 0
    return back_after_s


def answers(vip: str) -> bool:
    with suppress(OSError), socket.create_connection((vip, 8080), timeout=1) as connection:
        return connection.recv(10) == b"ok"
    return False
