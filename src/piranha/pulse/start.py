"""Shell: `pulse`, the controlling process of a router: its arguments, from its start to its end."""

import argparse
import asyncio
import gc
import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from piranha.change.journal import Settled
from piranha.change.order import Act
from piranha.change.starting import Waits
from piranha.control import daemon
from piranha.control.client import ask
from piranha.control.server import ControlServer
from piranha.control.sole import Sole
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events import log
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.accepted import FILE
from piranha.pulse import startup
from piranha.pulse.daemon import Pulse
from piranha.pulse.endpoint import Endpoint, path_ends
from piranha.pulse.heartbeat import Place
from piranha.pulse.helpers import Reader, Runner
from piranha.pulse.privileges import keep_needed_capabilities, lock_memory
from piranha.pulse.reading import Reading, accept, read
from piranha.pulse.settings import Start
from piranha.pulse.setup import Hands, Setup
from piranha.pulse.state import keep, read_kept
from piranha.pulse.verbs import Verbs

RESTART_LIMIT_S = 30.0
"""Longest wait for the end of a prepared restart: the partner is told first, and answers."""

LOCK = "pulse.lock"

DESCRIPTION = "Decide with the partner which router is active, hold the VIPs, start and watch lvsd."


def parser() -> argparse.ArgumentParser:
    """Return the parser of `pulse`'s arguments."""
    made = daemon.parser("pulse", DESCRIPTION)
    made.add_argument(
        "--forceactive", action="store_true", help="become active at once, without waiting for heartbeats"
    )
    made.add_argument(
        "--prepare-restart",
        action="store_true",
        help="ask the pulse that runs to end and to leave VIPs and lvsd to the next one; start nothing",
    )
    made.add_argument(
        "--lvsd", "--lvs", metavar="PATH", help="the lvs daemon to start (default: the one of this package)"
    )
    return made


def run(argv: Sequence[str] | None) -> int:
    """See `main`."""
    args = parser().parse_args(argv)
    folders = daemon.Folders.of(args.run_dir, args.state_dir)
    path = daemon.config_file(args.configfile)
    waits = Waits(path, folders, LOCK)
    try:
        if args.prepare_restart:
            return _prepare_restart(folders)
        if not args.test_start:
            waits.settle()
        return _run(args, folders, path, waits)
    except PiranhaError as error:
        return daemon.fail("pulse", error)
    except OSError as error:
        return daemon.fail("pulse", f"{error.filename or 'system'}: {error.strerror}")
    finally:
        waits.release()


def _run(args: argparse.Namespace, folders: daemon.Folders, path: Path, waits: Waits) -> int:
    found, said = read(path), startup.Said(node=args.node, plane=args.plane)
    if _refused(found, said) and waits.give_up():
        found = read(path)
    if found.rendered:
        print(found.rendered, file=sys.stderr)
    if found.config is None:
        return _refuse(path, found, folders)
    place, plane = startup.admit(found.config, said)
    if args.test_start:
        return _test_start(found.config, place)
    lock = waits.lock()
    # What the plane in user space holds lies in its run directory, and is nobody else's.
    sole = Sole("pulse") if plane is PlaneKind.IPVS else None
    setup = Setup(
        path=path,
        folders=folders,
        said=said,
        place=place,
        plane=plane,
        lvsd_command=_lvsd_command(args, folders, place),
    )
    return _go(args, setup, found, lock=lock, sole=sole, settled=waits.settled)


def _refused(found: Reading, said: startup.Said) -> bool:
    """Whether a start cannot use the file."""
    try:
        return found.config is None or not startup.admit(found.config, said)
    except PiranhaError:
        return True


