"""Shell: the lvs daemon: keeps the table equal to what lvs.cf and the health of the servers ask for.

One loop applies: health results, reloads and the clock only mark the table dirty, so that ten
servers which fail together cost one pass.
"""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from piranha.change.order import Act
from piranha.control.daemon import beat, notify
from piranha.dataclass import dataclass, field
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config, PlaneKind, meaning
from piranha.lvscf.loaded import Loaded
from piranha.lvsd.accepted import Accepted
from piranha.lvsd.aside import put_away
from piranha.lvsd.cold import switched_off
from piranha.lvsd.compiled import Compiled
from piranha.lvsd.first_table import Filled
from piranha.lvsd.foreign import Foreign
from piranha.lvsd.kept_kernel import Asked, KeptKernel, kernel_of
from piranha.lvsd.kept_table import RETRY_S, KeptTable, Wanted
from piranha.lvsd.leavers import Leavers
from piranha.lvsd.maintenance_folder import Maintenance
from piranha.lvsd.mark_rules import MarkRules, firewalls
from piranha.lvsd.ours import Ours
from piranha.lvsd.outlook import newcomers, news_of, pools_for
from piranha.lvsd.overdue import LOOK_S, Overdue
from piranha.lvsd.own_file import OwnFile
from piranha.lvsd.planes import PlaneThread
from piranha.lvsd.pool import Pool
from piranha.lvsd.refused import refuse
from piranha.lvsd.source import RefusedFile, Source
from piranha.nanny.results import ProbeResult
from piranha.table.desired import Verdict, Verdicts, service_keys, services_of
from piranha.table.leaving import by_place
from piranha.table.service import ServiceKey
from piranha.table.table import Table

if TYPE_CHECKING:  # loaded when the table is in
    from piranha.lvsd.nannies import Nannies

log = logging.getLogger("piranha.lvsd")

READ_BACK_S = 1.0
"""How long after a reload that has changed a few services the whole table is read: it takes a processor for a while."""
RESTART_S = 60.0
"""How long an announced restart keeps SIGTERM from removing the table."""


