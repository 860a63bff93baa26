"""Reading the answers of daemons: plain JSON of any version, so that nothing in it is taken on trust."""

from collections.abc import Mapping, Sequence

Facts = Mapping[str, object]


def dicts(value: object) -> list[Facts]:
    """Return the objects of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """Return the texts of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def booleans(value: object) -> Sequence[bool]:
    """Return the truth values of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, bool)] if isinstance(value, list) else []


def facts(value: object) -> Facts | None:
    """Return an object, None for anything else."""
    return value if isinstance(value, dict) else None


def text(value: object) -> str:
    """Return a text, empty for anything else."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return a number, None for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
