"""Shell: the forwarder as a process: `python -m piranha.forwarding.userspace.main --socket PATH`.

Exit status 0: ended by SIGTERM, SIGINT or a `stop` message (or, without --foreground, running in
the background and ready); 1: cannot start, one line on stderr says why; 2: wrong arguments.
"""

import argparse
import asyncio
import fcntl
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from piranha.errors import PiranhaError
from piranha.forwarding.userspace.forwarder import Forwarder
from piranha.regular import open_lock


class CannotStart(PiranhaError):
    """The forwarder cannot run; the text is one line for an operator."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the forwarder; see the module's text for the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m piranha.forwarding.userspace.main",
        description="TCP forwarder of Piranha's userspace plane, controlled over a Unix socket",
    )
    parser.add_argument("--socket", type=Path, required=True, metavar="PATH", help="where daemons talk to it")
    parser.add_argument("--foreground", action="store_true", help="do not go to the background")
    options = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s forwarder[%(process)d] %(message)s"
    )
    try:
        return _run(options.socket, _nothing) if options.foreground else _in_background(options.socket)
    except CannotStart as error:
        print(f"forwarder: {error}", file=sys.stderr)
        return 1


def _nothing() -> None:
    pass


def _in_background(path: Path) -> int:
    """Run in a child of its own session; return 0 in the parent once the child answers."""
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        # The child writes one byte when it is ready, and nothing if it ends before.
        return 0 if os.read(told, 1) else 1
    os.close(told)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Whoever reads the starter's output must see its end; stderr stays for our own log.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)

    def ready() -> None:
        os.write(tell, b"+")
        os.close(tell)

    return _run(path, ready)


def _run(path: Path, ready: Callable[[], None]) -> int:
    lock = _take_lock(path)
    _raise_descriptor_limit()
    control = _bind(path)
    try:
        asyncio.run(_forward(control, ready))
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)
    return 0


def _bind(path: Path) -> socket.socket:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    made = path.with_suffix(".new")
    try:
        # We have the lock, so whoever left one behind is dead. Renamed, so that nobody finds a
        # socket that does not answer yet.
        made.unlink(missing_ok=True)
        control.bind(os.fspath(made))
        made.chmod(0o660)
        control.listen()
        made.replace(path)
    except OSError as error:
        raise CannotStart(f"{path}: {error.strerror or error}") from error
    return control


async def _forward(control: socket.socket, ready: Callable[[], None]) -> None:
    forwarder = Forwarder()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, forwarder.stop)
    await forwarder.run(control, ready)


def _take_lock(path: Path) -> int:
    """Return the descriptor of the lock next to the socket, held for the life of the process, pid inside."""
    name = path.with_suffix(".lock")
    try:
        lock = open_lock(name)
    except OSError as error:
        raise CannotStart(f"{name}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(lock, 32).decode(errors="replace").strip()
        os.close(lock)
        raise CannotStart(f"another forwarder (pid {pid}) has {name}") from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def _raise_descriptor_limit() -> None:
    """Each connection takes two descriptors; use all that we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