def _go(
    args: argparse.Namespace,
    setup: Setup,
    found: Reading,
    *,
    lock: daemon.Lock,
    sole: Sole | None,
    settled: Settled,
) -> int:
    if found.config is None:
        raise ValueError("checked by run")
    # Opened while errors still reach the terminal.
    endpoint = Endpoint(path_ends(found.config, setup.place), found.config.heartbeat.port)
    leases, announcer = startup.open_leases(found.config, setup.place, setup.plane, setup.folders)
    held = startup.holding(leases, found.config)
    files = StateFiles(setup.folders.state, setup.folders.run)
    kept, stored = read_kept(files), accept(files, found)
    started = (lambda: None) if args.nodaemon else daemon.detach()
    lock.write_pid()
    if sole is not None:
        sole.claim()
    # Forked before loop, threads and the loss of rights.
    hands = Hands(endpoint=endpoint, leases=leases, announcer=announcer, reader=Reader(), runner=Runner())
    notes = [note for note in (lock_memory(), keep_needed_capabilities(), sole.note if sole else "") if note]
    log.setup("pulse", args.verbose, foreground=args.nodaemon)
    for note in notes:
        log.log.info("%s", note)
    recorder = Recorder(setup.folders.state / "pulse-events.jsonl")
    teller = Teller("pulse", recorder)
    teller.state_written(keep(files, kept.term) or stored.trouble)
    start = Start(
        now=time.monotonic(),
        machine_booted=not kept.ran_since_boot,
        term=kept.term,
        holding=bool(held),
        resume=kept.resume,
        force_active=args.forceactive,
    )
    gc.freeze()  # what was imported is never garbage: full collections need not walk it
    try:
        make = partial(Pulse, setup, found, stored.accepted, start, hands=hands, teller=teller, settled=settled)
        return asyncio.run(_serve(make, setup, started, settled.act))
    finally:
        recorder.close()


async def _serve(make: Callable[[], Pulse], setup: Setup, started: Callable[[], None], act: Act) -> int:
    pulse = make()
    await pulse.reloads.remember_start(act)
    daemon.on_signals(
        lambda number: pulse.stop(f"Terminating due to signal {number}"), lambda: pulse.reload_soon("SIGHUP")
    )
    socket_path = setup.folders.run / "pulse.sock"
    server = ControlServer(socket_path, Verbs(pulse).handlers())
    try:
        await server.start()
    except OSError as error:
        raise PiranhaError(f"{socket_path}: {error.strerror or error}") from error
    started()
    daemon.notify("READY=1")
    beat = asyncio.create_task(daemon.beat())
    try:
        await pulse.run()
    finally:
        daemon.notify("STOPPING=1")
        beat.cancel()
        await server.close()
    return 0


def _lvsd_command(args: argparse.Namespace, folders: daemon.Folders, place: Place) -> tuple[str, ...]:
    program = (_absolute(args.lvsd),) if args.lvsd else (sys.executable, "-m", "piranha.lvsd.main")
    options = ["--accepted", "--nodaemon" if args.nodaemon else "--nofork"]
    options += ["--run-dir", str(folders.run), "--state-dir", str(folders.state), "--node", str(place)]
    options += ["--plane", args.plane] if args.plane else []
    options += ["-v"] if args.verbose else []
    return (*program, *options)


def _absolute(program: str) -> str:
    # A daemon lives in /; a bare name is looked up in PATH.
    return str(Path(program).absolute()) if "/" in program else program


def _prepare_restart(folders: daemon.Folders) -> int:
    """Ask the running pulse; return once it has ended. Raises PiranhaError when it does not answer or refuses."""
    pid = daemon.lock_holder(folders.run / LOCK)
    if pid is None:
        raise PiranhaError(f"no pulse runs in {folders.run}")
    descriptor = os.pidfd_open(pid)
    try:
        ask(folders.run / "pulse.sock", "prepare_restart")
        if not select.select([descriptor], [], [], RESTART_LIMIT_S)[0]:
            raise PiranhaError(f"process {pid} is still there {RESTART_LIMIT_S:g} s after it was asked to end")
    finally:
        os.close(descriptor)
    return 0


def _test_start(config: Config, place: Place) -> int:
    """Say what a start needs and has; change nothing."""
    ends = path_ends(config, place)
    endpoint = Endpoint(ends, config.heartbeat.port)
    endpoint.close()
    vips = " ".join(str(vip.address) for vip in config.floating_addresses())
    print(f"This router is the {place}. VIPs: {vips}")
    for path in ends:
        print(f"Heartbeats on the {path.name} path: {path.own} to {path.partner}, UDP port {config.heartbeat.port}")
    print("pulse could start. Nothing has been changed.")
    return 0


def _refuse(path: Path, found: Reading, folders: daemon.Folders) -> int:
    kept = StateFiles(folders.state, folders.run).path(FILE)
    what = found.problems[0] if len(found.problems) == 1 else f"{len(found.problems)} errors, see above"
    where = "" if str(path) in what else f"{path}: "
    hint = f"; the file accepted last is {kept}" if kept.exists() else ""
    return daemon.fail("pulse", f"{where}{what}{hint}")
