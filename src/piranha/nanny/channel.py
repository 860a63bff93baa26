"""Shell: one end of a socket pair that carries JSON lines; it never blocks and never grows without bound."""

import socket
from contextlib import suppress

from piranha.control.lines import decode, encode
from piranha.nanny.protocol import MAX_LINE, LineBuffer

READ_SIZE = 64 * 1024
MAX_UNSENT = 4 * 1024 * 1024  # bytes


class Channel:
    """Owns `connection`.

    lost: messages dropped since nobody took them; the receiver is frozen, and what it missed is
    in the next summary.
    """

    def __init__(self, connection: socket.socket, max_unsent: int = MAX_UNSENT) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._lines = LineBuffer(MAX_LINE)
        self._unsent = bytearray()
        self._max_unsent = max_unsent
        self.lost = 0
        self.closed = False

    def fileno(self) -> int:
        """The descriptor, for epoll or an event loop."""
        return self._connection.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that wait until the other side reads."""
        return len(self._unsent)

    def send(self, message: dict[str, object], *, must_arrive: bool = False) -> None:
        """Send as soon as the other side reads. must_arrive: queue it however much is waiting."""
        self.send_line(encode(message), must_arrive=must_arrive)

    def send_line(self, line: bytes, *, must_arrive: bool = False) -> None:
        """The same for a line that is encoded already, line break included."""
        if not must_arrive and len(self._unsent) + len(line) > self._max_unsent:
            self.lost += 1
            return
        self._unsent += line
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now."""
        try:
            while self._unsent:
                count = self._connection.send(self._unsent, socket.MSG_NOSIGNAL)
                del self._unsent[:count]
        except BlockingIOError:
            return
        except OSError:
            # The reading side notices the end; what was not sent is of no use any more.
            self._unsent.clear()

    def receive_lines(self) -> list[bytes]:
        """Return the complete lines that are there; sets `closed` at the end of the stream.

        Raises BadMessage for a line that is too long.
        """
        try:
            data = self._connection.recv(READ_SIZE)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        return list(self._lines.feed(data))

    def receive(self) -> list[object]:
        """Return the messages that are there as JSON objects. Raises BadMessage for what is not JSON."""
        return [decode(line, MAX_LINE) for line in self.receive_lines()]

    def close(self) -> None:
        """Close the socket; the other side sees the end of the stream."""
        with suppress(OSError):
            self._connection.close()
        self.closed = True
