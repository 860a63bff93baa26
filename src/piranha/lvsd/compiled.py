"""Shell: what the file in force means, kept on disk in a form that is read back many times faster than the file.

It is used by the next start, if the file is the same byte by byte, and the program, too; then the file itself is read
when the table is in, for the next reload, and to see that both mean the same. `lvs.cf` stays the only truth: whatever
is wrong with the kept form, the file is read as if there were none. It is written and read back at rest.
"""

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from itertools import chain
from pathlib import Path

from piranha.change.order import Act
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf import compiled
from piranha.lvscf.config import meaning
from piranha.lvscf.loaded import Loaded
from piranha.lvscf.read import read_bytes, resolve_and_load
from piranha.lvsd.source import COMPILED
from piranha.regular import read_regular

MODE = 0o600
PIECE = 64
"""So many rows are in one line."""
REST_S = 30.0
"""How long a file is in force before its form is kept, or checked."""


def read_compiled(kept: StateFiles, data: bytes, path: str) -> Loaded | None:
    """Return what reading `data`, the file at `path`, would give, without `again`; None when it is not known."""
    try:
        source = kept.path(COMPILED)
        if not (_private(source) and _private(source.parent)):
            return None
        whole = read_regular(source)
        lines = BytesIO(whole)
        head = json.loads(lines.readline())
        body = hashlib.sha256(memoryview(whole)[lines.tell() :]).hexdigest()
        if head != {**compiled.key(data), "body": body}:
            return None
        # A piece is read and forgotten before the next one: all rows at once take more memory than all values.
        config, findings = compiled.unpack(chain.from_iterable(map(json.loads, lines)))
        return Loaded(config, findings, data.decode("utf-8", "surrogateescape"), path)
    except (OSError, ValueError, RecursionError):
        return None


def keep_compiled(kept: StateFiles, loaded: Loaded) -> None:
    """Keep what `loaded` means for `read_compiled`. Blocks; raises OSError, and NotPackable.

    Of a file with host names nothing is kept: they may stand for other addresses next time.
    """
    if loaded.config is None or loaded.resolved is not None:
        return
    table = compiled.pack(loaded.config, loaded.findings)
    pieces = (table[start : start + PIECE] for start in range(0, len(table), PIECE))
    body = "\n".join(json.dumps(piece, separators=(",", ":")) for piece in pieces).encode()
    head = {**compiled.key(loaded.original_bytes()), "body": hashlib.sha256(body).hexdigest()}
    kept.write({COMPILED: json.dumps(head).encode() + b"\n" + body}, MODE)


def forget_compiled(kept: StateFiles) -> None:
    """Remove the kept form, wherever it is."""
    for folder in (kept.state, kept.run):
        with suppress(OSError):
            (folder / COMPILED).unlink()


class Compiled:
    """Keeps the form of the file in force. loaded, put: return and replace what is in force.

    reload: puts the file in force as it is read afresh, when the kept form turns out to say something else.
    """

    def __init__(
        self,
        kept: StateFiles,
        teller: Teller,
        *,
        loaded: Callable[[], Loaded],
        put: Callable[[Loaded], None],
        reload: Callable[[Act], Awaitable[object]],
        rest_s: float = REST_S,
    ) -> None:
        self._kept, self._teller = kept, teller
        self._loaded, self._put, self._reload = loaded, put, reload
        self._rest_s = rest_s

    async def watch(self) -> None:
        """Do it whenever another file is in force, at rest; until cancelled."""
        done: Loaded | None = None
        while True:
            found = self._loaded()
            await asyncio.sleep(self._rest_s)
            if found is not self._loaded() or found is done:
                continue
            if found.again is None and found.resolved is None:
                await self._read_afresh(found)
            else:
                with suppress(OSError, compiled.NotPackable):  # the next start takes longer, that is all
                    await asyncio.to_thread(keep_compiled, self._kept, found)
            done = self._loaded()

    async def _read_afresh(self, known: Loaded) -> None:
        """Read the file that a start took from its kept form."""
        fresh = await asyncio.to_thread(_fresh, known)
        if known is not self._loaded():
            return
        if (fresh.config, fresh.findings) == (known.config, known.findings):
            self._put(fresh)
            return
        cause = f"{self._kept.path(COMPILED)} did not say what the file says"
        self._teller.say("config", "the file is read afresh", cause=cause, level=Level.ERROR)
        forget_compiled(self._kept)
        with suppress(PiranhaError):
            await self._reload(Act(how="start"))


def _fresh(known: Loaded) -> Loaded:
    fresh = resolve_and_load(known.original_bytes(), known.path)
    if fresh.config is not None:
        meaning(fresh.config)  # asked for in a moment, where it must not take long
    return fresh


def load_known(kept: StateFiles, path: Path) -> Loaded | None:
    """Return what the file at `path` means if that is known, None otherwise. Blocks."""
    try:
        return read_compiled(kept, read_bytes(path), str(path))
    except PiranhaError:
        return None


def _private(path: Path) -> bool:
    """Whether nobody but us and root can have written there."""
    found = path.stat()
    return found.st_uid in (0, os.geteuid()) and not stat.S_IMODE(found.st_mode) & 0o022
