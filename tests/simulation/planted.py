"""Bugs planted on purpose: an election with one rule broken each. The simulation must find every one."""

from math import inf

from piranha.pulse.actions import Action, Effect, Outcome, SetLease
from piranha.pulse.election import Election
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat, Place, Role
from piranha.pulse.holding import Holding
from piranha.pulse.hosts import LineState
from piranha.pulse.inquiry import Claim
from piranha.pulse.lease_terms import lease_for
from piranha.pulse.partner import Partner
from piranha.pulse.reasons import Phase, Reason
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.standing import Variable


class NeverLimits(Election):
    """A killed pulse leaves its addresses behind for ever."""

    def _wanted_lease_s(self, now: float) -> float:
        return NO_LIMIT


class LimitsAlone(Election):
    """A dead pulse on a lone router becomes an outage."""

    def _wanted_lease_s(self, now: float) -> float:
        return float(lease_for(self._settings.heartbeat.deadtime_s))


class LeasesTooLong(Election):
    """The lifetime is a deadtime: it still runs when the partner takes over."""

    def _wanted_lease_s(self, now: float) -> float:
        lease_s = super()._wanted_lease_s(now)
        return lease_s if lease_s == NO_LIMIT else float(int(self._settings.heartbeat.deadtime_s))


class _Hasty(Partner):
    def wait_s(self, deadtime_s: float) -> float:
        return deadtime_s


def _with_partner(kind: type[Partner], election: Election) -> None:
    old = election._partner
    election._partner = election._hearing.partner = kind(old.dead_at, old.paths)


class IgnoresPartnersTimers(Election):
    """A reload to slower timers on one side looks like a death."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        super().__init__(settings, start)
        _with_partner(_Hasty, self)


class TakesOwnPauseForDeath(Election):
    """A process that stood still blames its partner."""

    def _excuse_lateness(self, late_s: float, now: float) -> None:
        return None


class BelievesWhatWaited(Election):
    """A goodbye that waited while the process was frozen is taken for news."""

    def _is_wary(self, now: float) -> bool:
        return False


class _Everlasting(Holding):
    def lapses_at(self) -> float:
        return inf


class _Lazy(Holding):
    def keep_due_at(self) -> float:
        return super().keep_due_at() + self.lease_s

    def keep(self, lease_s: float, now: float) -> Effect | None:  # type: ignore[override]  # the bug is not in the type
        if lease_s == self.lease_s != NO_LIMIT and now < self.renewed_at + 1.3 * lease_s:
            return None
        return super().keep(lease_s, now)


class _TellsTooSoon(Holding):
    def keep(self, lease_s: float, now: float) -> Effect | None:  # type: ignore[override]  # the bug is not in the type
        told_s, effect = self.told_s, super().keep(lease_s, now)
        self.told_s = lease_s if isinstance(effect, SetLease) else told_s
        return effect


def _with_holding(kind: type[Holding], election: Election) -> None:
    old = election._holding
    election._holding = kind(held=old.held, leftover=old.leftover, told_s=old.told_s)


class RenewsTheLapsed(Election):
    """A renewal that comes too late brings the addresses back to life."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        super().__init__(settings, start)
        _with_holding(_Everlasting, self)


class RenewsTooSeldom(Election):
    """The lease runs out although all is well."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        super().__init__(settings, start)
        _with_holding(_Lazy, self)


class TellsShortLeaseTooSoon(Election):
    """The partner is told of a short lease before the kernel has it."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        super().__init__(settings, start)
        _with_holding(_TellsTooSoon, self)


class NoTieBreak(Election):
    """Two active routers with the same term both stay."""

    def _duel(self, now: float) -> None:
        last = self._partner.last
        if last is None or last.term != self._term:
            super()._duel(now)


class NeverYields(Election):
    """A former active router does not listen to the later takeover."""

    def _duel(self, now: float) -> None:
        return None


class OrdersTheDeaf(Election):
    """Two active routers, one cannot hear: the other orders it for ever."""

    def _duel(self, now: float) -> None:
        self._partner.deaf = False
        super()._duel(now)


class KeepsItsTerm(Election):
    """A takeover does not count as later than the one before."""

    def _take_over(self, reason: Reason, now: float) -> None:
        self._term -= 1
        self._highest_term = self._term
        super()._take_over(reason, now)


