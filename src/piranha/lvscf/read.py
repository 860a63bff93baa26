"""Shell: reads lvs.cf from the disk, without ever waiting for a FIFO or a device."""

import gc
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from piranha.errors import PiranhaError
from piranha.lvscf.load import Loaded, elaborated, parsed, unusable
from piranha.lvscf.resolve import resolve

SIZE_LIMIT = 4 * 1024 * 1024  # bytes; 1000 virtual servers of 10 real servers take about 1 MB


class ReadError(PiranhaError, OSError):
    """The file cannot be read at all: `lvs.cf: No such file or directory`."""


def read_and_load(path: Path | str) -> Loaded:
    """Read, resolve host names, load.

    What is no configuration file (directory, FIFO, device, binary, too large, empty) is one clear
    finding. Raises ReadError when the file cannot be opened or read.
    """
    name = str(path)
    try:
        data = _read(name)
    except (OSError, ValueError) as error:
        raise ReadError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if isinstance(data, Loaded):
        return data
    with _without_collector():
        source = parsed(data, name)
    hosts = resolve(source.names) if source.names else {}
    with _without_collector():
        return elaborated(source, hosts)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the cyclic collector from running: a tree has no cycles, and looking for them takes 40 % of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(path: str) -> bytes | Loaded:
    # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return unusable(path, "E026", f"this is {_kind(mode)}, not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(SIZE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > SIZE_LIMIT:
        return unusable(path, "E025", f"this file is larger than {SIZE_LIMIT // 1024 // 1024} MiB")
    return data


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((words for test, words in kinds if test(mode)), "something else")
