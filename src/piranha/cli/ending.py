"""Shell: how a verb that comes to nothing ends: one line on stderr and, with `--json`, one object on stdout."""

import json
import signal
import sys

from piranha.control.client import NotPermitted
from piranha.errors import PiranhaError
from piranha.text import printable

NOT_PERMITTED = 77  # EX_NOPERM, sysexits.h
CANNOT_TELL = 3
INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as of a shell."""


class CannotTell(PiranhaError):
    """What the verb needs cannot be known: exit status `CANNOT_TELL`."""


def status_of(error: PiranhaError) -> int:
    """Return the exit status of a verb that ends with `error`."""
    if isinstance(error, NotPermitted):
        return NOT_PERMITTED
    return CANNOT_TELL if isinstance(error, CannotTell) else 1


def fail(status: int, words: str, *, as_json: bool) -> int:
    """Say why a verb ends so; return `status`, its exit status."""
    print(f"piranha: {printable(words)}", file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps({"error": words, "status": status}))
    return status


def unreadable(error: PiranhaError, otherwise: int, *, as_json: bool) -> int:
    """Say that a file cannot be read; return the exit status: `NOT_PERMITTED` for who may not, else `otherwise`.

    error: a `lvscf.read.ReadError`, which not every verb loads.
    """
    denied = isinstance(error.__cause__, PermissionError)
    return fail(NOT_PERMITTED if denied else otherwise, str(error), as_json=as_json)
