"""Shell: putting a file in force and taking it back, the same for `pulse` and a lone `lvsd`.

The daemon does it, not the command: a change that waits for its confirmation lives here and on the disk, so
that neither the end of the command, nor of the shell, nor of the daemon loses the way back.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Generic, TypeVar

from piranha.change import journal
from piranha.change.ground import Ground
from piranha.change.journal import Settled
from piranha.change.kept import digest
from piranha.change.limit import removal
from piranha.change.order import Act, Allow, Order
from piranha.change.pending import Moment, Pending
from piranha.change.serving import InForce, Judged, Serving
from piranha.change.wording import refused_meanwhile, until
from piranha.control.messages import Refused
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import meaning

LOOK_S = 0.5
"""How often a change that waits is looked at."""

RETRY_S = 5.0
"""Before taking back is tried again."""

T = TypeVar("T")


class Changes(Generic[T]):
    """The changes of one daemon, one after the other.

    waiting: the one that goes back by itself. over: the last one that ended, and what came of it.
    """

    def __init__(
        self,
        serving: Serving[T],
        ground: Ground,
        teller: Teller,
        settled: Settled | None = None,
        clock: Callable[[], Moment] = journal.now,
    ) -> None:
        self._serving = serving
        self._ground = ground
        self._teller = teller
        self._clock = clock
        self.waiting: Pending | None = settled.pending if settled is not None else None
        self.over: tuple[str, str] = ("", "")
        self.trouble = ""
        self._old = settled.old if settled is not None else b""
        self._aside_path = ""
        self._served: set[str] = set()
        self._retry_at_s = self._catch_up_at_s = 0.0
        self._settled(settled or Settled())

    def refusal(self) -> str:
        """Return why nothing else can be put in force now, empty when it can."""
        return refused_meanwhile(self.waiting, self._clock()) if self.waiting is not None else ""

    def facts(self) -> dict[str, object]:
        """Return what `status` shows of it: `unconfirmed`, null when nothing waits; and the last that ended."""
        waiting, now = self.waiting, self._clock()
        shown = waiting.shown(now) | {"trouble": self.trouble} if waiting is not None else None
        return {"unconfirmed": shown, "last_change": {"id": self.over[0], "outcome": self.over[1]}}

    async def preview(self, order: Order) -> dict[str, object]:
        """Return what `apply` would do, and change nothing. Raises Refused as `apply` does, but for what is allowed."""
        judged, found = await self._judged(order)
        return await self._told(order, judged, found)

    async def apply(self, order: Order) -> dict[str, object]:
        """Put a file in force; return what came of it. Raises Refused: then everything is as it was."""
        async with self._serving.one:
            judged, found = await self._judged(order)
            told = await self._told(order, judged, found)
            if order.base and told["base"] != order.base:
                raise Refused("lvs.cf or what is in force has changed since you looked: look again (piranha plan)")
            self._allowed(order, told)
            before = self._serving.in_force()
            pending = self._pending(order, judged, before, changed=told["changed"] is True)
            served = await self._serving_now() if pending is not None else set()
            await self._put(order, judged, found, pending, before)
            self._served = served
            now = self._serving.in_force()
            told |= {"generation": now.generation, "meaning": now.meaning, "id": pending.id if pending else ""}
            self._say_applied(order, pending, before, aside=str(told["set_aside"]))
        standings = await self._serving.standings()
        told["up"] = {name: [one.up, one.of] for name, one in standings.items()}
        return told | self.facts()

    async def confirm(self, who: str) -> dict[str, object]:
        """Keep the change that waits. Raises Refused when there is none, or it is going back."""
        async with self._serving.one:
            waiting = self.waiting
            if waiting is None:
                raise Refused("nothing waits for a confirmation")
            if waiting.left_s(self._clock()) <= 0:
                raise Refused(f"too late: it goes back ({waiting.going_back or 'its time is over'})")
            try:
                await self._serving.on_disk(partial(journal.end, self._ground))
            except OSError as error:
                raise Refused(f"it cannot be confirmed: {error.filename}: {error.strerror}") from error
            self._ended(waiting, "confirmed")
            self._say("configuration confirmed", cause=who, facts=self._facts(waiting))
            return {"id": waiting.id, "generation": waiting.generation, "serial_no": waiting.serial_no}

    async def take_back(self, why: str) -> dict[str, object]:
        """Take back the change that waits, now. Raises Refused when there is none, or it cannot be taken back yet."""
        waiting = self.waiting
        if waiting is None:
            raise Refused("nothing waits for a confirmation")
        await self._go_back(waiting, why)
        if self.waiting is not None:
            raise Refused(f"it cannot be taken back yet, it is tried again: {self.trouble}")
        return {
            "generation": self._serving.in_force().generation,
            "serial_no": waiting.old_serial_no,
            "set_aside": self._aside_path,
        }

    async def watch(self) -> None:
        """Take back what is not confirmed in time, or costs somebody the last healthy server; until cancelled."""
        while True:
            try:
                await self.look()
            except PiranhaError as error:
                self._retry_at_s = self._clock().boottime_s + RETRY_S
                self._say("cannot go back to the old configuration yet", cause=str(error), level=Level.ERROR)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Take the change that waits back, if it is time; what could not be done is tried again a while later."""
        waiting, now_s = self.waiting, self._clock().boottime_s
        if now_s >= self._catch_up_at_s:
            self._catch_up_at_s = now_s + RETRY_S
            await self._serving.catch_up()
        if waiting is not None and now_s >= self._retry_at_s and (why := await self._due(waiting)):
            await self._go_back(waiting, why)

    async def _due(self, waiting: Pending) -> str:
        if waiting.going_back or waiting.left_s(self._clock()) <= 0:
            return waiting.going_back or f"not confirmed within {waiting.confirm_s:g} s"
        standings = await self._serving.standings()
        self._served |= {name for name, one in standings.items() if one.up}
        lost = [name for name, one in standings.items() if name in self._served and one.deserted and one.of]
        return f"virtual server {lost[0]} lost its last healthy server" if lost else ""

    async def _judged(self, order: Order) -> tuple[Judged[T], bytes | None]:
        """Return the file, judged, and what lvs.cf holds. Raises Refused."""
        if why := self.refusal():
            raise Refused(why)
        found = await self._serving.on_disk(partial(journal.on_disk, self._ground))
        external = self._serving.in_force().config.change.external
        if external and (order.data != found or order.confirm_s is not None):
            raise Refused(
                "config_sync = external: another tool writes lvs.cf, Piranha never does; "
                "have that tool put the file there, then reload"
            )
        if order.seen and (found is None or digest(found) != order.seen):
            raise Refused(f"{self._ground.file} was changed by somebody else meanwhile: look again")
        judged = await self._serving.judge(order.data, order.name)
        if judged.problems or judged.config is None:
            raise Refused(f"{order.name} is refused: " + "; ".join(judged.problems))
        return judged, found

    async def _told(self, order: Order, judged: Judged[T], found: bytes | None) -> dict[str, object]:
        before = self._serving.in_force()
        if judged.config is None:
            raise ValueError("checked by _judged")
        planned = await self._serving.plan(judged.config)
        # Large files take a while: a heartbeat must not wait for that.
        means = await asyncio.to_thread(meaning, judged.config)
        removed = await asyncio.to_thread(removal, before.config, judged.config)
        mass = removed.over(before.config.change.limit_percent)
        return {
            "file": str(self._ground.file),
            "base": self._base(before, found),
            "changed": before.meaning != means,
            "serial_no": judged.config.serial_no,
            "old_serial_no": before.config.serial_no,
            "warnings": list(judged.warnings),
            "findings": judged.rendered,
            "plan": list(planned.lines),
            "ended": list(planned.ended),
            "counts": planned.counts,
            "summary": planned.summary,
            "kind": (Allow.MASS if mass else planned.kind).word,
            "removes": str(removed) if mass else "",
            "limit": before.config.change.limit_percent,
            "confirm_time": before.config.change.confirm_s,
            "set_aside": str(journal.unused(self._ground, found))
            if found and self._aside(order, before, found)
            else "",
        }

    def _allowed(self, order: Order, told: Mapping[str, object]) -> None:
        kind = Allow[str(told["kind"]).upper()]
        if kind <= order.allow:
            return
        if kind is Allow.MASS:
            words = f"it would remove {told['removes']}: over change_limit = {told['limit']:g}%"
        else:
            words = f"its changes are {kind.word}, and --allow {order.allow.word} is in force: {told['counts']}"
        raise Refused(f"{words}; if that is meant: --allow {kind.word}")

    def _aside(self, order: Order, before: InForce, found: bytes | None) -> bool:
        """Whether lvs.cf holds something that neither is in force nor comes back in the new file."""
        return found is not None and not order.seen and found not in (order.data, before.data)

    def _base(self, before: InForce, found: bytes | None) -> str:
        """Return what names all that a decision rests on: what is in force, and what lvs.cf holds."""
        return digest(f"{before.generation} {digest(before.data)} {digest(found or b'')}".encode())[:32]

    def _pending(self, order: Order, judged: Judged[T], before: InForce, *, changed: bool) -> Pending | None:
        if order.confirm_s is None or order.data == before.data or judged.config is None:
            return None
        return Pending(
            id=os.urandom(8).hex(),
            old=digest(before.data),
            new=digest(order.data),
            confirm_s=order.confirm_s,
            began=self._clock(),
            who=order.act.who,
            how=order.act.how,
            reason=order.act.reason,
            generation=before.generation + changed,
            old_serial_no=before.config.serial_no,
            serial_no=judged.config.serial_no,
        )

    async def _put(
        self, order: Order, judged: Judged[T], found: bytes | None, pending: Pending | None, before: InForce
    ) -> None:
        """Raises Refused; then nothing has changed."""
        aside = self._aside(order, before, found)
        begin = partial(
            journal.begin, self._ground, order.data, found=found, aside=aside, pending=pending, old=before.data
        )
        try:
            await self._serving.on_disk(begin)
        except OSError as error:
            raise Refused(f"{error.filename}: {error.strerror}") from error
        problems = await self._serving.take(judged.read, order.act)
        if problems:
            with_it = ""
            try:
                await self._serving.on_disk(partial(journal.abandon, self._ground, found))
            except OSError as error:
                with_it = f"; and lvs.cf could not be put back: {error.filename}: {error.strerror}"
            raise Refused("; ".join(problems) + with_it)
        self.waiting, self._old, self._aside_path = pending, before.data, ""

    async def _serving_now(self) -> set[str]:
        return {name for name, one in (await self._serving.standings()).items() if one.up}

    async def _go_back(self, waiting: Pending, why: str) -> None:
        async with self._serving.one:
            if self.waiting is not waiting:
                return
            self._retry_at_s = self._clock().boottime_s + RETRY_S
            marked = self.waiting = waiting.taken_back(why)
            failed = await self._tried(partial(journal.mark, self._ground, marked, self._old))
            failed = await self._restored(marked) or failed
            # A file that cannot be written must not keep the change in force.
            problems: tuple[str, ...] = ()
            if self._serving.in_force().data != self._old:
                judged = await self._serving.judge(self._old, str(self._ground.file))
                act = Act(who=waiting.who, how="taken back", reason=why)
                problems = judged.problems or await self._serving.take(judged.read, act)
            if not problems and not failed:
                failed = await self._tried(partial(journal.end, self._ground))
            self._tell_way_back(marked, why, "; ".join(problems) or failed)

    async def _restored(self, marked: Pending) -> str:
        try:
            found = await self._serving.on_disk(partial(journal.restore, self._ground, marked, self._old))
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        self._aside_path = found or self._aside_path
        return ""

    async def _tried(self, work: Callable[[], None]) -> str:
        try:
            await self._serving.on_disk(work)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return ""

    def _tell_way_back(self, marked: Pending, why: str, trouble: str) -> None:
        facts = self._facts(marked)
        if trouble:
            if trouble != self.trouble:
                self._say("cannot go back to the old configuration yet", cause=trouble, rule=why, level=Level.ERROR)
            self.trouble = trouble
            return
        self._ended(marked, f"back to serial {marked.old_serial_no}: {why}")
        facts += _kept(self._aside_path)
        self._say("back to the old configuration", cause=why, facts=facts, level=Level.WARNING)

    def _ended(self, pending: Pending, outcome: str) -> None:
        self.waiting, self.trouble, self._old = None, "", b""
        self.over = (pending.id, outcome)

    def _settled(self, settled: Settled) -> None:
        """Tell what the start found."""
        if settled.over is not None:
            words = f"back to serial {settled.over.old_serial_no}: " if settled.went_back else "given up: "
            self.over = (settled.over.id, words + settled.outcome)
            message = "back to the old configuration" if settled.went_back else "a change is not waited for any more"
            self._say(message, cause=settled.outcome, facts=self._facts(settled.over), level=Level.WARNING)
        if settled.trouble:
            self.trouble = settled.trouble
            self._say("what was to be confirmed", cause=settled.trouble, level=Level.ERROR)
        if settled.pending is not None:
            left = until(settled.pending, self._clock())
            self._say("a change still waits for its confirmation", cause=left, facts=self._facts(settled.pending))

    def _say_applied(self, order: Order, pending: Pending | None, before: InForce, *, aside: str) -> None:
        rule = f"goes back {until(pending, self._clock())} unless confirmed" if pending is not None else ""
        serials = (f"serial {before.config.serial_no}", f"serial {self._serving.in_force().config.serial_no}")
        self._say("configuration applied", cause=order.act.words(), rule=rule, serials=serials, facts=_kept(aside))

    def _facts(self, pending: Pending) -> tuple[tuple[str, str], ...]:
        return (("serial_no", str(pending.serial_no)), ("applied_by", pending.who))

    def _say(
        self,
        message: str,
        *,
        cause: str = "",
        rule: str = "",
        serials: tuple[str, str] = ("", ""),
        facts: tuple[tuple[str, str], ...] = (),
        level: Level = Level.INFO,
    ) -> None:
        old, new = serials
        self._teller.say("config", message, before=old, after=new, cause=cause, rule=rule, facts=facts, level=level)


def _kept(aside: str) -> tuple[tuple[str, str], ...]:
    """Return, for an event, where that lies which lvs.cf held and was never in force."""
    return (("set_aside", aside),) if aside else ()
