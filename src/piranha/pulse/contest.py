"""The contest for the active role: who takes over, who yields when two are active.

Source: docs/failover.md, rules of the election.
"""

from math import inf

from piranha.events.event import Level
from piranha.pulse import reasons
from piranha.pulse.doubt import Doubt
from piranha.pulse.heartbeat import NO_LIMIT, Obstacle, Place, Role
from piranha.pulse.reasons import Phase, Reason

BOTH_LINKS_WITHIN_S = 0.3
"""Two routers learn within this time that the switch they share is dead, or back."""


class Contest(Doubt):
    """The rules by which a router becomes active or lets go."""

    def _judge_role(self, now: float) -> None:
        partner = self._partner
        if self._handover and (partner.is_active(now) or now >= self._yielding_until):
            self._handover = False
        if self._ordering and partner.is_standby(now):
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
        elif self._phase is Phase.ACTIVE:
            self._watch_rival(now)
            if self._phase is Phase.ACTIVE and not self._fit():
                self._yield_to_the_fitter(now)
            elif self._phase is Phase.ACTIVE:
                self._fail_back(now)

    def _claim(self, now: float) -> Reason | None:
        """Return why this standby router takes over now; None: it does not."""
        if self._resume is not None:
            return reasons.resumed(self._resume.term)
        if not self._fit():
            return self._claim_although_unfit(now) if self._able() else None
        if self._forced:
            return reasons.forced()
        if not self._settings.paired:
            return reasons.alone()
        if self._is_wary(now):
            return None
        partner, last = self._partner, self._partner.last
        if not partner.alive(now):
            return self._claim_from_the_dead(now)
        if last is None or last.role is Role.ACTIVE or partner.outdated(now):
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
        due = self._no_active_since + wait_s
        self._wake(due, now)
        # Its word must be newer than that: it may have become active since, and we have not heard it.
        self._listening = now >= due
        if partner.learned_at < due:
            return None
        return reasons.partner_inactive(them, f"deadtime = {wait_s:g}", f"no active router for {wait_s:g} s")

    def _is_wary(self, now: float) -> bool:
        """Whether we stood still and have heard nothing since: what waited, even a goodbye, may be long outdated."""
        if now >= self._wary_until or self._partner.learned_at >= self._paused_until:
            return False
        self._wake(self._wary_until, now)
        return True

    def _claim_although_unfit(self, now: float) -> Reason | None:
        """Return why a router takes over that serves but is not ready, for example since its nannies fail.

        That is a reason to hand over to a ready partner, not to leave the VIPs with nobody.
        """
        partner, last = self._partner, self._partner.last
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        if not self._settings.paired:
            due = self._unfit_since + wait_s
            self._wake(due, now)
            return reasons.alone() if now >= due else None
        if self._is_wary(now):
            return None
        if not partner.alive(now):
            return self._claim_from_the_dead(now)
        if last is None or last.ready or last.role is Role.ACTIVE:
            return None
        # One after the other, the primary first; each grants the other time to become ready.
        wait_s *= 2 if self._settings.place is Place.PRIMARY else 4
        due = self._no_active_since + wait_s
        self._wake(due, now)
        self._listening = self._listening or now >= due
        if partner.learned_at < due:
            return None
        them, cause = self._settings.place.other, f"no active router for {wait_s:g} s, and nobody is ready"
        return reasons.partner_inactive(them, f"deadtime = {self._settings.heartbeat.deadtime_s:g}", cause)

    def _claim_from_the_dead(self, now: float) -> Reason | None:
        partner, last = self._partner, self._partner.last
        if now < partner.dead_at:
            return None
        if now < self._offer_until:
            self._wake(self._offer_until, now)
            return None
        if partner.is_gone():
            cause = "the partner restarts" if last is not None and last.back_within_s else "the partner was stopped"
            return reasons.partner_inactive(self._settings.place.other, "goodbye", cause)
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        if partner.heard_at is not None and not (last is not None and last.goodbye):
            # A reload may have lengthened deadtime since its death was judged.
            due = partner.heard_at + wait_s
            if now < due:
                self._wake(due, now)
                return None
        if self._in_doubt(now):
            return self._claim_in_doubt(now)
        self._held_back = None
        rule = f"deadtime = {wait_s:g}"
        if partner.heard_at is None:
            rule = self._first_wait
            cause = "never heard since the start"
        else:
            limit = last.lease_s if last is not None else 0.0
            left = ", its addresses have no time limit" if limit == NO_LIMIT else ""
            cause = f"no heartbeat on any path for {now - partner.heard_at:.2f} s{left}"
        return reasons.partner_dead(rule, cause)

    def _take_over(self, reason: Reason, now: float) -> None:
        partner, resume = self._partner, self._resume
        self._resume = None
        if resume is not None:
            self._term = max(self._term, resume.term)
        else:
            self._term = max(self._term, self._highest_term) + 1
        self._highest_term = max(self._highest_term, self._term)
        goodbye = partner.is_gone()
        self._ordering = self._settings.paired and not partner.is_standby(now) and not goodbye
        self._handover = False
        partner.offered_at = -inf
        # A primary that was well and let go on purpose is owed nothing: a person's switchover stays.
        self._owed, self._well_since = not self._is_well(now), inf
        self._change(reason, Phase.TAKING_OVER, now)
        partner.order_revision = self._revision
        self._on_trial = self._settings.paired and not partner.alive(now) and not goodbye and not self._forced
        self._held_back = None
        patience_s = max(1.0, self._settings.heartbeat.deadtime_s / 2) if self._settings.paired else inf
        patience_s += self._settings.table_within_s
        lease_s = self._wanted_lease_s(now)
        not_after = now + patience_s
        self._report.do(
            self._holding.take_over(term=self._term, lease_s=lease_s, not_after=not_after, reason=reason.message)
        )

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
        if self._ready_here() and self._cut_off():
            self._yield_to_the_connected(now)
            return
        wait_s = 0.0 if self._failure else self._settings.heartbeat.deadtime_s
        if now < self._unfit_since + wait_s:
            # A daemon that is restarted at once is no reason to move the addresses.
            self._wake(self._unfit_since + wait_s, now)
        elif self._partner.could_serve(now):
            rule = "addresses failed" if self._failure else f"deadtime = {wait_s:g}"
            self._step_down(reasons.not_ready(rule, self._why_unfit(now)), now, offer=True)

    def _fail_back(self, now: float) -> None:
        """Hand over to the primary when the file says so, once it is back for long enough.

        Not to one that let go although it was ready (a switchover), nor twice for one failure of it: who
        offers and is not believed serves on until the primary fails again.
        """
        wait_s, partner = self._settings.failback_s, self._partner
        if wait_s is None or not self._settings.paired or self._settings.place is Place.PRIMARY:
            return
        if not self._is_well(now):
            self._owed, self._well_since = True, inf
            return
        # Not what it said before it fell silent: how long it has been well since.
        self._well_since = min(self._well_since, now)
        if not self._owed or self._dueling or not partner.is_standby(now):
            return
        due = max(self._well_since + wait_s, self._since + self._settings.heartbeat.deadtime_s)
        if now < due:
            self._wake(due, now)
        elif partner.could_serve(now):
            self._step_down(reasons.failback(wait_s, now - self._well_since), now, offer=True)

    def _is_well(self, now: float) -> bool:
        """Whether the partner is alive and ready."""
        last = self._partner.last
        return self._partner.alive(now) and last is not None and last.ready

    def _yield_to_the_connected(self, now: float) -> None:
        """Hand over at once, unless the partner is cut off too.

        A switch that dies, or comes back, takes or gives both routers their links within moments: so
        the partner must have seen that we are cut off, and have been ready for a little. What only pings
        tell one of them learns a `keepalive` after the other.
        """
        partner = self._partner
        if not partner.acknowledged(self._revision):
            self._partner_knows_at = inf
            return
        self._partner_knows_at = min(self._partner_knows_at, now)
        due = max(self._unfit_since, partner.ready_since, self._partner_knows_at) + BOTH_LINKS_WITHIN_S
        if not self._no_link():
            due += self._hosts_apart_s()
        if now < due:
            self._wake(due, now)
        elif partner.could_serve(now):
            rule = "monitor_links = 1" if self._no_link() else "monitor_hosts"
            self._step_down(reasons.not_ready(rule, self._why_unfit(now)), now, offer=True)

    def _hosts_apart_s(self) -> float:
        """Return how much later than we the partner may learn that a host is silent, or answers again."""
        ours, last = self._settings.heartbeat, self._partner.last
        if last is None:
            return ours.keepalive_s
        # Its deadtime is longer while a reload has reached one router only.
        return max(ours.keepalive_s, last.keepalive_s) + max(0.0, last.deadtime_s - ours.deadtime_s)