@dataclass(slots=True)
class Lvsd:
    """The daemon between its start and its end; everything runs in the thread of the event loop.

    loaded: what `source` gave at start; it must hold a configuration. runs_on: what `plane` is. make_own: makes what
    is done for an own file, None under `pulse`. observes: how a table is only compared. node: which router of the file
    this is, if it was said. filled: what its start has put into the table. Call `start`, then `run`
    until it returns, then `end`.
    """

    source: Source
    loaded: Loaded
    plane: PlaneThread
    recorder: Recorder
    ours: Ours
    runs_on: PlaneKind
    make_own: Callable[["Lvsd"], OwnFile] | None = None
    observes: type[KeptTable] | None = None
    node: str = ""
    filled: Filled | None = None

    teller: Teller = field(init=False)
    table: KeptTable = field(init=False)
    kernel: KeptKernel = field(init=False)
    marks: MarkRules = field(init=False)
    leaving: Leavers = field(init=False)
    foreign: Foreign = field(init=False)
    maintenance: Maintenance = field(init=False)
    config: Config = field(init=False)
    accepted: Accepted = field(init=False)
    nannies: "Nannies" = field(init=False)
    pools: dict[str, Pool] = field(default_factory=dict, init=False)
    _pool_of: dict[str, Pool] | None = field(default=None, init=False)  # by the id of a check, while there are any
    refused_file: RefusedFile | None = field(default=None, init=False)
    role: str = field(default="", init=False)
    _first: dict[ServiceKey, str] = field(default_factory=dict, init=False)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    one_reload: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    own: OwnFile | None = field(default=None, init=False)
    _restart_until_s: float = field(default=0.0, init=False)
    _stop_cause: str = field(default="", init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.teller = Teller("lvsd", self.recorder)
        observing = self.observes is not None
        sees_marks = self.runs_on is PlaneKind.IPVS and not observing
        among = tuple if observing else firewalls
        self.marks = MarkRules(among, self.source.kept, self.teller, sees_marks=sees_marks)
        self.leaving = Leavers(self.source.kept, self.teller, observing=observing)
        self.maintenance = Maintenance(self.source.kept, self.teller)
        self.foreign = Foreign(self.source.kept, self.teller, self._mark, lambda: self.config)
        self.table = (self.observes or KeptTable)(
            self.plane,
            self.ours,
            self.teller,
            self._wanted,
            self._dirty.set,
            kept=self.source.kept,
            found=self.foreign.found,
            lead=lambda: self.marks.take(self.config),
        )
        machine = kernel_of(self.runs_on, self.source.kept, self.node) if not observing else (None, None)
        self.kernel = KeptKernel(*machine, self.teller, self._asked, self.table.load_again, observing=observing)

    async def start(self) -> None:
        """Adopt the table that is there and bring it to what the file asks for; start the checks.

        Raises PlaneUnavailable when the plane cannot be reached: nothing has been changed then.
        """
        # A SIGHUP that comes early waits.
        async with self.one_reload:
            await self.table.adopt(self.filled)
            self.filled = None
            config = self._usable(self.loaded)
            await self._put_in_force(None, config)
            await self.table.one_pass()
            gc.freeze()
            gc.enable()
            # All else takes a while, and the table comes first.
            self.accepted = await self._store(self.loaded, config)
            self._tell_accepted(None)
            if self.make_own is not None:
                self.own = self.make_own(self)
                await self.own.remember_start()
            await self._start_checks(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        watches = [beat(), self.table.watch(), self.kernel.watch(), self.table.count(), self._watch_checks()]
        watches += [self.leaving.watch(self.table, self._pass_soon)]
        watches += [self.maintenance.watch(lambda: self.config, self._mark)]
        watches += [self.marks.watch(lambda: self.config.lvsd.repair_interval_s)]
        compiled = Compiled(
            self.source.kept, self.teller, loaded=lambda: self.loaded, put=self._read_afresh, reload=self.reload
        )
        watches += [compiled.watch(), put_away(self.source.kept, self.teller)]
        watches += [self.own.watch()] if self.own is not None else []
        helpers = [asyncio.create_task(watch) for watch in watches]
        try:
            while not self._stopping.is_set():
                await self._until_dirty()
                self._dirty.clear()
                first, self._first = self._first, {}
                if not self._stopping.is_set() and not await self.table.try_pass(first):
                    await asyncio.sleep(min(RETRY_S, self.config.lvsd.repair_interval_s))
        finally:
            for helper in helpers:
                helper.cancel()

    def stop(self, cause: str) -> None:
        """Make `run` return."""
        self._stop_cause = self._stop_cause or cause
        self._stopping.set()
        self._dirty.set()

    def announce_restart(self) -> None:
        """Leave the table when SIGTERM comes within the next minute."""
        self._restart_until_s = time.monotonic() + RESTART_S
        self.teller.say("lvsd", "restart announced: the table stays", rule=f"within {RESTART_S:g} s")

    async def end(self) -> None:
        """Stop the checks and remove what was put into the table, unless it is to stay."""
        restart = time.monotonic() < self._restart_until_s
        self.teller.say("lvsd", self._stop_cause, after="restarting" if restart else "stopped")
        for task in self._tasks:
            task.cancel()
        await self.nannies.close()
        if not restart and not self.config.lvsd.keep_table:
            await self.marks.remove()
            await self.table.remove()
            await self.kernel.end()
        await self.table.numbers.keep()
        self.kernel.close()
        self.table.close()

    async def reload(self, act: Act) -> bool:
        """Read the file again; return whether it is in force now.

        A file that cannot be used changes nothing: its findings are logged and shown by `status`.
        """
        async with self.one_reload:
            if self.own is not None and (why := self.own.refusal()):
                self.teller.say("config", f"{self.source.path} is not read again", cause=why, level=Level.WARNING)
                return False
            self.teller.say("config", "rereading configuration file", cause=act.words())
            loaded, problems = await asyncio.to_thread(self.source.read, self.loaded)
            if loaded is None or loaded.config is None:
                self._refuse(f"error parsing {self.source.path}", problems)
                return False
            config = self._usable(loaded)
            if self.own is not None and (too_much := await self.own.too_much(config)):
                self._refuse(f"{self.source.path} cannot be put in force", [too_much])
                return False
            await self.take(loaded, act)
            return True

    async def take(self, loaded: Loaded, act: Act) -> None:
        """Put in force what was loaded; `one_reload` is held."""
        for warning in loaded.warnings:
            log.warning("%s: %s", self.source.path, warning.sentence())
        self.refused_file = None
        self.loaded = loaded
        before, config = self.config, self._usable(loaded)
        news = await self._put_in_force(before, config)
        # What the file changes comes first, the disk and the checks after it: a start would do the same with it.
        first, self._first = self._first, {}
        done = await self.table.first(first)
        await self._check_again(before, config, *news)
        accepted_before, self.accepted = self.accepted, await self._store(loaded, config)
        self._tell_accepted(accepted_before)
        asyncio.get_running_loop().call_later(READ_BACK_S if done else 0, self._dirty.set)
        if self.own is not None:
            await self.own.remember(act)

    def _read_afresh(self, loaded: Loaded) -> None:
        """Go on with another reading of the file in force, which says the same."""
        self.loaded, self.config = loaded, self._usable(loaded)
        self._make_pools(self.config, self.table.live, time.monotonic())

    def reload_soon(self, cause: str) -> None:
        """Do what `reload` does, from a signal handler."""
        task = asyncio.get_running_loop().create_task(self._reload_and_report(Act(how=cause)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def verdicts(self, names: Collection[str] | None = None) -> Verdicts:
        """Return what becomes of every server; names: of the virtual servers that matter, None = all."""
        now, found = time.monotonic(), dict[tuple[str, str], Verdict]()
        for name in self.pools if names is None else self.pools.keys() & names:
            found.update(self.pools[name].verdicts(now))
        return found

    def _wanted(self, names: Collection[str] | None) -> Wanted:
        config = switched_off(self.config, self.kernel.cold())
        return Wanted(config, self.verdicts(names), by_place(self.leaving.going), self.foreign.edits)

    def _asked(self) -> Asked:
        # Who runs without pulse and is told nothing is the one that balances.
        return Asked(self.config, self.role or ("active" if self.make_own is not None else ""))

    async def set_role(self, role: str) -> None:
        """Take in what `pulse` says this router is."""
        if role != self.role:
            self.teller.say("lvsd", f"this router is {role}", before=self.role, after=role)
            self.role = role
            await self.kernel.enter_role()

    async def _reload_and_report(self, act: Act) -> None:
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            await self.reload(act)
        except PiranhaError as error:
            self.teller.say("config", "reload failed", cause=str(error), level=Level.ERROR)
        finally:
            notify("READY=1")

    async def _start_checks(self, config: Config) -> None:
        from piranha.lvsd.nannies import Nannies  # noqa: PLC0415 -- loading their program takes a while

        _, _, self._pool_of = news_of({}, self.pools, {})
        self.nannies = Nannies(config.lvsd, on_results=self._on_results, on_event=self.recorder.record)
        self.nannies.assign([one for pool in self.pools.values() for one in pool.assignments()])
        await self.nannies.start()

    def _usable(self, loaded: Loaded) -> Config:
        if loaded.config is None:
            raise PiranhaError(f"{self.source.path}: no usable configuration")
        return loaded.config

    async def _put_in_force(self, before: Config | None, config: Config) -> tuple[Collection[str], list[Pool]]:
        """Let all follow `config` but the table and the nannies; return what `_make_pools` does."""
        # What the table holds says how servers begin; a start has just read it.
        old, new = apart(before, config) if before is not None else (None, config)
        await self.table.claim(new, newcomers(old, new) if old is not None else ())
        if before is None or before.lvsd.maintenance_dir != config.lvsd.maintenance_dir:
            await self.maintenance.look(config)
        seen = self.verdicts([one.name for one in old.virtuals]) if old is not None else {}
        self.leaving.reload(old, new, self.table.live, seen, self.foreign.edits.added)
        for part in (old, new) if old is not None else ():
            self._first |= {key: virtual.name for key, virtual in services_of(part).items()}
        self.foreign.reload(before, config)
        self.config = config
        news = self._make_pools(config, self.table.live, time.monotonic())
        self._mark()
        await self.kernel.look()
        await self.leaving.keep()
        await self.foreign.keep()
        if before is None or before.lvsd.timeouts_s != config.lvsd.timeouts_s:
            await self.table.set_timeouts(config.lvsd.timeouts_s)
        # What is in force stays long and has no cycles: the collector need not look through it again and again.
        gc.freeze()
        return news

    async def _check_again(self, before: Config, config: Config, gone: Collection[str], pools: list[Pool]) -> None:
        """Have the nannies check what `config` asks for now."""
        await self.nannies.reconfigure(config.lvsd)
        self.nannies.reassign(gone, [one for pool in pools for one in pool.assignments()])
        if config.lvsd.plane not in (before.lvsd.plane, self.runs_on):
            self.teller.say("config", "forwarding_plane takes effect after a restart of lvsd", level=Level.WARNING)

    def _tell_accepted(self, before: Accepted | None) -> None:
        changed = before is None or before.meaning != self.accepted.meaning
        self.teller.say(
            "config",
            "configuration accepted" if changed else "configuration accepted, its meaning is unchanged",
            before=f"generation {before.generation}" if before else "",
            after=f"generation {self.accepted.generation}",
            facts=(("file", str(self.source.path)), ("serial_no", str(self.accepted.serial_no))),
        )

    async def _store(self, loaded: Loaded, config: Config) -> Accepted:
        try:
            stored = await asyncio.to_thread(self.source.accept, loaded, config)
            self.teller.state_written(stored.trouble)
            return stored.accepted
        except OSError as error:
            self.teller.state_written(f"{error.filename}: {error.strerror}")
            before, new = getattr(self, "accepted", None), meaning(config)
            generation = before.generation + (before.meaning != new) if before else 1
            return Accepted(generation, new, config.serial_no)

    def _make_pools(self, config: Config, live: Table, now: float) -> tuple[Collection[str], list[Pool]]:
        """Replace the pools; return which checks are gone, and the pools that are new or have another file."""
        before = {name: (pool.virtual.meaning, pool.check_ids) for name, pool in self.pools.items()}
        self.pools = pools_for(config, live, self.pools, now)
        if self._pool_of is None:
            return (), []
        gone, changed, self._pool_of = news_of(before, self.pools, self._pool_of)
        return gone, changed

    def _mark(self) -> None:
        """Have those servers drained that are to be now, and weighed whose weight was set by hand."""
        drained, weights = self.maintenance.marks.drained(self.config), self.foreign.weights(self.config)
        now = time.monotonic()
        for pool in self.pools.values():
            if events := [*pool.drain(drained, now), *pool.weigh(weights, now)]:
                self.recorder.record_all(events)
                self._pass_soon(dict.fromkeys(service_keys(pool.virtual), pool.virtual.name))

    def _on_results(self, results: Sequence[ProbeResult]) -> None:
        now, pool_of = time.monotonic(), self._pool_of or {}
        for result in results:
            pool = pool_of.get(result.id)
            events = pool.observe(result, now) if pool is not None else []
            if pool is None:
                continue
            self.nannies.believe(result.id, pool.believed_up(result.id))
            if events:
                self.recorder.record_all(events)
                self._pass_soon(dict.fromkeys(service_keys(pool.virtual), pool.virtual.name))

    def _pass_soon(self, first: Mapping[ServiceKey, str]) -> None:
        self._first |= first
        self._dirty.set()

    async def _until_dirty(self) -> None:
        wait_s = RETRY_S if self.table.trouble else self.config.lvsd.repair_interval_s
        now = time.monotonic()
        growing = [left_s for pool in self.pools.values() if (left_s := pool.grows_in_s(now)) is not None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min([wait_s, *growing])):
                await self._dirty.wait()

    def _refuse(self, message: str, problems: Sequence[str]) -> None:
        self.refused_file = refuse(str(self.source.path), message, problems, self.teller)

    async def _watch_checks(self) -> None:
        """Say when results of checks do not come any more."""
        overdue = Overdue(time.monotonic())
        while True:
            await asyncio.sleep(LOOK_S)
            monitors = [part for pool in self.pools.values() for part in pool.parts()]
            self.recorder.record_all(overdue.look(monitors, time.monotonic()))
