"""When an lvs daemon that does not answer is beyond hope.

A process that is stopped, or that waits for what never comes, is at rest: 10 s are enough to know.
One that is at work (it starts, reads a file of 70,000 lines, gets no processor, waits for a disk)
is given a minute: then it turns in a circle. The table stays in the kernel all the while.
"""

from dataclasses import dataclass, field
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds.

    rest_s: for one that is at rest; work_s: for one that starts or is at work. between_s: least
    time between two kills. question_s: for the answer to one question. late_s: one that took so much
    longer than it may have shows that we were stopped ourselves, and says nothing.
    """

    rest_s: float = 10.0
    work_s: float = 60.0
    between_s: float = 60.0
    question_s: float = 2.0
    late_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a process is, as the kernel says.

    state: letter of proc_pid_stat(5), empty = not known. busy_s: processor time it has had, or
    waited for, since it was started.
    """

    state: str = ""
    busy_s: float = 0.0


@dataclass(slots=True)
class Watchdog:
    """Judges one daemon after the other; call `watch` with each new one, then note each question.

    All times are monotonic seconds.
    """

    patience: Patience = field(default_factory=Patience)
    _listened: bool = field(default=False, init=False)
    _noted_at: float = field(default=-inf, init=False)
    _silent_since: float = field(default=inf, init=False)
    _asked: int = field(default=0, init=False)
    _busy_s: float = field(default=0.0, init=False)
    _killed_at: float = field(default=-inf, init=False)

    def watch(self, now: float) -> None:
        """Begin with a process that was just started or adopted."""
        self._listened = False
        self._forget(now)

    def answered(self, now: float) -> None:
        """Take in that it answered."""
        self._listened = True
        self._forget(now)

    def silent(self, asked_at: float, now: float, *, due_s: float, listens: bool, condition: Condition) -> str:
        """Take in a question without answer; return why the daemon must be killed, empty if it need not be.

        due_s: the longest time from the question before this one to the end of this one, when all is
        well. listens: somebody accepted the question.
        """
        late = now - self._noted_at > due_s + self.patience.late_s
        self._noted_at = now
        self._listened = self._listened or listens
        if late or self._silent_since == inf:
            # We were stopped ourselves, and so perhaps was the machine: what is silent begins to be so now.
            self._silent_since = now if late else asked_at
            self._asked, self._busy_s = 0 if late else 1, condition.busy_s
            return ""
        self._asked += 1
        silent_s = now - self._silent_since
        if silent_s < self._limit_s(condition, silent_s) or now < self._killed_at + self.patience.between_s:
            return ""
        self._killed_at = now
        return f"{self._asked} questions in {silent_s:.1f} s without an answer, {_words(condition)}"

    def _limit_s(self, condition: Condition, silent_s: float) -> float:
        at_work = condition.state == "D" or condition.busy_s - self._busy_s >= silent_s / 2
        return self.patience.work_s if at_work or not self._listened else self.patience.rest_s

    def _forget(self, now: float) -> None:
        self._noted_at, self._silent_since = now, inf


def _words(condition: Condition) -> str:
    match condition.state:
        case "T" | "t":
            return "the process is stopped"
        case "R":
            return "the process is running"
        case "D":
            return "the process waits for a disk"
        case "":
            return "its state is not known"
        case other:
            return f"the process is in state {other}"
