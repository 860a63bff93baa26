"""Small servers on loopback that behave well or badly, and one check against them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect
from piranha.nanny.engine import Engine
from piranha.nanny.results import Assignment, ProbeResult

Behaviour = Callable[[socket.socket], None]


@contextmanager
def serving(behave: Behaviour) -> Iterator[int]:
    """Accept connections and hand each to `behave`, one after the other; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                with suppress(OSError):
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(5)
                        behave(connection)

        listener.settimeout(0.05)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()


@contextmanager
def silent() -> Iterator[int]:
    """Listen without ever accepting: the kernel completes the handshake, nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def unresponsive() -> Iterator[int]:
    """Listen with a full backlog: even the handshake hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        try:
            yield port
        finally:
            for client in waiting:
                client.close()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answering(data: bytes) -> Behaviour:
    """Wait for something, then send `data` in one piece and close."""

    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return behave


def timing(interval_s: float = 0.5, limit_s: float | None = None) -> CheckTiming:
    """Return the timing of a check whose limit is its interval."""
    limit_s = interval_s if limit_s is None else limit_s
    return CheckTiming(interval_s=interval_s, check_timeout_s=limit_s, fast_interval_s=interval_s)


def assignment(
    check: Check,
    port: int,
    *,
    address: str = "127.0.0.1",
    interval_s: float = 0.5,
    limit_s: float | None = None,
    name: str = "www/web1",
    up: bool | None = True,
) -> Assignment:
    """Return an assignment for a server on loopback."""
    return Assignment(
        id=name,
        address=ip_address(address),
        port=port,
        check=check,
        timing=timing(interval_s, limit_s),
        believed_up=up,
    )


def check_once(check: Check, port: int, *, address: str = "127.0.0.1", limit_s: float = 0.5) -> ProbeResult:
    """Run one check in an engine of its own."""
    return results_of([assignment(check, port, address=address, limit_s=limit_s)], 1)[0]


def results_of(assignments: list[Assignment], number: int, *, within_s: float = 5.0) -> list[ProbeResult]:
    """Run `assignments` in one engine until there are `number` results."""
    engine = Engine()
    try:
        for one in assignments:
            engine.assign(one)
        found: list[ProbeResult] = []
        until = time.monotonic() + within_s
        while len(found) < number:
            assert time.monotonic() < until, f"only {len(found)} results in {within_s} s"
            found += engine.turn(until)
        return found
    finally:
        engine.close()


def exchange(
    send: bytes = b"", expect: bytes | None = None, *, regex: bool = False, anything: bool = False
) -> Exchange:
    """Return a TCP check."""
    wanted = None if expect is None and not anything else Expect(text=expect or b"", regex=regex, anything=anything)
    return Exchange(send=send, expect=wanted)


def wait_for(fact: Callable[[], object], within_s: float = 5.0) -> None:
    """Wait until `fact()` is true."""
    until = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < until, f"it did not come true within {within_s} s"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
