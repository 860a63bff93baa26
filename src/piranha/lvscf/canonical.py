"""Values of the configuration as a text that says what they mean, and nothing of layout."""

from dataclasses import fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address


def canonical(value: object) -> str:
    """Return a text that two values share when they mean the same; where they stand (`line`) is no part of it."""
    return _canonical(value, {})


def _canonical(value: object, shared: dict[int, str]) -> str:
    """Return the text of a value.

    shared: texts of checks and their times by identity, which thousands of real servers have in common.
    """
    kind = type(value)
    if kind in _AS_WRITTEN:
        return repr(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, IPv4Address | IPv6Address):
        return f"v{value.version}:{int(value):x}"  # many times faster than its text
    if isinstance(value, tuple):
        return "(" + ",".join([_canonical(item, shared) for item in value]) + ")"
    if is_dataclass(value):
        text = shared.get(id(value))
        if text is None:
            if kind not in _TOLD:
                _TOLD[kind] = tuple(f.name for f in fields(value) if f.name != "line")
            parts = [_canonical(getattr(value, name), shared) for name in _TOLD[kind]]
            text = shared[id(value)] = f"{kind.__name__}({','.join(parts)})"
        return text
    return repr(value)


_AS_WRITTEN = frozenset((int, str, bool, float, bytes, type(None)))

_TOLD: dict[type, tuple[str, ...]] = {}  # the fields that make the meaning of a value; asked for ten thousand times
