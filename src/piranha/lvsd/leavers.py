"""Shell: the servers that leave: looked at until they are gone, and kept on disk.

The file does not name them any more, so that only the kept file tells the next `lvsd` until when they stay:
`{"boot": ID, "servers": [...]}`. Their times are those of the clock that runs since the machine was started, the
boot with this id. What another boot left behind is void: the table went with it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping

from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN
from piranha.events.record import boot_id
from piranha.events.teller import Teller
from piranha.forwarding.errors import PlaneUnavailable
from piranha.lvscf.config import Config
from piranha.lvsd.kept_table import KeptTable
from piranha.lvsd.leaving import leaver_data, leaver_from, look, pause_s, reloaded
from piranha.table.desired import Place, Verdicts, services_of
from piranha.table.leaving import Leaver, leaving
from piranha.table.service import ServiceKey
from piranha.table.table import Table

FILE = "lvsd-leaving.json"


class Leavers:
    """Raises nothing for a missing or damaged file: then those that the table has and the file does not begin anew.

    observing: the table is somebody else's: from there nobody leaves slowly.
    servers: those that leave; what is over is among them until the table does not have it any more.
    """

    def __init__(self, kept: StateFiles, teller: Teller, *, observing: bool = False) -> None:
        self._kept = kept
        self._observing = observing
        self._teller = teller
        self._boot = boot_id()
        self._one_write = asyncio.Lock()
        self._some = asyncio.Event()
        self._fresh = False  # a reload has just found some: what it wrote is in the table in a moment
        self.servers: tuple[Leaver, ...] = read_leavers(kept, self._boot)
        self._on_disk = self.servers

    @property
    def going(self) -> Iterator[Leaver]:
        """Those that are not over."""
        return (one for one in self.servers if not one.over)

    def reload(
        self,
        before: Config | None,
        config: Config,
        live: Table,
        verdicts: Verdicts,
        added: Collection[Place] = (),
    ) -> None:
        """Find out who leaves once `config` is in force, as `leaving` does; `keep` them soon.

        before, config: what both files have in common may be left out (`lvscf.changed`). added: by hand.
        At once, so that no pass sees the one without the other. One that is lost before it is kept begins anew.
        """
        if self._observing:
            return
        touched = services_of(before).keys() | services_of(config).keys() if before is not None else None
        others = [one for one in self.servers if touched is not None and one.places[0][0] not in touched]
        known = [one for one in self.servers if one not in others]
        found = leaving(before, config, live, verdicts, known, added=added)
        self.servers = (*others, *found)
        self._fresh = self._fresh or any(leaver.began_s is None for leaver in found)
        self._teller.recorder.record_all(reloaded(known, found, config, time.monotonic()))

    async def keep(self) -> None:
        """Write them to the disk, if they have changed."""
        if self.servers:
            self._some.set()
        async with self._one_write:
            if self.servers == self._on_disk:
                return
            self._on_disk = self.servers
            servers = [leaver_data(one) for one in self.servers]
            data = json.dumps({"boot": self._boot, "servers": servers}, indent=1).encode() + b"\n"
            try:
                trouble = await asyncio.to_thread(self._kept.write, {FILE: data})
            except OSError as error:
                trouble = f"{error.filename}: {error.strerror}"
            self._teller.state_written(trouble)

    async def watch(self, table: KeptTable, on_over: Callable[[Mapping[ServiceKey, str]], None]) -> None:
        """Let them go when they are empty or their time is over; until cancelled.

        on_over: some are to be removed from these services, each with the name of its virtual server.
        """
        took_s = 0.0
        while True:
            await self._some.wait()
            await asyncio.sleep(pause_s(self.servers, took_s, time.monotonic(), fresh=self._fresh))
            self._fresh = False
            began_s = time.monotonic()
            try:
                seen = await table.look({key for leaver in self.servers for key, _ in leaver.places})
            except PlaneUnavailable:
                continue  # a pass tells of it
            now = time.monotonic()
            took_s = now - began_s
            self.servers, events = look(self.servers, seen.table, seen.statistics, now)
            self._teller.recorder.record_all(events)
            if over := {key: leaver.virtual for leaver in self.servers if leaver.over for key, _ in leaver.places}:
                on_over(over)
            if not self.servers:
                self._some.clear()
            await self.keep()


def read_leavers(kept: StateFiles, boot: str) -> tuple[Leaver, ...]:
    """Return who left when the last `lvsd` of this boot ended."""
    try:
        data = json.loads(kept.read(FILE))
        return tuple(map(leaver_from, data["servers"])) if data["boot"] == boot else ()
    except (OSError, *MISSHAPEN):
        return ()
