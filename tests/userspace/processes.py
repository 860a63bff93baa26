"""A forwarder and real servers for the tests: real processes and sockets on loopback, ended by whoever made them."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from tests.userspace.values import nat, server, service

from piranha.forwarding.userspace import client
from piranha.forwarding.userspace.client import UserspacePlane
from piranha.table.changes import AddDestination, AddService, Change, RemoveService
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.terms import Address

SOURCE = Path(__file__).parents[2] / "src"
LIMIT_S = 10.0


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def until(fact: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until `fact` holds; fail after limit_s."""
    deadline = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < deadline, f"not so within {limit_s} s: {fact}"
        time.sleep(0.01)


def free_vip() -> IPv4Address:
    """An address of loopback that nobody else uses, very probably."""
    return IPv4Address(0x7F400000 | secrets.randbelow(1 << 20))


class Forwarder:
    """A forwarder in a folder of its own, with one VIP and one service on it, new ones after `renew`."""

    vip: Address
    www: ServiceKey

    def __init__(self, folder: Path) -> None:
        self.path = folder / "forwarder.sock"
        self.renew()
        self.plane = UserspacePlane(self.path)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "piranha.forwarding.userspace.main", "--foreground", "--socket", str(self.path)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.path.exists)
        until(lambda: bool(client.status(self.path)))

    def renew(self) -> None:
        self.vip = free_vip()
        self.www = service(str(self.vip))

    def clear(self) -> None:
        """Leave nothing to the next test."""
        self.plane.apply([RemoveService(key) for key in self.plane.dump()])
        client.release(self.path, client.held(self.path))
        self.plane.set_timeouts(900, 120, 300)

    def serve(self, ports: Sequence[int], scheduler: str = "rr") -> None:
        """Add the service with these real servers and hold its VIP."""
        changes: list[Change] = [AddService(self.www, ServiceSettings(scheduler=scheduler))]
        changes += [AddDestination(self.www, server(port), nat()) for port in ports]
        assert self.plane.apply(changes) == []
        client.hold(self.path, {self.vip: None})

    def connect(self) -> socket.socket:
        return socket.create_connection((str(self.vip), 8000), timeout=LIMIT_S)

    def memory_kib(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(LIMIT_S)


@contextmanager
def real_server() -> Iterator[socket.socket]:
    """A listening socket that the test itself plays the real server on."""
    with socket.create_server((str(ip_address("127.0.0.1")), 0)) as listener:
        listener.settimeout(LIMIT_S)
        yield listener


def accept(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.settimeout(LIMIT_S)
    return connection


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
