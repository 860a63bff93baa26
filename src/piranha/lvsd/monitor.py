"""Health of one real server: three states, a reason for each result, patience in both directions."""

from collections.abc import Iterable
from enum import StrEnum

from piranha.dataclass import dataclass, field
from piranha.events.event import Event, Level
from piranha.lvscf.check_values import CheckTiming
from piranha.nanny.results import Advice, ProbeResult, Reason

PEACE_S = 3600.0
MOST_RELAPSES = 20
"""More doublings than any `reentry_max` allows."""


class Health(StrEnum):
    """What is believed of a real server; unknown keeps what the plane holds."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(slots=True)
class Monitor:
    """Turns probe results of one real server into a health that does not flap.

    subject: `www/web3`. place: reads `10.0.0.3:80`, for the sentences of the log. timing: patience in
    both directions: `fall` failures in a row make an up server down; `rise` good checks in a row
    make a down server up, once it has answered for `reentry_s`. `now` is monotonic seconds. Feed
    the results of one server in the order in which its checks started. last, last_failure: the last
    result, and the last for which the server is to blame. heard_s: start of the last that says something of it.
    advice: what the last good result said of the weight. disagreeing: results in a row that speak against `health`.
    recovered_s: when it last came back from being down, None if it never did since it was last down. reentry_s: how
    long a server that is down must pass, longer than that of `timing` where it keeps failing.
    """

    subject: str
    place: object
    timing: CheckTiming
    health: Health = Health.UNKNOWN
    since_s: float = 0.0
    last: ProbeResult | None = field(default=None, init=False)
    last_failure: ProbeResult | None = field(default=None, init=False)
    heard_s: float | None = field(default=None, init=False)
    advice: Advice | None = field(default=None, init=False)
    disagreeing: int = field(default=0, init=False)
    recovered_s: float | None = field(default=None, init=False)
    _relapses: int = field(default=0, init=False)
    _disagrees_since: float = field(default=0.0, init=False)

    @property
    def believed_up(self) -> bool | None:
        """What nannies are told: None while nothing is known."""
        return None if self.health is Health.UNKNOWN else self.health is Health.UP

    def observe(self, result: ProbeResult, now: float) -> Event | None:
        """Take in one probe result; return the transition it caused, if any.

        A probe that failed for a reason of this machine (`Reason.ERROR`) says nothing of the
        server: it neither counts nor ends a series.
        """
        self.last = result
        if result.reason is Reason.ERROR:
            return None
        self.heard_s = result.started_s
        if result.ok:
            self.advice = result.advice
        else:
            self.last_failure = result
        seen = Health.UP if result.ok else Health.DOWN
        if seen is self.health:
            self.disagreeing = 0
            return None
        if self.disagreeing == 0:
            self._disagrees_since = now
        self.disagreeing += 1
        if not self._convinced(now):
            return None
        before, rule = self.health, self._rule()
        self._remember(before, now)
        self.health, self.since_s, self.disagreeing = seen, now, 0
        return transition(self.subject, self.place, before=before, after=seen, rule=rule, cause=result.detail, now=now)

    def advices(self) -> list[Advice]:
        """Return what is said of the weight: nothing, or one word."""
        return [self.advice] if self.advice is not None else []

    def advise(self, advices: Iterable[Advice]) -> None:
        """Take over what `advices` of another monitor returned."""
        self.advice = next(iter(advices), None)

    @property
    def reentry_s(self) -> float:
        """Seconds of good checks that a server that is down needs."""
        once_s, most_s = self.timing.reentry_s, self.timing.reentry_max_s
        doublings = max(0, self._relapses - 1)
        return max(once_s, min(once_s * (1 << doublings), most_s))

    def retime(self, timing: CheckTiming) -> None:
        """Go on with other patience (a reload); health and the series at hand stay."""
        self.timing = timing

    def forget(self, now: float) -> None:
        """Go back to unknown: what was seen so far says nothing any more."""
        self.health, self.since_s, self.disagreeing, self.advice = Health.UNKNOWN, now, 0, None

    def state(self, now: float) -> str:
        """Return the word of `status`: `up`, `falling 1/2`, `down`, `rising 8/15s`, `rising 1/3`, `unknown`."""
        if self.disagreeing == 0 or self.health is Health.UNKNOWN:
            return str(self.health)
        if self.health is Health.UP:
            return f"falling {self.disagreeing}/{self.timing.fall}"
        answered_s = now - self._disagrees_since
        if answered_s < self.reentry_s:
            return f"rising {int(answered_s)}/{self.reentry_s:g}s"
        return f"rising {self.disagreeing}/{self.timing.rise}"

    def _convinced(self, now: float) -> bool:
        match self.health:
            case Health.UNKNOWN:
                return True  # the first answer decides
            case Health.UP:
                return self.disagreeing >= self.timing.fall
            case Health.DOWN:
                answered_s = now - self._disagrees_since
                return self.disagreeing >= self.timing.rise and answered_s >= self.reentry_s

    def _remember(self, before: Health, now: float) -> None:
        """Note a recovery, and a relapse: each hour of peace before it makes good for one."""
        if before is Health.UP:
            peace = int((now - self.since_s) / PEACE_S)
            self._relapses = min(max(0, self._relapses - peace) + 1, MOST_RELAPSES)
        self.recovered_s = now if before is Health.DOWN else None

    def _rule(self) -> str:
        match self.health:
            case Health.UNKNOWN:
                return "first check"
            case Health.UP:
                return f"fall = {self.timing.fall}"
            case Health.DOWN:
                return f"rise = {self.timing.rise}, reentry = {self.reentry_s:g}"


def transition(
    subject: str, place: object, *, before: Health, after: Health, rule: str, cause: str, now: float
) -> Event:
    """Return the event of a server that went up or down."""
    # The sentences of the original: scripts search logs for them.
    if after is Health.UP:
        level, message = Level.INFO, f"[ active ] making {place} available"
    else:
        level, message = Level.WARNING, f"[inactive] shutting down {place} due to connection failure"
    return Event(
        when_s=now,
        subject=subject,
        message=message,
        before=str(before),
        after=str(after),
        rule=rule,
        cause=cause,
        level=level,
    )
