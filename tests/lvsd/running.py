"""A running `lvsd` and real servers for the tests: real processes and sockets, ended by whoever made them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from piranha.control.client import NoAnswer, ask
from piranha.forwarding.userspace import client

SOURCE = Path(__file__).parents[2] / "src"
LIMIT_S = 20.0

HEAD = """serial_no = {serial}
primary = 127.0.0.2
service = lvs
repair_interval = {repair_s}
{more}
"""

VIRTUAL = """virtual {name} {{
    active = 1
    address = {vip} lo
    port = {port}
    scheduler = {scheduler}
    timeout = {timeout}
    reentry = {reentry}
{servers}
}}
"""

SERVER = "    server {name} {{ active = 1; address = 127.0.0.1; port = {port}; weight = {weight} }}"


def until(fact: Callable[[], bool], what: str = "the fact", limit_s: float = LIMIT_S) -> None:
    """Wait until `fact` holds; fail after limit_s."""
    deadline = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < deadline, f"{what} did not come within {limit_s:g} s"
        time.sleep(0.02)


class RealServer:
    """Accepts connections on a port of loopback and closes them; stops and starts on the same port."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, 0
        self.start()

    def start(self) -> None:
        self._listener = socket.create_server((self.host, self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        # Closing alone leaves the thread in accept, and the port open with it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.close()


class TalkingServer(RealServer):
    """Keeps its connections: says its port and then whatever it hears."""

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(f"{self.port}\n".encode())
            while heard := connection.recv(1000):
                connection.sendall(heard)


class Talk:
    """A client's connection to a TalkingServer through a VIP. port: of the server."""

    def __init__(self, vip: str, port: int, source: str = "") -> None:
        self._socket = socket.create_connection((vip, port), LIMIT_S, (source, 0) if source else None)
        self.port = int(self._socket.recv(100))

    def works(self) -> bool:
        """Whether the server still answers."""
        try:
            self._socket.sendall(b"hello")
            return self._socket.recv(100) == b"hello"
        except OSError:
            return False

    def close(self) -> None:
        self._socket.close()


def virtual(
    name: str,
    *servers: tuple[str, int, int],
    vip: str = "192.0.2.10",
    port: int = 8080,
    scheduler: str = "wlc",
    timeout: float = 1,
    reentry: float = 0.2,
) -> str:
    """Return a virtual block; servers: name, port on 127.0.0.1, weight."""
    lines = "\n".join(SERVER.format(name=n, port=p, weight=w) for n, p, w in servers)
    return VIRTUAL.format(
        name=name, vip=vip, port=port, scheduler=scheduler, timeout=timeout, reentry=reentry, servers=lines
    )


class Lvsd:
    """One `lvsd` in a folder of its own, started by `start` as often as a test likes."""

    def __init__(self, folder: Path, plane: str) -> None:
        self.folder = folder
        self.file = folder / "lvs.cf"
        self.run = folder / "run"
        self._plane = plane
        self._log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, *virtuals: str, serial: int = 1, repair_s: int = 60, more: str = "") -> None:
        self.file.write_text(HEAD.format(serial=serial, repair_s=repair_s, more=more) + "".join(virtuals))

    def start(self, *options: str) -> None:
        self.launch(*options)
        until(lambda: bool(self.status()), "an answer of lvsd")

    def launch(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the process and wait for nothing."""
        words = ["-c", str(self.file), "--run-dir", str(self.run), "--plane", self._plane, "-n", *options]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "piranha.lvsd.main", *words],
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.process

    def ask(self, verb: str, **args: object) -> dict[str, Any]:
        return ask(self.run / "lvsd.sock", verb, args, 10.0)

    def status(self) -> dict[str, Any]:
        """What it answers, empty when it does not."""
        try:
            return self.ask("status")
        except NoAnswer:
            return {}

    def states(self) -> dict[str, str]:
        """The state of every server by name."""
        virtuals = self.status().get("virtuals", [])
        return {f"{v['name']}/{s['name']}": s["state"] for v in virtuals for s in v["servers"]}

    def until_states(self, **states: str) -> None:
        until(
            lambda: all(self.states().get(f"www/{name}") == state for name, state in states.items()),
            f"{states} (have {self.states()})",
        )

    def reload(self, limit_s: float = LIMIT_S) -> None:
        """Send SIGHUP and wait until it has been dealt with."""
        before = self._outcomes()
        self.send(signal.SIGHUP)
        until(lambda: self._outcomes() > before, "the end of the reload", limit_s)

    def _outcomes(self) -> int:
        return self.count("configuration accepted") + self.count("error parsing")

    def count(self, sentence: str) -> int:
        """How often lvsd logged it, since its first start."""
        return self.log().count(sentence)

    def until_logged(self, sentence: str) -> None:
        """Wait for a sentence in the log: a thread writes it, a moment after the fact."""
        until(lambda: sentence in self.log(), f"in the log: {sentence}")

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it, wait for its end and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)


def userspace_lvsd(folder: Path) -> Iterator[Lvsd]:
    """Yield a daemon on the userspace plane, not started yet; end it and its forwarder."""
    made = Lvsd(folder, "userspace")
    yield made
    made.clean_up()
    client.stop(made.run / client.SOCKET_NAME)
