"""Shell: what others changed in our services and what stays of it (`foreign_edits`), kept on disk.

Only the kept file tells the next `lvsd` which weights were set by hand, and which servers were added, from its own:
`lvsd-by-hand.json`, `{"weights": [...], "added": [...]}`. It outlives the machine's boots: a server that somebody
drained stays drained. What `foreign_edits = report` leaves alone is not kept.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping

from piranha.control.state_files import StateFiles
from piranha.dataclass import replace
from piranha.errors import MISSHAPEN
from piranha.events.teller import Teller
from piranha.lvscf.config import Config
from piranha.lvsd.by_hand import edits_data, edits_from, merged, named, told
from piranha.table.by_hand import holding, weights_by_server
from piranha.table.desired import NO_EDITS, Edits
from piranha.table.table import Table
from piranha.table.targets import NO_NAMES, Target, names_of

FILE = "lvsd-by-hand.json"


class Foreign:
    """edits: what stays now.

    on_change: weights that were set by hand are others now. config: the file in force. Raises nothing for a missing or
    damaged file: then nothing is by hand.
    """

    def __init__(
        self, kept: StateFiles, teller: Teller, on_change: Callable[[], None], config: Callable[[], Config]
    ) -> None:
        self._kept = kept
        self._config = config
        self._teller = teller
        self._on_change = on_change
        self._one_write = asyncio.Lock()
        self.edits: Edits = read_edits(kept)
        self._on_disk = self.edits

    def weights(self, config: Config) -> Mapping[tuple[str, str], int]:
        """Return the weights set by hand, by virtual server and server."""
        return weights_by_server(self.edits, config)

    def reload(self, before: Config | None, config: Config) -> None:
        """Let go of what does not go on once `config` is in force, without `on_change`; `keep` it soon."""
        after = holding(self.edits, config)

        def why(target: Target) -> str:
            key, at = target
            one = None if at is None else self.edits.weights.get((key, at))
            if config.lvsd.foreign_edits != "adopt":
                return f"foreign_edits = {config.lvsd.foreign_edits}"
            if one is None:
                return "lvs.cf names it, or has its service no more"
            return f"lvs.cf gives the server another weight than {one.configured} there, or does not name it"

        self._put(after, why, *([before] if before is not None else []), config)

    async def found(self, before: Edits, after: Edits, live: Table) -> None:
        """Take over what a pass, which had `before`, made of it. live: the table that it saw."""

        def why(target: Target) -> str:
            key, at = target
            if target in self.edits.reported:
                return "put right, or lvs.cf or the health of the server asks for something else now"
            there = key in live and at in live[key].destinations
            return "the weight of lvs.cf was set by hand" if there else "it is not there any more"

        weights = self.edits.weights
        self._put(holding(merged(self.edits, before, after), self._config()), why, self._config())
        await self.keep()
        if self.edits.weights != weights:
            self._on_change()

    async def forget(self, rest: Edits, cause: str) -> None:
        """Let go of all but `rest`: the next pass puts back what others changed."""
        self._put(rest, lambda _: cause, self._config())
        await self.keep()
        self._on_change()

    async def keep(self) -> None:
        """Write it to the disk, if it has changed."""
        async with self._one_write:
            kept = replace(self.edits, reported={}) if self.edits.reported else self.edits
            if kept == self._on_disk:
                return
            self._on_disk = kept
            data = json.dumps(edits_data(kept), indent=1).encode() + b"\n"
            try:
                trouble = await asyncio.to_thread(self._kept.write, {FILE: data})
            except OSError as error:
                trouble = f"{error.filename}: {error.strerror}"
            self._teller.state_written(trouble)

    def _put(self, after: Edits, why: Callable[[Target], str], *files: Config) -> None:
        """files: they have the names of servers and services, the last one in the first place."""
        before, names = self.edits, NO_NAMES
        if after == before:
            return
        for file in files:
            names |= names_of(file)

        self._teller.recorder.record_all(told(before, after, named(names), why, time.monotonic()))
        self.edits = after


def read_edits(kept: StateFiles) -> Edits:
    """Return what was by hand when the last `lvsd` ended."""
    try:
        return edits_from(json.loads(kept.read(FILE)))
    except (OSError, *MISSHAPEN):
        return NO_EDITS
