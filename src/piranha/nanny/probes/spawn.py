"""Shell: starting a program of others: own process group, nothing inherited, dies with the nanny.

Not `subprocess`: its way through `threading` writes to memory that nannies share with their parent.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple, NoReturn

from piranha.nanny.privilege import die_with_parent

# What concerns this interpreter and its service says nothing to the program.
_PRIVATE = ("PYTHONPATH", "PYTHONHOME", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


class Spawned(NamedTuple):
    """A program that runs; output and complaint are non-blocking pipes to read from."""

    pid: int
    pidfd: int
    output: int
    complaint: int


def spawn(command: Sequence[str]) -> Spawned:
    """Start `command`, found along PATH, in the root folder, with /dev/null to read.

    Raises OSError, also for what exec says. Call it from a process with one thread.
    """
    me = os.getpid()
    with ExitStack() as ours, ExitStack() as theirs:
        (output, output_w), (complaint, complaint_w), (failure, failure_w) = (_pipe(ours, theirs) for _ in range(3))
        pid = os.fork()
        if pid == 0:
            _become(command, (output_w, complaint_w, failure_w), me)
        theirs.close()
        code = os.read(failure, 16)
        if code:
            os.waitpid(pid, 0)
            raise OSError(int(code), os.strerror(int(code)))
        for fd in (output, complaint):
            os.set_blocking(fd, False)
        pidfd = os.pidfd_open(pid)
        ours.pop_all()
        os.close(failure)
        return Spawned(pid, pidfd, output, complaint)


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    ours.callback(os.close, reading)
    theirs.callback(os.close, writing)
    return reading, writing


def _become(command: Sequence[str], pipes: tuple[int, int, int], parent: int) -> NoReturn:
    output, complaint, failure = pipes
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(complaint, 2)
        os.chdir("/")
        # Python ignores these, and exec would hand that down.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(parent)
        environment = {name: value for name, value in os.environ.items() if name not in _PRIVATE}
        # Without a shell, as the manual promises: words of the command are never read again.
        os.execvpe(command[0], list(command), environment)  # noqa: S606 -- words, no shell
    except OSError as error:
        os.write(failure, str(error.errno or 0).encode())
    finally:
        os._exit(127)
