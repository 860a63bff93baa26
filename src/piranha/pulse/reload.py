"""Shell: read lvs.cf again, judge it as a start would, keep it, have it put in force; or say why not.

A file that is refused changes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from piranha.change import limit
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.accepted import Accepted, Stored
from piranha.pulse.placement import Misplaced
from piranha.pulse.reading import Reading
from piranha.pulse.setup import Setup
from piranha.pulse.startup import admit, check_devices


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

    async def accept(self, kept: StateFiles, read: Reading) -> Stored:
        """Keep the accepted file. Raises OSError."""


class Reload:
    """The reloads of one daemon, one after the other.

    reopen: has the heartbeat sockets be those of a configuration; raises PiranhaError, and then has
    changed nothing. put_in_force: everything else, which cannot fail.
    """

    def __init__(
        self,
        setup: Setup,
        files: Files,
        kept: StateFiles,
        teller: Teller,
        *,
        reopen: Callable[[Config], None],
        put_in_force: Callable[[Reading, Config, Accepted], Awaitable[None]],
    ) -> None:
        self._setup = setup
        self._files = files
        self._kept = kept
        self._teller = teller
        self._reopen = reopen
        self._put_in_force = put_in_force
        self._one = asyncio.Lock()
        self.refused_file: RefusedFile | None = None

    async def reload(self, cause: str, config: Config) -> tuple[str, ...]:
        """Read the file again, VIPs included; return why it was refused, nothing when it is in force.

        config: the one in force.
        """
        async with self._one:
            self._teller.say("config", "rereading configuration file", cause=cause)
            path = self._setup.path
            read = await self._files.read(path)
            if read.config is None:
                return self._refuse(f"error parsing {path}", read.problems)
            if too_much := limit.refusal(config, read.config):
                return self._refuse(f"{path} cannot be put in force", (too_much,))
            try:
                accepted = await self._accept(read, read.config, config)
            except PiranhaError as error:
                return self._refuse(f"{path} cannot be put in force", (str(error),))
            self.refused_file = None
            for warning in read.warnings:
                self._teller.say("config", "warning", cause=warning, level=Level.WARNING)
            await self._put_in_force(read, read.config, accepted)
            return ()

    async def _accept(self, read: Reading, new: Config, old: Config) -> Accepted:
        """Judge and keep what was read. Raises PiranhaError; then nothing has changed."""
        plane = await asyncio.to_thread(self._judge, new)
        self._reopen(new)
        try:
            stored = await self._files.accept(self._kept, read)
        except OSError as error:
            self._reopen(old)
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
