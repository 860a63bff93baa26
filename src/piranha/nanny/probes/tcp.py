"""Shell: TCP or SCTP: connect; send, if there is something to send; compare the answer, if asked."""

import errno
import select
import socket

from piranha.lvscf.check_values import Exchange
from piranha.nanny.probes.answer import Answer
from piranha.nanny.probes.base import Probe, Watch, host_text
from piranha.nanny.probes.http import HttpAnswer
from piranha.nanny.probes.source import ask_from
from piranha.nanny.results import Assignment, Reason

READ_SIZE = 16 * 1024
EPHEMERAL_FROM = 32768  # net.ipv4.ip_local_port_range as shipped
_NONBLOCKING_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class TcpProbe(Probe):
    """Phases: connect, send, answer; of HTTP also body."""

    def __init__(self, assignment: Assignment, check: Exchange, watch: Watch) -> None:
        super().__init__(assignment, watch)
        self._check = check
        self._unsent = check.send
        self._socket: socket.socket | None = None
        self._connected = False
        self._answer: Answer | HttpAnswer | None = None
        if check.http is not None:
            self._answer = HttpAnswer(self, check.http, headless=check.send.startswith(b"HEAD "))
        elif check.expect is not None:
            self._answer = Answer(self, check.expect)

    def start(self, now: float) -> None:
        """Begin to connect."""
        address = self.assignment.address
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        self._socket = opened = socket.socket(family, _NONBLOCKING_STREAM, int(self._check.transport))
        if not ask_from(opened, self, self._check):
            return
        code = opened.connect_ex((host_text(address), self.assignment.port))
        if code in (0, errno.EINPROGRESS):
            self.watch.add(opened.fileno(), select.EPOLLOUT, self)
        else:
            self.failed("connect", code)

    def ready(self, fd: int, events: int, now: float) -> None:
        """Go on where the connection allows it."""
        if self._socket is None or self.outcome is not None:
            return
        if not self._connected:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0 and self.assignment.port >= EPHEMERAL_FROM and self._met_itself(self._socket):
                code = errno.ECONNREFUSED
            if code:
                self.failed("connect", code)
                return
            self._connected = True
            self.passed("connect", now)
            if not self._unsent:
                self._after_sending(self._socket)
                return
        try:
            if self._unsent:
                self._send(self._socket, now)
            else:
                self._receive(self._socket, now)
        except BlockingIOError:
            return
        except OSError as error:
            self.failed("send" if self._unsent else "answer", error.errno or 0)

    def expire(self, now: float) -> None:
        """Say which phase took too long."""
        if not self._connected:
            self.no_answer("connect")
        elif self._unsent:
            self.no_answer("send")
        elif self._answer is None or not self._answer.expire(now):
            self.no_answer("answer")

    def close(self) -> None:
        """Close the connection."""
        if self._answer is not None:
            self._answer.close()
        if self._socket is not None:
            self.watch.drop(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _met_itself(self, connection: socket.socket) -> bool:
        # With nobody listening, a connection from this machine to itself may be given the very port
        # it calls, and is then answered by itself (TCP simultaneous open).
        try:
            return bool(connection.getsockname() == connection.getpeername())
        except OSError:
            return False

    def _after_sending(self, connection: socket.socket) -> None:
        if self._answer is None:
            self.end(Reason.OK, "connect: accepted" if not self._check.send else "send: accepted")
        else:
            self.watch.modify(connection.fileno(), select.EPOLLIN)

    def _send(self, connection: socket.socket, now: float) -> None:
        count = connection.send(self._unsent, socket.MSG_NOSIGNAL)
        self._unsent = self._unsent[count:]
        if not self._unsent:
            self.passed("send", now)
            self._after_sending(connection)

    def _receive(self, connection: socket.socket, now: float) -> None:
        if self._answer is None:
            return
        data = connection.recv(READ_SIZE)
        if not data:
            # Without this an open descriptor at its end would be ready again and again.
            self.watch.drop(connection.fileno())
        self._answer.feed(data, not data, now)
