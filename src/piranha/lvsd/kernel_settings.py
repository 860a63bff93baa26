"""The settings of the kernel that the file names: what is written, what was refused, what somebody else changed."""

from collections.abc import Mapping, Sequence

from piranha.dataclass import dataclass, field
from piranha.events.event import Event, Level
from piranha.lvscf.kernel_named import FORWARDING, rule, same
from piranha.terms import Family

SUBJECT = "kernel"
"""Of events about settings of the kernel and its sync daemons."""
KEPT = "a setting that lvs.cf names is kept as it says"


@dataclass(frozen=True, slots=True)
class Write:
    """One setting to write; before: what the kernel has."""

    setting: str
    value: str
    before: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write. refusal: why the kernel did not take it, empty if it did. after: what it has then."""

    write: Write
    refusal: str = ""
    after: str = ""


@dataclass(slots=True)
class NamedSettings:
    """Decides what is written, and remembers what came of it.

    found: what the kernel has, as of the last look. refused: why, by setting. overruled: when, monotonic, and
    in words, what somebody else had set, the last hundred.
    """

    found: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    overruled: list[tuple[float, str]] = field(default_factory=list)
    _wanted: dict[str, str] = field(default_factory=dict)
    _made: dict[tuple[str, str], str] = field(default_factory=dict)  # what the kernel made of a value

    def writes(self, wanted: Mapping[str, str], found: Mapping[str, str | None]) -> list[Write]:
        """Return what has to be written. found: the kernel's value of each wanted setting, None = it has none."""
        return [
            Write(setting, value, have)
            for setting, value in wanted.items()
            if (have := found[setting]) is not None and not self._is(setting, value, have)
        ]

    def done(
        self, wanted: Mapping[str, str], found: Mapping[str, str | None], written: Sequence[Written], now: float
    ) -> list[Event]:
        """Take in what came of `writes`; return what there is to tell, each fact once."""
        events = [
            self._dropped(setting, value, now)
            for setting, value in self._wanted.items()
            if setting not in wanted and setting in self.found  # nothing stays of what this kernel does not have
        ]
        refused = {setting: "this kernel has no such setting" for setting, have in found.items() if have is None}
        for one in written:
            write = one.write
            if one.refusal:
                refused[write.setting] = one.refusal
                continue
            drift = self._wanted.get(write.setting) == write.value and write.setting not in self.refused
            if not same(write.setting, write.value, one.after):
                self._made[write.setting, write.value] = one.after
            events.append(_set(one, now, drift=drift))
            if drift:
                words = f"{write.setting} was {write.before}, is {write.value} again"
                self.overruled = [*self.overruled, (now, words)][-100:]
        events += [
            _refused(setting, wanted[setting], why, now)
            for setting, why in refused.items()
            if self.refused.get(setting) != why
        ]
        taken = {one.write.setting for one in written if not one.refusal}
        for setting in self.refused.keys() & wanted.keys():
            if setting not in refused and setting not in taken:
                events.append(_no_longer_refused(setting, wanted[setting], now))
        self.refused, self._wanted = refused, dict(wanted)
        self.found = {setting: have for setting, have in found.items() if have is not None}
        self.found |= {one.write.setting: one.after for one in written if one.after}
        return events

    @property
    def made_otherwise(self) -> dict[str, str]:
        """Return in words what the kernel made of values that it took, by setting."""
        return {
            setting: f"the kernel makes {made} of {value}"
            for (setting, value), made in self._made.items()
            if self._wanted.get(setting) == value and self.found.get(setting) == made
        }

    def _is(self, setting: str, value: str, have: str) -> bool:
        return same(setting, value, have) or self._made.get((setting, value)) == have

    def _dropped(self, setting: str, value: str, now: float) -> Event:
        return Event(
            when_s=now,
            subject=SUBJECT,
            message=f"{setting} is no longer named: it stays {self.found[setting]}",
            rule="nothing that was set is set back",
            cause=f"another file is in force, without {rule(setting, value)}",
        )


def _set(one: Written, now: float, *, drift: bool) -> Event:
    write = one.write
    learned = write.setting == FORWARDING[Family.IPV6]
    facts = [("router_advertisements", "not taken any more where accept_ra is not 2")] if learned else []
    if not same(write.setting, write.value, one.after):
        facts.append(("asked", write.value))
    return Event(
        when_s=now,
        subject=SUBJECT,
        message=f"{write.setting} put right" if drift else f"{write.setting} set",
        before=write.before,
        after=one.after or write.value,
        rule=KEPT if drift else rule(write.setting, write.value),
        cause="changed by somebody else" if drift else "the file names it",
        level=Level.WARNING if drift or learned else Level.INFO,
        facts=tuple(facts),
    )


def _refused(setting: str, value: str, why: str, now: float) -> Event:
    return Event(
        when_s=now,
        subject=SUBJECT,
        message=f"{setting} cannot be set",
        after="refused",
        rule=rule(setting, value),
        cause=why,
        level=Level.ERROR,
        facts=(("retry", "with each reading"),),
    )


def _no_longer_refused(setting: str, value: str, now: float) -> Event:
    return Event(
        when_s=now,
        subject=SUBJECT,
        message=f"{setting} is as the file says",
        before="refused",
        rule=rule(setting, value),
        cause="somebody else set it",
    )
