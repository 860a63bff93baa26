"""Shell: read lvs.cf again, judge it as a start would, keep it, have it put in force; or say why not.

A file that is refused changes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from piranha.change import history, limit
from piranha.change.order import Act
from piranha.change.planned import Planned
from piranha.change.serving import InForce, Judged, Standing, read_standings
from piranha.control.client import NoAnswer, ask_async
from piranha.control.messages import Refused
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.accepted import Accepted, Stored, entry_of
from piranha.pulse.placement import Misplaced
from piranha.pulse.planning import plan_here
from piranha.pulse.reading import Reading
from piranha.pulse.setup import Setup
from piranha.pulse.startup import admit, check_devices

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that was not accepted; what was in force before stays."""

    path: str
    problems: tuple[str, ...]
    at_s: float


class Files(Protocol):
    """Reads and keeps files; see `helpers.Reader`."""

    async def read(self, path: Path) -> Reading:
        """Read lvs.cf and its key file."""

    async def judge(self, data: bytes, name: str) -> Reading:
        """Read what is no file yet, and its key file."""

    async def accept(self, kept: StateFiles, read: Reading) -> Stored:
        """Keep the accepted file. Raises OSError."""

    async def on_disk(self, work: Callable[[], R]) -> R:
        """Do something with files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a file comes into force in the daemon.

    in_force: what is. reopen: has the heartbeat sockets be those of a configuration; raises PiranhaError, and
    then has changed nothing. put_in_force: everything else, which cannot fail.
    """

    in_force: Callable[[], InForce]
    reopen: Callable[[Config], None]
    put_in_force: Callable[[Reading, Config, Accepted], Awaitable[None]]


class Reload:
    """The reloads of one daemon, one after the other; and what `change.changes` needs of `pulse`.

    refusal: says why nothing may be reloaded now, empty when it may.
    """

    def __init__(self, setup: Setup, files: Files, kept: StateFiles, teller: Teller, ways: Ways) -> None:
        self._setup = setup
        self._files = files
        self._kept = kept
        self._teller = teller
        self._ways = ways
        self._history = history.Keeping(teller, kept.state, self.on_disk)
        self.one = asyncio.Lock()
        self.refusal: Callable[[], str] = lambda: ""
        self.refused_file: RefusedFile | None = None

    async def reload(self, act: Act) -> tuple[str, ...]:
        """Read the file again, VIPs included; return why it was refused, nothing when it is in force."""
        async with self.one:
            path, before = self._setup.path, self.in_force().config
            if why := self.refusal():
                self._teller.say("config", f"{path} is not read again", cause=why, level=Level.WARNING)
                return (why,)
            self._teller.say("config", "rereading configuration file", cause=act.words())
            read = await self._files.read(path)
            if read.config is None:
                return self._refuse(f"error parsing {path}", read.problems)
            if too_much := await asyncio.to_thread(limit.refusal, before, read.config):
                return self._refuse(f"{path} cannot be put in force", (too_much,))
            await self._tell_plan(read.config)
            problems = await self.take(read, act)
            return self._refuse(f"{path} cannot be put in force", problems) if problems else ()

    def in_force(self) -> InForce:
        """Return what is in force."""
        return self._ways.in_force()

    async def judge(self, data: bytes, name: str) -> Judged[Reading]:
        """Read `data` and judge it as a start would."""
        read = await self._files.judge(data, name)
        config, problems = read.config, read.problems
        if config is not None:
            try:
                await asyncio.to_thread(self._judge, config)
            except PiranhaError as error:
                config, problems = None, (str(error),)
        return Judged(config=config, read=read, problems=problems, warnings=read.warnings, rendered=read.rendered)

    async def take(self, read: Reading, act: Act) -> tuple[str, ...]:
        """Put what was read in force and into the history; return why not, and then nothing has changed."""
        if read.config is None:
            return read.problems
        try:
            accepted = await self._accept(read, read.config, self.in_force().config)
        except PiranhaError as error:
            return (str(error),)
        self.refused_file = None
        for warning in read.warnings:
            self._teller.say("config", "warning", cause=warning, level=Level.WARNING)
        await self._ways.put_in_force(read, read.config, accepted)
        await self._history.keep(entry_of(accepted, act), read.original)
        return ()

    async def remember_start(self, act: Act) -> None:
        """Put the file that the start put in force into the history."""
        now = self.in_force()
        accepted = Accepted(now.generation, now.meaning, now.config.serial_no)
        await self._history.keep(entry_of(accepted, act), now.data)

    async def catch_up(self) -> None:
        """Put into the history what it had no room for."""
        await self._history.catch_up()

    async def plan(self, after: Config) -> Planned:
        """Return what `after` would change. Raises PlaneUnavailable when the table cannot be read."""
        setup = self._setup
        return await self.on_disk(partial(plan_here, setup.folders.run, setup.plane, self.in_force().config, after))

    async def standings(self) -> Mapping[str, Standing]:
        """Ask lvsd how its virtual servers stand; nothing when it does not say."""
        try:
            return read_standings(await ask_async(self._setup.folders.run / "lvsd.sock", "standings"))
        except (NoAnswer, Refused):
            return {}

    async def on_disk(self, work: Callable[[], R]) -> R:
        """Do it in the helper process."""
        return await self._files.on_disk(work)

    async def _tell_plan(self, after: Config) -> None:
        try:
            self._teller.say("config", "plan of the reload", cause=(await self.plan(after)).summary)
        except PiranhaError as error:
            self._teller.say("config", "what the reload changes cannot be told", cause=str(error))

    async def _accept(self, read: Reading, new: Config, old: Config) -> Accepted:
        """Judge and keep what was read. Raises PiranhaError; then nothing has changed."""
        plane = await asyncio.to_thread(self._judge, new)
        self._ways.reopen(new)
        try:
            stored = await self._files.accept(self._kept, read)
        except OSError as error:
            self._ways.reopen(old)
            raise PiranhaError(f"it cannot be kept for lvsd: {error.filename}: {error.strerror}") from error
        self._teller.state_written(stored.trouble)
        if new.lvsd.plane is not old.lvsd.plane and plane is not self._setup.plane:
            message = "forwarding_plane takes effect after a restart of pulse and lvsd"
            self._teller.say("config", message, level=Level.WARNING)
        return stored.accepted

    def _judge(self, config: Config) -> PlaneKind:
        """Raise PiranhaError if a start would refuse `config`, or this process cannot follow it."""
        place, plane = admit(config, self._setup.said)
        if place is not self._setup.place:
            raise Misplaced(f"this router would be the {place}, but pulse runs as the {self._setup.place}: restart it")
        check_devices(config, place, self._setup.plane)
        return plane

    def _refuse(self, message: str, problems: tuple[str, ...]) -> tuple[str, ...]:
        self.refused_file = RefusedFile(path=str(self._setup.path), problems=problems, at_s=time.monotonic())
        for problem in problems:
            sentence = f"{message}: the file is refused, everything stays as it is"
            self._teller.say("config", sentence, cause=problem, level=Level.WARNING)
        return problems
