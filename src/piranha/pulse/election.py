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
from piranha.pulse.actions import Action, Answer, Command, Effect, Outcome, Resume, SendHeartbeat, Stopped
from piranha.pulse.contest import Contest
from piranha.pulse.ending import RESTART_WITHIN_S, STOP_LIMIT_S, Ending, EndStep
from piranha.pulse.hearing import Heard
from piranha.pulse.heartbeat import NO_LIMIT, READY, Obstacle, Role
from piranha.pulse.holding import News
from piranha.pulse.hosts import LineState
from piranha.pulse.reasons import Phase
from piranha.pulse.settings import ElectionSettings
from piranha.pulse.verdicts import Verdict
from piranha.pulse.view import PathView, View
from piranha.pulse.watched import LinkState

__all__ = ["Election", "PathView", "View"]

GREETING_INTERVAL_S = 0.05  # answers to sessions that are not proven are not faster than this
LONG_S = 3600.0
TIMER_GRAIN_S = 1e-6  # a timer that fires so soon after its time is not late
ROUNDS = 4  # a change of phase is followed by the rules of the new phase in the same tick


class Election(Contest):
    """The state machine of one router; see the module's docstring for how to drive it."""

    def receive(self, path: str, verdict: Verdict, now: float) -> list[Action]:
        """Take in one datagram of the partner's address, or ICMP unreachable as `Rejected(UNREACHABLE)`.

        now: when the kernel received it, if that is known.
        """
        asking = self._asking_hosts
        was = asking and self._fit()
        heard = self._hearing.receive(path, verdict, now, self._settings, self._fit)
        if asking:  # whether its answers are waited for depends on the partner's role
            self._note_fitness(was, now)
        if heard is not Heard.STEADY or self._dueling or self._listening:
            self._touched = True
            self._listening = False
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

    def lvsd(self, ready: bool, reasons: Sequence[str], now: float, *, serves: bool | None = None) -> list[Action]:
        """Take in that the lvs daemon is ready, or why not. Until told: not ready.

        serves: its table is loaded, so that this router can do better than nobody (None = as `ready`).
        """
        was = self._fit()
        if ready is not self._lvsd_ready or not self._lvsd_heard:
            word = "ready" if ready else "not ready"
            level = Level.INFO if ready else Level.WARNING
            cause = ", ".join(reasons) or "reported by the lvs daemon"
            self._report.say(now, "lvsd", f"lvs daemon is {word}", cause, level=level, after=word)
        self._lvsd_heard, self._lvsd_ready, self._reasons = True, ready, tuple(reasons)
        if serves is not None and serves is not self._lvsd_serves:
            self._touched = True
        self._lvsd_serves = ready if serves is None else serves
        before = self._obstacle
        if ready or before is not Obstacle.STARTING:
            self._obstacle = Obstacle.NONE if ready else Obstacle.LVSD
        if self._obstacle is not before:
            self._revise()
        self._note_fitness(was, now)
        return self._report.drain()

    def links(self, states: tuple[LinkState, ...], now: float) -> list[Action]:
        """Take in how all watched links are; until told, they are well."""
        was, hindered = self._fit(), self._present_obstacle()
        before = {link.device: link.trouble for link in self._links}
        self._links, self._link_troubles = states, tuple(link.trouble for link in states if link.trouble)
        rule = f"monitor_links = {self._settings.monitor_links:d}"
        for link in states:
            if link.trouble != before.get(link.device, ""):
                word, level = ("down", Level.WARNING) if link.trouble else ("up", Level.INFO)
                cause = link.trouble or f"{link.device} has a carrier"
                subject = f"link {link.device}"
                self._report.say(now, subject, f"link is {word}", cause, rule=rule, level=level, after=word)
        self._note_surroundings(was, hindered, now)
        return self._report.drain()

    def hosts(self, lines: tuple[LineState, ...], now: float) -> list[Action]:
        """Take in which lines of `monitor_hosts` are answered; until told, none is silent."""
        was, hindered = self._fit(), self._present_obstacle()
        before = {line.addresses for line in self._silent}
        self._note_lines(lines)
        rule = f"deadtime = {self._settings.heartbeat.deadtime_s:g}"
        for line in lines:
            if line.silent is (line.addresses in before):
                continue
            if line.silent:
                message, level, cause = "no host answers ping", Level.WARNING, line.trouble(now)
            else:
                message, level, cause = "a host answers ping again", Level.INFO, f"one of {line.name}"
            self._report.say(now, "monitor_hosts", message, cause, rule=rule, level=level)
        self._note_surroundings(was, hindered, now)
        return self._report.drain()

    def _note_surroundings(self, was_fit: bool, hindered: Obstacle, now: float) -> None:
        self._note_fitness(was_fit, now)
        if not was_fit and not self._fit() and self._present_obstacle() is not hindered:
            self._revise()

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
                if detail:  # what had vanished is back: neighbours may have learned otherwise
                    self._announce_anew(now)
            case News.NOT_KEPT | News.NOT_SET:
                self._not_held(news, detail, now)
            case News.NOT_RELEASED:
                self._report.say(now, "vip", news.value, detail, level=Level.ERROR)
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
        returns = command is Command.PREPARE_RESTART
        # A standby that restarts holds nothing: a goodbye says more than "wait for me".
        self._ending = Ending(returns and self._phase is Phase.ACTIVE, now, returns=returns)
        self._note_fitness(was, now)
        self._revise()  # also when it was not fit before: what it says now must be acknowledged
        held = self._phase in (Phase.ACTIVE, Phase.TAKING_OVER) or self._holding.held
        if not self._ending.restart and held and self._phase is not Phase.STEPPING_DOWN:
            self._step_down(reasons.terminating(), now, offer=True)
        return Answer(self._report.drain())

    def reconfigure(self, settings: ElectionSettings, now: float) -> list[Action]:
        """Take in a reloaded configuration. An active router makes its addresses what the file says (SetLease)."""
        was = self._fit()
        old, self._settings = self._settings, settings
        slow_down = settings.heartbeat.keepalive_s > old.heartbeat.keepalive_s
        if slow_down:
            # The partner must hear of the slower pace while it still expects the faster one.
            self._fast = (now + self._partner.wait_s(old.heartbeat.deadtime_s), old.heartbeat.keepalive_s)
        if not 0 < self._holding.told_s < NO_LIMIT:
            self._lease_deadtime_s = settings.heartbeat.deadtime_s
        partner = self._partner
        partner.keep_paths(settings.paths)
        if partner.heard_at is not None and not partner.mourned and not (partner.last and partner.last.back_within_s):
            partner.dead_at = partner.heard_at + partner.wait_s(settings.heartbeat.deadtime_s)
        if self._phase is Phase.ACTIVE:
            self._holding.stale = True
            self._holding.retry_at = now
        self._note_fitness(was, now)
        self._revise()
        return self._report.drain()

    def tick(self, now: float) -> list[Action]:
        """Do what is due; to be called after everything that waited was read, no later than `deadline`."""
        if self._stopped:
            return []
        late_s = now - self._due
        if late_s > TIMER_GRAIN_S:
            self._excuse_lateness(late_s, now)
        for _ in range(ROUNDS):
            self._touched = False
            self._due = now + LONG_S
            self._watch_partner(now)
            self._watch_holding(now)
            self._asking = False
            self._judge_role(now)
            if not self._asking:
                self._inquiry.rest()
            if self._phase is Phase.ACTIVE:
                self._serve(now)
            if self._ending is not None:
                self._end(self._ending, now)
            if self._stopped or not self._touched:
                break
        self._beat(now)
        return self._report.drain()

    def _excuse_lateness(self, late_s: float, now: float) -> None:
        """Own lateness is no silence of the partner; a pause that could have cost us its heartbeat makes us wary."""
        beat, last = self._settings.heartbeat, self._partner.last
        self._partner.excuse(late_s, now, beat.deadtime_s)
        self._doubt_again(late_s)
        self._no_active_since += min(late_s, beat.deadtime_s)
        theirs_s = last.keepalive_s if last is not None else beat.keepalive_s
        # Not again and again: a machine whose every timer is late must take over all the same.
        rested = now >= self._wary_until + beat.deadtime_s or late_s >= beat.deadtime_s
        if late_s >= min(beat.keepalive_s, theirs_s) / 2 and rested:
            self._paused_until = now
            self._wary_until = now + 1.5 * max(beat.keepalive_s, theirs_s)

    def deadline(self) -> float:
        """Return when `tick` must be called next; -inf = at once, inf = never again."""
        if self._stopped:
            return inf
        return -inf if self._touched else self._due

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
        self._report.do(Stopped(resume=resume, lvsd_stays=self._ending is not None and self._ending.returns))

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
            reasons=self._why_unfit(now),
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
            held_back=self._held_back is not None and self._phase is Phase.STANDBY and not partner.alive(now),
        )
