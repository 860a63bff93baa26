"""Shell: `lvsd` from the first turn of its loop to its end."""

import asyncio
from collections.abc import Callable
from functools import partial

from piranha.change.starting import Waits
from piranha.control import daemon
from piranha.errors import PiranhaError
from piranha.events.record import Recorder
from piranha.lvscf.config import PlaneKind
from piranha.lvscf.loaded import Loaded
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.first_table import Filled
from piranha.lvsd.kept_table import KeptTable
from piranha.lvsd.ours import Ours
from piranha.lvsd.own_file import OwnFile
from piranha.lvsd.planes import open_plane
from piranha.lvsd.source import Source


def serve(
    source: Source,
    loaded: Loaded,
    *,
    kind: PlaneKind,
    recorder: Recorder,
    folders: daemon.Folders,
    waits: Waits,
    started: Callable[[], None],
    node: str,
    observe: bool,
    filled: Filled | None,
) -> int:
    """Serve until a signal comes; return the exit status. started: called once it serves. filled: see `Lvsd`."""
    make_own = partial(_own_file, folders, waits) if source.own is not None and not observe else None
    plane, ours = open_plane(kind, folders.run, observing=observe), Ours(source.kept)
    observes = _observes() if observe else None
    lvsd = Lvsd(source, loaded, plane, recorder, ours, kind, make_own, observes, node, filled)
    return asyncio.run(_serve(lvsd, folders, started))


def _observes() -> type[KeptTable]:
    from piranha.lvsd.observed_table import ObservedTable  # noqa: PLC0415 -- not on the way of others to their table

    return ObservedTable


def _own_file(folders: daemon.Folders, waits: Waits, lvsd: Lvsd) -> OwnFile:
    from piranha.lvsd.changing import Changing  # noqa: PLC0415 -- under pulse, one that died should be back soon

    return Changing(lvsd, folders, waits.settled)


async def _serve(lvsd: Lvsd, folders: daemon.Folders, started: Callable[[], None]) -> int:
    def on_signal(number: int) -> None:
        lvsd.stop(f"shutting down due to signal {number}")

    daemon.on_signals(on_signal, lambda: lvsd.reload_soon("SIGHUP"))
    try:
        await lvsd.start()
        # The table comes first.
        from piranha.control.server import ControlServer  # noqa: PLC0415
        from piranha.lvsd.verbs import Verbs  # noqa: PLC0415

        verbs = Verbs(lvsd, node=lvsd.node, plane=str(lvsd.runs_on))
        server = ControlServer(folders.run / "lvsd.sock", verbs.handlers())
        await server.start()
    except OSError as error:
        raise PiranhaError(f"{folders.run / 'lvsd.sock'}: {error.strerror or error}") from error
    started()
    daemon.notify("READY=1")
    await lvsd.run()
    daemon.notify("STOPPING=1")
    await lvsd.end()
    await server.close()
    return 0
