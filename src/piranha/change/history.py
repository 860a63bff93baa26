"""Shell: the files that were in force, kept with who put them there and why; one file a generation.

They lie in the state folder. A full disk keeps no change from taking effect: what cannot be kept is said.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from piranha.change.disk import Disk, remove, replace
from piranha.change.ground import HISTORY
from piranha.change.kept import Damaged, digest, pack, unpack
from piranha.control.daemon import share
from piranha.dataclass import dataclass
from piranha.errors import MISSHAPEN
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.regular import read_regular

MOST = 50
"""Generations kept; the oldest go."""
MOST_MISSING = 8
"""Files that could not be kept and are kept in mind until they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a file that was in force.

    at_s: wall clock, when it was put in force. who: `alice, uid 0, process 4711`; empty where nobody
    asked. how: `apply`, `reload`, `start`, `rollback`, … reason: given by who applied it.
    """

    generation: int
    at_s: float
    who: str
    how: str
    serial_no: int
    meaning: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All that is kept, oldest first. damaged: one line for each file that cannot be used."""

    entries: tuple[Entry, ...]
    damaged: tuple[str, ...] = ()


def keep(disk: Disk, state: Path, entry: Entry, data: bytes) -> str:
    """Keep `data`, as the operator wrote it; return why that failed, in one line, empty when it is kept.

    The same bytes under the same generation stay as they were kept: a restart changes nobody's name.
    """
    folder = state / HISTORY
    path = path_of(state, entry.generation)
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o750)
            share(folder)
        if not _holds(path, entry, data):
            replace(disk, path, pack(asdict(entry), data))
            share(path)
        for old in _paths(folder)[:-MOST]:
            remove(disk, old)
    except OSError as error:
        return f"{error.filename or path}: {error.strerror}"
    return ""


class Keeping:
    """Keeps entries, and has in mind what could not be kept: it is tried again at each occasion."""

    def __init__(
        self,
        teller: Teller,
        state: Path,
        on_disk: Callable[[Callable[[], str]], Awaitable[str]],
        disk: Disk | None = None,
    ) -> None:
        self._disk = disk or Disk()
        self._telling = Telling(teller)
        self._state = state
        self._on_disk = on_disk
        self._missing: dict[int, tuple[Entry, bytes]] = {}
        self._at_work = asyncio.Lock()

    async def keep(self, entry: Entry, data: bytes) -> None:
        """Keep `data`; what cannot be kept is told once."""
        self._missing[entry.generation] = (entry, data)
        while len(self._missing) > MOST_MISSING:
            del self._missing[min(self._missing)]
        await self.catch_up()

    async def catch_up(self) -> None:
        """Keep what could not be kept earlier, the oldest first."""
        # A change and the clock may come here at the same time: two who write one file take it from each other.
        async with self._at_work:
            for generation, (entry, data) in sorted(self._missing.items()):
                trouble = await self._on_disk(partial(keep, self._disk, self._state, entry, data))
                self._telling.tell(trouble)
                if trouble:
                    return
                if self._missing.get(generation) == (entry, data):  # no newer one has come meanwhile
                    del self._missing[generation]


class Telling:
    """Tells once what cannot be kept, unless it is known already that the state folder cannot be written."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._told = ""

    def tell(self, trouble: str) -> None:
        """Take in what `keep` returned."""
        if trouble and trouble != self._told and not self._teller.state_trouble:
            message = "the file could not be kept in the history"
            self._teller.say("config", message, cause=trouble, level=Level.WARNING)
        self._told = trouble


def read_all(state: Path) -> History:
    """Return what is kept. Raises OSError when the folder cannot be read."""
    entries, damaged = [], []
    for path in _paths(state / HISTORY):
        try:
            entries.append(_entry(unpack(read_regular(path))[0]))
        except (Damaged, OSError) as error:
            damaged.append(f"{path}: {getattr(error, 'strerror', None) or error}")
    return History(tuple(entries), tuple(damaged))


def read_one(state: Path, generation: int) -> tuple[Entry, bytes]:
    """Return one entry and its file. Raises Damaged, OSError (FileNotFoundError when it is not kept)."""
    facts, data = unpack(read_regular(path_of(state, generation)))
    return _entry(facts), data


def newest_generation(state: Path) -> int:
    """Return the highest generation of which there is a file, 0 without any."""
    try:
        paths = _paths(state / HISTORY)
    except OSError:
        return 0
    return int(paths[-1].stem) if paths else 0


def before(entries: Sequence[Entry], meaning: str) -> Entry | None:
    """Return the newest entry that means something else than what is in force: where a rollback leads."""
    return next((entry for entry in reversed(entries) if entry.meaning != meaning), None)


def path_of(state: Path, generation: int) -> Path:
    """Return where the file of a generation is kept."""
    return state / HISTORY / f"{generation:06d}.cf"


def _paths(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".cf" and path.stem.isdecimal()]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda path: int(path.stem))


def _holds(path: Path, entry: Entry, data: bytes) -> bool:
    try:
        facts, held = unpack(read_regular(path))
        return digest(held) == digest(data) and _entry(facts).meaning == entry.meaning
    except (Damaged, OSError):
        return False


def _entry(facts: dict[str, object]) -> Entry:
    """Raises Damaged."""
    try:
        return Entry(
            generation=int(str(facts["generation"])),
            at_s=float(str(facts["at_s"])),
            serial_no=int(str(facts["serial_no"])),
            **{name: str(facts[name]) for name in ("who", "how", "meaning", "reason")},
        )
    except MISSHAPEN as error:
        raise Damaged(f"its first line lacks something: {error}") from error