class SaysStandbyTooSoon(Election):
    """The partner is told standby while the addresses are still here."""

    def _compose(self, variable: Variable) -> Heartbeat:
        heartbeat = super()._compose(variable)
        if self._phase is not Phase.STEPPING_DOWN:
            return heartbeat
        return Heartbeat(place=heartbeat.place, role=Role.STANDBY, term=heartbeat.term, revision=heartbeat.revision)


class TakesOverUnready(Election):
    """A router without a table takes the addresses."""

    def _claim(self, now: float) -> Reason | None:
        ready, self._lvsd_ready = self._lvsd_ready, True
        try:
            return super()._claim(now)
        finally:
            self._lvsd_ready = ready


class BackupNeverStepsIn(Election):
    """Both standby, the primary cannot: nobody serves."""

    def _claim(self, now: float) -> Reason | None:
        if self._settings.place is Place.BACKUP and self._partner.is_standby(now):
            return None
        return super()._claim(now)


class ForgetsTheOutcome(Election):
    """What became of removing the addresses is not taken in."""

    def _let_go(self, now: float) -> None:
        self._holding.retry_at = inf


class WaitsForNobody(Election):
    """A partner that announced a restart is taken for dead."""

    def receive(self, path: str, verdict: object, now: float) -> list[object]:  # type: ignore[override]  # passes on
        actions = super().receive(path, verdict, now)  # type: ignore[arg-type]  # as above
        heard_at = self._partner.heard_at
        if heard_at is not None:
            self._partner.dead_at = min(
                self._partner.dead_at, heard_at + self._partner.wait_s(self._settings.heartbeat.deadtime_s)
            )
        return list(actions)


class DeafToLateness(Election):
    """A takeover that came too late counts as done."""

    def effect_done(  # type: ignore[override]  # passes everything on
        self, effect: Effect, outcome: Outcome, now: float, **rest: object
    ) -> list[object]:
        if outcome is Outcome.LATE:
            outcome = Outcome.OK
        return list(super().effect_done(effect, outcome, now, **rest))  # type: ignore[arg-type]  # as above


class NeverDoubts(Election):
    """Datagrams that fail their signature count for nothing."""

    def _in_doubt(self, now: float) -> bool:
        return False


class HeldBackForEver(Election):
    """Who forges datagrams of a dead router keeps the other one from serving."""

    def _claim_in_doubt(self, now: float) -> None:
        return None


class DeafToTheLan(Election):
    """The LAN is asked, and its answer is not taken in."""

    def lan_heard(self, claim: Claim, now: float) -> list[Action]:
        return []


class AsksOnlyBefore(Election):
    """Who took over in doubt does not ask again."""

    def _watch_rival(self, now: float) -> None:
        return None


class IgnoresTheLink(Election):
    """A router that is cut off from its clients keeps the addresses."""

    def _cut_off(self) -> bool:
        return False


class IgnoresTheHosts(Election):
    """A router that nobody answers keeps the addresses."""

    def _note_lines(self, lines: tuple[LineState, ...]) -> None:
        return None


class FleesAtOnce(Election):
    """A router that nobody answers does not wait until its partner may know as much."""

    def _hosts_apart_s(self) -> float:
        return 0.0


class OwesForEver(Election):
    """The primary gets back what a person took from it."""

    def _fail_back(self, now: float) -> None:
        self._owed = True
        super()._fail_back(now)


PLANTED: tuple[type[Election], ...] = (
    NeverLimits,
    LimitsAlone,
    LeasesTooLong,
    IgnoresPartnersTimers,
    TakesOwnPauseForDeath,
    BelievesWhatWaited,
    RenewsTheLapsed,
    RenewsTooSeldom,
    TellsShortLeaseTooSoon,
    NoTieBreak,
    NeverYields,
    OrdersTheDeaf,
    KeepsItsTerm,
    SaysStandbyTooSoon,
    TakesOverUnready,
    BackupNeverStepsIn,
    ForgetsTheOutcome,
    WaitsForNobody,
    DeafToLateness,
    NeverDoubts,
    HeldBackForEver,
    DeafToTheLan,
    AsksOnlyBefore,
    IgnoresTheLink,
    IgnoresTheHosts,
    FleesAtOnce,
    OwesForEver,
)
