"""Shell: the table on its plane: read, repaired, brought to what is wanted, and at the end removed."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass, field, replace
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Sample
from piranha.forwarding.refusals import is_sctp
from piranha.lvscf.config import Config
from piranha.lvsd.first_table import Filled
from piranha.lvsd.kept_numbers import KeptNumbers
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.lvsd.reconcile import Pass, Reconciler, with_part
from piranha.lvsd.unforwarded import Unforwarded
from piranha.table.changes import AddService, RemoveService
from piranha.table.desired import (
    NO_EDITS,
    Edits,
    Place,
    Verdicts,
    servers_of,
    service_keys,
    services_of,
    sorry_place,
)
from piranha.table.destination import DestinationKey
from piranha.table.leaving import Leaver
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.table.targets import Target

FEW = 4
"""Up to one in so many services is read and changed before the rest is looked at."""
AT_ONCE = 20
"""So few services are compared without a thread."""
RETRY_S = 1.0
LOOK_S = 1.0
FRESH_S = 1.0
"""How old the last reading may be for an answer that shows the table."""
PATIENCE_S = 0.7
"""How long an answer waits for a slow plane, for each thing it reads: together less than who asks waits."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is in force: the file, what is known of its servers, who leaves, and what others changed and stays."""

    config: Config
    verdicts: Verdicts
    leaving: Mapping[Place, Leaver] = field(default_factory=dict)
    edits: Edits = NO_EDITS


Asking = Callable[[Collection[str] | None], Wanted]
"""Tells what is in force; of the servers what is known in these virtual servers, None = in all of them."""

Found = Callable[[Edits, Edits, Table], Awaitable[None]]
"""Takes what others have changed: before a pass and after it, and the table that it saw."""

Leading = Callable[[], Awaitable[None]]
"""Has packets come to the services that the file in force asks for."""


async def keeps_nothing(_before: Edits, _after: Edits, _live: Table) -> None:
    """Keep none of it."""


async def they_come_anyway() -> None:
    """Do nothing: packets find the services by their address."""


