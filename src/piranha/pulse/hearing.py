"""Takes in what comes from the partner's address: keeps `Partner` up to date and reports what is new."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf

from piranha.events.event import Level
from piranha.pulse.heartbeat import Heartbeat, Role
from piranha.pulse.partner import SIGNS_OF_LIFE, Partner, PathState
from piranha.pulse.report import Report
from piranha.pulse.settings import ElectionSettings
from piranha.pulse.verdicts import SIGNATURE_FAILURES, Accepted, Alive, Evidence, Introduced, Rejected, Verdict

Able = Callable[[], bool]
QUIET = frozenset({Evidence.REPLAYED})  # doubled packets are normal: counted by the endpoint, not reported


class Heard(Enum):
    """What an input asks of the election.

    STEADY: nothing. NEWS: judge. ANSWER: judge, and acknowledge at once. STRANGER: a session that
    is not proven; answer, but not faster than others can make us.
    """

    STEADY = 0
    NEWS = 1
    ANSWER = 2
    STRANGER = 3


@dataclass(slots=True)
class Hearing:
    """The ear of the election."""

    partner: Partner
    report: Report

    def receive(self, path: str, verdict: Verdict, at: float, settings: ElectionSettings, able: Able) -> Heard:
        """Take in one verdict. able: tells whether this router could take over now."""
        match verdict:
            case Accepted():
                return self._accept(path, verdict, at, settings, able)
            case Alive():
                return self._barely(path, verdict, at, settings)
            case Introduced():
                state = self.partner.paths.get(path)
                if state is not None:
                    state.unproven_at = at
                return Heard.STRANGER
            case Rejected():
                return self._suspect(path, verdict, at)

    def _accept(self, path: str, verdict: Accepted, at: float, settings: ElectionSettings, able: Able) -> Heard:
        partner, heartbeat = self.partner, verdict.heartbeat
        was_alive = partner.alive(at)
        if was_alive:
            self._note_lateness(path, at, settings, heartbeat)
        if verdict.opened:
            partner.forget()
        before = partner.last
        if not verdict.newest:
            self._hear(path, at, settings, was_alive)
            return Heard.STEADY if was_alive else Heard.NEWS
        partner.learn(heartbeat, at)  # a repeated word counts too: its sender may be deaf
        self._hear(path, at, settings, was_alive)
        if before is None or before.revision != heartbeat.revision:
            self._compare(before, heartbeat, at)
            # An offer counts only for who could act when it was made: the partner sees that we did not.
            offer = heartbeat.role is Role.STANDBY and heartbeat.handover and able()
            partner.offered_at = at if offer else -inf
            return Heard.ANSWER
        if was_alive and before == heartbeat and not partner.deaf:
            return Heard.STEADY
        return Heard.NEWS

    def _barely(self, path: str, verdict: Alive, at: float, settings: ElectionSettings) -> Heard:
        partner = self.partner
        was_alive = partner.alive(at)
        if partner.last is not None or not was_alive:
            self.report.say(
                at,
                "partner",
                "Incompatible heartbeat received: the partner is alive, but cannot be understood",
                f"{verdict.evidence}: {verdict.detail}",
                level=Level.ERROR,
            )
        partner.learn(None, at)
        self._hear(path, at, settings, was_alive)
        return Heard.STEADY if was_alive else Heard.NEWS

    def _hear(self, path: str, at: float, settings: ElectionSettings, was_alive: bool) -> None:
        partner = self.partner
        state = partner.paths.get(path)
        if state is not None and state.lost:
            state.lost = False
            self.report.say(at, f"path {path}", "heartbeat path is back", "a heartbeat came", before="lost", after="ok")
        partner.hear(path, at, settings.heartbeat.deadtime_s)
        if not was_alive and partner.alive(at):
            partner.mourned = False
            self.report.say(at, "partner", "partner heard", f"heartbeat on path {path}", after="alive")

    def _note_lateness(self, path: str, at: float, settings: ElectionSettings, heartbeat: Heartbeat) -> None:
        state = self.partner.paths.get(path)
        if state is None or state.heard_at is None or state.lost:
            return
        gap_s = at - state.heard_at
        limit_s = max(settings.heartbeat.warntime_s, heartbeat.keepalive_s + 0.001)
        if gap_s > limit_s and not heartbeat.back_within_s:
            state.late += 1
            self.report.say(
                at,
                f"path {path}",
                "heartbeat late",
                f"{gap_s:.2f} s after the one before",
                rule=f"warntime = {settings.heartbeat.warntime_s:g}",
                level=Level.WARNING,
            )

    def _compare(self, before: Heartbeat | None, now_says: Heartbeat, at: float) -> None:
        """Report what the partner says newly."""
        say = self.report.say
        if before is None or before.role is not now_says.role:
            was = before.role.value if before else ""
            cause = f"its heartbeat, term {now_says.term}"
            say(at, "partner", f"partner is {now_says.role.value}", cause, before=was, after=now_says.role.value)
        if before is None or before.ready is not now_says.ready:
            word = "ready" if now_says.ready else "not ready"
            cause = "" if now_says.ready else now_says.obstacle.name.lower()
            say(at, "partner", f"partner is {word}", cause or "its heartbeat", after=word)
        if now_says.goodbye and not (before and before.goodbye):
            say(at, "partner", "partner says goodbye", now_says.farewell(), after="gone")
        elif now_says.handover and not (before and before.handover):
            say(at, "partner", "partner hands over", "its heartbeat")
        if now_says.back_within_s and not now_says.goodbye and not (before and before.back_within_s):
            say(at, "partner", f"partner restarts, back within {now_says.back_within_s} s", "its heartbeat")
        if now_says.bad_signatures and not (before and before.bad_signatures):
            say(
                at,
                "partner",
                "the partner cannot verify datagrams that come from our address",
                "its heartbeat says so: compare the heartbeat_key_file of both routers",
                level=Level.ERROR,
            )

    def _suspect(self, path: str, verdict: Rejected, at: float) -> Heard:
        if verdict.evidence in QUIET:
            return Heard.STEADY
        state = self.partner.paths.get(path, PathState())
        state.evidence = verdict.evidence
        if verdict.evidence in SIGNS_OF_LIFE:
            state.life_at = at
        if verdict.evidence in state.told:
            return Heard.STEADY
        state.told.add(verdict.evidence)
        message = "datagram from the partner's address refused"
        if verdict.evidence in SIGNATURE_FAILURES:
            message = "heartbeat with a wrong signature from the partner's address"
        elif verdict.evidence is Evidence.UNREACHABLE:
            message = "the partner's pulse does not listen"
        grave = verdict.evidence in SIGNS_OF_LIFE or verdict.evidence is Evidence.SAME_PLACE
        cause = f"{verdict.evidence}: {verdict.detail}" if verdict.detail else str(verdict.evidence)
        self.report.say(at, f"path {path}", message, cause, level=Level.ERROR if grave else Level.WARNING)
        return Heard.NEWS
