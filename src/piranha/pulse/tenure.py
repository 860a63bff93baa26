"""Holding the addresses: leases, announcements, letting go, and what became of effects.

Source: docs/failover.md, leases.
"""

from math import inf

from piranha.events.event import Level
from piranha.pulse import reasons
from piranha.pulse.actions import TakeOver
from piranha.pulse.ending import RESTART_WITHIN_S
from piranha.pulse.heartbeat import NO_LIMIT
from piranha.pulse.holding import News
from piranha.pulse.lease_terms import gone_after_s, lease_for
from piranha.pulse.reasons import Phase, Reason
from piranha.pulse.standing import Standing

FIRST_HOLD_OFF_S = 30.0  # not ready for so long after addresses could not be added; doubles
LONGEST_HOLD_OFF_S = 300.0


class Tenure(Standing):
    """The addresses of a router, from the first to the last."""

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
            sent = self._plan.take(now, self._settings.vips)
            patience_s = max(1.0, self._settings.vips.arp_interval_s)
            self._report.do(holding.announcement(self._plan.number, now, patience_s))
            if sent:
                self._report.say(now, "router", "gratuitous lvs arps finished", f"announced {sent} times")
        self._wake(self._plan.due_at(), now)

    def _announce_anew(self, now: float) -> None:
        last, heard_at = self._partner.last, self._partner.heard_at
        gone_at = -inf
        if last is not None and heard_at is not None and 0 < last.lease_s < NO_LIMIT:
            gone_at = heard_at + last.lease_s / 3 + gone_after_s(last.lease_s)
        self._plan.begin(now, self._settings.vips, gone_at)

    def _lapse(self, now: float) -> Reason:
        return reasons.lapsed(self._holding.lease_s, now - self._holding.renewed_at)

    def _step_down(self, reason: Reason, now: float, *, offer: bool) -> None:
        """Let the addresses go. offer: then ask the partner to take over at once."""
        self._plan.stop()
        self._offer = offer
        self._ordering = self._dueling = self._forced = False
        self._partner.order_revision = 0
        if self._ending is not None:
            self._ending.restart = False  # there is nothing left to come back to
            self._ending.said, self._ending.next_at = 0, now
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
        # So long the partner may take the offer, even if we come to think it dead meanwhile.
        self._offer_until = now + self._settings.heartbeat.deadtime_s / 2 if self._offer else -inf
        self._report.say(
            now, "router", "addresses released", self._why, before=Phase.STEPPING_DOWN, after=Phase.STANDBY
        )
        self._revise()

    def _release_again(self, now: float) -> None:
        holding = self._holding
        if holding.awaited is None and now >= holding.retry_at:
            self._report.do(holding.release("addresses are still here", now))
        self._wake(holding.retry_at, now)

    def _watch_holding(self, now: float) -> None:
        holding = self._holding
        match self._phase:
            case Phase.ACTIVE:
                lapses_at = holding.lapses_at()
                if now > lapses_at:
                    self._step_down(self._lapse(now), now, offer=True)
                else:
                    self._wake(lapses_at + 0.001, now)
            case Phase.STANDBY:
                # A former pulse may have left them here while the partner serves.
                if holding.held and self._partner.is_active(now):
                    self._release_again(now)
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
        self._announce_anew(now)

    def _not_held(self, news: News, detail: str, now: float) -> None:
        """Take in that addresses were lost, or could not be added: what cannot be had again is the partner's."""
        self._report.say(now, "vip", news.value, detail, level=Level.ERROR)
        if self._holding.failed_for_good(now) and self._partner.could_serve(now):
            self._failure = f"addresses could not be held: {detail}"
            self._failures += 1
            self._step_down(reasons.lost(detail), now, offer=True)
