"""A plan as a daemon hands it on: how much it may cost, in one line, and line by line."""

from dataclasses import dataclass

from piranha.change.order import Allow
from piranha.change.plan import Kind, Plan, counted, summary

_ALLOWS = {None: Allow.SAFE, Kind.SAFE: Allow.SAFE, Kind.DRAINS: Allow.DRAINS, Kind.DISRUPTIVE: Allow.DISRUPTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """kind: what `--allow` must name at least. counts: `3 changes: 2 safe, 1 drain`. lines: one for each change."""

    kind: Allow
    counts: str
    summary: str
    lines: tuple[dict[str, str], ...]


def planned(found: Plan) -> Planned:
    """Return what a daemon hands on of a plan."""
    lines = tuple(
        {"kind": str(line.kind), "sign": str(line.sign)}
        | {"subject": line.subject, "what": line.what, "effect": line.effect}
        for line in found.lines
    )
    return Planned(kind=_ALLOWS[found.highest], counts=counted(found), summary=summary(found), lines=lines)
