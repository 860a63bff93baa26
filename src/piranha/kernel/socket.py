"""Shell: one netlink socket to the kernel of this network namespace.

    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        links = kernel.dump(RTM_GETLINK, IFINFOMSG.pack(...), "list links", answer=RTM_NEWLINK)  # list of payloads
        kernel.request(RTM_NEWADDR, body, "add address 192.0.2.10", flags=NLM_F_CREATE)  # raises NetlinkError
        failures = kernel.batch([Request(RTM_NEWADDR, flags, body), ...])            # go on after errors

All methods block, for microseconds as a rule; a socket belongs to one thread at a time. A system
call that a signal interrupts is started again by Python (PEP 475).

The kernel answers in the order of the requests. After an answer that was lost, late or broken the next
request goes over a new socket, where nothing of the old one can arrive.
"""

from __future__ import annotations

import errno
import time
from _socket import MSG_TRUNC, SOL_SOCKET
from itertools import islice

from piranha import TYPE_CHECKING
from piranha.dataclass import dataclass
from piranha.errors import PiranhaError
from piranha.kernel.connection import ANSWER_TIMEOUT_S, connect
from piranha.kernel.wire import (
    HEADER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_NOOP,
    NLMSG_OVERRUN,
    Acknowledgement,
    Message,
    WireError,
    acknowledgement,
    message,
    next_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol, Self, TypeVar

    from piranha.kernel.connection import Connection
    from piranha.kernel.layout import Row, Rows

    _Entry = TypeVar("_Entry")

    class _Reader(Protocol[_Entry]):
        """Makes entries of messages; see `layout.Rows`."""

        def known(self, data: bytes, start: int, sequence: int, entries: list[_Entry], /) -> int: ...

        def read(self, message: bytes, /) -> _Entry: ...


NETLINK_ROUTE = 0
NETLINK_GENERIC = 16

BATCH_LIMIT = 256  # requests in one sendmsg; 256 refusals still fit into the receive buffer

_SO_SNDBUFFORCE = 32
_SEND_BUFFER_BYTES = 1 << 18
_BUFFER_BYTES = 1 << 16  # the kernel never makes a dump message longer than 32 KiB
_DUMP_ATTEMPTS = 10


def errno_words(code: int, detail: str = "") -> str:
    """Return `EEXIST: File exists`, with the kernel's own `detail` behind it in brackets."""
    import os  # noqa: PLC0415 -- for an error

    words = f"{errno.errorcode.get(code, str(code))}: {os.strerror(code)}"
    return f"{words} ({detail})" if detail else words


class NetlinkError(PiranhaError):
    """The kernel refused a request: `add service tcp 192.0.2.10:80: EEXIST: File exists`."""

    def __init__(self, request: str, code: int, detail: str = "") -> None:
        super().__init__(f"{request}: {errno_words(code, detail)}")
        self.request = request
        self.code = code  # a positive errno value
        self.detail = detail  # the text of the kernel's extended ACK, often empty


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a batch. kind: nlmsg_type; flags: without NLM_F_REQUEST and NLM_F_ACK."""

    kind: int
    flags: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """A request of a batch that the kernel refused. index: its place in the batch; code: an errno value.

    code ENOBUFS: the answer was lost (the receive buffer was full): the request may have been carried out.
    """

    index: int
    code: int
    detail: str = ""


class _Payloads:
    """Takes messages as they are, one by one."""

    def known(self, _data: bytes, start: int, _sequence: int, _entries: list[bytes]) -> int:
        return start

    def read(self, message: bytes) -> bytes:
        return message[HEADER.size :]


class NetlinkSocket:
    """A socket of one netlink protocol (NETLINK_ROUTE, NETLINK_GENERIC), bound by the kernel.

    first_sequence: number of the first request, 1 to 2**32 - 1. opener: opens the raw socket; clock: monotonic
    seconds.

    Raises NetlinkError from every method when the kernel refuses, when it does not answer within 5 s
    (ETIMEDOUT), and when its answer cannot be understood (EBADMSG).
    """

    def __init__(
        self,
        protocol: int,
        first_sequence: int = 1,
        *,
        opener: Callable[[int], Connection] = connect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._protocol = protocol
        self._opener = opener
        self._clock = clock
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sequence = first_sequence - 1
        self._broken = False
        self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; closing twice does no harm."""
        self._broken = False
        self._connection.close()

    def request(self, kind: int, payload: bytes, words: str, *, flags: int = 0) -> list[bytes]:
        """Send one request, wait for its acknowledgement, return the payloads it answered (often none).

        words: what is asked for, for the error. Raises NetlinkError.
        """
        sequence = self._next(1)
        self._send([message(kind, flags | NLM_F_ACK, sequence, payload)], words)
        answers: list[bytes] = []
        for answer in self._answers(sequence, sequence, words):
            if isinstance(answer, Acknowledgement):
                if answer.code:
                    raise NetlinkError(words, answer.code, answer.text)
                break
            answers.append(answer.payload)
        return answers

    def dump(self, kind: int, payload: bytes, words: str, *, answer: int | None = None) -> list[bytes]:
        """Ask for a list and return the payload of each entry.

        answer: the kind that the entries must have, None: any. A dump that the kernel marks
        as interrupted (NLM_F_DUMP_INTR: the list changed under it), or of which it lost a part, is asked for
        again, ten times at most, then NetlinkError with EINTR.
        """
        return self._dump(kind, payload, words, _Payloads(), answer)

    def dump_rows(self, kind: int, payload: bytes, words: str, rows: Rows) -> list[Row]:
        """Ask for a list as `dump` does and return the row of each entry."""
        return self._dump(kind, payload, words, rows, kind)

    def batch(self, requests: Iterable[Request]) -> list[Failure]:
        """Send requests, 256 in one system call, and return those that failed in order.

        They are asked for as they are sent: a large table is never there as bytes in whole.

        The kernel carries out every request, in order, whatever became of those before it. Only the last
        of each 256 asks for an acknowledgement: an error names its request by sequence number, silence
        up to that acknowledgement is success. Raises NetlinkError when nothing can be sent or nothing is
        answered; then part of the batch may have been carried out.
        """
        failures: list[Failure] = []
        waiting, start = iter(requests), 0
        while part := list(islice(waiting, BATCH_LIMIT)):
            first = self._next(len(part))
            data = [message(one.kind, one.flags, first + place, one.payload) for place, one in enumerate(part)]
            last = part[-1]
            data[-1] = message(last.kind, last.flags | NLM_F_ACK, first + len(part) - 1, last.payload)
            self._send(data, f"batch of {len(part)} requests")
            failures += self._batch_failures(first, len(part), start)
            start += len(part)
        return failures

    def transaction(self, requests: Sequence[Request]) -> Failure | None:
        """Send requests of which the first and the last frame the others (nfnetlink): all are done, or none.

        Returns what was refused first, None when all is done. Raises NetlinkError when nothing can be sent or
        nothing is answered.
        """
        count = len(requests)
        first = self._next(count)
        asked = first + count - 2  # the frame itself is acknowledged when it is refused, and by newer kernels
        data = [
            message(one.kind, one.flags | (NLM_F_ACK if first + place == asked else 0), first + place, one.payload)
            for place, one in enumerate(requests)
        ]
        words = f"transaction of {count} requests"
        from contextlib import suppress  # noqa: PLC0415 -- a listing needs none of it

        # A transaction cannot be cut into pieces; where it is short the buffer is as it was.
        with suppress(OSError):
            self._connection.setsockopt(SOL_SOCKET, _SO_SNDBUFFORCE, max(_SEND_BUFFER_BYTES, sum(map(len, data))))
        self._send(data, words)
        refused: Acknowledgement | None = None
        for answer in self._answers(first, first + count - 1, words):
            if not isinstance(answer, Acknowledgement):
                continue
            refused = answer if refused is None and answer.code else refused
            if answer.sequence == asked or (answer.sequence == first and answer.code):
                break
        return Failure(refused.sequence - first, refused.code, refused.text) if refused is not None else None

    def _batch_failures(self, first: int, count: int, offset: int) -> list[Failure]:
        codes: dict[int, Acknowledgement] = {}
        last = first + count - 1
        try:
            for answer in self._answers(first, last, f"batch of {count} requests"):
                if isinstance(answer, Acknowledgement):
                    codes[answer.sequence] = answer
                    if answer.sequence == last:
                        break
        except NetlinkError as error:
            if error.code != errno.ENOBUFS:
                raise
            for sequence in range(first, last + 1):
                codes.setdefault(sequence, Acknowledgement(sequence, errno.ENOBUFS, "the answer was lost"))
        return [
            Failure(offset + ack.sequence - first, ack.code, ack.text) for _, ack in sorted(codes.items()) if ack.code
        ]

    def _dump(self, kind: int, payload: bytes, words: str, reader: _Reader[_Entry], answer: int | None) -> list[_Entry]:
        for _ in range(_DUMP_ATTEMPTS):
            try:
                entries = self._dump_once(kind, payload, words, reader, answer)
            except NetlinkError as error:
                if error.code != errno.ENOBUFS:
                    raise
                continue
            if entries is not None:
                return entries
        raise NetlinkError(words, errno.EINTR, "the list changed during each of ten attempts")

    def _dump_once(
        self, kind: int, payload: bytes, words: str, reader: _Reader[_Entry], answer: int | None
    ) -> list[_Entry] | None:
        """Return the entries, None if the list changed meanwhile."""
        sequence = self._next(1)
        self._send([message(kind, NLM_F_DUMP, sequence, payload)], words)
        entries: list[_Entry] = []
        interrupted = False
        while True:
            data = self._receive(words)
            place = reader.known(data, 0, sequence, entries)
            while place < len(data):
                one, after = self._next_message(data, place, words)
                if one.sequence == sequence and one.kind != NLMSG_NOOP:
                    # The kernel may notice at the very end only that the list has changed.
                    interrupted = interrupted or bool(one.flags & NLM_F_DUMP_INTR)
                    if one.kind in (NLMSG_DONE, NLMSG_ERROR):
                        end = self._end(one, words)
                        if end.code:
                            raise NetlinkError(words, end.code, end.text)
                        return None if interrupted else entries
                    whole = data[place : place + HEADER.size + len(one.payload)]
                    entries.append(self._entry(reader, whole, one, answer, words))
                place = reader.known(data, after, sequence, entries)

    def _entry(self, reader: _Reader[_Entry], whole: bytes, one: Message, answer: int | None, words: str) -> _Entry:
        if one.kind == NLMSG_OVERRUN:
            raise self._lost(words, errno.ENOBUFS)
        if answer not in (None, one.kind):
            raise self._lost(words, errno.EBADMSG, f"an answer of kind {one.kind} where {answer} was asked for")
        try:
            return reader.read(whole)
        except WireError as error:
            raise self._lost(words, errno.EBADMSG, str(error)) from None

    def _next(self, count: int) -> int:
        # Sequence numbers of one batch are consecutive, so none may wrap around inside it.
        if self._sequence + count > 0xFFFFFFFF:
            self._sequence = 0
        first = self._sequence + 1
        self._sequence += count
        return first

    def _open(self) -> Connection:
        try:
            return self._opener(self._protocol)
        except OSError as error:
            raise NetlinkError("open netlink socket", error.errno or errno.EIO) from None

    def _send(self, data: list[bytes], words: str) -> None:
        if self._broken:
            self._connection.close()
            self._connection = self._open()
            self._broken = False
        try:
            self._connection.sendto(b"".join(data), (0, 0))
        except OSError as error:
            raise NetlinkError(words, error.errno or errno.EIO) from None

    def _answers(self, first: int, last: int, words: str) -> Iterator[Message | Acknowledgement]:
        """Yield what answers the requests `first` to `last`, and drop what is left of earlier ones."""
        while True:
            data, place = self._receive(words), 0
            while place < len(data):
                answer, place = self._next_message(data, place, words)
                if not first <= answer.sequence <= last or answer.kind == NLMSG_NOOP:
                    continue
                if answer.kind == NLMSG_OVERRUN:
                    raise self._lost(words, errno.ENOBUFS)
                yield self._end(answer, words) if answer.kind in (NLMSG_ERROR, NLMSG_DONE) else answer

    def _receive(self, words: str) -> bytes:
        """Return what the kernel has sent."""
        foreign_until: float | None = None
        while True:
            try:
                size, sender = self._connection.recvfrom_into(self._buffer, 0, MSG_TRUNC)
            except BlockingIOError:
                raise self._lost(words, errno.ETIMEDOUT) from None
            except OSError as error:
                raise self._lost(words, error.errno or errno.EIO) from None
            if sender[0] == 0:  # any process may send to a netlink socket; only port 0 is the kernel
                if size > len(self._buffer):
                    raise self._lost(words, errno.EMSGSIZE)
                return bytes(memoryview(self._buffer)[:size])
            if foreign_until is None:
                foreign_until = self._clock() + ANSWER_TIMEOUT_S
            elif self._clock() > foreign_until:
                raise self._lost(words, errno.ETIMEDOUT, "only other processes answer")

    def _next_message(self, data: bytes, place: int, words: str) -> tuple[Message, int]:
        try:
            return next_message(data, place)
        except WireError as error:
            raise self._lost(words, errno.EBADMSG, str(error)) from None

    def _end(self, answer: Message, words: str) -> Acknowledgement:
        try:
            return acknowledgement(answer)
        except WireError as error:
            raise self._lost(words, errno.EBADMSG, str(error)) from None

    def _lost(self, words: str, code: int, detail: str = "") -> NetlinkError:
        """Return the error of an answer that is not there; what may still come of it is for nobody."""
        self._broken = True
        return NetlinkError(words, code, detail)
