"""Shell: standard input, whatever whoever started us has put in its place."""

import contextlib
import errno
import os
import sys
from typing import BinaryIO


def standard_input() -> BinaryIO:
    """Return it to be read to its end. Raises OSError where it is closed.

    One that does not wait (O_NONBLOCK, left behind by another program) would end where its writer pauses.
    """
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    with contextlib.suppress(OSError):  # it is not that of the process
        os.set_blocking(sys.stdin.fileno(), True)
    return sys.stdin.buffer


def is_terminal() -> bool:
    """Whether somebody can be asked there."""
    return sys.stdin is not None and sys.stdin.isatty()
