"""Shell: the numbers of the table: how often they are read, and the file that they go on from after a restart.

`lvsd-numbers.json` holds `{"boot": ID, "at_s": N, "since": N, "services": [...]}`: the counters as the plane said them
at `at_s` of the clock that runs since the machine was started, and since when they are counted, wall clock. The
plane's own counters outlive `lvsd`, so that nothing is lost with the minutes that the file is older.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Callable, Collection, Mapping

from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN
from piranha.events.event import Level
from piranha.events.record import boot_id
from piranha.events.teller import Teller
from piranha.lvsd.numbers import Counts, Numbers, Statistics, anew, counted, numbers_data, numbers_from
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey

Places = Mapping[ServiceKey, Collection[DestinationKey]]

FILE = "lvsd-numbers.json"
DAMAGED = ".damaged"

SAMPLE_S = 5.0
"""Seconds between two samples while somebody looks, at least; otherwise the passes over the table bring them."""
FRESH_S = 1.0
"""Who has just asked gets a sample not older than this, where reading the table does not take long."""
LATELY_S = 60.0
"""For how long somebody who has asked counts as looking."""
SHARE = 20.0
"""A large table is read for its numbers for one part of the time in so many at most."""
ASKED_SHARE = 4.0
"""The same while they are asked for again and again."""
KEEP_S = 120.0
"""Seconds between two writes of the file, at least."""
RECENT_S = 60.0
"""A kept sample not older than this is good for a rate."""


class KeptNumbers:
    """Raises nothing for a missing or damaged file: then the counters of the plane are all there is.

    since_s: since when is counted, wall clock. now: the numbers; in the thread of the event loop alone. places: asked
    for after a reload: what may be counted on.
    """

    def __init__(self, kept: StateFiles, teller: Teller, places: Callable[[], Places]) -> None:
        self.now = Numbers()
        self.since_s = time.time()
        self._kept = kept
        self._teller = teller
        self._places = places
        self._boot = boot_id()
        self._begun = False
        self._reloaded = True
        self._took_s = 0.0
        self._asked_at_s = -math.inf
        self._written_at_s = time.monotonic()
        self._on_disk: Counts = {}

    def ask(self) -> None:
        """Note that somebody looks at the numbers."""
        self._asked_at_s = time.monotonic()

    def reloaded(self) -> None:
        """Note that another file is in force: what it does not have is not counted any more."""
        self._reloaded = True

    def due_in_s(self) -> float:
        """Return in how many seconds the next sample is worth its cost, at least 0."""
        taken_at_s = self.now.taken_at_s
        if taken_at_s is None:
            return 0.0
        pause_s, share = (FRESH_S, ASKED_SHARE) if self._asked_at_s > taken_at_s else (SAMPLE_S, SHARE)
        return max(0.0, taken_at_s + max(pause_s, share * self._took_s) - time.monotonic())

    @property
    def due(self) -> bool:
        """Whether a pass over the table should bring a sample; not the first, which is to be over soon."""
        return self.now.taken_at_s is not None and self.due_in_s() == 0

    @property
    def looked_at(self) -> bool:
        """Whether somebody has asked lately."""
        return time.monotonic() - self._asked_at_s < LATELY_S

    async def take(self, found: Statistics, began_s: float) -> None:
        """Take in a sample of all services; began_s: when reading it began, monotonic."""
        if not self._begun:
            await self._begin()
        now = time.monotonic()
        if self._reloaded:
            self._reloaded = False
            self.now.forget(self._places())
        # In a thread: checks and answers go on while a large table is counted.
        counts = await asyncio.to_thread(counted, self.now.counts, found)
        self.now.take(found, counts, now)
        self._took_s = time.monotonic() - began_s
        if now - self._written_at_s >= KEEP_S:
            await self.keep()

    def take_some(self, found: Statistics, asked: Collection[ServiceKey]) -> None:
        """Take in a sample of the services that were asked for alone."""
        if self._begun:
            self.now.take_some(found, asked)

    async def keep(self) -> None:
        """Write the numbers to the disk, if they have changed."""
        self._written_at_s = time.monotonic()
        counts, at_s = self.now.counts, self.now.taken_at_s
        if counts == self._on_disk or at_s is None:
            return
        try:
            trouble = await asyncio.to_thread(self._write, counts, at_s)
            self._on_disk = counts
        except OSError as error:
            trouble = f"{error.filename}: {error.strerror}"
        self._teller.state_written(trouble)

    def _write(self, counts: Counts, at_s: float) -> str:
        data = {"boot": self._boot, "at_s": at_s, "since": self.since_s, "services": numbers_data(counts)}
        return self._kept.write({FILE: json.dumps(data, separators=(",", ":")).encode() + b"\n"})

    async def _begin(self) -> None:
        """Go on from the file. Not at the start of the daemon: a large one takes a while to read."""
        self._begun = True
        try:
            self._resume(*await asyncio.to_thread(self._read))
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, *MISSHAPEN) as error:
            path = self._kept.path(FILE)
            aside = path.with_name(FILE + DAMAGED)
            with contextlib.suppress(OSError):
                path.replace(aside)
            self._teller.say(
                "lvsd",
                "the kept numbers cannot be read: totals begin anew",
                cause=f"{path}: {str(error) or type(error).__name__}; put aside as {aside.name}",
                level=Level.WARNING,
            )

    def _read(self) -> tuple[Counts, str, float, float]:
        data = json.loads(self._kept.read(FILE))
        at_s, since_s = float(data["at_s"]), float(data["since"])
        if not math.isfinite(at_s) or not math.isfinite(since_s):
            raise ValueError("a time that is none")
        return numbers_from(data["services"]), str(data["boot"]), at_s, since_s

    def _resume(self, counts: Counts, boot: str, at_s: float, since_s: float) -> None:
        self.since_s = since_s
        same = boot == self._boot
        recent = same and 0.0 <= time.monotonic() - at_s <= RECENT_S
        self.now.resume(counts if same else anew(counts), at_s if recent else None)
        self._on_disk = counts
