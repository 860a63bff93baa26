"""What a 6.1 kernel sent, in tests/golden/kernel: one file a request, its number 1, the family of IPVS 27.

services, servers   of a table with tunnels, both families, marks, SCTP, persistence and an engine
daemons             both sync daemons
version, timeouts, family, refused (ESRCH), links, addresses
"""

import errno
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from piranha.kernel.generic import CONTROL_FAMILY
from piranha.kernel.layout import Row, Rows
from piranha.kernel.wire import HEADER, NLM_F_MULTI, WireError, next_message

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "kernel"
LITTLE_ENDIAN = sys.byteorder == "little"


@cache
def answer(name: str) -> bytes:
    return (FOLDER / f"{name}.answer").read_bytes()


class Replay:
    """A socket on which `data` arrives after each request, in parts of these sizes, and then nothing more.

    The question for the family is answered as the kernel did.
    """

    def __init__(self, data: bytes, parts: Sequence[int] = ()) -> None:
        self._answers: list[bytes] = []
        for size in parts:
            self._answers.append(data[:size])
            data = data[size:]
        self._answers.append(data)
        self._arriving: list[bytes] = []

    def open(self, _protocol: int) -> "Replay":
        return self

    def sendto(self, data: bytes, _address: tuple[int, int], /) -> int:
        _, kind, _, sequence, _ = HEADER.unpack_from(data)
        if kind == CONTROL_FAMILY:
            self._arriving = [numbered(answer("family"), sequence)]
        else:
            self._arriving = [numbered(one, sequence) for one in self._answers]
        return len(data)

    def recvfrom_into(self, buffer: bytearray, _nbytes: int, _flags: int, /) -> tuple[int, tuple[int, int]]:
        if not self._arriving:
            raise BlockingIOError(errno.EAGAIN, "nothing comes")
        data = self._arriving.pop(0)
        kept = data[: len(buffer)]
        buffer[: len(kept)] = kept
        return len(data), (0, 0)

    def setsockopt(self, _level: int, _option: int, _value: int, /) -> None:
        pass

    def close(self) -> None:
        pass


def numbered(data: bytes, sequence: int) -> bytes:
    """The same messages, those numbered 1 answering request `sequence`; what is no message stays as it is."""
    changed, start = bytearray(data), 0
    with suppress(WireError):
        while start < len(data):
            message, after = next_message(data, start)
            if message.sequence == 1:
                changed[start + 8 : start + 12] = sequence.to_bytes(4, sys.byteorder)
            start = after
    return bytes(changed)


def one_by_one(rows: Rows, data: bytes, sequence: int) -> list[Row] | None:
    """The rows of every entry, read attribute by attribute; None if one cannot be read."""
    start, found = 0, []
    try:
        while start < len(data):
            message, start = next_message(data, start)
            if message.sequence == sequence and message.flags == NLM_F_MULTI:
                found.append(rows.read_payload(message.payload))
    except WireError:
        return None
    return found


def at_once(rows: Rows, data: bytes, sequence: int) -> list[Row] | None:
    """The rows of every entry, those of known layouts at once; None if one cannot be read."""
    found: list[Row] = []
    try:
        start = rows.known(data, 0, sequence, found)
        while start < len(data):
            message, after = next_message(data, start)
            if message.sequence == sequence and message.flags == NLM_F_MULTI:
                found.append(rows.read(data[start : start + HEADER.size + len(message.payload)]))
            start = rows.known(data, after, sequence, found)
    except WireError:
        return None
    return found
