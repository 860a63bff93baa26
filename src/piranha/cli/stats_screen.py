"""The screen of `piranha stats`: one row for each virtual server, and one for each of its servers below it."""

from collections.abc import Collection, Iterable, Sequence

from piranha.cli.facts import Facts, dicts, number, strings, text
from piranha.cli.names import resolve
from piranha.cli.words import fitting

COLUMNS = (
    ("ACTIVE", "active"),
    ("INACT", "inactive"),
    ("NEW/S", "connections_per_s"),
    ("IN P/S", "packets_in_per_s"),
    ("OUT P/S", "packets_out_per_s"),
    ("IN B/S", "bytes_in_per_s"),
    ("OUT B/S", "bytes_out_per_s"),
    ("CONNS", "connections_total"),
    ("IN B", "bytes_in_total"),
    ("OUT B", "bytes_out_total"),
)
"""Heading and member of an answer; `P/S` packets and `B/S` bytes in a second, `B` bytes in all."""

SORTS = {
    "active": "active",
    "new": "connections_per_s",
    "in": "bytes_in_per_s",
    "out": "bytes_out_per_s",
    "conns": "connections_total",
    "name": "name",
}
"""By what rows can be sorted."""

SPARE = ("OUT P/S", "IN P/S", "INACT", "IN B", "OUT B", "CONNS")
"""What goes first where the terminal is narrow."""


def names_of(virtuals: Sequence[Facts]) -> list[str]:
    """Return every name, in the order of the rows."""
    return [name for one in virtuals for name in (text(one.get("name")), *_server_names(one))]


def chosen(virtuals: Sequence[Facts], names: Iterable[str]) -> list[Facts]:
    """Return the rows that `names` stand for: virtual servers with all of their servers, or with those named."""
    wanted: set[str] = set()
    for name in names:
        wanted.update(resolve(name, {"virtuals": list(virtuals)}))
        wanted.update(text(one.get("name")) for one in virtuals if name in strings(one.get("vips")))
    rows = [_with(one, wanted) for one in virtuals]
    return [row for row in rows if text(row.get("name")) in wanted or dicts(row.get("servers"))]


def sorted_rows(virtuals: Sequence[Facts], by: str | None) -> list[Facts]:
    """Return rows, and the servers in each of them, with the largest first; None: as they are."""
    if by is None:
        return list(virtuals)
    sorted_ = [{**one, "servers": _sorted(dicts(one.get("servers")), by)} for one in virtuals]
    return _sorted(sorted_, by)


def screen(virtuals: Sequence[Facts], width: int, *, servers: bool) -> list[str]:
    """Return the table. servers: with a row for each of them."""
    rows = []
    for one in virtuals:
        name = text(one.get("name"))
        rows.append(_row(name, one))
        rows += [_row(f"{name}/{text(s.get('name'))}", s) for s in dicts(one.get("servers"))] if servers else []
    if not rows:
        return ["no virtual server"]
    head = ["NAME", *(heading for heading, _ in COLUMNS)]
    return fitting(head, rows, width, head[1:], SPARE)


def short(value: float | None) -> str:
    """Return a number in at most five characters, in steps of 1000: `0.4`, `812`, `12.3k`, `1.2G`; None: `-`."""
    if value is None:
        return "-"
    unit = ""
    for unit in ("", "k", "M", "G", "T", "P"):
        if round(value) < 1000 or unit == "P":
            break
        value /= 1000
    digits = 1 if (0 < round(value, 1) < 10 and (unit or value % 1)) or (unit and round(value, 1) < 100) else 0
    return f"{value:.{digits}f}{unit}"


def _with(virtual: Facts, wanted: Collection[str]) -> Facts:
    """Return a row with those of its servers that are wanted: all of them where the virtual server is."""
    name = text(virtual.get("name"))
    if name in wanted:
        return virtual
    servers = [one for one in dicts(virtual.get("servers")) if f"{name}/{text(one.get('name'))}" in wanted]
    return {**virtual, "servers": servers}


def _server_names(virtual: Facts) -> list[str]:
    name = text(virtual.get("name"))
    return [f"{name}/{text(one.get('name'))}" for one in dicts(virtual.get("servers"))]


def _sorted(rows: Sequence[Facts], by: str) -> list[Facts]:
    if by == "name":
        return sorted(rows, key=lambda row: text(row.get("name")))
    return sorted(rows, key=lambda row: number(row.get(SORTS[by])) or 0.0, reverse=True)


def _row(name: str, facts: Facts) -> list[str]:
    return [name, *(short(number(facts.get(member))) for _, member in COLUMNS)]
