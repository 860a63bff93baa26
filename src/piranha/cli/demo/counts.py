"""What the demo's client has seen: one outcome for each request."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT = 20_000
"""Outcomes remembered: at 50 requests a second the last six minutes; totals go on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended.

    at_s: monotonic, when it was sent. server: who answered, empty = nobody. why: the failure.
    """

    at_s: float
    server: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Requests of some span of time: how many each server answered, how many failed of what."""

    answered: Counter[str]
    failed: Counter[str]
    first_failure_s: float | None
    last_failure_s: float | None

    def __str__(self) -> str:
        words = f"{self.answered.total()} answered"
        if self.answered:
            words += " (" + ", ".join(f"{name} {count}" for name, count in sorted(self.answered.items())) + ")"
        words += f", {self.failed.total()} failed"
        if self.failed:
            words += " (" + ", ".join(f"{why} {count}" for why, count in self.failed.most_common()) + ")"
        return words


@dataclass(slots=True)
class Counts:
    """Collects outcomes in the order in which requests ended."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        if outcome.server:
            self.answered[outcome.server] += 1
        else:
            self.failed[outcome.why] += 1
        self._outcomes.append(outcome)
        if len(self._outcomes) > KEPT:
            del self._outcomes[: KEPT // 2]

    def since(self, start_s: float, end_s: float = float("inf")) -> Summary:
        """Summarise the requests that were sent from start_s until before end_s, monotonic seconds."""
        return summarise([one for one in self._outcomes if start_s <= one.at_s < end_s])


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """Return what `outcomes` amount to."""
    failures = [one.at_s for one in outcomes if not one.server]
    return Summary(
        answered=Counter(one.server for one in outcomes if one.server),
        failed=Counter(one.why for one in outcomes if not one.server),
        first_failure_s=min(failures, default=None),
        last_failure_s=max(failures, default=None),
    )
