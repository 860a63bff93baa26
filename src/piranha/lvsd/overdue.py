"""Checks that tell nothing any more: what is believed of their servers is old, and that is said.

They bring no results, or this router cannot make them (`Reason.ERROR`).
"""

from collections.abc import Iterable

from piranha.dataclass import replace
from piranha.events.event import Event, Level
from piranha.lvscf.check_values import CheckTiming
from piranha.lvsd.combined import Combined
from piranha.lvsd.monitor import Health, Monitor
from piranha.nanny.results import SUMMARY_INTERVAL_S, Reason

STARTS_WITHIN_S = 10.0
"""An interpreter on a machine under load, before its first word: the nanny parent."""
STALE_INTERVALS = 3
LOOK_S = 2.0
"""Seconds between two looks."""
ONE_BY_ONE = 20
"""Servers that one look names each on its own; of more only the number is told."""


def stale_after_s(timing: CheckTiming) -> float:
    """Return the age at which a result says nothing of its server any more.

    A nanny that died or froze is replaced long before, unless intervals are very short.
    """
    return STALE_INTERVALS * max(timing.interval_s, SUMMARY_INTERVAL_S) + timing.check_timeout_s


def awaited(monitors: Iterable[Monitor | Combined], begun_s: float | None, now: float) -> int:
    """Return of how many servers a first answer is still waited for.

    begun_s: since when there are nannies, None = they are being started. From then on each has as long as a check
    may take. A check that cannot even be made must not keep a router from taking over for ever.
    """
    return sum(one.health is Health.UNKNOWN and now - _asked_s(one, begun_s) < _patience_s(one) for one in monitors)


def _asked_s(monitor: Monitor | Combined, begun_s: float | None) -> float:
    latest_s = monitor.since_s + STARTS_WITHIN_S
    return max(monitor.since_s, latest_s if begun_s is None else min(begun_s, latest_s))


def _patience_s(monitor: Monitor | Combined) -> float:
    return monitor.timing.interval_s + monitor.timing.check_timeout_s


class Overdue:
    """Remembers whose results are overdue. The verdict on them stays: silence of a check is no failure of a server."""

    def __init__(self, now: float) -> None:
        self._looked_s = now
        self._trusted_s = now
        self._overdue: set[str] = set()
        self._never_heard: set[str] = set()

    def look(self, monitors: Iterable[Monitor], now: float) -> list[Event]:
        """Return what began or ended since the last look. now: monotonic seconds."""
        if now - self._looked_s > 2 * LOOK_S:
            # Who was stopped himself must not take his own pause for the silence of others.
            self._trusted_s = now
        self._looked_s = now
        subjects = {monitor.subject: monitor for monitor in monitors}
        overdue = {name for name, monitor in subjects.items() if self._is_overdue(monitor, now)}
        began = [_began(subjects[name], now) for name in sorted(overdue - self._overdue)]
        back = sorted((self._overdue - overdue) & subjects.keys())
        ended = [_ended(subjects[name], now, first=name in self._never_heard) for name in back]
        self._overdue = overdue
        self._never_heard = {name for name in overdue if subjects[name].heard_s is None}
        return _bounded(began, now) + _bounded(ended, now)

    def _is_overdue(self, monitor: Monitor, now: float) -> bool:
        heard_s = monitor.heard_s if monitor.heard_s is not None else monitor.since_s
        return now - max(heard_s, self._trusted_s) > stale_after_s(monitor.timing)


def _began(monitor: Monitor, now: float) -> Event:
    event = Event(
        when_s=now,
        subject=monitor.subject,
        message="no check result yet",
        rule=f"{STALE_INTERVALS} intervals without a result",
        cause=monitor.last.detail if monitor.last is not None else "the nanny is slow to start, or does not start",
        level=Level.WARNING,
    )
    if monitor.heard_s is None or monitor.last is None:
        return event
    told = f"{monitor.last.detail}; " if monitor.last.reason is Reason.ERROR else ""
    which = "that could be made " if told else ""
    return replace(
        event,
        message="no check results any more: what is believed is old",
        before=str(monitor.health),
        after="unknown",
        cause=f"{told}the last check {which}began {now - monitor.heard_s:.0f} s ago",
    )


def _ended(monitor: Monitor, now: float, *, first: bool) -> Event:
    if first:
        return Event(when_s=now, subject=monitor.subject, message="check results come", after=str(monitor.health))
    return Event(
        when_s=now,
        subject=monitor.subject,
        message="check results come again",
        before="unknown",
        after=str(monitor.health),
    )


def _bounded(events: list[Event], now: float) -> list[Event]:
    if len(events) <= ONE_BY_ONE:
        return events
    first = events[0]
    return [
        Event(
            when_s=now,
            subject="nanny",
            message=first.message,
            rule=first.rule,
            cause=first.cause,
            level=first.level,
            facts=(("servers", str(len(events))), ("first", first.subject)),
        )
    ]
