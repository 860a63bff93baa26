"""Shell: the kernel beside its IPVS table: what the file names is written, read back and put right."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from piranha.events.event import Event, Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import named
from piranha.lvsd.kernel_settings import SUBJECT, NamedSettings, Written
from piranha.lvsd.machine import Machine

LATELY_S = 3600.0
"""How long `status` names what somebody else had set."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The file in force."""

    config: Config


class KeptKernel:
    """What the file wants of this router's kernel beside the table; runs in the thread of the event loop.

    machine: None where the plane is no kernel, or lvsd only observes: then nothing is touched. asked: called at each
    look.
    """

    def __init__(
        self, machine: Machine | None, teller: Teller, asked: Callable[[], Asked], *, observing: bool = False
    ) -> None:
        self._machine = machine
        self._teller = teller
        self._asked = asked
        self._observing = observing
        self._why_idle = "lvsd --observe writes nothing" if observing else "they are for IPVS"
        self._settings = NamedSettings()
        self._one_look = asyncio.Lock()
        self._due = asyncio.Event()
        self._without_effect: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Read what the kernel has, write what the file wants, tell what came of it."""
        async with self._one_look:
            config = self._asked().config
            if self._machine is None:
                self._tell_without_effect(config)
                return
            self._teller.recorder.record_all(await asyncio.to_thread(self._keep_settings, self._machine, config))

    def look_soon(self) -> None:
        """Have `watch` look now."""
        self._due.set()

    async def watch(self) -> None:
        """Look now and again; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._asked().config.lvsd.repair_interval_s):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            await self.look()

    async def everything(self) -> Mapping[str, str] | None:
        """Return what the kernel has of all that a file may name; None where the plane is no kernel."""
        return None if self._machine is None else await asyncio.to_thread(self._machine.all_settings)

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
        }

    def _keep_settings(self, machine: Machine, config: Config) -> list[Event]:
        wanted = named(config)
        found, written = machine.read(wanted), []
        for write in self._settings.writes(wanted, found):
            refusal = machine.write(write.setting, write.value)
            after = machine.read([write.setting])[write.setting]
            written.append(Written(write, refusal, after or ""))
        return self._settings.done(wanted, found, written, time.monotonic())

    def _tell_without_effect(self, config: Config) -> None:
        idle = frozenset(named(config))
        if idle - self._without_effect:
            option = "--observe" if self._observing else "--plane userspace"
            cause = f"the plane is {config.lvsd.plane}" if config.lvsd.plane == "userspace" else option
            message = "settings of the kernel are not written"
            self._teller.say(SUBJECT, message, rule=self._why_idle, cause=cause, level=Level.WARNING)
        self._without_effect = idle
