"""Shell: opening a file of ours that may have become something else, without ever waiting for it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open the file at `path` to read. Raises OSError, also for what is no file: a FIFO would be waited for."""
    descriptor = _open(path, os.O_RDONLY)
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_regular(path: Path) -> bytes:
    """Return what the file at `path` holds; see `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def open_lock(path: Path, mode: int = 0o644) -> int:
    """Return a descriptor of the file at `path`, made where there is none, to lock, read and write.

    Raises OSError, also for what is no file; a link would make a file of somebody else ours.
    """
    try:
        return _open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _no_file(path) from error


def _open(path: Path, flags: int, mode: int = 0) -> int:
    # Not inheritable (PEP 446): a child that outlives us must not keep a lock.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, mode)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _no_file(path)


def _no_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "this is no regular file", str(path))
