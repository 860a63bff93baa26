"""Shell: carry the bytes of one connection between a client and a real server.

Each direction reads only when everything it read before has been written, so a slow reader stops
the other side's sender and no connection holds more than CHUNK bytes for each direction here. The
end of one direction is passed on as such; the other goes on (half-close). A reset on one side
becomes a reset on the other.
"""

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from piranha.forwarding.plane import Counters
from piranha.forwarding.userspace.live import Connection, Phase

CHUNK = 64 * 1024
RESET = struct.pack("=ii", 1, 0)  # struct linger: on, 0 seconds: close() sends a reset
# struct tcp_info (linux/tcp.h): tcpi_segs_out and tcpi_segs_in follow each other at byte 136.
_SEGMENTS = struct.Struct("=136xII")


@dataclass(slots=True, eq=False)
class _Direction:
    """Bytes from `source` to `sink`."""

    loop: asyncio.AbstractEventLoop
    source: socket.socket
    sink: socket.socket
    touched: Callable[[], None]
    finished: Callable[[], None]
    failed: Callable[[], None]
    passed: int = 0
    _rest: memoryview = field(default_factory=lambda: memoryview(b""))

    def start(self) -> None:
        self.loop.add_reader(self.source, self._read)

    def _read(self) -> None:
        try:
            data = self.source.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.failed()
            return
        self.touched()
        if not data:
            self.loop.remove_reader(self.source)
            self._end()
            return
        self._write(memoryview(data))

    def _end(self) -> None:
        try:
            self.sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.failed()
            return
        self.finished()

    def _write(self, rest: memoryview) -> None:
        try:
            sent = self.sink.send(rest)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.failed()
            return
        self.passed += sent
        waiting = len(self._rest) > 0
        self._rest = rest[sent:]
        if self._rest and not waiting:
            self.loop.remove_reader(self.source)
            self.loop.add_writer(self.sink, self._flush)
        elif waiting and not self._rest:
            self.loop.remove_writer(self.sink)
            self.loop.add_reader(self.source, self._read)

    def _flush(self) -> None:
        self.touched()
        self._write(self._rest)


class Relay:
    """One connection, from its first packet to its end.

    advance: called with each new phase; ended: called once, after both sockets are closed.
    """

    def __init__(
        self,
        connection: Connection,
        client: socket.socket,
        *,
        advance: Callable[["Relay", Phase], None],
        ended: Callable[["Relay"], None],
    ) -> None:
        self.connection = connection
        self.phase = Phase.CONNECTING
        self._loop = asyncio.get_running_loop()
        self.touched_s = self._loop.time()
        self._client = client
        self._server: socket.socket | None = None
        self._up: _Direction | None = None
        self._down: _Direction | None = None
        self._half_closed = 0
        self._advance, self._ended = advance, ended
        self._closed = False
        self._segments = (0, 0)

    def start(self, port: int) -> None:
        """Connect to the real server; port: where the client connected, for a server with port 0."""
        key = self.connection.server.key
        family = socket.AF_INET if key.address.version == 4 else socket.AF_INET6
        try:
            self._client.setblocking(False)
            self._server = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            code = self._server.connect_ex((str(key.address), key.port or port))
        except OSError:
            self.reset()
            return
        if code not in (0, errno.EINPROGRESS):
            self.reset()
            return
        self._loop.add_writer(self._server, self._connected)

    def _connected(self) -> None:
        server = self._server
        if server is None:
            return
        self._loop.remove_writer(server)
        if server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            # IPVS hands a client the refusal of its server and tries no other; so do we.
            self.reset()
            return
        for end in (self._client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._touch()
        self._up = _Direction(self._loop, self._client, server, self._touch, self._half_close, self.reset)
        self._down = _Direction(self._loop, server, self._client, self._touch, self._half_close, self.reset)
        self._move(Phase.OPEN)
        self._up.start()
        self._down.start()

    def _touch(self) -> None:
        self.touched_s = self._loop.time()

    def _move(self, phase: Phase) -> None:
        self.phase = phase
        self._advance(self, phase)

    def _half_close(self) -> None:
        self._half_closed += 1
        if self._half_closed == 2:
            self._close(reset=False)
        else:
            self._move(Phase.CLOSING)

    def reset(self) -> None:
        """End the connection at once, with a reset to both sides."""
        self._close(reset=True)

    def _close(self, *, reset: bool) -> None:
        if self._closed:
            return
        self._closed = True
        self._segments = self._count_segments()
        for end in (self._client, self._server):
            if end is None:
                continue
            self._loop.remove_reader(end)
            self._loop.remove_writer(end)
            if reset:
                # The other side may have gone already: then there is nobody to reset.
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.close()
        self._ended(self)

    def traffic(self) -> Counters:
        """Return what has passed: payload bytes, and segments seen on the client's side."""
        received, sent = self._segments if self._closed else self._count_segments()
        return Counters(
            packets_in=received,
            packets_out=sent,
            bytes_in=self._up.passed if self._up else 0,
            bytes_out=self._down.passed if self._down else 0,
        )

    def _count_segments(self) -> tuple[int, int]:
        try:
            sent, received = _SEGMENTS.unpack(
                self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS.size)
            )
        except (OSError, struct.error):
            return 0, 0
        return received, sent
