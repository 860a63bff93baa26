"""The question to the LAN, who has the VIPs: counts questions, answers and time. Sends nothing.

A router asks only while it cannot tell whether its silent partner lives (`doubt`), in rounds of
`QUESTIONS`, each of which has `ANSWER_WITHIN_S` for answers. Sources: docs/failover.md, rule 9; the
question is a probe (RFC 5227 section 2.1.1; RFC 4862 section 5.4.2), so it changes no neighbour's mind.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf

from piranha.pulse.actions import AskLan
from piranha.terms import Address

QUESTIONS = 3
ANSWER_WITHIN_S = 0.5  # on one link an answer takes milliseconds; three in a row make up for lost frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A frame about a VIP from a hardware address that is not ours.

    holds: its sender answers for the VIP; False: it asks who has it, as a router does that is about
    to take it.
    """

    address: Address
    mac: str
    device: str
    holds: bool = True

    def __str__(self) -> str:
        verb = "answers for" if self.holds else "asks for"
        return f"{self.mac} on {self.device} {verb} {self.address}"


class Finding(Enum):
    """What the last round found. OPEN: none has ended yet; IMPOSSIBLE: the question could not be asked."""

    OPEN = "open"
    SILENCE = "silence"
    ANSWERED = "answered"
    IMPOSSIBLE = "impossible"


@dataclass(slots=True)
class Inquiry:
    """Rounds of questions, one after the other.

    claim, trouble: what the last answer or refusal said; claimed_at: when that answer came.
    """

    finding: Finding = Finding.OPEN
    claim: Claim | None = None
    claimed_at: float = -inf
    trouble: str = ""
    _asked: int = 0  # questions of this round that are on the wire
    _serial: int = 0
    _awaited: int = 0  # serial of the question that is being sent, 0 = none
    _due_at: float = -inf  # of the next question, or of the end of the round
    _heard: bool = False  # somebody claimed a VIP in this round

    def proceed(self, now: float, pause_s: float, *, patient: bool) -> AskLan | None:
        """Judge the round, begin the next one `pause_s` after it; return the question that is due.

        patient: only answers to the last question of a round count: who is leaving has left by then.
        """
        if self._heard and (not patient or self._asked == QUESTIONS):
            self._end(Finding.ANSWERED, now, pause_s)
        elif self._asked == QUESTIONS and now >= self._due_at:
            self._end(Finding.SILENCE, now, pause_s)
        if self._awaited or now < self._due_at:
            return None
        self._heard = False
        self._serial += 1
        self._awaited = self._serial
        return AskLan(serial=self._serial)

    def asked(self, question: AskLan, now: float, trouble: str, pause_s: float) -> None:
        """Take in that a question went out, or why it could not."""
        if question.serial != self._awaited:
            return
        self._awaited = 0
        if trouble:
            self.trouble = trouble
            self._end(Finding.IMPOSSIBLE, now, pause_s)
        else:
            self._asked += 1
            self._due_at = now + ANSWER_WITHIN_S

    def heard(self, claim: Claim, now: float) -> None:
        """Take in a claim; nobody waits for one between two rounds."""
        if self._asked or self._awaited:
            self.claim, self.claimed_at, self._heard = claim, now, True

    def due_at(self) -> float:
        """Return when `proceed` has something to do, were nothing to come in."""
        return inf if self._awaited else self._due_at

    def rest(self) -> None:
        """Forget: whoever asks again begins anew."""
        if self._serial:
            self.finding, self.claim, self.trouble = Finding.OPEN, None, ""
            self._asked = self._awaited = 0
            self._due_at = self.claimed_at = -inf
            self._heard = False

    def _end(self, finding: Finding, now: float, pause_s: float) -> None:
        self.finding = finding
        self._asked, self._heard = 0, False
        self._due_at = now + pause_s
