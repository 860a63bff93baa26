"""Shell: the folder of `maintenance_dir`, read again and again; what it said last is kept on disk.

A folder that cannot be read any more says nothing, and nothing changes: a server in maintenance must not get
connections because a disk failed. So `lvsd-maintenance.json`, `{"folder": PATH, "names": [...]}`, tells the next
`lvsd` what the folder said last.
"""

import asyncio
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass
from piranha.errors import MISSHAPEN
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config
from piranha.lvsd.maintenance import Marks
from piranha.text import printable

FILE = "lvsd-maintenance.json"
LOOK_S = 2.0
"""Seconds between two readings."""
PATIENCE_S = 3.0
"""How long a reading may take: behind a network file system it may take for ever."""
MOST = 10_000
"""Entries of a folder that is read."""
TOLD = 5
"""Names that are told; of more only the number is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder said. names: of its files. others: names of what is no file. trouble: why it cannot be read."""

    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    trouble: str = ""


def read_folder(folder: str, most: int = MOST) -> Reading:
    """Read the names in `folder`; those that begin with a dot are passed over. most: entries. Blocks."""
    names: set[str] = set()
    others: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number == most:
                    return Reading(trouble=f"it has more than {most} entries")
                if not entry.name.startswith("."):
                    # Neither a link nor a folder: whoever drains a server makes a file of his own.
                    (names if entry.is_file(follow_symlinks=False) else others).add(entry.name)
    except OSError as error:
        return Reading(trouble=error.strerror or str(error))
    return Reading(frozenset(names), frozenset(others))


class Maintenance:
    """What the folder says. marks: what counts now. trouble: why the folder cannot be read, empty if it can.

    Raises nothing for a missing or damaged file of an earlier daemon: then only the folder counts. read: blocks, in
    a thread; patience_s: for how long it is waited for.
    """

    def __init__(
        self,
        kept: StateFiles,
        teller: Teller,
        read: Callable[[str], Reading] = read_folder,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._read_folder, self._patience_s = read, patience_s
        self._kept = kept
        self._teller = teller
        self._reader: tuple[str, asyncio.Future[Reading]] | None = None
        self._odd: frozenset[str] = frozenset()
        self._seen: tuple[Config, Reading] | None = None
        self.marks = self._on_disk = _read(kept)
        self.trouble = ""

    async def look(self, config: Config) -> None:
        """Read the folder of `config`, if it has one."""
        folder = config.lvsd.maintenance_dir
        reading = await self._reading(folder) if folder else Reading()
        if not reading.trouble:
            self.marks = Marks(folder, reading.names)
        elif self.marks.folder != folder:
            self.marks = Marks(folder)
        self._tell_trouble(folder, reading.trouble)
        seen, self._seen = self._seen, (config, reading)
        if seen is not None and seen[0] is config and seen[1] == reading:
            return
        self._tell_odd(folder, self.marks.strangers(config) | reading.others)
        await self._keep(Marks(folder, self.marks.names - self._odd))

    async def watch(self, config: Callable[[], Config], on_change: Callable[[], None]) -> None:
        """Look every LOOK_S; until cancelled. on_change: other servers may be drained now."""
        while True:
            await asyncio.sleep(LOOK_S)
            before = self.marks
            await self.look(config())
            if self.marks != before:
                on_change()

    def facts(self) -> dict[str, object] | None:
        """Return what `status` shows: folder, trouble, and names that drain nobody; None without a folder."""
        if not self.marks.folder:
            return None
        odd = [printable(name) for name in sorted(self._odd)[:TOLD]]
        return {"folder": self.marks.folder, "trouble": self.trouble, "odd": odd, "odd_count": len(self._odd)}

    async def _reading(self, folder: str) -> Reading:
        if self._reader is None or self._reader[0] != folder:
            self._reader = folder, _in_thread(self._read_folder, folder)
        done, _ = await asyncio.wait({self._reader[1]}, timeout=self._patience_s)
        if not done:
            return Reading(trouble="it does not answer")
        reader, self._reader = self._reader, None
        return reader[1].result()

    def _tell_trouble(self, folder: str, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if trouble and trouble != before:
            message, cause = "maintenance_dir cannot be read: who is drained stays so", f"{folder}: {trouble}"
            self._teller.say("lvsd", message, rule="maintenance_dir", cause=cause, level=Level.WARNING)
        elif before and not trouble:
            self._teller.say("lvsd", "maintenance_dir can be read again", rule="maintenance_dir", cause=folder)

    def _tell_odd(self, folder: str, odd: frozenset[str]) -> None:
        new, self._odd = sorted(odd - self._odd), odd
        if new:
            names = ", ".join(printable(name) for name in new[:TOLD])
            more = f" and {len(new) - TOLD} more" if len(new) > TOLD else ""
            message = "in maintenance_dir, but no file that is named like a server"
            cause = f"{folder}: {names}{more}"
            self._teller.say("lvsd", message, rule="maintenance_dir", cause=cause, level=Level.WARNING)

    async def _keep(self, marks: Marks) -> None:
        if marks == self._on_disk:
            return
        self._on_disk = marks
        data = json.dumps({"folder": marks.folder, "names": sorted(marks.names)}, indent=1).encode() + b"\n"
        try:
            trouble = await asyncio.to_thread(self._kept.write, {FILE: data})
        except OSError as error:
            trouble = f"{error.filename}: {error.strerror}"
        self._teller.state_written(trouble)


def _in_thread(read_folder: Callable[[str], Reading], folder: str) -> "asyncio.Future[Reading]":
    """Read in a thread that keeps nobody from ending."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Reading] = loop.create_future()

    def tell(reading: Reading) -> None:
        if not found.done():
            found.set_result(reading)

    def read() -> None:
        reading = read_folder(folder)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, reading)

    threading.Thread(target=read, name="maintenance", daemon=True).start()
    return found


def _read(kept: StateFiles) -> Marks:
    try:
        data = json.loads(kept.read(FILE))
        return Marks(str(data["folder"]), frozenset(map(str, data["names"])))
    except (OSError, *MISSHAPEN):
        return Marks()
