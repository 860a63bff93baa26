"""Shell: `lvsd`, the lvs daemon: its arguments, from its start to its end."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from piranha.change.starting import Waits
from piranha.control import daemon
from piranha.control.sole import Sole
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events import log
from piranha.events.record import Recorder, boot_id
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvscf.loaded import Loaded
from piranha.lvsd.accepted import FILE
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.foreign import read_edits
from piranha.lvsd.kept_table import KeptTable
from piranha.lvsd.leavers import read_leavers
from piranha.lvsd.mark_rules import firewalls, marked
from piranha.lvsd.ours import Ours
from piranha.lvsd.own_file import OwnFile
from piranha.lvsd.planes import look, open_plane
from piranha.lvsd.reconcile import Reconciler
from piranha.lvsd.source import Source
from piranha.table.by_hand import holding
from piranha.table.changes import describe
from piranha.table.leaving import by_place, leaving
from piranha.table.mark_rules import wanted_rules

DESCRIPTION = "Keep the IPVS table equal to what lvs.cf and the health of the real servers ask for."


def parser() -> argparse.ArgumentParser:
    """Return the parser of `lvsd`'s arguments."""
    made = daemon.parser("lvsd", DESCRIPTION)
    made.add_argument("--nofork", action="store_true", help="do not fork; log as a daemon does (how pulse starts it)")
    made.add_argument(
        "--accepted", action="store_true", help="load the file that pulse accepted, from the state folder"
    )
    made.add_argument("--observe", action="store_true", help="compare the table with what it should be, write nothing")
    return made


def run(argv: Sequence[str] | None) -> int:
    """See `main`."""
    args = parser().parse_args(argv)
    if args.accepted and args.configfile is not None:
        return daemon.fail("lvsd", "--accepted and -c exclude each other")
    if args.accepted and args.observe:
        return daemon.fail("lvsd", "--accepted and --observe exclude each other: the lvsd of pulse keeps the table")
    folders = daemon.Folders.of(args.run_dir, args.state_dir)
    if args.observe:
        folders = _folders_beside(folders, make=not args.test_start)
    kept = StateFiles(folders.state, folders.run)
    source = Source(kept) if args.accepted else Source(kept, daemon.config_file(args.configfile))
    waits = Waits(source.path, folders, "lvsd.lock")
    try:
        if not args.test_start and source.own is not None and not args.observe:
            waits.settle()
        return _run(args, folders, source, waits)
    except PiranhaError as error:
        return daemon.fail("lvsd", error)
    finally:
        waits.release()


def _run(args: argparse.Namespace, folders: daemon.Folders, source: Source, waits: Waits) -> int:
    loaded = _load(source)
    if (loaded is None or loaded.config is None) and waits.give_up():
        loaded = _load(source)
    if loaded is None or loaded.config is None:
        return 1
    kind = PlaneKind(args.plane) if args.plane else loaded.config.lvsd.plane
    if args.observe and kind is not PlaneKind.IPVS:
        return daemon.fail("lvsd", "--observe is for the table of the kernel, not for the plane in user space")
    if args.test_start:
        return _test_start(kind, loaded.config, folders)
    lock = waits.lock()
    # The table of the plane in user space lies in its run directory, and is nobody else's.
    sole = Sole("lvsd") if kind is PlaneKind.IPVS and not args.observe else None
    started = _go(args)
    lock.write_pid()
    log.setup("lvsd", args.verbose, foreground=args.nodaemon)
    if sole is not None:
        sole.claim()
        if sole.note:
            log.log.info("%s", sole.note)
    recorder = Recorder(folders.state / "lvsd-events.jsonl")
    try:
        make_own = partial(_own_file, folders, waits) if source.own is not None and not args.observe else None
        plane, ours = open_plane(kind, folders.run, observing=args.observe), Ours(source.kept)
        observes, node = _observes() if args.observe else None, args.node or ""
        lvsd = Lvsd(source, loaded, plane, recorder, ours, kind, make_own, observes, node)
        return asyncio.run(_serve(lvsd, node, folders, started))
    except PiranhaError:
        raise
    except Exception:
        # The table stays; whoever started this starts it again.
        log.log.exception("lvsd ends because of a defect")
        return 1
    finally:
        recorder.close()


