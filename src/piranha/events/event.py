"""A decision as a value: what changed, by which rule, because of which fact.

Log, `status`, `why`, web and notifications read events and nothing else.
"""

from enum import StrEnum

from piranha.dataclass import dataclass, field_names
from piranha.errors import MISSHAPEN

CLOCK = "clock"
"""Subject of a step of the wall clock; it belongs to every story, since it tells what the times in it mean."""


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
    `kernel`, `lvsd`, `nanny`, `table`, `clock`.
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


_MEMBERS = field_names(Event) or ()


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the story.

    seq: 1, 2, … of one daemon. at_s: wall clock, seconds since the epoch: for people, since it may
    be set; `event.when_s` orders. boot: the run of the machine in which that counts.
    """

    seq: int
    at_s: float
    event: Event
    boot: str = ""

    def message(self) -> dict[str, object]:
        """Return the object that the file and the control socket carry."""
        event = {name: getattr(self.event, name) for name in _MEMBERS}
        event["level"] = str(self.event.level)
        event["facts"] = [list(fact) for fact in self.event.facts]
        return {"seq": self.seq, "at": round(self.at_s, 3), "boot": self.boot, **event}


def read_record(message: object) -> Record | None:
    """Read what `Record.message` wrote; None for anything else."""
    try:
        members = dict(message) if isinstance(message, dict) else {}
        facts = tuple((str(key), str(value)) for key, value in members.get("facts", []))
        words = {name: str(members[name]) for name in ("subject", "message", "before", "after", "rule", "cause")}
        event = Event(when_s=float(members["when_s"]), level=Level(members["level"]), facts=facts, **words)
        return Record(int(members["seq"]), float(members["at"]), event, str(members.get("boot", "")))
    except MISSHAPEN:
        return None
