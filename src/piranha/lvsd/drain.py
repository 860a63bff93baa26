"""A server that is drained by a file in `maintenance_dir`, as its pool knows it."""

from piranha.dataclass import dataclass
from piranha.events.event import Event, Level


@dataclass(frozen=True, slots=True)
class Drain:
    """Why a server gets no new connections although the file gives it a weight, and since when, monotonic seconds."""

    cause: str
    since_s: float


def drained(check_id: str, cause: str, now: float) -> Event:
    """Return the event of a server that is drained from now on."""
    return Event(
        when_s=now,
        subject=check_id,
        message="drained: it gets no new connections and keeps those that it has",
        after="drain",
        rule="maintenance_dir",
        cause=f"{cause} is there",
        level=Level.WARNING,
    )


def undrained(check_id: str, cause: str, now: float) -> Event:
    """Return the event of a server that is in use again."""
    return Event(
        when_s=now,
        subject=check_id,
        message="not drained any more",
        before="drain",
        after="in use",
        rule="maintenance_dir",
        cause=f"{cause} is gone",
    )
