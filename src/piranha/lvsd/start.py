"""Shell: `lvsd`, the lvs daemon: from its arguments to its first table."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from piranha.change.starting import Waits
from piranha.control import daemon
from piranha.control.early import EARLY
from piranha.control.sole import Sole
from piranha.control.state_files import StateFiles
from piranha.control.without_tls import load_loop
from piranha.errors import PiranhaError
from piranha.events import log
from piranha.events.record import Recorder
from piranha.lvscf.config import PlaneKind
from piranha.lvscf.loaded import Loaded
from piranha.lvsd.accepted import FILE
from piranha.lvsd.first_table import fill
from piranha.lvsd.source import Source

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
        from piranha.lvsd.trial import test_start  # noqa: PLC0415 -- a start has other things to load

        return test_start(kind, loaded.config, folders)
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
        filled = None
        if sole is not None:
            # What is begun now is undone by the loop alone.
            EARLY.hold_stop()
            filled = fill(loaded.config, source.kept)
        load_loop()
        from piranha.lvsd.serve import serve  # noqa: PLC0415 -- takes as long as all else before it

        return serve(
            source,
            loaded,
            kind=kind,
            recorder=recorder,
            folders=folders,
            waits=waits,
            started=started,
            node=args.node or "",
            observe=args.observe,
            filled=filled,
        )
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
