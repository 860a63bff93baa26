"""Decides which of two routers is active. It holds no socket, reads no clock, touches no address.

The shell feeds it what happens and carries out the actions it returns, in order:

    for path, data, at in inbox.drain():                 # read before judging
        dispatch(election.receive(path, session.read(path, data), at))
    dispatch(election.tick(clock()))
    wait until inbox, an effect result, a command, or election.deadline()

`now` is monotonic time in seconds everywhere. Inputs only take in facts; every judgement is made
in `tick`, so that a process that was stopped for a while reads what waited before it judges. After
an input `deadline()` lies in the past when there is something to judge. Rules: docs/failover.md.
"""

from collections.abc import Sequence
from math import inf

from piranha.events.event import Level
from piranha.pulse import reasons
from piranha.pulse.actions import (
    Action,
    Answer,
    Command,
    Effect,
    Outcome,
    Resume,
    SendHeartbeat,
    Stopped,
    TakeOver,
)
from piranha.pulse.announcing import AnnouncePlan
from piranha.pulse.ending import RESTART_WITHIN_S, STOP_LIMIT_S, Ending, EndStep
from piranha.pulse.hearing import Heard, Hearing
from piranha.pulse.heartbeat import NO_LIMIT, READY, Heartbeat, Obstacle, Place, Role
from piranha.pulse.holding import Holding, News
from piranha.pulse.lease_terms import gone_after_s, lease_for
from piranha.pulse.partner import Partner, PathState
from piranha.pulse.reasons import Phase, Reason
from piranha.pulse.report import Report
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.verdicts import Verdict
from piranha.pulse.view import PathView, View

__all__ = ["Election", "PathView", "View"]

FIRST_HOLD_OFF_S = 30.0  # not ready for so long after addresses could not be added; doubles
LONGEST_HOLD_OFF_S = 300.0
RETAKE_S = 5.0  # between attempts to add what could not be added, while nobody else can
GREETING_INTERVAL_S = 0.05  # answers to sessions that are not proven are not faster than this
LONG_S = 3600.0
ROUNDS = 4  # a change of phase is followed by the rules of the new phase in the same tick


