"""Shell: the kernel beside its IPVS table: what the file names is written, read back and put right."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass
from piranha.events.event import Event, Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvscf.kernel_named import named
from piranha.lvsd.cold import balanced_twice
from piranha.lvsd.kept_sync import KeptSync
from piranha.lvsd.kernel_settings import SUBJECT, NamedSettings, Written
from piranha.lvsd.kernel_sync import KernelSync
from piranha.lvsd.machine import Machine
from piranha.lvsd.sync import STANDBY

if TYPE_CHECKING:
    from piranha.change.plan_sync import SyncSeen

LATELY_S = 3600.0
"""How long `status` names what somebody else had set."""


P = ParamSpec("P")
T = TypeVar("T")

RETRY_S = 2.0
"""How soon it is looked again while connections are not synchronised as the file asks."""
ROLE_PATIENCE_S = 0.5
"""How long who tells the role waits for what follows from it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The file in force, and what this router is: `active`, `standby`, empty while nobody has said it."""

    config: Config
    role: str


class KeptKernel:
    """What the file wants of this router's kernel beside the table; runs in the thread of the event loop.

    machine, sync: None where the plane is no kernel, or lvsd only observes: then nothing is touched. asked: called at
    each look. on_cold: called when `cold` has become another.
    """

    def __init__(
        self,
        machine: Machine | None,
        sync: KeptSync | None,
        teller: Teller,
        asked: Callable[[], Asked],
        on_cold: Callable[[], None] = lambda: None,
        *,
        observing: bool = False,
    ) -> None:
        self._machine = machine
        self._sync = sync
        self._teller = teller
        self._asked = asked
        self._on_cold = on_cold
        self._cold: frozenset[str] = frozenset()
        self._observing = observing
        self._why_idle = "lvsd --observe writes nothing" if observing else "they are for IPVS"
        self._settings = NamedSettings()
        self._one_look = asyncio.Lock()
        # One call after the other, also when who waited for one was cancelled.
        self._thread = ThreadPoolExecutor(1, "kernel")
        self._due = asyncio.Event()
        self._looks: set[asyncio.Task[None]] = set()
        self._without_effect: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Read what the kernel has, write what the file wants, tell what came of it."""
        async with self._one_look:
            asked = self._asked()
            if self._machine is None:
                self._tell_without_effect(asked.config)
                return
            self._teller.recorder.record_all(await self._call(self._keep_settings, self._machine, asked.config))
            if self._sync is not None:
                self._sync.enter(asked.role)
                self._teller.recorder.record_all(await self._call(self._sync.look, asked.config))
                self._tell_cold()

    def cold(self) -> frozenset[str]:
        """Return the virtual servers that must not be in the table of this standby, see `cold`."""
        asked = self._asked()
        if self._sync is None or asked.role != STANDBY or self._sync.guarded is not False:
            return frozenset()
        return balanced_twice(asked.config, self._sync.node)

    async def enter_role(self) -> None:
        """Do what another role asks for; a kernel that is slow goes on without who waits."""
        if self._sync is not None:
            self._sync.enter(self._asked().role)
            self._tell_cold()
        task = asyncio.create_task(self.look())
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)
        task.add_done_callback(lambda _: self._due.set())
        await asyncio.wait([task], timeout=ROLE_PATIENCE_S)

    async def end(self) -> None:
        """Stop the sync daemons, once a change of role is over."""
        async with self._one_look:
            if self._sync is not None:
                await asyncio.sleep(self._sync.settles_in_s())
                self._teller.recorder.record_all(await self._call(self._sync.end))
                self._sync = None

    def close(self) -> None:
        """Wait for the call in progress."""
        self._thread.shutdown(wait=True)

    async def watch(self) -> None:
        """Look now and again; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._rests_s()):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            await self.look()

    async def everything(self) -> Mapping[str, str] | None:
        """Return what the kernel has of all that a file may name; None where the plane is no kernel."""
        return None if self._machine is None else await self._call(self._machine.all_settings)

    @property
    def refused_settings(self) -> Mapping[str, str]:
        """Return why, of the settings that the kernel does not have as the file names them."""
        return self._settings.refused | self._settings.made_otherwise

    async def sync_seen(self) -> "SyncSeen | None":
        """Return the sync daemon of this role as it is now, for a plan; None without one to look at."""
        asked = self._asked()
        if self._sync is None or not asked.role:
            return None
        return await self._call(self._sync.seen, asked.config)

    def facts(self) -> dict[str, object]:
        """Return what `status` shows."""
        now, settings = time.monotonic(), self._settings
        lately = [(words, at_s) for at_s, words in settings.overruled if now - at_s < LATELY_S]
        return {
            "settings": settings.found,
            "refused": [{"setting": setting, "why": why} for setting, why in settings.refused.items()],
            "overruled": [{"what": words, "age_s": round(now - at_s, 3)} for words, at_s in lately],
            "without_effect": sorted(self._without_effect),
            "why_without_effect": self._why_idle,
            "sync": self._sync.facts() if self._sync is not None else None,
        }

    def _rests_s(self) -> float:
        """Return how long until the next look."""
        interval_s, sync = self._asked().config.lvsd.repair_interval_s, self._sync
        if sync is None:
            return interval_s
        if settles_in_s := sync.settles_in_s():
            interval_s = min(interval_s, settles_in_s)
        return min(interval_s, RETRY_S) if sync.trouble else interval_s

    async def _call(self, action: Callable[P, T], *args: P.args, **named_args: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(action, *args, **named_args))

    def _tell_cold(self) -> None:
        before, self._cold = self._cold, self.cold()
        if before == self._cold:
            return
        came, went = sorted(self._cold - before), sorted(before - self._cold)
        for names, message in ((came, "left out of the table of this standby"), (went, "may be in the table again")):
            if names:
                rule = "a router that is a real server must not balance a second time while it is standby"
                facts = (("virtuals", str(len(names))), ("first", names[0]))
                cause = "it takes no connections in with backup_only = 1" if names is came else ""
                self._teller.say(SUBJECT, message, rule=rule, cause=cause, facts=facts)
        self._on_cold()

    def _keep_settings(self, machine: Machine, config: Config) -> list[Event]:
        wanted = named(config)
        found, written = machine.read(wanted), []
        for write in self._settings.writes(wanted, found):
            refusal = machine.write(write.setting, write.value)
            after = machine.read([write.setting])[write.setting]
            written.append(Written(write, refusal, after or ""))
        return self._settings.done(wanted, found, written, time.monotonic())

    def _tell_without_effect(self, config: Config) -> None:
        idle = frozenset(named(config)) | ({"syncdaemon"} if config.kernel.sync is not None else set())
        if idle - self._without_effect:
            option = "--observe" if self._observing else "--plane userspace"
            cause = f"the plane is {config.lvsd.plane}" if config.lvsd.plane == "userspace" else option
            message = "settings of the kernel are not written"
            self._teller.say(SUBJECT, message, rule=self._why_idle, cause=cause, level=Level.WARNING)
        self._without_effect = idle


def kernel_of(plane: PlaneKind, kept: StateFiles, node: str) -> tuple[Machine | None, KeptSync | None]:
    """Return what a KeptKernel works on, nothing where `plane` is no kernel. node: see KeptSync."""
    if plane is not PlaneKind.IPVS:
        return None, None
    return Machine(), KeptSync(kept, node, KernelSync(), Machine())
