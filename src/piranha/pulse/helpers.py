"""Shell: the two helper processes of `pulse` as its loop sees them: one reads files, one runs commands."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from piranha.control.state_files import StateFiles
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config
from piranha.lvsd.accepted import Stored
from piranha.pulse import commands, reading
from piranha.pulse.forked import Forked, ForkedGone

T = TypeVar("T")


class Reader:
    """Reads and keeps files without delaying heartbeats; in a thread should the process be gone."""

    def __init__(self) -> None:
        self._helper: Forked[reading.Read | reading.Accept | reading.OnDisk, object] = Forked(
            "reading lvs.cf", reading.answer
        )

    async def read(self, path: Path) -> reading.Reading:
        """Read lvs.cf and its key file; see `reading.read`."""
        try:
            answer = await self._helper.ask(reading.Read(path))
        except ForkedGone:
            answer = await asyncio.to_thread(reading.read, path)
        if not isinstance(answer, reading.Reading):
            raise TypeError("the helper answered another question")
        return answer

    async def accept(self, kept: StateFiles, read: reading.Reading) -> Stored:
        """Keep the accepted file; see `reading.accept`."""
        try:
            answer = await self._helper.ask(reading.Accept(kept, read))
        except ForkedGone:
            answer = await asyncio.to_thread(reading.accept, kept, read)
        if not isinstance(answer, Stored):
            raise TypeError("the helper answered another question")
        return answer

    async def judge(self, data: bytes, name: str) -> reading.Reading:
        """Read what is no file yet; see `reading.read_bytes`."""
        return await self.on_disk(partial(reading.read_bytes, data, name))

    async def on_disk(self, work: Callable[[], T]) -> T:
        """Do something with files; `work` can be pickled, and done twice. Raises what it raises."""
        try:
            return cast(T, await self._helper.ask(reading.OnDisk(work)))
        except ForkedGone:
            return await asyncio.to_thread(work)

    def close(self) -> None:
        """End the process."""
        self._helper.close()


class Runner:
    """Runs `active_cmd` and `inactive_cmd`, in order, one at a time."""

    def __init__(self) -> None:
        self._helper: Forked[commands.Command, commands.CommandResult] = Forked("active_cmd", commands.run)

    async def run(self, role: str, config: Config, teller: Teller) -> None:
        """Run what `config` wants run when the role becomes `active` or `standby`; tell how it went."""
        words = config.active_cmd if role == "active" else config.inactive_cmd
        if not words:
            return
        name = "active_cmd" if role == "active" else "inactive_cmd"
        command = commands.Command(words=words, user=config.lvsd.notify_user, environment=(("PIRANHA_ROLE", role),))
        try:
            result = await self._helper.ask(command)
        except ForkedGone as error:
            teller.say(name, f"{name} could not be run", cause=str(error), level=Level.WARNING)
            return
        facts = (("command", " ".join(result.words)), ("output", result.output))
        if result.failure:
            teller.say(name, f"{name} failed", cause=result.failure, facts=facts, level=Level.WARNING)
        else:
            teller.say(name, f"{name} done", facts=facts)

    def close(self) -> None:
        """Let the process end once it has run what it was given."""
        self._helper.close()
