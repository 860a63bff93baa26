"""Netlink messages and attributes as bytes: what every netlink protocol shares.

Pure, and safe on hostile input: reading raises WireError and nothing else, and never looks outside
the bytes it was given. Numbers are in host order unless a name says `be`.

Building a request and reading its answer (kernel/socket.py sends and receives):

    body = IFADDRMSG.pack(...) + attribute(IFA_LOCAL, address.packed) + nested(KIND, attribute(...), ...)
    for payload in socket.dump(RTM_GETADDR, body, "list addresses", answer=RTM_NEWADDR):
        fields = attributes(payload, IFADDRMSG.size)  # {IFA_LOCAL: b"...", ...}

Sources: linux/netlink.h, Documentation/userspace-api/netlink/intro.rst of the kernel, RFC 3549.
"""

from __future__ import annotations

from struct import Struct

from piranha import TYPE_CHECKING
from piranha.dataclass import dataclass
from piranha.errors import PiranhaError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final, Literal

HEADER = Struct("=IHHII")  # u32 nlmsg_len, u16 nlmsg_type, u16 nlmsg_flags, u32 nlmsg_seq, u32 nlmsg_pid
NLATTR = Struct("=HH")  # u16 nla_len, u16 nla_type
ERROR_CODE = Struct("=i")  # first field of struct nlmsgerr and of NLMSG_DONE: 0 or a negative errno

NLMSG_NOOP = 1
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4

NLM_F_REQUEST = 0x01
NLM_F_MULTI = 0x02
NLM_F_ACK = 0x04
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300  # NLM_F_ROOT | NLM_F_MATCH
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_CAPPED = 0x100  # on an acknowledgement: only the header of the request comes back
NLM_F_ACK_TLVS = 0x200  # on an acknowledgement: attributes (extended ACK) follow

NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
NLMSGERR_ATTR_MSG = 1
_MAX_ERRNO = 4095  # linux/err.h

_U16 = Struct("=H")
_U32 = Struct("=I")
HOST_ORDER: Final[Literal["big", "little"]] = "little" if _U16.pack(1) == b"\1\0" else "big"


class WireError(PiranhaError):
    """Bytes that are no netlink message: `truncated message: 40 bytes announced, 16 there`."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message without its header; kind is nlmsg_type."""

    kind: int
    flags: int
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How one request ended. code: 0 or a positive errno value; text: the kernel's words, or empty."""

    sequence: int
    code: int
    text: str = ""


