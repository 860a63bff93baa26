"""Shell: regular expressions on what strangers sent, without ever holding up the other checks.

An expression whose search is short whatever the input runs here and now. Others run in linear time
in google-re2, if it is installed, else in a process of their own that ends with the check.
"""

import importlib
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import cast

from piranha.nanny.expect import Search
from piranha.nanny.privilege import die_with_parent
from piranha.nanny.probes.base import Watch, Watcher

_FOUND, _NOT_FOUND = 0, 1


@lru_cache(maxsize=1024)
def linear(pattern: bytes) -> Callable[[bytes], object] | None:
    """Return a search in linear time, None without google-re2 or where it does not take the pattern."""
    try:
        re2 = importlib.import_module("re2")
    except ImportError:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    options.log_errors = False
    try:
        return cast("Callable[[bytes], object]", re2.compile(pattern, options=options).search)
    except re2.error:
        return None


class OutsideSearch(Watcher):
    """One search in a child process. `on_end(found, now)`: found is None when the process failed."""

    def __init__(self, search: Search, data: bytes, watch: Watch, on_end: Callable[[bool | None, float], None]) -> None:
        """Raises OSError when this machine cannot fork."""
        self._watch = watch
        self._on_end = on_end
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _search_and_exit(search, data, parent)
        self._pidfd = os.pidfd_open(self.pid)
        watch.add(self._pidfd, select.EPOLLIN, self)

    def ready(self, fd: int, events: int, now: float) -> None:
        """The process ended."""
        status = self._reap()
        found = {_FOUND: True, _NOT_FOUND: False}.get(status) if status is not None else None
        self._on_end(found, now)

    def close(self) -> None:
        """End the process, if it runs."""
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._reap()

    def _reap(self) -> int | None:
        _, status = os.waitpid(self.pid, 0)
        self._watch.drop(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def _search_and_exit(search: Search, data: bytes, parent: int) -> None:
    try:
        die_with_parent(parent)
        os._exit(_FOUND if search.found(data) else _NOT_FOUND)
    finally:
        os._exit(2)
