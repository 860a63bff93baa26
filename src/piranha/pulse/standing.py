"""Where a router stands: its phase, term and fitness, and the heartbeat that tells the partner.

The lowest of the five layers of the election (standing, tenure, doubt, contest, election): each
uses only those below it.
"""

from math import inf
from typing import NamedTuple

from piranha.pulse.announcing import AnnouncePlan
from piranha.pulse.ending import RESTART_WITHIN_S, Ending
from piranha.pulse.hearing import Hearing
from piranha.pulse.heartbeat import NO_LIMIT, READY, Heartbeat, Obstacle, Role
from piranha.pulse.holding import Holding
from piranha.pulse.hosts import Answers, LineState
from piranha.pulse.inquiry import Finding, Inquiry
from piranha.pulse.partner import Partner, PathState
from piranha.pulse.reasons import Phase, Reason
from piranha.pulse.report import Report
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.watched import LinkState


class Variable(NamedTuple):
    """What of a heartbeat changes without a change of phase, settings or fitness."""

    revision: int
    seen_revision: int
    lease_s: float
    hears: bool
    order: bool
    handover: bool
    bad_signatures: bool
    lease_deadtime_s: float


class Standing:
    """What a router is, and what it says of itself."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        """Begin as `start` says. Call `tick` next."""
        beat = settings.heartbeat
        wait_s = beat.initdead_s if start.machine_booted else beat.deadtime_s
        self._first_wait = f"{'initdead' if start.machine_booted else 'deadtime'} = {wait_s:g}"
        self._settings = settings
        self._report = Report()
        self._partner = Partner(start.now + wait_s, {name: PathState() for name in settings.paths})
        self._hearing = Hearing(self._partner, self._report)
        self._holding = Holding(held=start.holding, leftover=start.holding, told_s=NO_LIMIT if start.holding else 0.0)
        self._plan = AnnouncePlan()
        self._phase = Phase.STANDBY
        self._since = start.now
        self._why = "started"
        self._term = self._highest_term = start.term
        self._revision = 1
        self._lvsd_heard = self._lvsd_ready = self._lvsd_serves = False
        self._obstacle = Obstacle.STARTING
        self._reasons: tuple[str, ...] = ("the lvs daemon has not reported yet",)
        self._unfit_since = start.now
        self._links: tuple[LinkState, ...] = ()
        self._link_troubles: tuple[str, ...] = ()  # of those
        self._lines: tuple[LineState, ...] = ()
        self._silent: tuple[LineState, ...] = ()  # of those
        self._asking_hosts = settings.monitor_hosts  # since the start, and not all have had the time to answer
        self._partner_knows_at = inf  # when it first told that it has seen how we are
        self._failure = ""
        self._failures = 0
        self._failed_until = -inf
        self._forced = start.force_active
        self._resume = start.resume if start.resume and start.holding and start.now < start.resume.until_s else None
        self._ordering = self._dueling = False
        self._owed = False  # the primary has failed since it last served: `failback` may give the addresses back
        self._well_since = inf  # since when it is well again
        self._offer = self._handover = False
        self._yielding_until = self._offer_until = -inf
        self._no_active_since = start.now
        self._paused_until = self._wary_until = -inf  # after a pause of our own only fresh words count
        self._inquiry = Inquiry()
        self._asking = False  # the LAN was consulted in this tick
        self._held_back: Finding | None = None  # what the LAN said when a takeover was last held back
        self._on_trial = False  # it took over from silence: the partner may live all the same
        self._rival = False  # somebody else answers for the addresses that are held here
        self._listening = False  # the next word of the partner decides, even if it says nothing new
        self._lease_deadtime_s = beat.deadtime_s
        self._fast = (-inf, beat.keepalive_s)  # until when, and how fast, heartbeats go after a reload
        self._ending: Ending | None = None
        self._stopped = False
        self._heartbeat_due = self._due = start.now
        self._touched = self._urgent = True
        self._greeted_at = -inf
        self._told_of: Variable | None = None
        self._told: Heartbeat

    @property
    def phase(self) -> Phase:
        """Where this router stands."""
        return self._phase

    def _wake(self, at: float, now: float) -> None:
        if now < at < self._due:
            self._due = at

    def _revise(self) -> None:
        """Note that what the partner must know has changed: it is told at once, and acknowledges it."""
        self._revision += 1
        self._urgent = self._touched = True

    def _change(self, reason: Reason, phase: Phase, now: float) -> None:
        self._report.change(now, reason, self._phase, phase)
        self._phase, self._since, self._why = phase, now, reason.message
        self._revise()

    def _fit(self) -> bool:
        return self._ready_here() and self._ending is None and not self._cut_off() and not self._may_be_cut_off()

    def _ready_here(self) -> bool:
        return self._lvsd_ready and not self._failure

    def _cut_off(self) -> bool:
        return bool(self._silent) or self._no_link()

    def _no_link(self) -> bool:
        return bool(self._link_troubles) and self._settings.monitor_links

    def _may_be_cut_off(self) -> bool:
        """Whether an active partner must not hand over to us yet. Without one nobody waits for an answer to ping."""
        if not self._asking_hosts or self._forced or self._phase is not Phase.STANDBY:
            return False
        last = self._partner.last
        return last is not None and last.role is Role.ACTIVE

    def _note_lines(self, lines: tuple[LineState, ...]) -> None:
        self._lines, self._silent = lines, tuple(line for line in lines if line.silent)
        if not any(line.answers is Answers.UNKNOWN for line in lines):
            self._asking_hosts = False

    def _able(self) -> bool:
        return self._lvsd_serves and not self._failure and self._ending is None

    def _why_unfit(self, now: float) -> tuple[str, ...]:
        why = () if self._lvsd_ready else self._reasons
        if self._failure:
            why += (self._failure,)
        if self._settings.monitor_links:
            why += self._link_troubles
        why += tuple(line.trouble(now) for line in self._silent)
        if self._may_be_cut_off():
            why += ("monitor_hosts has not been answered yet",)
        if self._ending is not None:
            why += ("this router is being stopped",)
        return why

    def _note_fitness(self, was: bool, now: float) -> None:
        if self._fit() is was:
            return
        if was:
            self._unfit_since = now
        else:
            self._no_active_since = max(self._no_active_since, now)
        self._touched = True
        self._revise()

    def _heartbeat(self, now: float) -> Heartbeat:
        """Return what to tell the partner; the same value as long as nothing has changed."""
        partner = self._partner
        active = self._phase is not Phase.STANDBY
        variable = Variable(
            self._revision,
            partner.last.revision if partner.last is not None else 0,
            self._holding.told_s,
            partner.alive(now),
            self._ordering and active,
            self._handover and not active,
            now < partner.sign_of_life_at() + self._settings.heartbeat.deadtime_s,
            self._lease_deadtime_s,
        )
        if variable != self._told_of:
            self._told_of = variable
            self._told = self._compose(variable)
        return self._told

    def _compose(self, variable: Variable) -> Heartbeat:
        settings, ending = self._settings, self._ending
        active = self._phase is not Phase.STANDBY
        goodbye = ending is not None and not ending.restart and not active
        returns = ending is not None and (ending.restart or (goodbye and ending.returns))
        fit = self._fit()
        return Heartbeat(
            place=settings.place,
            role=Role.ACTIVE if active else Role.STANDBY,
            term=self._term,
            revision=variable.revision,
            seen_revision=variable.seen_revision,
            readiness=READY if fit else 0,
            obstacle=self._present_obstacle(),
            keepalive_s=settings.heartbeat.keepalive_s,
            deadtime_s=max(settings.heartbeat.deadtime_s, variable.lease_deadtime_s),
            lease_s=variable.lease_s,
            hears=variable.hears,
            order=variable.order,
            handover=variable.handover,
            goodbye=goodbye,
            back_within_s=RESTART_WITHIN_S if returns else 0,
            bad_signatures=variable.bad_signatures,
            generation=settings.generation,
            meaning=settings.meaning,
        )

    def _present_obstacle(self) -> Obstacle:
        if self._fit():
            return Obstacle.NONE
        if self._ending is not None:
            return Obstacle.STOPPING
        if self._failure:
            return Obstacle.ADDRESSES
        if not self._lvsd_ready:
            return self._obstacle
        if self._no_link():
            return Obstacle.LINK
        return Obstacle.HOSTS if self._cut_off() else Obstacle.STARTING

    def _deadtime_rule(self) -> str:
        return f"deadtime = {self._partner.wait_s(self._settings.heartbeat.deadtime_s):g}"
