"""Shell: a recording client: a steady stream of requests, each on a connection of its own.

`python -m piranha.lab.traffic --record FILE [--rate 200] [--limit 0.5] ADDRESS:PORT…` goes on until
SIGTERM; targets take turns. Every request leaves one line in FILE (`timeline.parse_record`), written
at least ten times a second. A time in which the client itself did not run is recorded as a gap, so
that a stalled machine or a jumping clock is not mistaken for an outage.
"""

import argparse
import errno
import select
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
# A loop pass that comes this much late means that the client was not run at all.
GAP_S = 0.3
FLUSH_EVERY_S = 0.1

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. text: as given, used in the record."""

    text: str
    family: socket.AddressFamily
    address: tuple[str, int]

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read `192.0.2.10:80` or `[2001:db8::10]:80`. Raises ValueError."""
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdigit():
            raise ValueError(f"not an address and port: {text}")
        host = host.strip("[]")
        return cls(text, socket.AF_INET6 if ":" in host else socket.AF_INET, (host, int(port)))


@dataclass(slots=True)
class Attempt:
    """A request on its way."""

    connection: socket.socket
    target: Target
    start_s: float
    sent: bool = False
    answer: bytes = b""


class Client:
    """The stream of requests of one process."""

    def __init__(self, targets: list[Target], rate_hz: float, limit_s: float, record: TextIO) -> None:
        self._targets = targets
        self._period_s = 1 / rate_hz
        self._limit_s = limit_s
        self._record = record
        self._poll = select.epoll()
        self._open: dict[int, Attempt] = {}
        self._by_age: deque[tuple[int, Attempt]] = deque()  # one limit for all: the oldest is due first
        self._count = 0
        self.stopping = False

    def run(self) -> None:
        """Send until `stopping`, then wait for what is under way."""
        due_s = time.monotonic()
        flush_s = due_s
        last_pass_s = due_s
        while not self.stopping or self._open:
            now = time.monotonic()
            if now - last_pass_s > GAP_S:
                self._record.write(f"gap {last_pass_s:.6f} {now:.6f}\n")
                due_s = now  # do not make up for it with a burst
            last_pass_s = now
            while due_s <= now and not self.stopping:
                self._start()
                due_s += self._period_s
            if now >= flush_s:
                self._record.flush()
                flush_s = now + FLUSH_EVERY_S
            wait_s = max(0.0, due_s - time.monotonic()) if not self.stopping else 0.01
            for descriptor, events in self._poll.poll(min(wait_s, 0.05)):
                self._advance(descriptor, events)
            self._expire()
        self._record.flush()

    def _start(self) -> None:
        target = self._targets[self._count % len(self._targets)]
        self._count += 1
        connection = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        attempt = Attempt(connection, target, time.monotonic())
        code = connection.connect_ex(target.address)
        if code not in (0, errno.EINPROGRESS):
            self._finish(attempt, _outcome(code))
            return
        descriptor = connection.fileno()
        self._open[descriptor] = attempt
        self._by_age.append((descriptor, attempt))
        self._poll.register(descriptor, select.EPOLLOUT)

    def _advance(self, descriptor: int, events: int) -> None:
        attempt = self._open.get(descriptor)
        if attempt is None:
            return
        try:
            if not attempt.sent:
                # Raises what the connection attempt met.
                attempt.connection.send(REQUEST)
                attempt.sent = True
                self._poll.modify(descriptor, select.EPOLLIN)
                return
            piece = attempt.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(attempt, _outcome(error.errno or 0), descriptor)
            return
        attempt.answer += piece
        if not piece or (attempt.answer.endswith(b"\n") and b"\r\n\r\n" in attempt.answer):
            self._finish(attempt, "ok", descriptor)

    def _expire(self) -> None:
        now = time.monotonic()
        while self._by_age:
            descriptor, attempt = self._by_age[0]
            live = self._open.get(descriptor) is attempt
            if live and now - attempt.start_s < self._limit_s:
                return
            self._by_age.popleft()
            if live:
                self._finish(attempt, "timeout", descriptor)

    def _finish(self, attempt: Attempt, outcome: str, descriptor: int | None = None) -> None:
        if descriptor is not None:
            del self._open[descriptor]
        attempt.connection.close()
        server = "-"
        if outcome == "ok":
            _, _, body = attempt.answer.partition(b"\r\n\r\n")
            server = body.decode("ascii", "replace").strip().replace(" ", "_") or "-"
            outcome = "ok" if server != "-" else "garbled"
        self._record.write(f"{attempt.start_s:.6f} {time.monotonic():.6f} {attempt.target.text} {outcome} {server}\n")


def _outcome(code: int) -> str:
    if code == errno.ECONNREFUSED:
        return "refused"
    if code == errno.ETIMEDOUT:
        return "timeout"
    if code in UNREACHABLE:
        return "unreachable"
    return "reset"


def main() -> None:
    """Run the recording client; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="piranha.lab.traffic", description="a steady stream of recorded requests")
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=200, help="requests a second, over all targets")
    parser.add_argument("--limit", type=float, default=0.5, help="seconds after which a request has failed")
    parser.add_argument("targets", nargs="+", type=Target.parse, metavar="ADDRESS:PORT")
    options = parser.parse_args()
    try:
        record = options.record.open("w")
    except OSError as error:
        sys.exit(f"piranha.lab.traffic: {options.record}: {error.strerror}")
    with record:
        client = Client(options.targets, options.rate, options.limit, record)

        def stop(number: int, frame: object) -> None:
            client.stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        client.run()


if __name__ == "__main__":
    main()