def _folders_beside(folders: daemon.Folders, *, make: bool) -> daemon.Folders:
    """Return folders of its own for an lvsd that observes: no other daemon takes what it leaves there for its own."""
    if make:
        folders.make()
    return daemon.Folders(folders.run / daemon.OBSERVE, folders.state / daemon.OBSERVE)


def _observes() -> type[KeptTable]:
    from piranha.lvsd.observed_table import ObservedTable  # noqa: PLC0415 -- not on the way of others to their table

    return ObservedTable


def _own_file(folders: daemon.Folders, waits: Waits, lvsd: Lvsd) -> OwnFile:
    from piranha.lvsd.changing import Changing  # noqa: PLC0415 -- under pulse, one that died should be back soon

    return Changing(lvsd, folders, waits.settled)


async def _serve(lvsd: Lvsd, node: str, folders: daemon.Folders, started: Callable[[], None]) -> int:
    def on_signal(number: int) -> None:
        lvsd.stop(f"shutting down due to signal {number}")

    daemon.on_signals(on_signal, lambda: lvsd.reload_soon("SIGHUP"))
    try:
        await lvsd.start()
        # The table comes first.
        from piranha.control.server import ControlServer  # noqa: PLC0415
        from piranha.lvsd.verbs import Verbs  # noqa: PLC0415

        verbs = Verbs(lvsd, node=node, plane=str(lvsd.runs_on))
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


def _test_start(kind: PlaneKind, config: Config, folders: daemon.Folders) -> int:
    """Say what a start would change in the table, and change nothing."""
    live, kept = look(kind, folders.run), StateFiles(folders.state, folders.run)
    edits, ours = read_edits(kept), Ours(kept).services
    left = by_place(leaving(None, config, live, {}, read_leavers(kept, boot_id()), added=edits.added))
    plan = Reconciler().prepare(config, {}, live, ours, leaving=left, edits=holding(edits, config))
    for words in (changes := [*map(describe, plan.changes), *_mark_changes(kind, config)]):
        print(words)
    print(f"{len(changes)} changes before the first checks. Nothing has been changed.")
    return 0


def _mark_changes(kind: PlaneKind, config: Config) -> Iterator[str]:
    """Yield what a start would change of the mark rules, in words."""
    if kind is PlaneKind.IPVS and (wanted := wanted_rules(config)):
        found = marked(firewalls())
        yield from (f"add mark rule: {rule}" for rule in wanted if rule not in found.rules)
        yield from sorted(f"remove mark rule: {rule}" for rule in found.rules if rule not in wanted)
        if found.trouble:
            print(f"lvsd: mark rules cannot be set: {found.trouble}", file=sys.stderr)


def _load(source: Source) -> Loaded | None:
    """Read the file, with all findings on stderr; None or no configuration in it: it cannot be used."""
    loaded, problems = source.read_at_start()
    if loaded is not None and loaded.findings:
        print(loaded.render(), file=sys.stderr)
    if loaded is not None and loaded.config is not None:
        return loaded
    what = problems[0] if loaded is None and problems else f"{source.path} has errors, see above"
    kept = source.kept.path(FILE)
    hint = f"; the file accepted last is {kept}: lvsd -c {kept}" if source.own is not None and kept.exists() else ""
    print(f"lvsd: {what}; the table stays as it is{hint}", file=sys.stderr)
    return None


def _go(args: argparse.Namespace) -> Callable[[], None]:
    """Go to where the daemon shall run; return what to call once it serves."""
    if not args.nodaemon and not args.nofork:
        return daemon.detach()
    if args.nofork and os.getpid() != os.getsid(0):
        # The daemon outlives who started it: no signal of that one's terminal may reach it.
        with contextlib.suppress(OSError):
            os.setsid()
    return lambda: None