def attribute(kind: int, payload: bytes) -> bytes:
    """Encode one netlink attribute.

    The length field counts the 4-byte header and the payload, not the zero padding behind them;
    the next attribute starts on a 4-byte boundary.
    """
    return NLATTR.pack(NLATTR.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nested(kind: int, *members: bytes) -> bytes:
    """Encode an attribute that holds attributes; `members` are already encoded."""
    return attribute(kind | NLA_F_NESTED, b"".join(members))


def u8(kind: int, value: int) -> bytes:
    """Encode an attribute of one byte."""
    return attribute(kind, value.to_bytes(1))


def u16(kind: int, value: int) -> bytes:
    """Encode a 16-bit number in host order."""
    return attribute(kind, _U16.pack(value))


def be16(kind: int, value: int) -> bytes:
    """Encode a 16-bit number in network order (__be16)."""
    return attribute(kind, value.to_bytes(2, "big"))


def u32(kind: int, value: int) -> bytes:
    """Encode a 32-bit number in host order."""
    return attribute(kind, _U32.pack(value))


def text(kind: int, value: str) -> bytes:
    """Encode text with its closing zero byte (NLA_NUL_STRING); a byte that is no UTF-8 (surrogateescape) is itself."""
    return attribute(kind, value.encode("utf-8", "surrogateescape") + b"\0")


def message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """Encode one message to the kernel, padded so that another may follow in the same batch.

    `flags` without NLM_F_REQUEST, which is always set.
    """
    length = HEADER.size + len(payload)
    whole = HEADER.pack(length, kind, flags | NLM_F_REQUEST, sequence & 0xFFFFFFFF, 0) + payload
    return whole + bytes(-length % 4) if length % 4 else whole


def next_message(data: bytes, start: int) -> tuple[Message, int]:
    """Read the message at `start` of what one receive returned; return it and where the next begins.

    Raises WireError if its length is impossible or the bytes end too early.
    """
    there = len(data) - start
    if there < HEADER.size:
        raise WireError(f"truncated message: {there} bytes where a header should be")
    length, kind, flags, sequence, _port = HEADER.unpack_from(data, start)
    if not HEADER.size <= length <= there:
        raise WireError(f"truncated message: {length} bytes announced, {there} there")
    return Message(kind, flags, sequence, data[start + HEADER.size : start + length]), start + length + (-length % 4)


def messages(data: bytes) -> list[Message]:
    """Split what one receive returned into messages; raises WireError as `next_message` does."""
    found = []
    start = 0
    while start < len(data):
        one, start = next_message(data, start)
        found.append(one)
    return found


def attributes(payload: bytes, start: int = 0) -> dict[int, bytes]:
    """Split `payload` from offset `start` on into attributes by type; the last of a type wins.

    Raises WireError if a length is impossible or the bytes end too early.
    """
    found = {}
    end = len(payload)
    unpack = NLATTR.unpack_from
    while start + 4 <= end:
        length, kind = unpack(payload, start)
        if length < 4 or start + length > end:
            raise WireError(
                f"truncated attribute {kind & NLA_TYPE_MASK}: {length} bytes announced, {end - start} there"
            )
        found[kind & NLA_TYPE_MASK] = payload[start + 4 : start + length]
        start += (length + 3) & ~3
    if start < end:
        raise WireError(f"truncated attribute: {end - start} bytes where a header should be")
    return found


def number(fields: Mapping[int, bytes], kind: int, default: int | None = None) -> int:
    """Read an unsigned number of 1, 2, 4 or 8 bytes in host order.

    Raises WireError if it has another size, or is missing and there is no default.
    """
    raw = fields.get(kind)
    if raw is None:
        if default is None:
            raise WireError(f"attribute {kind} is missing")
        return default
    if len(raw) not in (1, 2, 4, 8):
        raise WireError(f"attribute {kind}: a number of {len(raw)} bytes")
    return int.from_bytes(raw, HOST_ORDER)


def number_be(fields: Mapping[int, bytes], kind: int, default: int | None = None) -> int:
    """Read an unsigned number in network order; raises WireError as `number` does."""
    raw = fields.get(kind)
    if raw is None or len(raw) not in (1, 2, 4, 8):
        return number(fields, kind, default)
    return int.from_bytes(raw, "big")


def string(fields: Mapping[int, bytes], kind: int, default: str | None = None) -> str:
    """Read a string up to its first zero byte; bytes that are no UTF-8 become escapes.

    Raises WireError if it is missing and there is no default.
    """
    raw = fields.get(kind)
    if raw is None:
        if default is None:
            raise WireError(f"attribute {kind} is missing")
        return default
    return terminated(raw)


def terminated(raw: bytes) -> str:
    """Return a string up to its first zero byte; bytes that are no UTF-8 become escapes."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def acknowledgement(answer: Message) -> Acknowledgement:
    """Read an NLMSG_ERROR (an error, or an acknowledgement if its code is 0) or an NLMSG_DONE.

    Raises WireError if it is too short, or its errno is none. The text of an extended ACK that cannot be read is
    dropped: the code matters more.
    """
    if len(answer.payload) < ERROR_CODE.size:
        raise WireError("truncated acknowledgement")
    (code,) = ERROR_CODE.unpack_from(answer.payload)
    if code < -_MAX_ERRNO:
        raise WireError(f"an acknowledgement with errno {-code}")
    return Acknowledgement(answer.sequence, max(0, -code), _extended_text(answer))


def _extended_text(answer: Message) -> str:
    if not answer.flags & NLM_F_ACK_TLVS:
        return ""
    start = ERROR_CODE.size
    if answer.kind == NLMSG_ERROR:
        if len(answer.payload) < start + HEADER.size:
            return ""
        length: int = HEADER.unpack_from(answer.payload, start)[0]
        start += HEADER.size if answer.flags & NLM_F_CAPPED else (length + 3) & ~3
    try:
        return string(attributes(answer.payload, start), NLMSGERR_ATTR_MSG, "")
    except WireError:
        return ""
