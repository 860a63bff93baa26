"""Shell: what all daemons share: options, going to the background, the lock, folders, systemd."""

import argparse
import contextlib
import fcntl
import grp
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import piranha
from piranha.control.early import EARLY
from piranha.dataclass import dataclass
from piranha.errors import PiranhaError
from piranha.regular import open_lock, open_regular

DEFAULT_RUN_DIR = Path("/run/piranha")
DEFAULT_STATE_DIR = Path("/var/lib/piranha")
LOOKERS_GROUP = "piranha"
OBSERVE = "observe"
"""Folder inside run and state folder for an lvsd that only observes."""
CONFIG_FILES = (Path("/etc/piranha/lvs.cf"), Path("/etc/sysconfig/ha/lvs.cf"))


class AlreadyRunning(PiranhaError):
    """Another process holds the lock."""


class CannotStart(PiranhaError):
    """A folder, a lock or a socket that the daemon needs cannot be had."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line and exits with status 1, as ever."""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit."""
        self.exit(1, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser(prog: str, description: str) -> Parser:
    """Return a parser of the options that `pulse` and `lvsd` have in common."""
    made = Parser(prog=prog, description=description, allow_abbrev=False)
    made.add_argument("-c", "--configfile", metavar="FILE", type=Path, help="configuration file (lvs.cf)")
    made.add_argument("--node", choices=("primary", "backup"), help="which router of the file this one is")
    made.add_argument("--run-dir", metavar="DIR", type=Path, help=f"sockets and locks (default {DEFAULT_RUN_DIR})")
    made.add_argument("--state-dir", metavar="DIR", type=Path, help=f"kept state (default {DEFAULT_STATE_DIR})")
    made.add_argument("--plane", choices=("ipvs", "userspace"), help="who forwards; overrules forwarding_plane")
    made.add_argument("-n", "--nodaemon", action="store_true", help="stay in the foreground, log to stderr")
    made.add_argument("-v", "--verbose", action="store_true", help="log debug lines too")
    made.add_argument("-t", "--test-start", action="store_true", help="check what a start needs, change nothing, exit")
    made.add_argument("--version", action="version", version=f"{prog} {piranha.__version__}")
    return made


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a daemon keeps its sockets and locks (run) and what outlives it (state)."""

    run: Path
    state: Path

    @classmethod
    def of(cls, run_dir: Path | None, state_dir: Path | None) -> "Folders":
        """Resolve the options: a run folder alone takes its state folder along."""
        run = (run_dir or DEFAULT_RUN_DIR).absolute()
        inside = run / "state" if run_dir is not None else DEFAULT_STATE_DIR
        return cls(run, (state_dir or inside).absolute())

    def make(self) -> None:
        """Make both: run for everyone to pass through, state for the owner and group only.

        Whatever is shared from now on belongs to the group that may look, also once `pulse` has given its rights up.
        Raises CannotStart without a run folder. Without a state folder a daemon serves; what it writes
        there tells of it (see `StateFiles`).
        """
        group = _lookers()  # asked once: who knows groups may have to be asked over the network
        if group is not None:
            # A member may give its files to the group without CAP_CHOWN.
            with contextlib.suppress(OSError):
                os.setgroups(sorted({*os.getgroups(), group}))
        try:
            _make(self.run, 0o755, group)
        except OSError as error:
            raise CannotStart(f"{self.run}: {error.strerror}") from error
        with contextlib.suppress(OSError):
            _make(self.state, 0o750, group)


def _make(folder: Path, mode: int, group: int | None) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    if folder.stat().st_gid == os.getegid():  # as we or systemd made it: nobody gave it to others
        _give(folder, group)


def _lookers() -> int | None:
    """Return the group that may look, None where there is none."""
    try:
        return grp.getgrnam(LOOKERS_GROUP).gr_gid
    except (KeyError, OSError):
        return None


def share(path: Path) -> None:
    """Give `path` to the group whose members may look without being root, where there is such a group.

    What a folder gets from then on is theirs to look at as well. Only root and members can; for others, and without
    the group, nothing changes.
    """
    _give(path, _lookers())


