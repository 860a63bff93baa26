"""SIGKILL of the command or of the daemon, at any time: lvs.cf is the old or the new file, and the deadline is kept.

Whole processes on loopback, the plane in user space: `pulse` with its `lvsd`, and an `lvsd` that runs alone.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import LIMIT_S, SOURCE, until
from tests.userspace.processes import free_vip

from piranha.control.client import NoAnswer, ask
from piranha.forwarding.userspace import client

pytestmark = pytest.mark.slow

FILE = """serial_no = {serial}
primary = 127.0.0.2
backup_active = 0
heartbeat_port = {heartbeat_port}
forwarding_plane = userspace
virtual www {{
    active = 1
    address = {vip}
    port = 8080
    scheduler = {scheduler}
    server web1 {{ active = 1; address = 127.0.0.1; port = {port} }}
}}
"""


class Router:
    """One daemon in a folder of its own, and the command beside it."""

    def __init__(self, folder: Path, daemon: str, port: int) -> None:
        self.file, self.run, self.new = folder / "lvs.cf", folder / "run", folder / "new.cf"
        self.name, self._log = daemon, folder / "log"
        self._environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            facts: dict[str, Any] = {"heartbeat_port": free.getsockname()[1], "vip": free_vip(), "port": port}
        self.old_bytes = FILE.format(serial=1, scheduler="wlc", **facts).encode()
        self.new_bytes = FILE.format(serial=2, scheduler="rr", **facts).encode()
        self.file.write_bytes(self.old_bytes)
        self.new.write_bytes(self.new_bytes)

    def start(self) -> None:
        node = ["--node", "primary"] if self.name == "pulse" else []
        words = [f"piranha.{self.name}.main", "-n", "-c", str(self.file), "--run-dir", str(self.run), *node]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words], env=self._environment, stdin=subprocess.DEVNULL, stderr=log
            )
        until(lambda: bool(self.status()), "an answer")

    def status(self, name: str = "") -> dict[str, Any]:
        with suppress(NoAnswer):
            return ask(self.run / f"{name or self.name}.sock", "status", {"brief": True}, 2.0)
        return {}

    def command(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "piranha.cli.main", *words, "--run-dir", str(self.run)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def say(self, *words: str) -> tuple[int, str]:
        process = self.command(*words)
        told, _ = process.communicate(timeout=LIMIT_S * 2)
        return process.returncode, told

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)

    def agree(self, serial: int) -> bool:
        """Whether lvs.cf, the daemon and lvsd have that one."""
        bytes_of = {1: self.old_bytes, 2: self.new_bytes}
        daemons = {self.name, "lvsd"}
        return self.file.read_bytes() == bytes_of[serial] and all(
            self.status(name).get("serial_no") == serial for name in daemons
        )

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(LIMIT_S)
        client.stop(self.run / client.SOCKET_NAME)


@pytest.fixture(params=["pulse", "lvsd"])
def router(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Router]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Router(tmp_path, request.param, server.getsockname()[1])
        made.start()
        until(lambda: made.agree(1), "the first file in force")
        yield made
        made.end()


def test_a_change_is_put_in_force_waited_for_and_taken_back(router: Router) -> None:
    status, told = router.say("apply", str(router.new), "--confirm", "2")
    assert status == 4
    assert "back to serial 1: not confirmed within 2 s" in told
    until(lambda: router.agree(1), "the old file")

    begun = router.command("apply", str(router.new), "--confirm", "60", "--allow", "disruptive")
    until(lambda: router.agree(2), "the new file")
    assert "goes back to serial 1" in router.say("status")[1]
    assert router.say("apply", str(router.file))[0] == 1, "while one waits"
    assert router.say("confirm")[0] == 0
    assert begun.wait(LIMIT_S) == 0
    begun.communicate()

    assert router.say("rollback")[0] == 0
    until(lambda: router.agree(1), "the old file")
    assert router.say("diff", "running", str(router.new))[0] == 2
    assert "rollback" in router.say("history")[1]


def test_a_killed_command_loses_no_deadline(router: Router) -> None:
    begun = router.command("apply", str(router.new), "--confirm", "3")
    until(lambda: router.agree(2), "the new file")
    begun.kill()
    begun.communicate()
    until(lambda: router.agree(1), "the old file")


def test_a_killed_daemon_loses_no_deadline(router: Router) -> None:
    assert router.say("apply", str(router.new), "--confirm", "6", "--no-wait")[0] == 0
    router.kill()
    assert router.file.read_bytes() == router.new_bytes
    for verb in ("status", "confirm", "rollback"):
        status, told = router.say(verb)
        assert status == 3
        assert "it waits for its confirmation until" in told
        assert f"start {router.name}: it goes back to serial 1 unless that is confirmed" in told
    router.start()
    until(lambda: router.agree(1), "the old file")


def test_a_start_after_the_deadline_goes_back_first(router: Router) -> None:
    assert router.say("apply", str(router.new), "--confirm", "1", "--no-wait")[0] == 0
    router.kill()
    time.sleep(1.0)  # the deadline itself
    router.start()
    assert router.file.read_bytes() == router.old_bytes
    until(lambda: router.agree(1), "the old file")
    assert "back to the old configuration" in router.say("why", "config")[1]
    last = router.say("history")[1].splitlines()[-1]
    assert "taken back" in last
    assert "not confirmed within 1 s" in last


def test_a_start_puts_right_what_a_power_cut_and_a_full_disk_left(router: Router) -> None:
    router.kill()
    leftover = router.file.with_name(".lvs.cf.piranha-new")
    leftover.write_bytes(b"serial")
    history = router.run / "state" / "history"
    shutil.rmtree(history)
    history.touch()  # as good as no room: nothing can be made in it
    router.start()
    assert not leftover.exists()
    assert history.is_file()
    history.unlink()
    until(lambda: " start " in router.say("history")[1], "the file of the start in the history")


@pytest.mark.parametrize("delay_s", [0.0, 0.003, 0.01, 0.03])
def test_a_daemon_killed_while_it_applies_agrees_with_lvs_cf_afterwards(router: Router, delay_s: float) -> None:
    begun = router.command("apply", str(router.new), "--yes")
    staged = router.run / "changes.lock"
    # The lock is made just before lvs.cf is touched for the first time.
    until(lambda: staged.exists() or begun.poll() is not None, "the first step")
    time.sleep(delay_s)
    os.kill(router.process.pid, signal.SIGKILL)
    router.process.wait(LIMIT_S)
    begun.communicate(timeout=LIMIT_S)
    assert router.file.read_bytes() in (router.old_bytes, router.new_bytes)
    router.start()
    serial = 1 if router.file.read_bytes() == router.old_bytes else 2
    until(lambda: router.agree(serial), f"serial {serial} everywhere")


@pytest.mark.parametrize("router", ["lvsd"], indirect=True)
def test_a_disk_without_room_is_one_line_and_everything_is_as_before(router: Router) -> None:
    resource.prlimit(router.process.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
    for more in ((), ("--confirm", "60")):
        status, told = router.say("apply", str(router.new), *more)
        assert status == 1
        assert told.splitlines()[-1].endswith("File too large; nothing was changed")
    assert router.agree(1)
    assert [path.name for path in router.file.parent.glob(".*")] == []
