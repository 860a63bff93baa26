"""What is known of the partner: when it was heard on which path, what it said, until when it counts as alive."""

from dataclasses import dataclass, field
from math import inf

from piranha.pulse.heartbeat import Heartbeat, Role
from piranha.pulse.verdicts import SIGNATURE_FAILURES, Evidence

# A partner that sends these lives, although it cannot be understood: its key or name differs.
SIGNS_OF_LIFE = SIGNATURE_FAILURES | {Evidence.OTHER_CLUSTER}

WORDS_LAST = 1.25
"""Heartbeat intervals for which the newest words of a partner are taken for its present mind."""


@dataclass(slots=True)
class PathState:
    """One path.

    evidence: what else came from there last; told: all that was reported since the last heartbeat;
    life_at: when something came that proves life but cannot be verified; unproven_at: when something signed
    came of a session that has not echoed our nonce, for example since it does not hear us. late: heartbeats
    after `warntime`.
    """

    heard_at: float | None = None
    lost: bool = False
    late: int = 0
    evidence: Evidence | None = None
    told: set[Evidence] = field(default_factory=set)
    life_at: float = -inf
    unproven_at: float = -inf


@dataclass(slots=True)
class Partner:
    """The partner as this router sees it.

    dead_at: when it counts as dead unless heard before; at first the end of the wait after the start.
    offered_at: when it let go and asked us to take over, -inf = it did not, or we could not then.
    learned_at: when its newest words came; ready_since, standby_since: when it said so first.
    order_revision: our revision that orders it to step down; deaf_since: it has said since then
    that it is active and has not seen that.
    """

    dead_at: float
    paths: dict[str, PathState]
    last: Heartbeat | None = None
    heard_at: float | None = None
    offered_at: float = -inf
    learned_at: float = -inf
    ready_since: float = -inf
    standby_since: float = -inf
    order_revision: int = 0
    deaf_since: float | None = None
    deaf: bool = False
    mourned: bool = field(default=False)  # its death has been reported

    def alive(self, now: float) -> bool:
        """Whether it was heard and not been silent for too long."""
        return self.heard_at is not None and now < self.dead_at

    def is_standby(self, now: float) -> bool:
        """Whether it is alive and says that it is standby."""
        return self.alive(now) and self.last is not None and self.last.role is Role.STANDBY

    def is_active(self, now: float) -> bool:
        """Whether it is alive and says that it is active."""
        return self.alive(now) and self.last is not None and self.last.role is Role.ACTIVE

    def could_serve(self, now: float) -> bool:
        """Whether it would take over now if asked: standby, ready, and it hears us."""
        return self.is_standby(now) and self.last is not None and self.last.ready and self.last.hears

    def wait_s(self, deadtime_s: float) -> float:
        """Return how long to wait for it: the longer deadtime of the two, so that no reload fakes a death."""
        return deadtime_s if self.last is None else max(deadtime_s, self.last.deadtime_s)

    def offers(self, now: float) -> bool:
        """Whether its offer stands: it takes back what nobody took after its deadtime."""
        return self.last is not None and now <= self.offered_at + self.last.deadtime_s / 2

    def acknowledged(self, revision: int) -> bool:
        """Whether it has seen our `revision` or a later one."""
        return self.last is not None and self.last.seen_revision >= revision

    def excuse(self, late_s: float, now: float, deadtime_s: float) -> None:
        """Extend its deadline by our own lateness, to at most a full wait from now; so long its signs of life count."""
        self.dead_at = max(self.dead_at, min(self.dead_at + late_s, now + self.wait_s(deadtime_s)))
        for state in self.paths.values():
            state.life_at = min(state.life_at + late_s, now)
            state.unproven_at = min(state.unproven_at + late_s, now)

    def hear(self, path: str, at: float, deadtime_s: float) -> None:
        """Take in that it was heard on `path`."""
        self.heard_at = at if self.heard_at is None else max(at, self.heard_at)
        state = self.paths.get(path)
        if state is not None:
            state.heard_at = at
            state.life_at = state.unproven_at = -inf
            if state.evidence is not None:
                state.evidence = None
                state.told.clear()
        wait_s = self.wait_s(deadtime_s)
        if self.last is not None:
            wait_s += self.last.back_within_s
            if self.last.goodbye:
                wait_s = 0.0
        self.dead_at = self.heard_at + wait_s

    def learn(self, heartbeat: Heartbeat | None, at: float) -> None:
        """Take in new contents (None: they cannot be used); call before `hear`."""
        before, self.last, self.learned_at = self.last, heartbeat, at
        if heartbeat is None:
            self.deaf_since, self.deaf = None, False
            return
        if heartbeat.ready and not (before and before.ready):
            self.ready_since = at
        if heartbeat.role is Role.STANDBY and not (before and before.role is Role.STANDBY):
            self.standby_since = at
        if heartbeat.role is Role.STANDBY or heartbeat.seen_revision >= self.order_revision:
            self.deaf_since, self.deaf = None, False
        elif self.deaf_since is None:
            self.deaf_since = at
        elif at - self.deaf_since >= 0.9 * heartbeat.keepalive_s:
            # The second heartbeat that says so: our answer to the first one had its chance.
            self.deaf = True

    def forget(self) -> None:
        """Take in that it began a new session: nothing it said before holds."""
        self.last = None
        self.offered_at = -inf
        self.ready_since = self.standby_since = -inf
        self.deaf_since, self.deaf = None, False

    def sign_of_life_at(self) -> float:
        """Return when something last came from it that could not be verified; -inf = never."""
        return max([state.life_at for state in self.paths.values()], default=-inf)

    def doubtful_at(self) -> float:
        """Return when something last came that may be its own, but is no heartbeat; -inf = never."""
        return max([self.sign_of_life_at(), *(state.unproven_at for state in self.paths.values())])

    def is_gone(self) -> bool:
        """Whether it said goodbye, and nothing came since that may be its own."""
        return self.last is not None and self.last.goodbye and self.doubtful_at() <= self.learned_at

    def outdated(self, now: float) -> bool:
        """Whether its words are older than a heartbeat interval, and what came since may be its own: a new session."""
        return (
            self.last is not None
            and now > self.learned_at + WORDS_LAST * self.last.keepalive_s
            and self.doubtful_at() > self.learned_at
        )

    def keep_paths(self, names: tuple[str, ...]) -> None:
        """Take in the paths of a reloaded configuration."""
        self.paths = {name: self.paths.get(name, PathState()) for name in names}
