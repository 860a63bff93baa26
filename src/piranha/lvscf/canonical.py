"""Values of the configuration as a text that says what they mean, and nothing of layout."""

from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from piranha.dataclass import field_names


def canonical(value: object) -> str:
    """Return a text that two values share when they mean the same; where they stand (`line`) is no part of it."""
    return _canonical(value, {})


def _canonical(value: object, shared: dict[int, str]) -> str:
    """Return the text of a value.

    shared: texts by identity: checks, their times and addresses are what thousands of real servers have in common.
    """
    kind = type(value)
    if kind in _AS_WRITTEN:
        return repr(value)
    text = shared.get(id(value))
    if text is None:
        text = shared[id(value)] = _text(value, kind, shared)
    return text


def _text(value: object, kind: type, shared: dict[int, str]) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, IPv4Address | IPv6Address):
        return f"v{value.version}:{int(value):x}"  # many times faster than its text
    if isinstance(value, tuple):
        return f"({_joined(value, shared)})"
    if kind not in _TOLD:
        names = field_names(kind)
        _TOLD[kind] = None if names is None else tuple(name for name in names if name != "line")
    if (told := _TOLD[kind]) is not None:
        return f"{kind.__name__}({_joined([getattr(value, name) for name in told], shared)})"
    return repr(value)


def _joined(values: Iterable[object], shared: dict[int, str]) -> str:
    # Most are numbers and words: a call for each of them would take longer than their text.
    return ",".join([repr(one) if type(one) in _AS_WRITTEN else _canonical(one, shared) for one in values])


_AS_WRITTEN = frozenset((int, str, bool, float, bytes, type(None)))

_TOLD: dict[
    type, tuple[str, ...] | None
] = {}  # the fields that make the meaning of a value; asked for ten thousand times
