"""Shell: daemons with folders of their own, for who asks where none answers."""

import argparse
import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from piranha.cli.options import DAEMONS
from piranha.control.daemon import OBSERVE, Folders
from piranha.text import printable

SOCKETS = Path("/proc/net/unix")
NAMED = 3
"""So many are named at most."""


def where_to_look(args: argparse.Namespace, folders: Folders) -> str:
    """Return in one line where nobody answered, and where daemons run that could. args: see `options.parser`."""
    looked = f"looked in {folders.run} and {folders.state}"
    words = and_elsewhere(looked, folders)
    if words == looked and args.run_dir is None:
        words = f"{looked}; a daemon with folders of its own is asked with --run-dir DIR"
    return printable(words)


def and_elsewhere(words: str, folders: Folders) -> str:
    """Return `words`, which say that none answers here, with where daemons run elsewhere, if any do."""
    found = elsewhere(folders)
    return f"{words}; {found}" if found else words


def elsewhere(folders: Folders) -> str:
    """Return in few words which run folders have daemons, beside that of `folders`; empty for none."""
    found = run_folders(folders)
    options = [f"--run-dir {shlex.quote(str(folder))}" for folder in found[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"daemons run elsewhere: {', '.join(options)}{more}" if found else ""


def run_folders(folders: Folders) -> list[Path]:
    """Return the run folders, but for that of `folders`, in which a daemon of this network namespace listens.

    Only those of root and of who asks: whoever may make a socket could lead others to it.
    """
    try:
        lines = SOCKETS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    found = {_run_folder(path) for path in listening(lines) if _is_trusted(path)}
    return sorted(found - {folders.run, folders.run.resolve()})


def listening(lines: Iterable[str]) -> Iterator[Path]:
    """Yield the sockets of daemons in the kernel's list of UNIX sockets; source: proc_net_unix(5)."""
    for line in lines:
        path = Path((line.split(maxsplit=7) + [""] * 8)[7])
        if path.is_absolute() and path.suffix == ".sock" and path.stem in DAEMONS:
            yield path


def _run_folder(path: Path) -> Path:
    return path.parent.parent if path.parent.name == OBSERVE else path.parent


def _is_trusted(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False  # of another mount namespace, or left over
    return stat.S_ISSOCK(found.st_mode) and found.st_uid in (0, os.geteuid())
