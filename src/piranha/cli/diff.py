"""Shell: `piranha diff A B`: what differs between two files, as text and in meaning."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from piranha.change.history import read_one
from piranha.change.kept import Damaged
from piranha.change.plan import plan
from piranha.change.planned import Planned, planned
from piranha.cli.change_options import find_router
from piranha.cli.ending import CANNOT_TELL, NOT_PERMITTED, fail
from piranha.cli.facts import number
from piranha.cli.options import parser
from piranha.cli.words import safe
from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.lvscf.config import Config
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load, resolve_and_load
from piranha.table.desired import ServerVerdict, desired

DESCRIPTION = """Compare two files. A and B: a generation of `piranha history`, `running` (what is in force), or a file.
Exit status 0: the same, 1: no such generation, 2: they differ, 3: cannot be read,
64: wrong usage, 77: not permitted."""

SAME, NO, DIFFER = 0, 1, 2
RUNNING = "running"


@dataclass(frozen=True, slots=True)
class _CannotRead(Exception):
    status: int
    words: str


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    made = parser("diff", DESCRIPTION)
    made.add_argument("first", metavar="A")
    made.add_argument("second", metavar="B")
    args = made.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    try:
        first, second = (_read(name, folders) for name in (args.first, args.second))
    except _CannotRead as error:
        return fail(error.status, error.words, as_json=args.json)
    lines = [
        line.rstrip("\r\n")
        for line in unified_diff(first.text.splitlines(True), second.text.splitlines(True), first.path, second.path)
    ]
    meant = _meaning(first.config, second.config)
    if args.json:
        shown = {"same": not lines, "diff": lines, "plan": None if meant is None else list(meant.lines)}
        print(json.dumps(shown))
    else:
        _show(lines, meant)
    return DIFFER if lines else SAME


def _show(lines: list[str], meant: Planned | None) -> None:
    if lines:
        print(safe(lines))
    if meant is None:
        print("One of them has errors: what they mean cannot be compared.")
    elif not meant.lines:
        print("They mean the same." if lines else "They are the same.")
    else:
        print(f"\n{meant.counts}")
        print(safe([f"  {one['sign']} {one['subject']:<15} {one['what']}" for one in meant.lines]))


def _meaning(first: Config | None, second: Config | None) -> Planned | None:
    """Return the plan of going from one to the other while every server is up."""
    if first is None or second is None:
        return None
    up = {(v.name, s.name): ServerVerdict.UP for v in first.virtuals for s in v.servers}
    return planned(plan(first, second, desired(first, up, {}, ()), verdicts=up))


def _read(name: str, folders: Folders) -> Loaded:
    """Raises _CannotRead."""
    try:
        if name == RUNNING:
            return _kept(_running(folders), folders)
        if name.isascii() and name.isdecimal():
            return _kept(int(name), folders)
        return read_and_load(Path(name))
    except Damaged as error:
        raise _CannotRead(CANNOT_TELL, f"{name}: {error}") from error
    except (FileNotFoundError, ReadError) as error:
        kept = name == RUNNING or name.isdecimal()
        words = f"{name}: not kept: see piranha history" if kept else str(error)
        denied = isinstance(error.__cause__, PermissionError)
        raise _CannotRead(NOT_PERMITTED if denied else NO if kept else CANNOT_TELL, words) from error
    except OSError as error:
        status = NOT_PERMITTED if isinstance(error, PermissionError) else CANNOT_TELL
        raise _CannotRead(status, f"{error.filename}: {error.strerror}") from error
    except PiranhaError as error:
        raise _CannotRead(CANNOT_TELL, str(error)) from error


def _running(folders: Folders) -> int:
    return int(number(find_router(folders).status.get("generation")) or 0)


def _kept(generation: int, folders: Folders) -> Loaded:
    _, data = read_one(folders.state, generation)
    return resolve_and_load(data, f"generation {generation}")