class Election:
    """The state machine of one router; see the module's docstring for how to drive it."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        """Begin as `start` says. Call `tick` next."""
        beat = settings.heartbeat
        wait_s = beat.initdead_s if start.machine_booted else beat.deadtime_s
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
        self._lvsd_ready = False
        self._obstacle = Obstacle.STARTING
        self._reasons: tuple[str, ...] = ("the lvs daemon has not reported yet",)
        self._unfit_since = start.now
        self._failure = ""
        self._failures = 0
        self._failed_until = -inf
        self._forced = start.force_active
        self._resume = start.resume if start.resume and start.holding and start.now < start.resume.until_s else None
        self._ordering = self._dueling = False
        self._offer = self._handover = False
        self._yielding_until = -inf
        self._no_active_since = start.now
        self._lease_deadtime_s = beat.deadtime_s
        self._fast = (-inf, beat.keepalive_s)  # until when, and how fast, heartbeats go after a reload
        self._ending: Ending | None = None
        self._stopped = False
        self._heartbeat_due = self._due = start.now
        self._touched = self._urgent = True
        self._greeted_at = -inf

    # inputs

    def receive(self, path: str, verdict: Verdict, now: float) -> list[Action]:
        """Take in one datagram of the partner's address, or ICMP unreachable as `Rejected(UNREACHABLE)`.

        now: when the kernel received it, if that is known.
        """
        heard = self._hearing.receive(path, verdict, now, self._settings, self._fit())
        if heard is not Heard.STEADY or self._dueling:
            self._touched = True
            last = self._partner.last
            if last is not None:
                self._highest_term = max(self._highest_term, last.term)
                self._no_active_since = max(
                    self._no_active_since, self._partner.standby_since, self._partner.ready_since
                )
            if heard is Heard.ANSWER:
                self._urgent = True
            elif (heard is Heard.STRANGER or self._dueling) and now >= self._greeted_at + GREETING_INTERVAL_S:
                self._greeted_at = now
                self._urgent = True
        return self._report.drain() if self._report.actions else []

    def lvsd(self, ready: bool, reasons: Sequence[str], now: float) -> list[Action]:
        """Take in that the lvs daemon can serve (its table is loaded), or why not. Until told: not ready."""
        was = self._fit()
        if ready is not self._lvsd_ready or self._obstacle is Obstacle.STARTING:
            word = "ready" if ready else "not ready"
            level = Level.INFO if ready else Level.WARNING
            cause = ", ".join(reasons) or "reported by the lvs daemon"
            self._report.say(now, "lvsd", f"lvs daemon is {word}", cause, level=level, after=word)
        self._lvsd_ready, self._reasons = ready, tuple(reasons)
        self._obstacle = Obstacle.NONE if ready else Obstacle.LVSD
        self._note_fitness(was, now)
        return self._report.drain()

    def effect_done(
        self, effect: Effect, outcome: Outcome, now: float, *, began_s: float | None = None, detail: str = ""
    ) -> list[Action]:
        """Take in what became of an effect. began_s: when its first system call began (None = now)."""
        self._touched = True
        news = self._holding.done(effect, outcome, now, now if began_s is None else began_s)
        was = self._fit()
        match news:
            case News.TAKEN | News.SET:
                self._taken(news, detail, now)
            case News.NOT_TAKEN:
                self._not_taken(detail, now)
            case News.TOO_LATE if self._phase is Phase.TAKING_OVER:
                self._change(reasons.too_late(detail), Phase.STANDBY, now)
                if not self._holding.leftover:
                    self._holding.forget()
            case News.RELEASED:
                self._let_go(now)
            case News.LAPSED:
                self._step_down(self._lapse(now), now, offer=True)
            case News.KEPT:
                self._urgent = True  # a heartbeat follows each renewal at once
            case News.NOT_RELEASED | News.NOT_KEPT | News.NOT_SET:
                if news is News.NOT_SET:
                    self._holding.retry_at = now + RETAKE_S
                self._report.say(now, "vip", f"addresses: {news.value}", detail, level=Level.ERROR)
            case _:
                if outcome is Outcome.FAILED:
                    self._report.say(now, "vip", "announcement failed", detail, level=Level.WARNING)
        self._note_fitness(was, now)
        return self._report.drain()

    def command(self, command: Command, now: float) -> Answer:
        """Take in a command; a refusal changes nothing."""
        refusal = self._refusal(command, now)
        if refusal:
            return Answer([], refusal)
        self._touched = True
        if command is Command.SWITCHOVER:
            self._step_down(reasons.switchover(), now, offer=True)
            return Answer(self._report.drain())
        was = self._fit()
        # A standby that restarts holds nothing: a goodbye says more than "wait for me".
        self._ending = Ending(command is Command.PREPARE_RESTART and self._phase is Phase.ACTIVE, now)
        self._note_fitness(was, now)
        held = self._phase in (Phase.ACTIVE, Phase.TAKING_OVER) or self._holding.held
        if command is Command.STOP and held and self._phase is not Phase.STEPPING_DOWN:
            self._step_down(reasons.terminating(), now, offer=True)
        return Answer(self._report.drain())

    def reconfigure(self, settings: ElectionSettings, now: float) -> list[Action]:
        """Take in a reloaded configuration. An active router makes its addresses what the file says (SetLease)."""
        old, self._settings = self._settings, settings
        slow_down = settings.heartbeat.keepalive_s > old.heartbeat.keepalive_s
        if slow_down:
            # The partner must hear of the slower pace while it still expects the faster one.
            self._fast = (now + self._partner.wait_s(old.heartbeat.deadtime_s), old.heartbeat.keepalive_s)
        if not 0 < self._holding.told_s < NO_LIMIT:
            self._lease_deadtime_s = settings.heartbeat.deadtime_s
        partner = self._partner
        partner.keep_paths(settings.paths)
        if partner.alive(now) and partner.last is not None and not partner.last.back_within_s:
            assert partner.heard_at is not None  # noqa: S101 -- alive() says so
            partner.dead_at = partner.heard_at + partner.wait_s(settings.heartbeat.deadtime_s)
        if self._phase is Phase.ACTIVE:
            self._holding.stale = True
            self._holding.retry_at = now
        self._revise()
        return self._report.drain()

    @property
    def phase(self) -> Phase:
        """Where this router stands."""
        return self._phase

    # time

    def tick(self, now: float) -> list[Action]:
        """Do what is due; to be called after everything that waited was read, no later than `deadline`."""
        if self._stopped:
            return []
        late_s = now - self._due
        if late_s > 0:
            deadtime_s = self._settings.heartbeat.deadtime_s
            self._partner.excuse(late_s, now, deadtime_s)
            self._no_active_since += min(late_s, deadtime_s)
        for _ in range(ROUNDS):
            self._touched = False
            self._due = now + LONG_S
            self._watch_partner(now)
            self._watch_holding(now)
            self._judge_role(now)
            if self._phase is Phase.ACTIVE:
                self._serve(now)
            if self._ending is not None:
                self._end(self._ending, now)
            if self._stopped or not self._touched:
                break
        self._beat(now)
        return self._report.drain()

    def deadline(self) -> float:
        """Return when `tick` must be called next; -inf = at once."""
        return -inf if self._touched else self._due

    def _wake(self, at: float, now: float) -> None:
        if now < at < self._due:
            self._due = at

    def _watch_partner(self, now: float) -> None:
        partner = self._partner
        if partner.heard_at is None:
            self._wake(partner.dead_at, now)
            return
        alive = partner.alive(now)
        if alive:
            self._wake(partner.dead_at, now)
        elif not partner.mourned:
            partner.mourned = True
            if not (partner.last and partner.last.goodbye):
                cause = f"no heartbeat on any path for {now - partner.heard_at:.2f} s"
                self._report.say(now, "partner", "partner dead", cause, rule=self._deadtime_rule(), level=Level.WARNING)
        wait_s = partner.dead_at - partner.heard_at
        for name, state in partner.paths.items():
            if state.heard_at is None or state.lost or wait_s == 0:
                continue
            if now < state.heard_at + wait_s:
                self._wake(state.heard_at + wait_s, now)
                continue
            state.lost = True
            if alive:
                cause = f"no heartbeat for {now - state.heard_at:.2f} s"
                subject = f"path {name}"
                self._report.say(
                    now, subject, "heartbeat path lost", cause, level=Level.WARNING, before="ok", after="lost"
                )

    def _watch_holding(self, now: float) -> None:
        holding = self._holding
        match self._phase:
            case Phase.ACTIVE if now > holding.lapses_at():
                self._step_down(self._lapse(now), now, offer=True)
            case Phase.ACTIVE:
                self._wake(holding.lapses_at() + 0.001, now)
            case Phase.TAKING_OVER if isinstance(holding.awaited, TakeOver):
                if now <= holding.awaited.not_after:
                    self._wake(holding.awaited.not_after + 0.001, now)
                elif self._partner.could_serve(now):
                    self._step_down(reasons.stuck(self._settings.heartbeat.deadtime_s), now, offer=True)
            case Phase.STEPPING_DOWN if now >= holding.gone_at():
                self._let_go(now)
            case Phase.STEPPING_DOWN:
                self._wake(holding.gone_at(), now)
                self._release_again(now)
            case Phase.STANDBY if holding.held and self._partner.is_active(now):
                # A former pulse left them here; the partner serves.
                self._release_again(now)

    def _release_again(self, now: float) -> None:
        holding = self._holding
        if holding.awaited is None and now >= holding.retry_at:
            self._report.do(holding.release("addresses are still here", now))
        self._wake(holding.retry_at, now)

    # role

    def _judge_role(self, now: float) -> None:
        partner = self._partner
        if self._handover and (partner.is_active(now) or now >= self._yielding_until):
            self._handover = False
        if partner.is_standby(now):
            self._ordering = False
        if self._phase in (Phase.ACTIVE, Phase.TAKING_OVER):
            self._duel(now)
        if self._ending is not None:
            return
        if self._phase is Phase.STANDBY:
            if self._failure and now >= self._failed_until:
                self._failure = ""
                self._note_fitness(False, now)
            self._wake(self._failed_until, now)
            reason = self._claim(now)
            if reason is not None:
                self._take_over(reason, now)
        elif self._phase is Phase.ACTIVE and not self._fit():
            self._yield_to_the_fitter(now)

    def _claim(self, now: float) -> Reason | None:
        """Return why this standby router takes over now; None: it does not."""
        if self._resume is not None:
            return reasons.resumed(self._resume.term)
        if not self._fit():
            return None
        if self._forced:
            return reasons.forced()
        if not self._settings.paired:
            return reasons.alone()
        partner, last = self._partner, self._partner.last
        if not partner.alive(now):
            return self._claim_from_the_dead(now)
        if last is None or last.role is Role.ACTIVE:
            return None
        them = self._settings.place.other
        if partner.offers(now):
            return reasons.partner_inactive(them, "hand-over", "the partner has let go and asks us to take over")
        if now < self._yielding_until and not (not last.ready and partner.acknowledged(self._revision)):
            self._wake(self._yielding_until, now)
            return None
        if self._settings.place is Place.PRIMARY:
            # Only when it has seen that we are ready: else it may be taking over because we were not.
            if partner.acknowledged(self._revision):
                return reasons.partner_inactive(them, "both standby: the primary", f"{them} says standby")
        elif not last.ready and last.obstacle is not Obstacle.STARTING:
            # One that is still starting gets its deadtime: who boots first must not be chance.
            cause = f"primary says not ready: {last.obstacle.name.lower()}"
            return reasons.partner_inactive(them, "both standby: the primary is not ready", cause)
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        if self._settings.place is Place.PRIMARY and last.ready:
            wait_s += 2 * last.keepalive_s  # the backup's turn comes first, or both would go at once
        if now >= self._no_active_since + wait_s:
            return reasons.partner_inactive(them, f"deadtime = {wait_s:g}", f"no active router for {wait_s:g} s")
        self._wake(self._no_active_since + wait_s, now)
        return None

    def _claim_from_the_dead(self, now: float) -> Reason | None:
        partner, last = self._partner, self._partner.last
        if now < partner.dead_at:
            return None
        if last is not None and last.goodbye:
            return reasons.partner_inactive(self._settings.place.other, "goodbye", "the partner was stopped")
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        held_until = partner.sign_of_life_at() + wait_s
        if now < held_until and (last is not None or self._settings.place is Place.BACKUP):
            # Deaf must not mean active: who sends what we cannot verify is not dead.
            self._wake(held_until, now)
            return None
        if partner.heard_at is None:
            cause = "never heard since the start"
        else:
            limit = last.lease_s if last is not None else 0.0
            left = ", its addresses have no time limit" if limit == NO_LIMIT else ""
            cause = f"no heartbeat on any path for {now - partner.heard_at:.2f} s{left}"
        return reasons.partner_dead(wait_s, cause)

    def _take_over(self, reason: Reason, now: float) -> None:
        partner, resume = self._partner, self._resume
        self._resume = None
        if resume is not None:
            self._term = max(self._term, resume.term)
        else:
            self._term = max(self._term, self._highest_term) + 1
        self._highest_term = max(self._highest_term, self._term)
        goodbye = partner.last is not None and partner.last.goodbye
        self._ordering = self._settings.paired and not partner.is_standby(now) and not goodbye
        self._handover = False
        partner.offered_at = -inf
        self._change(reason, Phase.TAKING_OVER, now)
        partner.order_revision = self._revision
        patience_s = max(1.0, self._settings.heartbeat.deadtime_s / 2) if self._settings.paired else inf
        patience_s += self._settings.table_within_s
        lease_s = self._wanted_lease_s(now)
        not_after = now + patience_s
        self._report.do(
            self._holding.take_over(term=self._term, lease_s=lease_s, not_after=not_after, reason=reason.message)
        )

    def _step_down(self, reason: Reason, now: float, *, offer: bool) -> None:
        """Let the addresses go. offer: then ask the partner to take over at once."""
        self._plan.stop()
        self._offer = offer
        self._ordering = self._dueling = self._forced = False
        self._partner.order_revision = 0
        if self._ending is not None:
            self._ending.restart = False  # there is nothing left to come back to
            self._ending.said = 0
        self._change(reason, Phase.STEPPING_DOWN, now)
        self._report.do(self._holding.release(reason.message, now))

    def _let_go(self, now: float) -> None:
        """Take in that nothing is held any more."""
        self._holding.forget()
        self._lease_deadtime_s = self._settings.heartbeat.deadtime_s
        if self._phase is not Phase.STEPPING_DOWN:
            return
        if self._failure:
            hold_off_s = min(LONGEST_HOLD_OFF_S, FIRST_HOLD_OFF_S * 2 ** (self._failures - 1))
            self._failed_until = now + hold_off_s
        self._phase = Phase.STANDBY
        self._no_active_since = now
        self._handover = self._offer
        wait_s = self._partner.wait_s(self._settings.heartbeat.deadtime_s)
        self._yielding_until = now + wait_s if self._offer else -inf
        self._report.say(
            now, "router", "addresses released", self._why, before=Phase.STEPPING_DOWN, after=Phase.STANDBY
        )
        self._revise()

    def _duel(self, now: float) -> None:
        partner, last = self._partner, self._partner.last
        if last is None or not partner.is_active(now):
            if self._dueling:
                self._dueling = False
                self._announce_anew(now)  # what the other one announced last must not stay
            return
        if self._forced and last.term >= self._term:
            self._term = self._highest_term = last.term + 1
            self._revise()
        self._forced = False
        ours, theirs = self._term, last.term
        if theirs > ours or (theirs == ours and self._settings.place is Place.BACKUP):
            self._step_down(reasons.outranked(ours, theirs), now, offer=False)
        elif partner.deaf:
            self._step_down(reasons.deaf_partner(), now, offer=False)
        elif not self._dueling:
            self._dueling = self._ordering = self._urgent = True
            cause = f"two active routers, ours is the later takeover or the primary's (term {ours}, partner {theirs})"
            self._report.say(now, "router", "partner active: resending arps", cause, level=Level.WARNING)
            self._announce_anew(now)

    def _yield_to_the_fitter(self, now: float) -> None:
        wait_s = 0.0 if self._failure else self._settings.heartbeat.deadtime_s
        if now < self._unfit_since + wait_s:
            # A daemon that is restarted at once is no reason to move the addresses.
            self._wake(self._unfit_since + wait_s, now)
        elif self._partner.could_serve(now):
            rule = "addresses failed" if self._failure else f"deadtime = {wait_s:g}"
            self._step_down(reasons.not_ready(rule, self._why_unfit()), now, offer=True)

    def _change(self, reason: Reason, phase: Phase, now: float) -> None:
        self._report.change(now, reason, self._phase, phase)
        self._phase, self._since, self._why = phase, now, reason.message
        self._revise()

    # addresses

    def _taken(self, news: News, detail: str, now: float) -> None:
        self._lease_deadtime_s = self._settings.heartbeat.deadtime_s
        self._failure, self._failures = "", 0
        self._urgent = True
        if news is News.TAKEN:
            self._report.say(
                now, "router", "lvs is active", detail or self._why, before=self._phase, after=Phase.ACTIVE
            )
            self._phase = Phase.ACTIVE
            self._announce_anew(now)
        elif detail:
            self._announce_anew(now)

    def _not_taken(self, detail: str, now: float) -> None:
        self._failure = f"addresses could not be added: {detail}"
        self._failures += 1
        self._report.say(now, "vip", "addresses could not be added", detail, level=Level.ERROR)
        if self._partner.could_serve(now):
            self._step_down(reasons.failed(detail), now, offer=True)
            return
        # Nobody else can: what could be added is better than nothing, and the rest is tried again.
        self._phase = Phase.ACTIVE
        self._holding.retry_at = now + RETAKE_S
        self._announce_anew(now)

    def _announce_anew(self, now: float) -> None:
        last, heard_at = self._partner.last, self._partner.heard_at
        gone_at = -inf
        if last is not None and heard_at is not None and 0 < last.lease_s < NO_LIMIT:
            gone_at = heard_at + last.lease_s / 3 + gone_after_s(last.lease_s)
        self._plan.begin(now, self._settings.vips, gone_at)

    def _wanted_lease_s(self, now: float) -> float:
        """Return the lifetime that the addresses should have: limited only while a ready partner is heard."""
        vips, last = self._settings.vips, self._partner.last
        if self._settings.paired and last is not None and last.ready and self._partner.is_standby(now):
            if vips.lease_s is not None:
                return vips.lease_s or NO_LIMIT
            return lease_for(min(self._settings.heartbeat.deadtime_s, last.deadtime_s))
        return vips.lease_alone_s or NO_LIMIT

    def _serve(self, now: float) -> None:
        """Keep addresses and announcements as they should be."""
        holding = self._holding
        stretching = self._ending is not None and self._ending.stretched
        lease_s = RESTART_WITHIN_S if stretching else self._wanted_lease_s(now)
        effect = holding.keep(lease_s, now)
        if effect is not None:
            self._report.do(effect)
            if holding.told_s > holding.lease_s:
                self._urgent = True  # a longer lifetime is told before it is given
        self._wake(holding.keep_due_at(), now)
        if now >= self._plan.due_at():
            ended = self._plan.take(now, self._settings.vips)
            patience_s = max(1.0, self._settings.vips.arp_interval_s)
            self._report.do(holding.announcement(self._plan.number, now, patience_s))
            if ended:
                self._report.say(now, "router", "gratuitous lvs arps finished", f"announced {self._plan.number} times")
        self._wake(self._plan.due_at(), now)

    def _lapse(self, now: float) -> Reason:
        return reasons.lapsed(self._holding.lease_s, now - self._holding.renewed_at)

    # fitness

    def _fit(self) -> bool:
        return self._lvsd_ready and not self._failure and self._ending is None

    def _why_unfit(self) -> tuple[str, ...]:
        why = () if self._lvsd_ready else self._reasons
        if self._failure:
            why += (self._failure,)
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

    # commands

    def _refusal(self, command: Command, now: float) -> str:
        if self._ending is not None:
            return "this router is being stopped already"
        if command is Command.STOP:
            return ""
        if self._phase in (Phase.TAKING_OVER, Phase.STEPPING_DOWN):
            return f"this router is {self._phase}; wait until that is over"
        if command is Command.PREPARE_RESTART:
            return ""
        partner, last, them = self._partner, self._partner.last, self._settings.place.other
        if not self._settings.paired:
            return "there is no partner (backup_active = 0)"
        if self._phase is Phase.STANDBY:
            return f"this router is standby; say it on the {them}"
        if not partner.alive(now) or last is None:
            return f"the {them} is not heard"
        if last.role is Role.ACTIVE:
            return f"the {them} is active too"
        if not last.ready:
            return f"the {them} is not ready ({last.readiness} of {READY}): {last.obstacle.name.lower()}"
        if not last.hears:
            return f"the {them} does not hear this router"
        return ""

    def _end(self, ending: Ending, now: float) -> None:
        if self._phase is Phase.STEPPING_DOWN:
            limit_at = self._since + STOP_LIMIT_S
            if now >= limit_at:
                self._report.say(
                    now, "router", "addresses are still here at the end", "no result of removing", level=Level.ERROR
                )
                self._finish(None)
            self._wake(limit_at, now)
            return
        if not self._settings.paired:
            step = EndStep.END
        elif not ending.restart:
            step = ending.stop_step(now)
        else:
            heard = not self._partner.alive(now) or self._partner.acknowledged(self._revision)
            limited = self._phase is Phase.ACTIVE and self._holding.lease_s != NO_LIMIT
            bridged = ending.stretched and self._holding.lease_s == RESTART_WITHIN_S
            patience_s = 2 * self._settings.heartbeat.keepalive_s
            step = ending.restart_step(now, heard=heard, limited=limited and not bridged, patience_s=patience_s)
        if step is EndStep.SAY:
            self._urgent = True
        elif step is EndStep.STRETCH:
            self._touched = True
        elif step is EndStep.END:
            resume = None
            if ending.restart and self._phase is Phase.ACTIVE:
                resume = Resume(term=self._term, until_s=now + min(RESTART_WITHIN_S, self._holding.lease_s))
            self._finish(resume)
        self._wake(ending.next_at, now)

    def _finish(self, resume: Resume | None) -> None:
        self._stopped = True
        self._due = inf
        self._report.do(Stopped(resume=resume))

    # heartbeats

    def _revise(self) -> None:
        """Note that what the partner must know has changed: it is told at once, and acknowledges it."""
        self._revision += 1
        self._urgent = self._touched = True

    def _beat(self, now: float) -> None:
        if not self._settings.paired or self._stopped:
            return
        if self._urgent or now >= self._heartbeat_due:
            self._urgent = False
            keepalive_s = self._settings.heartbeat.keepalive_s
            until, fast_s = self._fast
            self._heartbeat_due = now + (min(fast_s, keepalive_s) if now < until else keepalive_s)
            self._report.send(SendHeartbeat(self._heartbeat(now), self._settings.paths))
        self._wake(self._heartbeat_due, now)

    def _heartbeat(self, now: float) -> Heartbeat:
        settings, partner, ending = self._settings, self._partner, self._ending
        active = self._phase is not Phase.STANDBY
        fit = self._fit()
        if fit:
            obstacle = Obstacle.NONE
        elif ending is not None:
            obstacle = Obstacle.STOPPING
        else:
            obstacle = Obstacle.ADDRESSES if self._failure else self._obstacle
        deadtime_s = settings.heartbeat.deadtime_s
        return Heartbeat(
            place=settings.place,
            role=Role.ACTIVE if active else Role.STANDBY,
            term=self._term,
            revision=self._revision,
            seen_revision=partner.last.revision if partner.last is not None else 0,
            readiness=READY if fit else 0,
            obstacle=obstacle,
            keepalive_s=settings.heartbeat.keepalive_s,
            deadtime_s=max(deadtime_s, self._lease_deadtime_s),
            lease_s=self._holding.told_s,
            hears=partner.alive(now),
            order=self._ordering and active,
            handover=self._handover and not active,
            goodbye=ending is not None and not ending.restart and not active,
            back_within_s=RESTART_WITHIN_S if ending is not None and ending.restart else 0,
            bad_signatures=now < partner.sign_of_life_at() + deadtime_s,
            generation=settings.generation,
            meaning=settings.meaning,
        )

    def _deadtime_rule(self) -> str:
        return f"deadtime = {self._partner.wait_s(self._settings.heartbeat.deadtime_s):g}"

    # status

    def view(self, now: float) -> View:
        """Return the present state for `status`."""
        partner = self._partner
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        return View(
            place=self._settings.place,
            role=Role.STANDBY if self._phase is Phase.STANDBY else Role.ACTIVE,
            phase=self._phase,
            since_s=now - self._since,
            term=self._term,
            ready=self._fit(),
            reasons=self._why_unfit(),
            holding=self._holding.held,
            lease_s=self._holding.lease_s,
            partner=partner.last,
            partner_alive=partner.alive(now),
            partner_age_s=None if partner.heard_at is None else now - partner.heard_at,
            paths=tuple(
                PathView(
                    name=name,
                    age_s=None if state.heard_at is None else now - state.heard_at,
                    alive=state.heard_at is not None and now < state.heard_at + wait_s,
                    late=state.late,
                    evidence=str(state.evidence) if state.evidence else "",
                )
                for name, state in partner.paths.items()
            ),
            why=self._why,
        )
