"""Shell: every process below this one, however often it forked or began a session of its own.

The daemons outlive their parents by design. A child subreaper (prctl(2)) inherits them, so that
they stay below us in the tree of processes and can be found, ended and reaped.
"""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.02


def become_subreaper() -> None:
    """Become the parent of every orphan below this process. Raises OSError."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Get SIGTERM when the parent dies, at once if it is no longer `parent`. Raises OSError."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def descendants(pid: int) -> list[int]:
    """Return every living process below `pid`; those that have ended but were not reaped are left out."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        # ValueError: nothing can be read of a process that ends at this moment.
        with contextlib.suppress(OSError, ValueError):
            # The name in parentheses may hold anything; what follows it does not.
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            children.setdefault(int(parent), []).append((int(entry.name), state))
    found: list[int] = []
    todo = [pid]
    while todo:
        for child, state in children.get(todo.pop(), ()):
            todo.append(child)
            if state not in "ZX":
                found.append(child)
    return found


def end_all(patience_s: float) -> int:
    """End every process below this one: SIGTERM, and SIGKILL after patience_s; reap them.

    Returns how many had to be killed. Each round looks again, since a supervisor may start a
    process while it is being ended.
    """
    own = os.getpid()
    killed: set[int] = set()
    told: set[int] = set()
    deadline = time.monotonic() + patience_s
    while True:
        _reap()
        left = descendants(own)
        if not left:
            return len(killed)
        late = time.monotonic() >= deadline
        for pid in left:
            if late:
                killed.add(pid)
                _signal(pid, signal.SIGKILL)
            elif pid not in told:
                told.add(pid)
                _signal(pid, signal.SIGTERM)
                _signal(pid, signal.SIGCONT)
        time.sleep(POLL_S)


def _signal(pid: int, number: signal.Signals) -> None:
    # Safe against reuse of the pid: what is below us is reaped by nobody else than us.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
