"""Shell: what `set` and `edit` do with a file that is right: a daemon puts it in force, or it is only written."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from piranha.change import disk
from piranha.change.kept import digest
from piranha.cli.apply import DONE, put_in_force
from piranha.cli.change_options import NobodyToAsk, Options, default_file, find_router
from piranha.cli.ending import CANNOT_TELL
from piranha.cli.words import safe
from piranha.control.client import NotPermitted
from piranha.errors import PiranhaError

WRITTEN = "written, not in force"


@dataclass(frozen=True, slots=True)
class Goal:
    """A file to change. running: it is the lvs.cf of a daemon that answers. why_not: why none puts it in force.

    silent: a daemon should, and does not answer. closed: why the file may not even be written, empty when it may.
    """

    path: Path
    running: bool
    why_not: str = ""
    silent: bool = False
    closed: str = ""


def goal(named: Path | None, options: Options) -> Goal:
    """Return the file that is meant: the one that is named, else that of the daemon, else the first default file."""
    try:
        theirs = Path(find_router(options.folders).file)
    except NobodyToAsk as error:
        path = named if named is not None else default_file(options.folders, error)
        return Goal(path, running=False, why_not=str(error), silent=error.silent, closed=error.waiting)
    path = theirs if named is None else named.absolute()
    if disk.real(path) == disk.real(theirs):
        return Goal(path, running=True)
    return Goal(path, running=False, why_not=f"the lvs.cf that is in force here is {theirs}")


def use(found: Goal, data: bytes, before: bytes, options: Options) -> int:
    """Put `data` in force, or in the place of a file that is not; return the exit status of the verb.

    A file that is written while the daemon that should take it up does not answer is status 3, as for `apply`.
    before: what the file held when `data` was made of it; a daemon refuses where it holds something else by now.
    Raises PiranhaError.
    """
    if found.running:
        return put_in_force(data, str(found.path), replace(options, seen=digest(before)))
    if found.closed:
        raise PiranhaError(f"{found.closed}; until then {found.path} is left as it is")
    write(found.path, data)
    print(safe([f"{found.path}: {WRITTEN}: {found.why_not}"]), file=sys.stderr, flush=True)
    return CANNOT_TELL if found.silent else DONE


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file; mode and owner stay. Raises PiranhaError."""
    try:
        disk.replace(disk.Disk(), path, data)
    except OSError as error:
        words = f"{path}: {error.strerror}: it is as it was"
        raise (NotPermitted if isinstance(error, PermissionError) else PiranhaError)(words) from error


def encoded(text: str) -> bytes:
    """Return the bytes of a file, also of one that is not all UTF-8."""
    return text.encode("utf-8", "surrogateescape")
