"""Shell: reads lvs.cf from the disk, without ever waiting for a FIFO or a device."""

import gc
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from piranha.errors import PiranhaError
from piranha.lvscf.loaded import Loaded
from piranha.lvscf.syntax.limits import SIZE_LIMIT
from piranha.terms import Address


class ReadError(PiranhaError, OSError):
    """The file cannot be read at all: `lvs.cf: No such file or directory`."""


def read_and_load(path: Path | str, before: Loaded | None = None) -> Loaded:
    """Read, resolve host names, load.

    before: an earlier reading, if there is one: what stands in the file as it did is not read again, and the
    outcome is the same. What is no text of a sensible size is one clear finding. Raises ReadError when the path cannot
    be opened or read, leads to a directory, a FIFO, a device or a socket, or to a file that somebody
    is writing to.
    """
    return resolve_and_load(read_bytes(path), str(path), before)


def read_bytes(path: Path | str) -> bytes:
    """Return what a file holds, one byte more than SIZE_LIMIT at most. Raises ReadError as `read_and_load`."""
    name = str(path)
    try:
        return _read(name)
    except (OSError, ValueError) as error:
        raise ReadError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


def resolve_and_load(data: bytes, name: str, before: Loaded | None = None) -> Loaded:
    """Do what `read_and_load` does with what was read already; `name` is for findings."""
    # A start that knows what the file says (`lvsd.compiled`) does not load what reads it.
    from piranha.lvscf.load import elaborated, parsed, unusable  # noqa: PLC0415

    if len(data) > SIZE_LIMIT:
        return unusable(name, "E025", f"this file is larger than {SIZE_LIMIT // 1024 // 1024} MiB")
    with _without_collector():
        source = parsed(data, name, before.again if before is not None else None)
    hosts = _resolved(source.names) if source.names else {}
    with _without_collector():
        return elaborated(source, hosts)


def _resolved(names: Sequence[str]) -> Mapping[str, Address]:
    from piranha.lvscf.resolve import resolve  # noqa: PLC0415 -- most files have addresses only

    return resolve(names)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the cyclic collector from running: a tree has no cycles, and looking for them takes 40 % of the time.

    Nor does it look through what was made meanwhile afterwards, which would take half of that.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


def _read(path: str) -> bytes:
    # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise ValueError(f"this is {_kind(before.st_mode)}, not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(SIZE_LIMIT + 1) or b""  # None: a file of the kernel that has nothing to say now
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise ValueError("it changed while it was read; write a new file beside it, then rename that")
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
