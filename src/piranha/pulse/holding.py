"""Keeps the books of this router's own addresses: which effect runs, what lifetime is confirmed, until when.

Everything errs on one side: a lifetime counts from before the call that gave it, and what is told
to the partner is never shorter than what the kernel may hold.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf

from piranha.pulse.actions import Announce, Effect, Outcome, RenewLeases, SetLease, StepDown, TakeOver
from piranha.pulse.heartbeat import NO_LIMIT
from piranha.pulse.lease_terms import gone_after_s, renewal_interval_s

RETRY_S = 1.0
RETAKE_S = 5.0  # longest time between attempts to hold what could not be added or renewed


class News(Enum):
    """What the result of an effect means."""

    NOTHING = "nothing"  # of an effect that something later has overtaken
    TAKEN = "taken"
    NOT_TAKEN = "not taken"
    TOO_LATE = "too late"  # the takeover did not happen in time; nothing is held
    RELEASED = "released"
    NOT_RELEASED = "addresses could not be removed"
    KEPT = "kept"
    SET = "set"
    NOT_SET = "addresses could not be set as the file says"
    NOT_KEPT = "addresses could not be renewed"
    LAPSED = "lapsed"


@dataclass(slots=True)
class Holding:
    """The addresses of this router.

    held: addresses are or may be there. lease_s: lifetime to renew, `NO_LIMIT` or 0. told_s: what
    heartbeats say. leftover: a former `pulse` left addresses here that no effect has touched yet.
    renewed_at: when the last successful renewal began; ended_at: when it was done.
    awaited: the effect whose result is outstanding. stale: the file has changed, or something
    could not be added or renewed. retry_at: not before then. failing_since: when holding all of
    them first failed since it last went well.
    """

    held: bool = False
    leftover: bool = False
    lease_s: float = 0.0
    told_s: float = 0.0
    renewed_at: float = -inf
    ended_at: float = -inf
    awaited: TakeOver | StepDown | SetLease | RenewLeases | None = None
    stale: bool = False
    retry_at: float = -inf
    failing_since: float = inf
    serial: int = 0
    _overtaken_until: float = -inf  # not_after of an effect that StepDown overtook

    def take_over(self, *, term: int, lease_s: float, not_after: float, reason: str) -> TakeOver:
        """Begin to hold the addresses."""
        self.held, self.stale = True, False
        self.lease_s = lease_s
        self.told_s = max(lease_s, self.told_s)
        effect = TakeOver(serial=self._next(), term=term, valid_s=_whole(lease_s), not_after=not_after, reason=reason)
        self.awaited = effect
        return effect

    def release(self, reason: str, now: float) -> StepDown:
        """Begin to let the addresses go."""
        if isinstance(self.awaited, TakeOver | SetLease | RenewLeases):
            self._overtaken_until = self.awaited.not_after
        effect = StepDown(serial=self._next(), reason=reason)
        self.awaited = effect
        self.retry_at = now + RETRY_S
        return effect

    def keep(self, lease_s: float, now: float) -> SetLease | RenewLeases | None:
        """Return the effect that is due to hold the addresses with lifetime `lease_s`, if any."""
        if self.awaited is not None or now < self.retry_at:
            return None
        if self.stale or lease_s != self.lease_s:
            # Said before it is done when it grows, only after it is done when it shrinks.
            self.told_s = max(self.told_s, lease_s)
            self.awaited = SetLease(serial=self._next(), valid_s=_whole(lease_s), not_after=self.lapses_at())
            return self.awaited
        if lease_s != NO_LIMIT and now >= self.renewed_at + renewal_interval_s(lease_s):
            self.awaited = RenewLeases(serial=self._next(), valid_s=int(lease_s), not_after=self.lapses_at())
            return self.awaited
        return None

    def keep_due_at(self) -> float:
        """Return when `keep` has something to do, were nothing to change."""
        if self.awaited is not None:
            return inf
        if self.stale:
            return self.retry_at
        return max(self.retry_at, self.renewed_at + renewal_interval_s(self.lease_s))

    def failed_for_good(self, now: float) -> bool:
        """Whether addresses have been lost for so long that a partner should have them: half a lease."""
        return now >= self.failing_since + min(RETAKE_S, self.lease_s / 2)

    def lapses_at(self) -> float:
        """Return until when the addresses are there for certain; they must not be renewed after it."""
        return self.renewed_at + self.lease_s

    def gone_at(self) -> float:
        """Return when the addresses are gone even if nobody removes them; inf = they stay."""
        if self.leftover:
            return inf
        if self.renewed_at == -inf and isinstance(self.awaited, StepDown):
            return self._overtaken_until  # never confirmed: what is added after not_after is undone at once
        last = max(self.ended_at, min(self._overtaken_until, self.lapses_at()))
        return last + gone_after_s(self.told_s)

    def announcement(self, number: int, now: float, patience_s: float) -> Announce:
        """Return announcement `number`; its time is up with the lease."""
        return Announce(serial=self._next(), number=number, not_after=min(now + patience_s, self.lapses_at()))

    def done(self, effect: Effect, outcome: Outcome, now: float, began_s: float) -> News:
        """Take in the result of an effect."""
        if self.awaited is None or effect.serial != self.awaited.serial:
            return News.NOTHING
        self.awaited = None
        match effect:
            case StepDown():
                return self._released(outcome)
            case TakeOver(valid_s=valid_s):
                return self._taken(_seconds(valid_s), outcome, now, began_s)
            case SetLease(valid_s=valid_s):
                return self._set(_seconds(valid_s), outcome, now, began_s)
            case RenewLeases():
                return self._renewed(outcome, now, began_s)
            case _:
                return News.NOTHING

    def forget(self) -> None:
        """Take in that nothing is held any more."""
        self.held = self.leftover = self.stale = False
        self.lease_s = self.told_s = 0.0
        self.renewed_at = self.ended_at = self._overtaken_until = -inf
        self.retry_at = -inf
        self.failing_since = inf

    def _released(self, outcome: Outcome) -> News:
        return News.RELEASED if outcome is Outcome.OK else News.NOT_RELEASED

    def _taken(self, lease_s: float, outcome: Outcome, now: float, began_s: float) -> News:
        if outcome is Outcome.LATE:
            return News.TOO_LATE
        self.renewed_at, self.ended_at = began_s, now
        self.lease_s = lease_s
        if outcome is Outcome.FAILED:
            # What a former pulse left may still have its old lifetime.
            self._failed(now)
            return News.NOT_TAKEN
        self.leftover = self.stale = False
        self.told_s = lease_s
        return News.TAKEN

    def _set(self, lease_s: float, outcome: Outcome, now: float, began_s: float) -> News:
        if outcome is Outcome.LATE:
            return News.LAPSED
        self.ended_at = now
        if outcome is Outcome.FAILED:
            # Some have the old lifetime, some the new: renew by the shorter one, tell the longer one.
            self.lease_s = min(self.lease_s, lease_s)
            self._failed(now)
            return News.NOT_SET
        self.renewed_at = began_s
        self.failing_since = inf
        self.lease_s = self.told_s = lease_s
        self.leftover = self.stale = False
        return News.SET

    def _renewed(self, outcome: Outcome, now: float, began_s: float) -> News:
        if outcome is Outcome.LATE:
            return News.LAPSED
        self.ended_at = now  # also after a failure: some may have been renewed
        if outcome is Outcome.FAILED:
            self._failed(now)  # a renewal keeps what is there; what is not must be acquired again
            return News.NOT_KEPT
        self.renewed_at = began_s
        return News.KEPT

    def _failed(self, now: float) -> None:
        self.stale = True
        self.failing_since = min(self.failing_since, now)
        self.retry_at = now + min(RETAKE_S, renewal_interval_s(self.lease_s) / 3)

    def _next(self) -> int:
        self.serial += 1
        return self.serial


def _whole(lease_s: float) -> int | None:
    return None if lease_s == NO_LIMIT else int(lease_s)


def _seconds(valid_s: int | None) -> float:
    return NO_LIMIT if valid_s is None else float(valid_s)
