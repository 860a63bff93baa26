"""Shell: an HTTP answer, held against the statuses and the body that are expected."""

from piranha.lvscf.check_values import HttpExpect
from piranha.nanny.expect import quoted
from piranha.nanny.http import Reply
from piranha.nanny.probes.answer import Answer
from piranha.nanny.probes.base import Probe
from piranha.nanny.results import Reason
from piranha.text import ranges


class HttpAnswer:
    """Ends one probe as soon as status and body decide it; offers what `Answer` offers. Phases: answer, body."""

    def __init__(self, probe: Probe, expect: HttpExpect, *, headless: bool) -> None:
        self._probe = probe
        self._expect = expect
        self._reply = Reply(headless=headless)
        self._body = Answer(probe, expect.body, "body") if expect.body is not None else None
        self._status_passed = False
        self._began = b""

    def feed(self, data: bytes, ended: bool, now: float) -> None:
        """Take in the next piece. ended: the server will not send more."""
        self._began += data[: 64 - len(self._began)]
        reply = self._reply
        body = reply.feed(data, ended)
        if not self._status_passed and not self._judge_status(ended, now):
            return
        if self._body is None:
            self._probe.end(Reason.OK, f"answer: {reply.status}")
        elif reply.problem:
            self._probe.end(Reason.MISMATCH, f"body: {reply.problem}")
        elif body or reply.ended:
            self._body.feed(body, reply.ended, now)

    def expire(self, now: float) -> bool:
        """The time limit is over; return whether what came so far explains the failure."""
        if self._body is not None and self._status_passed:
            if not self._body.expire(now):
                self._probe.no_answer("body")
        elif self._began:
            self._probe.end(Reason.MISMATCH, f"answer: {quoted(self._began)} is no HTTP answer")
        return self._probe.outcome is not None

    def close(self) -> None:
        """End a search that runs outside."""
        if self._body is not None:
            self._body.close()

    def _judge_status(self, ended: bool, now: float) -> bool:
        """Return whether there is a status and it is a good one; end the probe where there will be none."""
        reply = self._reply
        if reply.status is not None:
            if self._expect.accepts(reply.status):
                self._status_passed = True
                self._probe.passed("answer", now)
                return True
            self._probe.end(Reason.MISMATCH, f"answer: {quoted(reply.line)} instead of {ranges(self._expect.statuses)}")
        elif not self._began and ended:
            self._probe.end(Reason.CLOSED, "answer: closed by the server before it answered")
        elif reply.problem:
            self._probe.end(Reason.MISMATCH, f"answer: {quoted(self._began)}: {reply.problem}")
        elif ended:
            self._probe.end(Reason.CLOSED, f"answer: closed early, after {quoted(self._began)}")
        return False
