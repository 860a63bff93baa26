"""A file that was read as data which is read back many times faster: what it means and what was found in it.

A program of another version, or whose values have other fields, does not take it. Nothing in it is trusted to be
right: what cannot be used is as none, and `lvs.cf` is read instead. Decision 0019 says why there is such a thing.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
from typing import Any

from piranha import __version__, terms
from piranha.dataclass import field_names
from piranha.errors import MISSHAPEN
from piranha.lvscf import check_values, config, diagnostics, kernel_values
from piranha.lvscf.config import Config, RealServer
from piranha.lvscf.copies import copier
from piranha.lvscf.diagnostics import Diagnostic

FORMAT = 2
_ATOMS = frozenset((str, int, float, bool, type(None)))
_MODULES = (config, check_values, kernel_values, terms, diagnostics)
_CLASSES: dict[str, type[Any]] = {
    name: one
    for module in _MODULES
    for name, one in vars(module).items()
    if isinstance(one, type) and (field_names(one) is not None or issubclass(one, Enum))
}
_FIELDS = {name: names for name, kind in _CLASSES.items() if (names := field_names(kind)) is not None}
_OWN = ("name", "address", "weight", "active", "line")
"""What real servers of one virtual server differ in, mostly; all else is kept once for many."""

_NO_SERVER: dict[str, Any] = {"name": "", "address": IPv4Address(0), "weight": 0, "active": False, "line": 0}
_SHARED = tuple(name for name in _FIELDS["RealServer"] if name not in _OWN)


class NotPackable(TypeError):
    """A value of a kind that no configuration had so far."""


def key(data: bytes) -> dict[str, object]:
    """Return what must be the same for a packed form of `data` to be used."""
    return {"format": FORMAT, "program": __version__, "values": _shape(), "file": _hash(data)}


def known(kind: type) -> tuple[str, ...] | None:
    """Return what is kept of a value of this kind; None where such a value cannot be kept."""
    return _FIELDS.get(kind.__name__, ()) if _CLASSES.get(kind.__name__) is kind else None


def pack(config: Config, findings: Sequence[Diagnostic]) -> list[object]:
    """Return both as lists, texts and numbers, for JSON. Raises NotPackable."""
    writer = _Writer()
    writer.add(["end", writer.of(config), writer.of(tuple(findings))])
    return writer.table


def unpack(rows: Iterable[Any]) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Return what `pack` was given; rows: what it made. Raises ValueError for what it did not make."""
    try:
        found = _read(rows)
    except MISSHAPEN as error:
        raise ValueError(f"no packed configuration: {error}") from error
    match found:
        case (Config() as read, tuple(findings)) if all(isinstance(one, Diagnostic) for one in findings):
            return read, findings
    raise ValueError("no packed configuration")


class _Writer:
    """Values as rows of a table, each once; a row names others by `[number]`."""

    def __init__(self) -> None:
        self.table: list[object] = []
        self._rows: dict[int, list[int]] = {}
        self._usual: dict[str, int] = {}
        self._held: list[object] = []  # what is named by its identity must live as long

    def add(self, row: list[object]) -> int:
        self.table.append(row)
        return len(self.table) - 1

    def of(self, value: object) -> object:
        """Return what stands for a value: itself, or the number of its row."""
        if type(value) in _ATOMS:
            return value
        found = self._rows.get(id(value))
        if found is None:
            found = self._rows[id(value)] = [self.add(self._row(value))]
            self._held.append(value)
        return found

    def _number(self, value: object) -> object:
        found = self.of(value)
        return found[0] if isinstance(found, list) else None

    def _row(self, value: object) -> list[object]:
        kind = type(value)
        if isinstance(value, tuple) and value and all(isinstance(one, RealServer) for one in value):
            return ["servers", *chain.from_iterable(map(self._server, value))]
        if isinstance(value, tuple):
            return ["tuple", *map(self.of, value)]
        if isinstance(value, IPv4Address | IPv6Address):
            return [f"v{value.version}", int(value)]
        if isinstance(value, bytes):
            return ["bytes", value.hex()]
        if _CLASSES.get(kind.__name__) is not kind:
            raise NotPackable(kind.__name__)
        if isinstance(value, Enum):
            return [kind.__name__, value.value]
        return [kind.__name__, *(self.of(getattr(value, name)) for name in _FIELDS[kind.__name__])]

    def _server(self, one: RealServer) -> Iterable[object]:
        return self._like(one), one.name, self._number(one.address), one.weight, one.active, one.line

    def _like(self, server: RealServer) -> int:
        """Return the row of what a server has besides its own."""
        row = ["like", *(self.of(getattr(server, name)) for name in _SHARED)]
        text = repr(row)
        if text not in self._usual:
            self._usual[text] = self.add(row)
        return self._usual[text]


def _read(rows: Iterable[Any]) -> tuple[object, ...]:
    found: list[Any] = []
    add = found.append
    server = copier(RealServer, *_OWN)
    makers = {name: _maker(one) for name, one in _CLASSES.items()}
    for row in rows:
        kind = row[0]
        if kind == "servers":
            servers = zip(*[iter(row[1:])] * (1 + len(_OWN)), strict=True)
            add(tuple([server(found[like], name, found[at], *rest) for like, name, at, *rest in servers]))
            continue
        values = [found[one[0]] if type(one) is list else one for one in row[1:]]
        if kind == "tuple":
            add(tuple(values))
        elif kind == "like":
            add(RealServer(**dict(zip(_SHARED, values, strict=True)), **_NO_SERVER))
        elif kind in ("v4", "v6"):
            add((IPv4Address if kind == "v4" else IPv6Address)(*values))
        elif kind == "bytes":
            add(bytes.fromhex(*values))
        elif kind == "end":
            return tuple(values)
        else:
            add(makers[kind](values))
    raise ValueError("it has no end")


def _maker(kind: type[Any]) -> Callable[[Sequence[object]], object]:
    if issubclass(kind, Enum):
        return lambda values: kind(*values)
    names = _FIELDS[kind.__name__]
    return lambda values: kind(**dict(zip(names, values, strict=True)))


def _shape() -> str:
    """Return a hash of the names of all values and of what they consist of."""
    return _hash("\n".join(f"{name}: {' '.join(_parts(one))}" for name, one in sorted(_CLASSES.items())).encode())


def _parts(kind: type[Any]) -> Iterable[str]:
    if issubclass(kind, Enum):
        return [f"{one.name}={one.value}" for one in kind]
    return _FIELDS[kind.__name__]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
