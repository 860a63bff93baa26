"""Shell: another process as the kernel shows it: its end by pidfd, its condition by /proc."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from pathlib import Path

from piranha.pulse.watchdog import Condition

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
AFTER_NAME = 3  # the fields that follow the name of the program begin with number 3, state (proc_pid_stat(5))
UTIME, STIME = 14, 15


def condition_of(pid: int) -> Condition:
    """Return how process `pid` is; what the kernel does not tell stays unknown."""
    folder = Path(f"/proc/{pid}")
    try:
        # The name stands in brackets and may hold anything, brackets too.
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        busy_s = sum(int(fields[number - AFTER_NAME]) for number in (UTIME, STIME)) / TICKS_A_SECOND
    except (OSError, ValueError, IndexError):
        return Condition()
    with contextlib.suppress(OSError, ValueError, IndexError):  # a kernel without SCHED_INFO
        # Nanoseconds on a processor, waiting for one, and a count (Documentation/scheduler/sched-stats.rst).
        busy_s += int((folder / "schedstat").read_text("ascii").split()[1]) / 1e9
    return Condition(state=fields[0], busy_s=busy_s)


def ended(descriptor: int) -> Awaitable[None]:
    """Return what is done when the process of this pidfd has ended."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        loop.remove_reader(descriptor)
        if not future.done():
            future.set_result(None)

    loop.add_reader(descriptor, settle)
    future.add_done_callback(lambda _: loop.remove_reader(descriptor))
    return future
