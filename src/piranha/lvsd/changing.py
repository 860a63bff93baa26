"""Shell: what an `lvsd` that runs without `pulse` does for its file itself. `pulse` does it otherwise.

Not loaded under `pulse`: an `lvsd` that died should be back soon.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from piranha.change import history, limit
from piranha.change.changes import Changes
from piranha.change.ground import Ground
from piranha.change.journal import Settled
from piranha.change.order import Act
from piranha.change.planned import Planned, planned
from piranha.change.serving import InForce, Judged, Standing, read_standings
from piranha.change.verbs import ChangeVerbs
from piranha.control.daemon import Folders
from piranha.control.server import Handler
from piranha.errors import PiranhaError
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config
from piranha.lvscf.loaded import Loaded
from piranha.lvscf.read import resolve_and_load
from piranha.lvsd.accepted import entry_of
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.pool import standings
from piranha.lvsd.standing_now import standing_now

R = TypeVar("R")


class Changing:
    """The file of one daemon."""

    def __init__(self, lvsd: Lvsd, folders: Folders, settled: Settled) -> None:
        self._lvsd = lvsd
        self._teller = lvsd.teller
        self._history = history.Keeping(self._teller, folders.state, self.on_disk)
        self.one = lvsd.one_reload
        ground = Ground(lvsd.source.path, folders.state, folders.run)
        self.changes: Changes[Loaded] = Changes(self, ground, self._teller, settled)
        self._start = settled.act
        self._verbs = ChangeVerbs(self.changes)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the control verbs about it."""
        return self._verbs.handlers()

    def facts(self) -> Mapping[str, object]:
        """Return what `status` shows of it."""
        return self.changes.facts()

    async def watch(self) -> None:
        """Take back what is not confirmed; until cancelled."""
        await self.changes.watch()

    def refusal(self) -> str:
        """Return why nothing may be reloaded now, empty when it may."""
        return self.changes.refusal()

    async def too_much(self, after: Config) -> str:
        """Return why a reload may not put `after` in force; when it may, tell what it changes."""
        too_much = limit.refusal(self._lvsd.config, after)
        if not too_much:
            try:
                self._teller.say("config", "plan of the reload", cause=(await self._changes(after)).summary)
            except PiranhaError as error:
                self._teller.say("config", "what the reload changes cannot be told", cause=str(error))
        return too_much

    async def remember_start(self) -> None:
        """Keep the file that the start put in force in the history, with why it went back to it if it did."""
        await self.remember(self._start)

    async def remember(self, act: Act) -> None:
        """Keep the file in force in the history."""
        entry, data = entry_of(self._lvsd.accepted, act), self._lvsd.loaded.original_bytes()
        await self._history.keep(entry, data)

    async def catch_up(self) -> None:
        """Put into the history what it had no room for."""
        await self._history.catch_up()

    def in_force(self) -> InForce:
        """Return what is in force."""
        lvsd = self._lvsd
        data, accepted = lvsd.loaded.original_bytes(), lvsd.accepted
        return InForce(data=data, config=lvsd.config, generation=accepted.generation, meaning=accepted.meaning)

    async def judge(self, data: bytes, name: str) -> Judged[Loaded]:
        """Read `data`; a file without errors this daemon can use."""
        loaded = await asyncio.to_thread(resolve_and_load, data, name, self._lvsd.loaded)
        return Judged(
            config=loaded.config,
            read=loaded,
            problems=tuple(finding.sentence() for finding in loaded.errors),
            warnings=tuple(finding.sentence() for finding in loaded.warnings),
            rendered=loaded.render(),
        )

    async def take(self, read: Loaded, act: Act) -> tuple[str, ...]:
        """Put what was read in force; it cannot be refused."""
        await self._lvsd.take(read, act)
        return ()

    async def plan(self, after: Config) -> Planned:
        """Return what `after` would change. Raises PlaneUnavailable."""
        before, standing = self._lvsd.config, await standing_now(self._lvsd)
        return planned(await asyncio.to_thread(standing.plan, before, after))

    async def _changes(self, after: Config) -> Planned:
        """Return what `plan` does, in time to what changes: for a log that needs no more."""
        before = self._lvsd.config
        standing = await standing_now(self._lvsd, apart(before, after))
        return planned(await asyncio.to_thread(standing.plan, before, after, only_changed=True))

    async def standings(self) -> Mapping[str, Standing]:
        """Return how the virtual servers stand."""
        return read_standings({"standings": standings(self._lvsd.pools.values())})

    async def on_disk(self, work: Callable[[], R]) -> R:
        """Do it in a thread."""
        return await asyncio.to_thread(work)
