"""A plan as a daemon hands it on: how much it may cost, in one line, and line by line."""

from piranha.change.order import Allow
from piranha.change.plan import Kind, Line, Plan, counted, summary
from piranha.dataclass import dataclass

_ALLOWS = {None: Allow.SAFE, Kind.SAFE: Allow.SAFE, Kind.DRAINS: Allow.DRAINS, Kind.DISRUPTIVE: Allow.DISRUPTIVE}


Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """kind: what `--allow` must name at least. counts: `3 changes: 2 safe, 1 drain`. lines: one for each change.

    ended: what others did by hand, and ends with it.
    """

    kind: Allow
    counts: str
    summary: str
    lines: tuple[Row, ...]
    ended: tuple[Row, ...] = ()


def planned(found: Plan) -> Planned:
    """Return what a daemon hands on of a plan."""
    return Planned(
        kind=_ALLOWS[found.highest],
        counts=counted(found),
        summary=summary(found),
        lines=tuple(map(_row, found.lines)),
        ended=tuple(map(_row, found.ended)),
    )


def _row(line: Line) -> Row:
    named = {"kind": str(line.kind), "sign": str(line.sign)}
    return named | {"subject": line.subject, "what": line.what, "effect": line.effect}
