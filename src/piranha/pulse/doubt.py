"""Doubt: the partner is silent, but datagrams that cannot be verified come from its address.

Deaf must not mean active: they may be its own, under another key, or unproven since it does not hear
us. And somebody must serve: they may be forged or recorded, and the partner dead. So the LAN is asked
who has the VIPs. Source: docs/failover.md, rule 9.
"""

from piranha.events.event import Level
from piranha.pulse import reasons
from piranha.pulse.actions import Action, AskLan
from piranha.pulse.heartbeat import Place
from piranha.pulse.inquiry import ANSWER_WITHIN_S, QUESTIONS, Claim, Finding
from piranha.pulse.reasons import Phase, Reason
from piranha.pulse.tenure import Tenure

RULE = "deaf must not mean active"


class Doubt(Tenure):
    """What a router does that cannot tell whether its partner lives."""

    def lan_asked(self, question: AskLan, now: float, trouble: str = "") -> list[Action]:
        """Take in that `question` is on the wire; trouble: why it could not be asked."""
        self._inquiry.asked(question, now, trouble, self._settings.heartbeat.keepalive_s)
        self._touched = True
        return self._report.drain()

    def lan_heard(self, claim: Claim, now: float) -> list[Action]:
        """Take in that another hardware address claims a VIP."""
        # Two that ask at the same time: the primary goes on, the backup lets it.
        if claim.holds or (self._phase is Phase.STANDBY and self._settings.place is Place.BACKUP):
            self._inquiry.heard(claim, now)
            self._touched = True
        return self._report.drain()

    def _in_doubt(self, now: float) -> bool:
        partner = self._partner
        if not self._settings.paired or partner.alive(now):
            return False
        # An answer keeps the doubt awake: what cannot be verified may come less often than our deadtime.
        doubtful_at = max(partner.doubtful_at(), self._inquiry.claimed_at)
        return now < doubtful_at + partner.wait_s(self._settings.heartbeat.deadtime_s)

    def _consult(self, now: float, *, patient: bool = False) -> Finding:
        """Ask the LAN, or go on asking; return what the last round found."""
        question = self._inquiry.proceed(now, self._settings.heartbeat.keepalive_s, patient=patient)
        if question is not None:
            self._report.do(question)
        self._asking = True
        self._wake(self._inquiry.due_at(), now)
        return self._inquiry.finding

    def _claim_in_doubt(self, now: float) -> Reason | None:
        """Return why a router takes over from a partner that may be dead; None: it is held back."""
        partner, last = self._partner, self._partner.last
        wait_s = partner.wait_s(self._settings.heartbeat.deadtime_s)
        finding = self._consult(now)
        gone_at = self._inquiry.claimed_at + wait_s  # who has answered gets a deadtime, as if it had been a heartbeat
        self._wake(gone_at, now)
        self._wake(partner.doubtful_at() + wait_s, now)
        if finding is Finding.SILENCE:
            if now < gone_at:
                return None
            silent = "never heard since the start"
            if partner.heard_at is not None:
                silent = f"no heartbeat that can be verified for {now - partner.heard_at:.2f} s"
            cause = f"{silent}, and {QUESTIONS} questions to the LAN without an answer"
            return reasons.partner_dead("nobody answers for the VIPs", cause)
        if finding is Finding.IMPOSSIBLE and last is None and self._settings.place is Place.PRIMARY:
            # Both may have booted like this, with keys that differ: somebody must serve.
            cause = f"never understood since the start, and the LAN cannot be asked: {self._inquiry.trouble}"
            return reasons.partner_dead(self._first_wait, cause)
        if finding is Finding.ANSWERED and self._holding.held:
            self._release_again(now)  # a former pulse left them here, and somebody else serves
        if self._held_back is not finding:
            self._held_back = finding
            self._report.say(
                now, "router", "takeover held back", self._why_held_back(now), rule=RULE, level=Level.ERROR
            )
        return None

    def _why_held_back(self, now: float) -> str:
        inquiry, what = (
            self._inquiry,
            "heartbeats from the partner's address are not proven to be new: does it hear us?",
        )
        if now < self._partner.sign_of_life_at() + self._settings.heartbeat.deadtime_s:
            what = "datagrams from the partner's address fail their check: compare key files, clusters, versions"
        if inquiry.finding is Finding.ANSWERED:
            return f"{inquiry.claim}; {what}"
        if inquiry.finding is Finding.IMPOSSIBLE:
            return f"{what}; the LAN cannot be asked who has the VIPs: {inquiry.trouble}"
        return f"{what}; asking the LAN who has the VIPs"

    def _watch_rival(self, now: float) -> None:
        """An active router in doubt asks: one that took over from silence may have taken it from a holder."""
        if self._partner.alive(now):
            self._on_trial = self._rival = False  # from now on terms decide
            return
        if not self._in_doubt(now):
            self._rival = False
            return
        # Of two that took over from silence the backup yields, at the first answer.
        patient = not self._on_trial or self._settings.place is Place.PRIMARY
        finding = self._consult(now, patient=patient)
        if finding is Finding.ANSWERED and self._on_trial:
            self._step_down(reasons.rival(str(self._inquiry.claim)), now, offer=False)
        elif finding is Finding.ANSWERED and not self._rival:
            self._rival = True
            cause = f"{self._inquiry.claim}; its heartbeats cannot be verified"
            self._report.say(now, "router", "another router has the VIPs too", cause, rule=RULE, level=Level.ERROR)
        elif finding is Finding.SILENCE and self._rival:
            self._rival = False
            self._announce_anew(now)  # what the other one announced last must not stay

    def _doubt_again(self, late_s: float) -> None:
        """After a pause of our own the silence of the LAN is old."""
        if late_s >= ANSWER_WITHIN_S:
            self._inquiry.rest()
