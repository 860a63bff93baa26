"""Shell: options that the verbs which change lvs.cf share, and the daemon they ask."""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from piranha.change import journal
from piranha.change.ground import FILE
from piranha.change.kept import Damaged
from piranha.change.order import Allow
from piranha.change.pending import Pending
from piranha.change.wording import waits_for_a_start
from piranha.cli.elsewhere import and_elsewhere
from piranha.cli.ending import CannotTell
from piranha.cli.facts import Facts, facts, number, text
from piranha.cli.options import Parser, ask_daemon, folder_words
from piranha.cli.stdin import is_terminal
from piranha.control.daemon import DEFAULT_RUN_DIR, Folders, config_file
from piranha.errors import PiranhaError

_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)?", re.ASCII)
_UNITS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

AS_THE_FILE_SAYS = 0.0
"""`--confirm` without a time: `confirm_time` of the file in force."""


class NobodyToAsk(PiranhaError):
    """No daemon that puts files in force answers; one line.

    silent: one runs here or ran here, and does not answer. waiting: it left a change that waits for its confirmation.
    """

    def __init__(self, words: str, *, silent: bool = False, waiting: str = "") -> None:
        super().__init__("; ".join(part for part in (words, waiting) if part))
        self.silent = silent
        self.waiting = waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is put in force. how: the verb, for the history. seen: see `change.order.Order`.

    allow: None = asked on a terminal, else drains. confirm_s: None = it stays, `AS_THE_FILE_SAYS` = the
    time of the file. wait: until it is confirmed or taken back. where: the folders that were given, for hints.
    """

    folders: Folders
    how: str = "apply"
    reason: str = ""
    allow: Allow | None = None
    dry_run: bool = False
    confirm_s: float | None = None
    wait: bool = True
    yes: bool = False
    json: bool = False
    seen: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Router:
    """The daemon that puts files in force here. name: `pulse` or `lvsd`. status: what it answered."""

    name: str
    status: Facts

    @property
    def file(self) -> str:
        """Its lvs.cf."""
        return text(self.status.get("file"))

    def behind(self, meaning: str) -> str:
        """Say that the partner does not get the file; empty without one, and when it has one of that meaning."""
        partner = facts(self.status.get("partner")) or {}
        if self.status.get("paired") is not True or (meaning and text(partner.get("meaning")) == meaning):
            return ""
        other = "backup" if text(self.status.get("node")) == "primary" else "primary"
        return f"this router only (as --local): the {other} is behind until the same file is applied there"


def add_options(made: Parser) -> None:
    """Add `--allow`, `--confirm` and what goes with them."""
    kinds = [one.word for one in Allow]
    made.add_argument("--allow", choices=kinds, help="highest kind of change accepted (default: ask; else drains)")
    made.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    made.add_argument(
        "--confirm",
        metavar="T",
        nargs="?",
        type=_time,
        const=AS_THE_FILE_SAYS,
        help="go back after T (60, 90s, 5m; default confirm_time) unless `piranha confirm` is said",
    )
    made.add_argument("--no-wait", action="store_true", help="do not wait for the confirmation")
    made.add_argument("--local", action="store_true", help="this router only (so far it always is)")
    made.add_argument("--yes", action="store_true", help="do not ask")
    made.add_argument("--reason", metavar="TEXT", default="", help="why, for the history")


def options_of(args: argparse.Namespace, how: str) -> Options:
    """Return what the arguments say."""
    return Options(
        folders=Folders.of(args.run_dir, args.state_dir),
        how=how,
        reason=args.reason,
        allow=Allow[args.allow.upper()] if args.allow else None,
        dry_run=args.dry_run,
        confirm_s=args.confirm,
        wait=not args.no_wait,
        yes=args.yes,
        json=args.json,
        where=folder_words(args),
    )


def find_router(folders: Folders) -> Router:
    """Ask who puts files in force here: `pulse`, or `lvsd` where it runs alone. Raises NobodyToAsk, NotPermitted."""
    pulse = ask_daemon("pulse", "status", folders)
    if pulse.data is not None:
        return Router("pulse", pulse.data)
    lvsd = ask_daemon("lvsd", "status", folders, {"brief": True})
    if lvsd.data is not None and "unconfirmed" in lvsd.data:
        return Router("lvsd", lvsd.data)
    if lvsd.data is not None and facts(lvsd.data.get("observing")) is not None:
        raise NobodyToAsk("lvsd only observes here (--observe), and takes a file up with SIGHUP", silent=True)
    if lvsd.data is not None or pulse.installed:
        words = f"pulse puts files in force here, and does not answer: {pulse.problem}"
        raise NobodyToAsk(words, silent=True, waiting=waiting_on_disk(folders, "pulse"))
    if lvsd.installed:
        words = f"lvsd puts files in force here, and does not answer: {lvsd.problem}"
        raise NobodyToAsk(words, silent=True, waiting=waiting_on_disk(folders, "lvsd"))
    words = f"no daemon runs here: it reads lvs.cf when it starts ({lvsd.problem})"
    raise NobodyToAsk(and_elsewhere(words, folders))


def waiting_on_disk(folders: Folders, daemon: str) -> str:
    """Return the one line about a change that waits on the disk while `daemon` is dead; empty without one.

    Empty, too, for who may not look into the state folder.
    """
    pending = pending_on_disk(folders)
    return waits_for_a_start(pending, journal.now(), daemon) if pending is not None else ""


def pending_on_disk(folders: Folders) -> Pending | None:
    """Return the change that waits on the disk; None without one, and for who may not look into the state folder."""
    try:
        return journal.read(folders.state / FILE)[0]
    except (Damaged, OSError):
        return None


def running_file(folders: Folders) -> Path | None:
    """Return the lvs.cf of the daemon that puts files in force here, None where none answers. Raises NotPermitted."""
    try:
        return Path(find_router(folders).file)
    except NobodyToAsk:
        return None


def default_file(folders: Folders, nobody: NobodyToAsk) -> Path:
    """Return the lvs.cf that is meant where nobody names or knows one: the first default file.

    Raises CannotTell where a daemon with folders of its own, which may well have a file of its own, does not answer.
    """
    if nobody.silent and folders.run != DEFAULT_RUN_DIR:
        raise CannotTell(f"{nobody}; which lvs.cf it has is not known meanwhile: name the file")
    return config_file(None)


def unconfirmed(status: Facts) -> Facts | None:
    """Return the change that waits for its confirmation."""
    return facts(status.get("unconfirmed"))


def left_s(waiting: Facts) -> float:
    """Return how long it still waits, in seconds."""
    return number(waiting.get("left_s")) or 0.0


def on_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return is_terminal() and sys.stdout.isatty()


def _time(words: str) -> float:
    found = _TIME.fullmatch(words)
    if found is None or not 1 <= float(found[1]) * _UNITS[found[2]] <= 86400:
        raise argparse.ArgumentTypeError(
            f"{words}: not a time from 1 s to 24 h, such as 60, 90s or 5m (FILE goes first)"
        )
    return float(found[1]) * _UNITS[found[2]]
