"""Shell: send a datagram and see what comes back.

Port unreachable is a failure; silence is one only where an answer is expected.
"""

import select
import socket

from piranha.lvscf.check_values import Exchange
from piranha.nanny.probes.answer import Answer
from piranha.nanny.probes.base import Probe, Watch, host_text
from piranha.nanny.probes.source import ask_from
from piranha.nanny.results import Assignment, Reason

READ_SIZE = 64 * 1024
_NONBLOCKING_DATAGRAM = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class UdpProbe(Probe):
    """Phases: answer."""

    def __init__(self, assignment: Assignment, check: Exchange, watch: Watch) -> None:
        super().__init__(assignment, watch)
        self._check = check
        self._socket: socket.socket | None = None
        self._answer = Answer(self, check.expect) if check.expect is not None else None

    def start(self, now: float) -> None:
        """Send the datagram; a connected socket hears of an unreachable port."""
        address = self.assignment.address
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        self._socket = opened = socket.socket(family, _NONBLOCKING_DATAGRAM)
        if not ask_from(opened, self, self._check):
            return
        try:
            opened.connect((host_text(address), self.assignment.port))
            opened.send(self._check.send)
        except OSError as error:
            self.failed("send", error.errno or 0)
            return
        self.watch.add(opened.fileno(), select.EPOLLIN, self)

    def ready(self, fd: int, events: int, now: float) -> None:
        """Take in one datagram, or the news that nobody listens."""
        if self._socket is None or self.outcome is not None:
            return
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self.failed("answer", error.errno or 0)
            return
        if self._answer is None:
            self.passed("answer", now)
            self.end(Reason.OK, "answer: received, any will do")
        else:
            # One datagram is one answer.
            self.watch.drop(fd)
            self._answer.feed(data, True, now)

    def expire(self, now: float) -> None:
        """Silence is health where nothing is expected."""
        if self._answer is None:
            self.passed("silence", now)
            self.end(Reason.OK, "answer: none, and none is expected")
        elif not self._answer.expire(now):
            self.no_answer("answer")

    def close(self) -> None:
        """Close the socket."""
        if self._answer is not None:
            self._answer.close()
        if self._socket is not None:
            self.watch.drop(self._socket.fileno())
            self._socket.close()
            self._socket = None
