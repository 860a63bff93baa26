"""Several checks of one real server, judged together (`check = a b`, `check_rule`)."""

from collections.abc import Iterable, Sequence

from piranha.dataclass import dataclass, field
from piranha.events.event import Event
from piranha.lvscf.check_values import CheckTiming
from piranha.lvsd.monitor import Health, Monitor, transition
from piranha.nanny.results import Advice, ProbeResult


@dataclass(slots=True)
class Combined:
    """The health of a server by several checks; it looks like a `Monitor` to who only reads.

    parts: one monitor a check, by the name of the check. needed: how many must be up. The server is up when
    so many are, down when so many cannot be any more, and unknown in between.
    """

    subject: str
    place: object
    parts: Sequence[tuple[str, Monitor]]
    needed: int
    since_s: float = 0.0
    health: Health = field(default=Health.UNKNOWN, init=False)
    recovered_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.health = self._judge()

    @property
    def timing(self) -> CheckTiming:
        """The patience of the check that has the last word."""
        return self._told.timing

    @property
    def last(self) -> ProbeResult | None:
        """The last result of the check that has the last word."""
        return self._told.last

    @property
    def last_failure(self) -> ProbeResult | None:
        """The latest failure of any of them."""
        failures = [part.last_failure for _, part in self.parts if part.last_failure is not None]
        return max(failures, key=lambda failure: failure.started_s, default=None)

    def advices(self) -> list[Advice]:
        """Return what its checks say of the weight."""
        return [part.advice for _, part in self.parts if part.advice is not None]

    def advise(self, advices: Iterable[Advice]) -> None:
        """Take over what `advices` of another one returned; which check said which makes no difference."""
        said = iter(advices)
        for _, part in self.parts:
            part.advice = next(said, None)

    @property
    def disagreeing(self) -> int:
        """Results in a row that speak against what is believed."""
        return self._told.disagreeing

    @property
    def reentry_s(self) -> float:
        """Seconds of good checks that the server needs."""
        return max(part.reentry_s for _, part in self.parts)

    def observe(self, part: str, result: ProbeResult, now: float) -> Event | None:
        """Take in a result of the check called `part`; return the transition of the server, if any."""
        monitor = dict(self.parts)[part]
        seen = monitor.observe(result, now)
        before, health = self.health, self._judge()
        if seen is None or health is before or health is Health.UNKNOWN:
            return None
        self.health, self.since_s = health, now
        self.recovered_s = now if before is Health.DOWN else None
        rule = f"{seen.rule}; {self.needed} of {len(self.parts)} checks must pass"
        cause = f"check {part}: {seen.cause}"
        return transition(self.subject, self.place, before=before, after=health, rule=rule, cause=cause, now=now)

    def state(self, now: float) -> str:
        """Return the word of `status`, as `Monitor.state`."""
        state = self._told.state(now)
        return state if self._told.health is self.health else str(self.health)

    @property
    def _told(self) -> Monitor:
        """The check to tell of: one that is against what is believed, else one that bears it out."""
        monitors = [part for _, part in self.parts]
        wavering = [one for one in monitors if one.health is self.health and one.disagreeing]
        agreeing = [one for one in monitors if one.health is self.health]
        return (wavering or agreeing or monitors)[0]

    def _judge(self) -> Health:
        healths = [part.health for _, part in self.parts]
        if healths.count(Health.UP) >= self.needed:
            return Health.UP
        return Health.DOWN if len(healths) - healths.count(Health.DOWN) < self.needed else Health.UNKNOWN
