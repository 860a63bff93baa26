"""How verbs print durations and tables."""

from collections.abc import Iterable, Sequence

WIDTH = 96


def duration(seconds: float) -> str:
    """Return `0.4s`, `12s`, `4m04s`, `3h12m` or `31d 4h`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole // 60 % 60:02d}m"
    return f"{whole // 86400}d {whole // 3600 % 24}h"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> list[str]:
    """Return the lines of a table; columns named in `right` are right-aligned."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    rights = {column for column, name in enumerate(head) if name in set(right)}
    lines = []
    for row in cells:
        parts = [
            text.rjust(width) if column in rights else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return lines


def cut(text: str, width: int = WIDTH) -> str:
    """Return `text`, shortened to `width` characters if need be."""
    return text if len(text) <= width else text[: width - 1] + "…"


def count(number: int, what: str) -> str:
    """Return `1 server` or `3 servers`."""
    return f"{number} {what}" + ("" if number == 1 else "s")