def _give(path: Path, group: int | None) -> None:
    if group is None:
        return
    with contextlib.suppress(OSError):
        os.chown(path, -1, group)
        if path.is_dir():
            path.chmod(path.stat().st_mode & 0o7777 | stat.S_ISGID)


def config_file(option: Path | None) -> Path:
    """Return the file that `-c` names, else the first default file that exists, else the first."""
    if option is not None:
        return option.absolute()
    return next((path for path in CONFIG_FILES if path.exists()), CONFIG_FILES[0])


class Lock:
    """An exclusive lock on a file with the holder's pid inside, held until `release` or death."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises AlreadyRunning when another process has it, CannotStart otherwise."""
        try:
            self._fd = open_lock(path)
        except OSError as error:
            raise CannotStart(f"{path}: {error.strerror}") from error
        # `lock_holder` of somebody else holds it for an instant; a daemon holds it for good.
        for _ in range(10):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.write_pid()
                return
            time.sleep(0.01)
        holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
        os.close(self._fd)
        raise AlreadyRunning(f"already running as process {holder or 'unknown'} ({path})")

    def write_pid(self) -> None:
        """Write the pid of this process; once more after a fork."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; the file stays, since removing it would let two processes hold two files."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def lock_holder(path: Path) -> int | None:
    """Return the pid of the living process that holds the lock, or None when nobody does."""
    try:
        with open_regular(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                with contextlib.suppress(ValueError):
                    return int(os.pread(file.fileno(), 20, 0))
    except OSError:
        pass
    return None


def detach() -> Callable[[], None]:
    """Go to the background; return what the daemon calls once it serves.

    The process that was started stays until then, so that its exit status tells whether the start
    succeeded: 0, or 1 when the daemon ended before. Errors still reach the terminal until then.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        ready = os.read(reading, 1)
        os._exit(0 if ready else 1)
    os.close(reading)
    os.setsid()
    if os.fork():  # not a session leader any more: cannot get a terminal again
        os._exit(0)
    os.chdir("/")

    def started() -> None:
        os.write(writing, b"1")
        os.close(writing)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.close(nothing)

    return started


def on_signals(stop: Callable[[int], None], reload: Callable[[], None]) -> None:
    """Wire SIGTERM and SIGINT to `stop`, SIGHUP to `reload`, in the running event loop; one that came early counts."""
    from asyncio import get_running_loop  # noqa: PLC0415 -- who calls this has it; others need not load it

    loop = get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
    if EARLY.hung_up:
        EARLY.hung_up = False
        reload()
    if EARLY.stopped:
        early, EARLY.stopped = EARLY.stopped, 0
        stop(early)


def notify(state: str) -> bool:
    """Tell systemd: READY=1, RELOADING=1, STOPPING=1, WATCHDOG=1, STATUS=… (sd_notify(3)).

    Returns whether there was anyone to tell; never fails.
    """
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return False
    import socket  # noqa: PLC0415 -- nobody is told before the table is in

    address = "\0" + where[1:] if where.startswith("@") else where
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.sendto(state.encode(), address)
    except OSError:
        return False
    return True


def watchdog_interval_s() -> float | None:
    """Return how often to send WATCHDOG=1: half of what systemd asks, None when it does not ask."""
    try:
        asked_us = int(os.environ.get("WATCHDOG_USEC", ""))
        for_pid = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return asked_us / 2e6 if asked_us > 0 and for_pid == os.getpid() else None


async def beat() -> None:
    """Tell systemd that the loop turns, until cancelled, or not at all where it does not ask."""
    from asyncio import sleep  # noqa: PLC0415 -- see `on_signals`

    interval_s = watchdog_interval_s()
    while interval_s is not None:
        notify("WATCHDOG=1")
        await sleep(interval_s)


def fail(prog: str, error: object) -> int:
    """Print one clear line on stderr and return exit status 1."""
    print(f"{prog}: {error}", file=sys.stderr)
    return 1
