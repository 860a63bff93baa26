"""What `piranha status` concludes: findings, and the verdict that follows from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """The first word of `piranha status` and its exit status."""

    OK = 0
    DEGRADED = 1
    OUTAGE = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line under the verdict. mark: `!` counts, `i` is a note. subject: what `piranha why` explains.

    age_s: for how long it has been so, None = not known.
    """

    mark: str
    subject: str
    text: str
    verdict: Verdict = Verdict.DEGRADED
    age_s: float | None = None


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the worst that counts: what cannot be told is said first, since the rest may be worse than it looks."""
    return max((finding.verdict for finding in findings if finding.mark == "!"), default=Verdict.OK)


def verdict_age_s(verdict: Verdict, findings: Sequence[Finding]) -> float | None:
    """Return for how long the verdict has held, None where one of its reasons has no known age."""
    ages = [finding.age_s for finding in findings if finding.mark == "!" and finding.verdict is verdict]
    known = [age_s for age_s in ages if age_s is not None]
    return max(known) if ages and len(known) == len(ages) else None
