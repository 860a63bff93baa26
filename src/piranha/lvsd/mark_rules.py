"""Shell: the firewall rules of `mark_rules`: read back, repaired, brought to what the file asks for, removed.

They are kept apart from the table: a firewall that refuses must not keep `lvsd` from balancing what needs no mark.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass, field
from piranha.errors import MISSHAPEN
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.forwarding.firewall import Firewall, FirewallMissing, FirewallUnavailable
from piranha.lvscf.config import Config
from piranha.table.mark_rules import Difference, Marked, MarkRule, by_name, told, wanted_rules

FILE = "lvsd-mark-rules.json"
RETRY_S = 5.0
"""How soon a firewall that refused is tried again, at most."""
PATIENCE_S = 2.0
"""How long a new file waits for its rules; programs that take longer go on, and so does `lvsd`."""
FRESH_S = 1.0
LATELY_S = 3600.0
"""How long `status` names a repair."""
_RULE = "mark_rules = 1"


@dataclass(frozen=True, slots=True)
class _Brought:
    """What became of one pass. by: the firewall that has the rules, None where there are none. trouble: why not."""

    by: Firewall | None = None
    found: Difference = field(default_factory=Difference)
    trouble: str = ""


class MarkRules:
    """The rules of this router; everything runs in the thread of the event loop.

    among: returns the firewalls; the first one that this machine has is used, and where there is none nothing is done
    at all. kept: remembers which of them hold rules of ours: where none do and none are asked for, no firewall is even
    looked at. sees_marks: packets are balanced by their mark here. trouble: why packets are not marked, empty if they
    are, or need not be.
    """

    def __init__(
        self, among: Callable[[], Sequence[Firewall]], kept: StateFiles, teller: Teller, *, sees_marks: bool = True
    ) -> None:
        self._among = among
        self._sees_marks = sees_marks
        self._kept = kept
        self._teller = teller
        self._one_pass = asyncio.Lock()
        self._ended = False
        self._holding = _read(kept)
        self._absent: set[str] = set()
        self._taken: Config | None = None
        self._wanted: Mapping[MarkRule, str] = {}
        self._brought: Mapping[MarkRule, str] | None = None
        self._by: Firewall | None = None
        self._passed_at_s: float | None = None
        self._repaired: list[tuple[float, str]] = []
        self._soon: asyncio.Task[list[str]] | None = None
        self._why_gone = "the file does not ask for them"
        self.trouble = ""

    @cached_property
    def _firewalls(self) -> Sequence[Firewall]:
        # Asked for when there is something to do: most files need none of them, and a start is to be quick.
        return self._among()

    @property
    def awaited(self) -> bool:
        """Whether the first rules are on their way; a firewall that refused them is waited for no longer."""
        return bool(self._wanted) and self._brought is None and not self.trouble

    async def take(self, config: Config) -> None:
        """Have the rules that `config` asks for from now on; to take the same once more does nothing."""
        if config is self._taken:
            return
        self._taken = config
        self._wanted = wanted_rules(config) if self._sees_marks else {}
        if self._wanted != self._brought:
            # Not a pass that is on its way: that one may have begun with the rules of before.
            self._soon = None
            await self._patiently()

    async def refresh(self) -> None:
        """Make a pass unless the last one has just been, for an answer that shows how the rules are."""
        if self._wanted and time.monotonic() - (self._passed_at_s or 0.0) > FRESH_S:
            await self._patiently()

    async def watch(self, interval_s: Callable[[], float]) -> None:
        """Read the rules back and repair them, again and again. interval_s: `repair_interval`."""
        while True:
            await asyncio.sleep(min(interval_s(), RETRY_S) if self.trouble else interval_s())
            await self.one_pass()

    async def one_pass(self) -> list[str]:
        """Read the rules, repair them, tell what was found; return in words what others had changed."""
        async with self._one_pass:
            wanted, known = self._wanted, len(self._repaired)
            if self._ended or not (wanted or self._holding) or not self._firewalls:
                self._brought = wanted
                return []
            brought = await asyncio.to_thread(self._bring, wanted)
            self._passed_at_s = time.monotonic()
            self._say_trouble(brought.trouble)
            if not brought.trouble:
                self._by = brought.by
                self._say_found(brought, wanted)
                self._brought = wanted
            return [words for _, words in self._repaired[known:]]

    async def _patiently(self) -> None:
        if self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self.one_pass())
        done, _ = await asyncio.wait([self._soon], timeout=PATIENCE_S)
        for task in done:
            task.result()

    async def marked(self) -> Marked | None:
        """Read which rules of ours are there, for a plan; None where the plane sees no marks."""
        if not self._sees_marks:
            return None
        if not (self._wanted or self._holding):
            return Marked()
        found = await asyncio.to_thread(marked, self._firewalls)
        return Marked(found.rules, self.trouble or found.trouble)

    async def remove(self) -> None:
        """Remove what is ours; no pass puts it back."""
        self._wanted, self._why_gone = {}, "lvsd stops"
        await self.one_pass()
        self._ended = True

    def facts(self, now: float) -> dict[str, object] | None:
        """Return what `status` tells; None where there is nothing to tell. now: monotonic seconds."""
        if not (self._wanted or self._holding or self.trouble):
            return None
        self._repaired = [(at_s, words) for at_s, words in self._repaired if now - at_s < LATELY_S]
        return {
            "firewall": self._by.name if self._by is not None else "",
            "place": self._by.place if self._by is not None else "",
            "rules": len(self._wanted),
            "set": self._brought == self._wanted,
            "virtuals": list(dict.fromkeys(self._wanted.values())),
            "age_s": round(now - self._passed_at_s, 3) if self._passed_at_s is not None else None,
            "trouble": self.trouble,
            "repaired": [{"what": words, "age_s": round(now - at_s, 3)} for at_s, words in self._repaired],
        }

    def _bring(self, wanted: Mapping[MarkRule, str]) -> _Brought:
        """Runs in a thread of its own: a program may have to be waited for."""
        used, found, missing = None, Difference(), list[str]()
        for firewall in self._firewalls if wanted else ():
            # Before the first rule is there: a crash in between must not make it nobody's.
            if firewall.name not in self._absent:
                self._hold({*self._holding, firewall.name})
            try:
                found, used = firewall.bring(list(wanted)), firewall
                self._absent.discard(firewall.name)
                break
            except FirewallMissing as error:
                missing.append(str(error))
                self._absent.add(firewall.name)
            except FirewallUnavailable as error:
                return _Brought(trouble=str(error))
        if wanted and used is None:
            return _Brought(trouble="; ".join(missing))
        for firewall in self._firewalls:
            if firewall is used or firewall.name not in self._holding:
                continue
            try:
                rest = firewall.bring(())
            except FirewallMissing:
                rest = Difference()
            except FirewallUnavailable as error:
                return _Brought(by=used, trouble=f"rules that are not needed any more stay: {error}")
            found = found if used is not None else rest
        self._hold({used.name} if used is not None else set())
        return _Brought(used, found)

    def _hold(self, names: set[str]) -> None:
        if names == self._holding:
            return
        self._holding = names
        try:
            self._kept.write({FILE: json.dumps(sorted(names)).encode() + b"\n"})
        except OSError:
            return  # only a start without it could leave rules behind that no file asks for; others tell that trouble

    def _say_trouble(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if trouble and not before:
            names = list(dict.fromkeys(self._wanted.values()))
            message, after = "packets are not marked: their virtual servers serve nobody", "not marked"
            if not names:
                message, after = "old mark rules stay", ""
            elif self._brought == self._wanted:
                message, after = "mark rules cannot be read back", ""
            facts = (("virtuals", str(len(names))), ("first", names[0])) if names else ()
            self._teller.say("table", message, after=after, rule=_RULE, cause=trouble, level=Level.ERROR, facts=facts)
        elif before and not trouble:
            self._teller.say("table", "the firewall takes the mark rules again", before=before, rule=_RULE)

    def _say_found(self, brought: _Brought, wanted: Mapping[MarkRule, str]) -> None:
        """Tell apart what the file changed and what somebody else did; at start nobody knows who did."""
        found, known = brought.found, self._brought or {}
        place = (("place", brought.by.place),) if brought.by is not None else ()
        for name, rules in by_name(wanted, [rule for rule in found.missing if rule not in known]):
            self._teller.say(name, f"mark rules set: {told(rules)}", rule=_RULE, facts=place)
        gone = [rule for rule in found.surplus if rule not in wanted]
        names = known if self._brought is not None else {rule: rule.comment or "table" for rule in gone}
        for name, rules in by_name(names, gone):
            self._teller.say(name, f"mark rules removed: {told(rules)}", cause=self._why_gone)
        if found.broken:
            self._repair("table", f"{self._place()} made anew", found.broken)
        for name, rules in by_name(wanted, [rule for rule in found.missing if rule in known]):
            self._repair(name, f"{told(rules)} put back", f"missing in {self._place()}: removed by somebody else")
        for words in _odd(found, [rule for rule in gone if rule not in names], wanted):
            self._repair("table", f"{words} removed", f"added by somebody else to {self._place()}")

    def _place(self) -> str:
        return self._by.place if self._by is not None else "the firewall"

    def _repair(self, subject: str, words: str, cause: str) -> None:
        self._repaired = [*self._repaired, (time.monotonic(), f"{subject}: {words}")][-100:]
        self._teller.say(subject, f"mark rules repaired: {words}", rule=_RULE, cause=cause, level=Level.WARNING)


def firewalls() -> tuple[Firewall, ...]:
    """Return the firewalls that can mark, the best first."""
    from piranha.forwarding.iptables import Iptables  # noqa: PLC0415 -- most files ask for no rules
    from piranha.forwarding.nftables import Nftables  # noqa: PLC0415

    return Nftables(), Iptables()


def marked(among: Iterable[Firewall]) -> Marked:
    """Return the rules of ours that are there, wherever they lie. Blocks."""
    rules, missing = frozenset[MarkRule](), list[str]()
    for firewall in (all_of_them := list(among)):
        try:
            rules |= firewall.look().at_work()
        except FirewallMissing as error:
            missing.append(str(error))
        except FirewallUnavailable as error:
            return Marked(rules, str(error))
    return Marked(rules, "; ".join(missing) if len(missing) == len(all_of_them) else "")


def _odd(found: Difference, unknown: Iterable[MarkRule], wanted: Mapping[MarkRule, str]) -> Iterator[str]:
    for rule in unknown:
        yield f"{rule}, which no file asks for,"
    for rule in found.surplus:
        if rule in wanted:
            yield f"{rule}, which was there twice,"
    if found.strange:
        yield "what is no mark rule of lvsd"


def _read(kept: StateFiles) -> set[str]:
    try:
        return {str(name) for name in json.loads(kept.read(FILE))}
    except (OSError, *MISSHAPEN):
        return set()
