"""An HTTP answer as it comes in, piece by piece, to a request with `Connection: close`.

Source: RFC 9112, sections 4 (status line), 6 (how long a body is), 7.1 (chunks). Bare line feeds are taken, too.
"""

import re
from enum import Enum, auto

MAX_HEAD = 64 * 1024  # bytes of status line and headers, interim answers included
MAX_RAW = 256 * 1024  # bytes of one answer, framing included: parsing them takes some tens of milliseconds at most
MAX_CHUNK_LINE = 4096
SWITCHING = 101
"""The only answer of the hundreds that is not followed by another."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?![0-9])[^\r\n]*")
_SHORTEST = 13  # bytes by which a status is known
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?")


class _Until(Enum):
    """What ends a body."""

    LENGTH = auto()
    LAST_CHUNK = auto()
    CLOSE = auto()


class Reply:
    """Reads one answer; holds what is not read yet, never the body.

    headless: the request was HEAD, there is no body. status: None while it is not known. line: status and reason as
    they came. ended: no more of the body will come. problem: why this is no answer that can be read, in words.
    """

    def __init__(self, *, headless: bool = False) -> None:
        self.status: int | None = None
        self.line = b""
        self.ended = False
        self.problem = ""
        self._without_body = headless
        self._rest = bytearray()
        self._taken = 0
        self._searched = 0  # bytes of the head without its end
        self._until: _Until | None = None
        self._left = 0  # bytes of the body, or of the chunk at hand

    def feed(self, data: bytes, closed: bool) -> bytes:
        """Take in the next piece; return what of the body came with it. closed: there is no next one."""
        if self.ended or self.problem:
            return b""
        self._taken += len(data)
        self._rest += data
        while self._until is None and self._head(closed):
            pass
        body = self._body() if self._until is not None else b""
        if self._taken > MAX_RAW and not self.ended:
            self.problem = f"more than {MAX_RAW // 1024} kB"
        self.ended = self.ended or closed
        return body

    def _head(self, closed: bool) -> bool:
        """Read one head; return whether another follows at once."""
        rest = self._rest
        if self.status is None and (len(rest) >= _SHORTEST or b"\n" in rest or closed):
            found = _STATUS_LINE.match(rest)
            if found is None:
                self.problem = "no HTTP answer"
                return False
            interim = 100 <= int(found[1]) < 200 and int(found[1]) != SWITCHING
            self.status = None if interim else int(found[1])
            self.line = bytes(found[0])[9:]
        ends = [(at, at + len(mark)) for mark in (b"\n\r\n", b"\n\n") if (at := rest.find(mark, self._searched)) >= 0]
        if not ends:
            self._searched = max(0, len(rest) - 2)
            if self._taken > MAX_HEAD:
                self.problem = f"more than {MAX_HEAD // 1024} kB of headers"
            return False
        at, end = min(ends)
        head = bytes(rest[:at])
        del rest[:end]
        self._searched = 0
        if self.status is None:
            return True  # an interim answer
        self._measure(head, self.status)
        return False

    def _measure(self, head: bytes, status: int) -> None:
        """Find out how long the body is."""
        fields = [line.partition(b":") for line in head.split(b"\n")[1:]]
        values = {name.strip().lower(): value.strip().lower() for name, _, value in fields}
        length = values.get(b"content-length", b"")
        if self._without_body or status in (SWITCHING, 204, 304):
            self._until, self._left, self.ended = _Until.LENGTH, 0, True
        elif values.get(b"transfer-encoding", b"").endswith(b"chunked"):
            self._until = _Until.LAST_CHUNK
        elif _LENGTH.fullmatch(length):
            self._until, self._left = _Until.LENGTH, int(length)
            self.ended = self._left == 0
        else:
            self._until = _Until.CLOSE

    def _body(self) -> bytes:
        if self._until is _Until.LAST_CHUNK:
            return self._chunks()
        data = bytes(self._rest)
        self._rest.clear()
        if self._until is _Until.LENGTH:
            data = data[: self._left]
            self._left -= len(data)
            self.ended = self._left == 0
        return data

    def _chunks(self) -> bytes:
        rest, body = self._rest, bytearray()
        while rest and not self.ended and not self.problem:
            if self._left:
                body += rest[: self._left]
                taken = min(self._left, len(rest))
                del rest[:taken]
                self._left -= taken
                continue
            end = rest.find(b"\n")
            if end < 0:
                if len(rest) > MAX_CHUNK_LINE:
                    self.problem = "a chunk without a size"
                break
            line = bytes(rest[:end]).strip()
            del rest[: end + 1]
            if line:  # an empty one ends the chunk before
                self._begin_chunk(line)
        return bytes(body)

    def _begin_chunk(self, line: bytes) -> None:
        size = _CHUNK.fullmatch(line)
        if size is None:
            self.problem = "a chunk without a size"
        else:
            self._left = int(size[1], 16)
            self.ended = self._left == 0
