"""What a nanny is told to check and what it answers."""

from enum import StrEnum

from piranha.dataclass import dataclass
from piranha.lvscf.check_values import Check, CheckTiming
from piranha.terms import Address

SUMMARY_INTERVAL_S = 1.0
"""Time between two summaries of a nanny."""


class Reason(StrEnum):
    """How a probe ended."""

    OK = "ok"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CLOSED = "closed"  # the server closed or reset the connection before it had answered
    MISMATCH = "mismatch"  # it answered, but not what is expected
    PROGRAM_FAILED = "program failed"  # exit status, signal, cannot be run
    ERROR = "error"  # this machine could not probe (no memory, no descriptors): says nothing of the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One thing to check. id: unique and stable for one (virtual, server), such as `www/web3`.

    believed_up: what `lvsd` believes at the moment, None = nothing yet, or different things for several servers of one
    address; while the last result disagrees with it, the next check comes after `timing.fast_interval_s`.
    """

    id: str
    address: Address
    port: int
    check: Check
    timing: CheckTiming
    believed_up: bool | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What a check says of the weight of its server: 0 to 253, or a share of the file's weight from 0 to 100."""

    value: float
    percent: bool

    def of(self, configured: int) -> int:
        """Return the weight of a server; a weight of 0 in the file is a drain by hand and stays 0."""
        if not configured:
            return 0
        if not self.percent:
            return int(self.value)
        return max(1, round(configured * self.value / 100)) if self.value else 0

    def __str__(self) -> str:
        return f"weight {self.value:g}" + ("%" if self.percent else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The outcome of one probe.

    started_s: monotonic seconds (CLOCK_MONOTONIC is the same in all processes of a machine).
    phases_ms: what took how long, in order: ("connect", 0.3), ("answer", 2.1).
    detail: words for an operator: `connect: no answer in 2000 ms`. advice: of a good result of a check that sets the
    weight; None where it says nothing of it.
    """

    id: str
    reason: Reason
    detail: str
    started_s: float
    phases_ms: tuple[tuple[str, float], ...] = ()
    advice: Advice | None = None

    @property
    def ok(self) -> bool:
        """Whether the server passed."""
        return self.reason is Reason.OK
