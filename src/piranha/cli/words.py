"""How verbs print durations and tables."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from piranha.text import printable

T = TypeVar("T")

MANY, FEW = 10, 5
"""Of more than so many that say the same, but for numbers in it, so few are shown; see `few`."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?[dhms]?(?: ?\d+[dhms])*")
_PLURAL = re.compile(r"# (\w+?)s\b")

WIDTH = 96
"""Most columns of a screen; fewer where the terminal has fewer."""


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
    cells = [list(head), *([printable(cell) for cell in row] for row in rows)]
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


def fitting(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: Iterable[str], spare: Sequence[str]
) -> list[str]:
    """Return the lines of a table that fits `width`: columns in `spare` go, one by one, then lines are cut."""
    right, left = tuple(right), list(spare)
    while max(map(len, lines := table(head, rows, right))) > width and left:
        gone = head.index(left.pop(0))
        head = [*head[:gone], *head[gone + 1 :]]
        rows = [[*row[:gone], *row[gone + 1 :]] for row in rows]
    return [cut(line, width) for line in lines]


def cut(text: str, width: int = WIDTH) -> str:
    """Return `text`, safe to show, shortened to `width` characters if need be."""
    text = printable(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def count(number: int, what: str) -> str:
    """Return `1 server` or `3 servers`."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def services_words(services: Iterable[str]) -> str:
    """Return services with those that differ in the port only put together: `tcp 192.0.2.10:80,443,8000-8010`."""
    ports: dict[str, list[int]] = {}
    for service in services:
        head, colon, port = service.rpartition(":")
        if colon and port.isdecimal():
            ports.setdefault(head + colon, []).append(int(port))
        else:
            ports[service] = []
    return ", ".join(head + ",".join(_ranges(numbers)) for head, numbers in ports.items())


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    while numbers:
        length = next((n for n, number in enumerate(numbers) if number != numbers[0] + n), len(numbers))
        yield str(numbers[0]) if length == 1 else f"{numbers[0]}-{numbers[length - 1]}"
        numbers = numbers[length:]


def few(rows: Sequence[T], says: Callable[[T], Sequence[str]], *, every: bool = False) -> list[tuple[T, int]]:
    """Return the rows to show, each with how many like it are left out behind it: of more than MANY the first FEW stay.

    says: what tells rows apart, but for numbers in it. every: leave out none.
    """
    kinds = [tuple(map(_kind, says(row))) for row in rows]
    number, shown, seen = Counter(kinds), list[tuple[T, int]](), Counter[tuple[str, ...]]()
    for row, kind in zip(rows, kinds, strict=True):
        seen[kind] += 1
        grouped = not every and number[kind] > MANY
        if not grouped or seen[kind] <= FEW:
            shown.append((row, number[kind] - FEW if grouped and seen[kind] == FEW else 0))
    return shown


def _kind(text: str) -> str:
    """Return `text` without its numbers, durations included, and the plurals behind them."""
    return _PLURAL.sub(r"# \1", _NUMBER.sub("#", text))


def safe(lines: Iterable[str]) -> str:
    """Return `lines` as one text to print: what others wrote in them cannot drive a terminal."""
    return "\n".join(map(printable, lines))
