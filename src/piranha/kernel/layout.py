"""Entries of a dump as rows of values: one by one from attributes in any order, or many in one step.

The kernel sends the entries of a dump with the same headers in the same places; only values differ. A
layout is learnt from an entry that was read attribute by attribute. Entries that follow are recognised by
a comparison of their headers, all at once, and read by one struct; whatever differs is read attribute by
attribute again. So any order and any kernel are read alike, the usual ones ten times as fast.
"""

from __future__ import annotations

from struct import Struct

from piranha import TYPE_CHECKING
from piranha.dataclass import dataclass
from piranha.kernel.wire import HEADER, HOST_ORDER, NLA_TYPE_MASK, NLATTR, NLM_F_MULTI, WireError, attributes, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

Path = tuple[int, ...]
"""Where an attribute is: its type behind those of the attributes that hold it."""

Row = tuple["Any", ...]
"""The values of one entry, in the order of its fields."""

REQUIRED: Any = object()
"""The default of a field without which an entry cannot be understood."""

_SEQUENCE_PLACE = 8  # of nlmsg_seq in the header
_BLOCK = 32  # messages compared in one step: pools of a few servers take one
_LAYOUTS = 16  # more than a kernel has; entries of further ones, and huge ones, are read attribute by attribute
_HUGE = 2048  # bytes of a message
_NUMBER = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an entry. paths: the first that is there counts; raw: bytes, else a number in host order."""

    paths: tuple[Path, ...]
    default: Any = REQUIRED
    raw: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """The attributes of a sample. headers: where each begins; values: place and size by path."""

    headers: list[int]
    values: dict[Path, tuple[int, int]]


class Rows:
    """Reads the entries of dumps of one kind, and remembers their layouts.

    skip: bytes of a message before its first attribute; fields: what a row holds, two at least.
    """

    def __init__(self, skip: int, fields: Sequence[Field]) -> None:
        self._skip = skip
        self._fields = tuple(fields)
        paths = {path for field in fields for path in field.paths}
        self._nests = {path[:depth] for path in paths for depth in range(1, len(path))}
        self._looked_at = paths | self._nests
        self._layouts: dict[int, list[_Layout]] = {}
        self._room = _LAYOUTS

    def known(self, data: bytes, start: int, sequence: int, rows: list[Row]) -> int:
        """Add the rows of the messages at `start` as long as their layouts are known; return where they end.

        sequence: what they must answer. What is returned is the place of a message of another layout,
        of one that is no entry at all, or the end.
        """
        end = len(data)
        while start + HEADER.size <= end:
            for layout in self._layouts.get(HEADER.unpack_from(data, start)[0], ()):
                count = layout.count(data, start, sequence)
                if count:
                    rows.extend(layout.rows(data, start, count))
                    start += count * layout.size
                    break
            else:
                return start
        return start

    def read(self, message: bytes) -> Row:
        """Read one whole message attribute by attribute, and learn its layout; raises WireError."""
        row = self.read_payload(message[HEADER.size :])
        length, _kind, flags, _sequence, _port = HEADER.unpack_from(message)
        # Any other flag says something of this one message (interrupted, an answer that is no part of a dump).
        if self._room and flags == NLM_F_MULTI:
            layout = self._learnt(message)
            if layout is not None:
                self._room -= 1
                self._layouts.setdefault(length, []).append(layout)
        return row

    def read_payload(self, payload: bytes) -> Row:
        """Read a message without its header attribute by attribute; raises WireError."""
        start = self._skip - HEADER.size
        if len(payload) < start:
            raise WireError(f"truncated message: {len(payload)} bytes where {start} should be")
        nests: dict[Path, Mapping[int, bytes]] = {(): attributes(payload, start)}
        for nest in sorted(self._nests, key=len):
            raw = nests[nest[:-1]].get(nest[-1])
            nests[nest] = {} if raw is None else attributes(raw)
        return tuple(_value(nests, field) for field in self._fields)

    def _learnt(self, message: bytes) -> _Layout | None:
        """Return the layout of a message that could be read, None if it is one that has to be read so each time."""
        found = _Found([], {})
        if len(message) % 4 or len(message) > _HUGE or not self._locate(message, (), self._skip, len(message), found):
            return None
        places: list[tuple[int, str, int]] = []  # offset, struct format, which field
        defaults: list[Any] = []
        sources: dict[int, int] = {}  # which value of offsets and defaults becomes the field
        for index, field in enumerate(self._fields):
            path = next((path for path in field.paths if path in found.values), None)
            if path is None:
                defaults.append((index, field.default))
                continue
            offset, size = found.values[path]
            if not field.raw and size not in _NUMBER:
                return None
            places.append((offset, f"{size}s" if field.raw else _NUMBER[size], index))
        places.sort()
        for source, index in enumerate([*(index for _, _, index in places), *(index for index, _ in defaults)]):
            sources[index] = source
        order = [sources[index] for index in range(len(self._fields))]
        form, at = "=", 0
        for offset, code, _ in places:
            form += f"{offset - at}x{code}"
            at = offset + Struct("=" + code).size
        struct = Struct(f"{form}{len(message) - at}x")
        pick: Callable[[Row], Row] | None = None
        if order != list(range(len(places))):
            from operator import itemgetter  # noqa: PLC0415 -- most layouts need none

            pick = itemgetter(*order)
        return _Layout(message, found.headers, struct, pick, tuple(default for _, default in defaults))

    def _locate(self, message: bytes, nest: Path, start: int, end: int, found: _Found) -> bool:
        """Collect the attributes from `start` to `end`; False if one that counts is doubled, or is none."""
        while start < end:
            if start + NLATTR.size > end:
                return False
            length, kind = NLATTR.unpack_from(message, start)
            path = (*nest, kind & NLA_TYPE_MASK)
            after = start + length
            if length < NLATTR.size or after > end or path in found.values:
                return False
            found.headers.append(start)
            if path in self._looked_at:
                found.values[path] = (start + NLATTR.size, length - NLATTR.size)
            if path in self._nests and not self._locate(message, path, start + NLATTR.size, after, found):
                return False
            start = (after + 3) & ~3
        return True


class _Layout:
    """Messages whose headers are those of a sample. size: bytes of one of them.

    struct: the values where the sample has them; pick: what brings them, with `defaults` behind them, into
    the order of the fields, None if they are in it.
    """

    def __init__(
        self,
        sample: bytes,
        headers: Sequence[int],
        struct: Struct,
        pick: Callable[[Row], Row] | None,
        defaults: Row,
    ) -> None:
        self.size = len(sample)
        self._struct = struct
        self._pick = pick
        self._defaults = defaults
        places = [0, 4, *headers]  # length; type and flags; the attributes
        mask = bytearray(self.size)
        for place in places:
            mask[place : place + 4] = b"\xff\xff\xff\xff"
        template = bytes(byte & kept for byte, kept in zip(sample, mask, strict=True))
        # A block of messages as one number: one comparison sees every header of all of them.
        self._mask = int.from_bytes(bytes(mask) * _BLOCK, HOST_ORDER)
        self._template = int.from_bytes(template * _BLOCK, HOST_ORDER)
        self._last = _BLOCK, self._mask, self._template  # of so many messages: pools are often alike in size

    def count(self, data: bytes, start: int, sequence: int) -> int:
        """Return how many messages at `start`, at most a block, are known to have this layout."""
        most = min((len(data) - start) // self.size, _BLOCK)
        if self._fits(data, start, most, sequence):
            return most
        # Entries of several layouts take turns: only those of one length can be compared at once.
        alike, length = 1, data[start : start + 4]
        while alike < most and data.startswith(length, start + alike * self.size):
            alike += 1
        if alike < most and self._fits(data, start, alike, sequence):
            return alike
        return 1 if most and self._fits(data, start, 1, sequence) else 0

    def rows(self, data: bytes, start: int, count: int) -> list[Row]:
        """Return the rows of that many messages of this layout."""
        found = list(self._struct.iter_unpack(memoryview(data)[start : start + count * self.size]))
        if self._pick is None:
            return found
        return [self._pick(values + self._defaults) for values in found]

    def _fits(self, data: bytes, start: int, count: int, sequence: int) -> bool:
        block = memoryview(data)[start : start + count * self.size]
        if block.cast("I")[_SEQUENCE_PLACE // 4 :: self.size // 4].tolist() != [sequence] * count:
            return False
        known, mask, template = self._last
        if known != count:
            more = (_BLOCK - count) * self.size * 8
            mask, template = self._mask >> more, self._template >> more
            self._last = count, mask, template
        return int.from_bytes(block, HOST_ORDER) & mask == template


def _value(nests: Mapping[Path, Mapping[int, bytes]], field: Field) -> Any:
    for path in field.paths:
        fields = nests[path[:-1]]
        if path[-1] in fields:
            return fields[path[-1]] if field.raw else number(fields, path[-1])
    if field.default is REQUIRED:
        raise WireError(f"attribute {field.paths[0][-1]} is missing")
    return field.default
