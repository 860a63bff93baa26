"""Shell: options that verbs share, and the daemons they ask."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from piranha.cli.words import WIDTH
from piranha.control.client import NoAnswer, NobodyListens, NotPermitted, ask
from piranha.control.daemon import OBSERVE, Folders, lock_holder
from piranha.control.messages import Refused
from piranha.events.event import Record, read_record
from piranha.events.record import read_file
from piranha.text import printable

USAGE = 64  # EX_USAGE, sysexits.h
DAEMONS = ("pulse", "lvsd")


class WrongUsage(SystemExit):
    """The arguments are wrong, which is said on stderr already; words: what is wrong with them."""

    def __init__(self, words: str) -> None:
        super().__init__(USAGE)
        self.words = words


class Parser(argparse.ArgumentParser):
    """Ends with status 64 and one line when the arguments are wrong."""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit."""
        words = f"{self.prog}: {printable(message)}; see {self.prog} --help"
        print(words, file=sys.stderr, flush=True)
        raise WrongUsage(words)


def records_limit(words: str) -> int:
    """Return the number behind `--limit`, 0 for none. Raises argparse.ArgumentTypeError, which is wrong usage."""
    if not words.isascii() or not words.isdecimal():
        raise argparse.ArgumentTypeError(f"{words}: not a number from 0 on")
    return int(words)


def parser(verb: str, description: str) -> Parser:
    """Return a parser with `--run-dir`, `--state-dir` and `--json`."""
    made = Parser(prog=f"piranha {verb}", description=description, allow_abbrev=False)
    made.add_argument("--run-dir", metavar="DIR", type=Path, help="where the daemons have their sockets")
    made.add_argument("--state-dir", metavar="DIR", type=Path, help="where the daemons keep their records")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def screen_width() -> int:
    """Return how many columns a screen may have: those of the terminal, 40 to `WIDTH`."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return max(40, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)) if known else WIDTH


def folder_words(args: argparse.Namespace) -> str:
    """Return the folders that were given, to say them again in a hint: ` --run-dir R`, empty where none was."""
    given = (("--run-dir", args.run_dir), ("--state-dir", args.state_dir))
    return "".join(f" {option} {shlex.quote(str(path))}" for option, path in given if path is not None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a daemon said, or why it said nothing.

    installed: it runs here, or ran here. last_at_s: its last record, wall clock, if any.
    """

    name: str
    data: Mapping[str, object] | None
    problem: str = ""
    installed: bool = True
    last_at_s: float | None = None


def ask_daemon(
    name: str, verb: str, folders: Folders, args: Mapping[str, object] | None = None, timeout_s: float = 2.0
) -> Asked:
    """Ask `pulse` or `lvsd`. Raises NotPermitted for who may not look, and nothing else."""
    try:
        try:
            return Asked(name, ask(folders.run / f"{name}.sock", verb, args, timeout_s))
        except NobodyListens:
            # One that observes answers where no other lvsd does; who acts acts on the others.
            observing = folders.run / OBSERVE / f"{name}.sock"
            if not _exists(observing) or lock_holder(folders.run / "pulse.lock") is not None:
                raise
            return Asked(name, ask(observing, verb, args, timeout_s))
    except NotPermitted:
        raise
    except (NoAnswer, Refused) as error:
        records = _from_file(name, folders) or []
        return Asked(
            name,
            None,
            str(error),
            installed=_exists(folders.run / f"{name}.lock") or bool(records),
            last_at_s=records[-1].at_s if records else None,
        )


def records_of(name: str, folders: Folders, limit: int = 2000) -> list[Record] | None:
    """Return what a daemon recorded: asked, or read from its file when it is dead; None if neither can be read."""
    asked = ask_daemon(name, "events", folders, {"limit": limit})
    if asked.data is None:
        return _from_file(name, folders)
    events = asked.data.get("events")
    found = [read_record(one) for one in events] if isinstance(events, list) else []
    return [one for one in found if one is not None]


def _from_file(name: str, folders: Folders) -> list[Record] | None:
    path = folders.state / f"{name}-events.jsonl"
    try:
        return read_file(path) if path.exists() else None
    except OSError:
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # a folder that is not for who asks