class KeptTable:
    """The one table of this router; everything runs in the thread of the event loop.

    wanted: asked for at each pass. soon: called when the next pass is due before its time, since the plane is out of
    reach or somebody has changed the table. kept: where the numbers are kept. found: told what others have changed.
    lead: called in each pass when what is new is there and before services go, so that nobody is led astray.
    live: the table as last seen. numbers: its counters and connections. passed_at_s: the last pass that could be made,
    monotonic. trouble: why the plane cannot be reached, empty if it can. overruled: when, and in words, what others
    had changed, the last hundred. unforwarded: what the machine does not route although NAT needs it. doing: what
    happens to a table that is there, in one word.
    """

    doing = "adopting"

    def __init__(
        self,
        plane: PlaneThread,
        ours: Ours,
        teller: Teller,
        wanted: Asking,
        soon: Callable[[], None],
        *,
        kept: StateFiles,
        found: Found = keeps_nothing,
        lead: Leading = they_come_anyway,
    ) -> None:
        self._plane = plane
        self._ours = ours
        self._teller = teller
        self._wanted = wanted
        self._soon = soon
        self._found = found
        self._lead = lead
        self._reconciler = Reconciler()
        self._one_pass = asyncio.Lock()
        self._refreshing: asyncio.Task[object] | None = None
        self._ended = False
        self.numbers = KeptNumbers(kept, teller, self._places)
        self.live: Table = {}
        self.passed_at_s: float | None = None
        self.trouble = ""
        self.overruled: list[tuple[float, str]] = []
        self.unforwarded = Unforwarded()

    @property
    def refused(self) -> list[str]:
        """What the plane refuses at the moment, in words."""
        return self._reconciler.refused

    @property
    def why_refused(self) -> Mapping[Target, str]:
        """Return of what the plane refuses at the moment why."""
        return self._reconciler.why_refused

    def observing(self) -> Mapping[str, object] | None:
        """Return what differs in a table that is only observed; None: it is kept."""
        return None

    async def adopt(self, filled: Filled | None = None) -> None:
        """Take the table as it is. filled: what this start has put there already. Raises PlaneUnavailable."""
        await self._plane.prepare()
        self.live = await self._plane.dump()
        if found := self.live if filled is None else filled.plan.live:
            servers = str(sum(len(service.destinations) for service in found.values()))
            facts = (("services", str(len(found))), ("servers", servers))
            self._teller.say("table", f"{self.doing} the table that is there", facts=facts)
        if filled is not None:
            self._reconciler = filled.reconciler
            self._teller.recorder.record_all(filled.done(self.live, time.monotonic()))
            self._teller.state_written(filled.trouble)

    async def claim(self, config: Config, come: Collection[ServiceKey]) -> None:
        """Make the services of `config` ours before they are there, and see what is there of those that `come`.

        A crash in between must not make them somebody else's. config: what was in force before may be left out.
        """
        if new := services_of(config).keys() - self._ours.services:
            await self._keep_ours(self._ours.services | new)
        self.numbers.reloaded()
        if come:
            with contextlib.suppress(PlaneUnavailable):
                there = await self._plane.dump(come)
                self.live = with_part(self.live, there, come)

    async def look(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read the table, or `only` these services, and their numbers; change nothing. Raises PlaneUnavailable."""
        return await self._plane.sample(only)

    def noticed(self, config: Config, live: Table) -> Edits:
        """Return what others have changed in `live`, as a pass would. config: what of the file `live` is about."""
        asked = self._wanted(())
        return self._reconciler.noticed(config, live, asked.leaving, asked.edits, time.time())

    async def one_pass(self, first: Mapping[ServiceKey, str] | None = None) -> list[str]:
        """Read the table, repair and apply; return in words what others had changed.

        first: services with something to do, and the names of their virtual servers: if these are few of many, they
        are read, compared and changed before the rest, since reading a large table takes a while.
        Raises PlaneUnavailable.
        """
        async with self._one_pass:
            if self._ended:
                return []
            repaired = await self._step(first) if first and self._few(first) else []
            repaired += await self._step()
            self.passed_at_s = now = time.monotonic()
            not_forwarded = await self._plane.not_forwarded()
            self._teller.recorder.record_all(self.unforwarded.look(self._config, not_forwarded, now))
            # What was accepted meanwhile is ours as well.
            wanted = services_of(self._config)
            await self._keep_ours({key for key in self._ours.services if key in self.live} | set(wanted))
            return repaired

    async def first(self, first: Mapping[ServiceKey, str]) -> bool:
        """Do the first part of `one_pass`, if it has one; return whether that is done.

        The whole pass is to follow, at once where it is not, and tells of trouble.
        """
        with contextlib.suppress(PlaneUnavailable):
            async with self._one_pass:
                if first and self._few(first) and not self._ended and not self.trouble:
                    await self._step(first)
                    return True
        return False

    def _few(self, first: Collection[ServiceKey]) -> bool:
        return len(first) * FEW <= len(self.live)

    async def _step(self, part: Mapping[ServiceKey, str] | None = None) -> list[str]:
        live = await self._read(part)
        names = None if part is None else set(part.values())
        asked = self._wanted(names)
        prepare = partial(
            self._reconciler.prepare,
            asked.config if names is None else _only(asked.config, names),
            asked.verdicts,
            live,
            self._ours.services,
            part=part,
            leaving=asked.leaving,
            edits=asked.edits,
            wall_s=time.time(),
        )
        # In a thread: checks and answers go on while a large table is compared.
        plan = await asyncio.to_thread(prepare) if part is None or len(part) > AT_ONCE else prepare()
        if plan.edits is not asked.edits:
            # Kept before anything is written: after a crash the next lvsd could not tell them from its own.
            await self._found(asked.edits, plan.edits, live)
        return await self._carry_out(plan)

    async def _carry_out(self, plan: Pass) -> list[str]:
        """Apply what is planned and tell what came of it; return in words what others had changed."""
        part = plan.part
        stay = len(plan.changes)
        while stay and isinstance(plan.changes[stay - 1], RemoveService):  # they go last
            stay -= 1
        refusals = await self._plane.apply(plan.changes[:stay]) if stay else []
        await self._lead()
        refusals += await self._plane.apply(plan.changes[stay:]) if stay < len(plan.changes) else []
        # After a refusal only the plane knows what is there now.
        left = plan.wanted if not refusals else await self._plane.dump(part)
        self.live = left if part is None else with_part(self.live, left, part)
        # One that was there before is not added, so nobody would hear that it serves nobody.
        held = [key for key in left if is_sctp(key) and plan.names.get((key, None)) is not None]
        refusals += await self._plane.unserved([AddService(key, left[key].settings) for key in held])
        now = time.monotonic()
        self._teller.recorder.record_all(self._reconciler.done(plan, refusals, left, now))
        repaired = list(plan.repairs.values())
        self.overruled = [*self.overruled, *((now, words) for words in repaired)][-100:]
        return repaired

    async def _read(self, part: Mapping[ServiceKey, str] | None = None, *, numbers: bool = False) -> Table:
        """Read the table, with its numbers where they are due; numbers: they are."""
        if part is None and not numbers and not self.numbers.due:
            return await self._plane.dump()
        began_s = time.monotonic()
        seen = await self._plane.sample(part)
        ours = services_of(self._config if part is None else _only(self._config, set(part.values())))
        found = {key: one for key, one in seen.statistics.items() if key in ours}
        if part is None:
            await self.numbers.take(found, began_s)
        else:
            self.numbers.take_some(found, part)
        return seen.table

    async def try_pass(self, first: Mapping[ServiceKey, str] | None = None) -> bool:
        """Make a pass, see `one_pass`; say so, once, when the plane cannot be reached, and when it can again."""
        # Lost meanwhile is not back because a reading from before has come.
        was_lost = bool(self.trouble)
        try:
            if was_lost:
                await self._plane.prepare()
            await self.one_pass(first)
        except PlaneUnavailable as error:
            self._lost(str(error))
            return False
        if was_lost:
            self._teller.say("table", "the table can be reached again", before=self.trouble)
            self.trouble = ""
        return True

    async def refresh(self, older_than_s: float = FRESH_S) -> None:
        """Make a pass when the last one is older than that, else read the numbers where they are due.

        Who asks meanwhile shares it. Waits for at most PATIENCE_S; what takes longer goes on, and what is known stays
        until then.
        """
        self.numbers.ask()
        fresh = self.passed_at_s is not None and time.monotonic() - self.passed_at_s <= older_than_s
        if self._ended or (fresh and not self.numbers.due):
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._sample() if fresh else self.try_pass())
        await asyncio.wait([self._refreshing], timeout=PATIENCE_S)

    async def watch(self) -> None:
        """Notice as soon as a plane that lives in a process of its own has ended: it is to be filled again."""
        while True:
            await self._plane.lost()
            self._lost("its process has ended")
            await asyncio.sleep(RETRY_S)

    async def count(self) -> None:
        """Read the numbers at once, and again and again while somebody looks at them; until cancelled."""
        while True:
            if self.numbers.now.taken_at_s is None or (self.numbers.due and self.numbers.looked_at):
                await self._sample()
            await asyncio.sleep(max(LOOK_S, self.numbers.due_in_s()))

    async def _sample(self) -> None:
        with contextlib.suppress(PlaneUnavailable):  # a pass tells of it
            async with self._one_pass:
                if self._ended:
                    return
                live = await self._read(numbers=True)
                changed = await asyncio.to_thread(self.live.__ne__, live)
            if changed:
                self._soon()

    async def set_timeouts(self, timeouts_s: tuple[int, int, int]) -> None:
        """Set the time-outs tcp, tcpfin and udp; 0 keeps the plane's value."""
        if not any(timeouts_s):
            return
        try:
            await self._plane.set_timeouts(timeouts_s)
        except PlaneUnavailable as error:
            numbers = " ".join(map(str, timeouts_s))
            message = f"ipvsadm failed to set timeouts ({numbers})"  # as the original says it
            self._teller.say("table", message, cause=str(error), level=Level.ERROR)
            return
        facts = tuple(zip(("tcp", "tcpfin", "udp"), map(str, timeouts_s), strict=True))
        self._teller.say("table", "connection time-outs set", facts=facts)

    async def remove(self) -> None:
        """Remove what is ours, and end a plane that then serves nobody; no pass puts it back."""
        self._ended = True
        try:
            await self._remove_ours()
            await self._plane.end()
        except PlaneUnavailable as error:
            self._teller.say("lvsd", "the table could not be removed", cause=str(error), level=Level.ERROR)

    def load_again(self) -> None:
        """Have the next pass made soon: what is wanted has become another table, and until then it is not loaded."""
        self.passed_at_s = None
        self._soon()

    def close(self) -> None:
        """Let go of the plane; what it holds stays."""
        self._ended = True
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._plane.close()

    def _lost(self, cause: str) -> None:
        if not self.trouble:
            self._teller.say("table", "the table cannot be reached", cause=cause, level=Level.ERROR)
            self.trouble = cause
            self._soon()
        self.trouble = cause

    async def _remove_ours(self) -> None:
        async with self._one_pass:
            live = await self._read(numbers=True)
            config = self._config
            names = {key: virtual.name for virtual in config.active_virtuals() for key in service_keys(virtual)}
            changes = [RemoveService(key) for key in live if key in names or key in self._ours.services]
            for change in changes:
                name = names.get(change.service, str(change.service))
                facts = (("service", str(change.service)),)
                self._teller.say(name, f"shutting down virtual service {name}", facts=facts)
            refusals = await self._plane.apply(changes)
            for refusal in refusals:
                self._teller.say("table", "a service could not be removed", cause=refusal.reason, level=Level.ERROR)
            await self._keep_ours({refusal.change.service for refusal in refusals})

    @property
    def _config(self) -> Config:
        return self._wanted(()).config

    def _places(self) -> Mapping[ServiceKey, Collection[DestinationKey]]:
        """Return what belongs to the services of the file: its servers, and what is there."""
        places: dict[ServiceKey, set[DestinationKey]] = {}
        for key, virtual in services_of(self._config).items():
            sorry = [sorry_place(key, virtual, virtual.sorry_server)] if virtual.sorry_server is not None else []
            there = self.live[key].destinations if key in self.live else ()
            places[key] = {*servers_of(key, virtual), *sorry, *there}
        return places

    async def _keep_ours(self, services: Collection[ServiceKey]) -> None:
        try:
            trouble = await asyncio.to_thread(self._ours.keep, services)
        except OSError as error:
            trouble = f"{error.filename}: {error.strerror}"
        if trouble is not None:
            self._teller.state_written(trouble)


def _only(config: Config, names: Collection[str]) -> Config:
    """Return `config` with these virtual servers alone."""
    return replace(config, virtuals=tuple(one for one in config.virtuals if one.name in names))
