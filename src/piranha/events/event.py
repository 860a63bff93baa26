"""A decision as a value: what changed, by which rule, because of which fact.

Log, `status`, `why`, web and notifications read events and nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much an operator should care."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One decision.

    when_s: monotonic seconds, the `now` of the decision; the recorder adds the wall clock.
    subject: what it is about: `www`, `www/web3`, `router`, `partner`, `vip 192.0.2.10`, `config`,
    `lvsd`, `nanny`, `table`.
    before, after: states, empty where there is none. rule: the setting or rule that decided
    (`fall = 2`). cause: the fact that triggered it (`connect: no answer in 2000 ms`).
    message: a sentence that an operator can search for, the original's where it has one.
    facts: further key=value pairs of the log line.
    """

    when_s: float
    subject: str
    message: str
    before: str = ""
    after: str = ""
    rule: str = ""
    cause: str = ""
    level: Level = Level.INFO
    facts: tuple[tuple[str, str], ...] = ()
