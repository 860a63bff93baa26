"""Shell: `piranha apply [FILE]`: put a file in force; the daemon does it, and takes it back if that is asked for.

`put_in_force` is the way for every verb that has bytes to put in force: apply, rollback, set, unset, edit.
"""

import base64
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from piranha.change.kept import digest
from piranha.change.order import Allow
from piranha.change.staging import PIECE_BYTES
from piranha.cli.change_options import (
    AS_THE_FILE_SAYS,
    NobodyToAsk,
    Options,
    add_options,
    find_router,
    left_s,
    on_a_terminal,
    options_of,
    unconfirmed,
)
from piranha.cli.ending import CANNOT_TELL, INTERRUPTED, NOT_PERMITTED, fail
from piranha.cli.facts import Facts, dicts, facts, number, text
from piranha.cli.options import parser, screen_width
from piranha.cli.plan_screen import ENDED, Row, rows_screen
from piranha.cli.stdin import standard_input
from piranha.cli.words import count, safe
from piranha.control.actor import login
from piranha.control.client import NoAnswer, NotPermitted, ask
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load, resolve_and_load
from piranha.lvscf.syntax.limits import SIZE_LIMIT

DESCRIPTION = """Put FILE (default: lvs.cf as it is now) in force: check, plan, ask, replace lvs.cf, reload.
With --confirm it goes back by itself unless `piranha confirm` is said in time; this command waits for that.
Exit status 0: in force, or nothing to do, 1: refused, nothing was changed, 2: --dry-run, there are changes,
3: cannot tell, 4: taken back, 64: wrong usage, 77: not permitted, 130: Ctrl-C: it is said what is in force."""

DONE, REFUSED, CHANGES, TAKEN_BACK = 0, 1, 2, 4
ANSWER_S = 120.0
POLL_S = 0.3
GRACE_S = 30.0
"""Beyond the deadline a daemon that was killed needs to be started again and to go back."""

UNCHANGED = "nothing was changed"


class No(Exception):
    """It ends here, with this exit status and this one line on stderr."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    made = parser("apply", DESCRIPTION)
    made.add_argument("file", metavar="FILE", nargs="?", type=Path, help="- reads standard input")
    add_options(made)
    args = made.parse_args(argv)
    options = options_of(args, "apply")
    try:
        router = find_router(options.folders)
    except NobodyToAsk as error:
        return _end(No(CANNOT_TELL, f"{error}; {UNCHANGED}"), options)
    path = args.file or Path(router.file)
    try:
        if path == Path("-"):
            return put_in_force(standard_input().read(SIZE_LIMIT + 1), "standard input", options)
        loaded = read_and_load(path)
    except ReadError as error:
        denied = isinstance(error.__cause__, PermissionError)
        return _end(No(NOT_PERMITTED if denied else REFUSED, str(error)), options)
    except OSError as error:
        return _end(No(REFUSED, f"standard input: {error.strerror}"), options)
    return put_in_force(loaded.original_bytes(), str(path), options)


def put_in_force(data: bytes, name: str, options: Options) -> int:
    """Put `data` in force by way of the daemon, and return the exit status of the verb.

    Everything that people see on the way is printed here: findings, plan, question, outcome; with `options.json` one
    object. name: of the file, for findings. A verb that made `data` out of lvs.cf gives `options.seen`, the digest
    (`change.kept.digest`) of what it read there: the daemon refuses if lvs.cf is another by then.
    """
    try:
        return _Put(data, name, options).run()
    except No as no:
        return _end(no, options)
    except Refused as error:
        permitted = not str(error).startswith(NOT_PERMITTED_WORDS)
        return _end(No(REFUSED if permitted else NOT_PERMITTED, f"refused: {error}"), options)
    except NobodyToAsk as error:
        return _end(No(CANNOT_TELL, f"{error}; {UNCHANGED}"), options)
    except NotPermitted as error:
        return _end(No(NOT_PERMITTED, str(error)), options)
    except NoAnswer as error:
        return _end(No(CANNOT_TELL, f"it is not known what came of it: {error}; see piranha status"), options)


def _end(no: No, options: Options) -> int:
    words = str(no)
    if no.status in (REFUSED, NOT_PERMITTED) and UNCHANGED not in words:
        words += f"; {UNCHANGED}"
    return fail(no.status, words, as_json=options.json)


class _Put:
    """One file on its way."""

    def __init__(self, data: bytes, name: str, options: Options) -> None:
        self._data = data
        self._name = name
        self._options = options
        self._router = find_router(options.folders)
        self._socket = options.folders.run / f"{self._router.name}.sock"
        self._facts: dict[str, object] = {}
        self._asked = False  # from here on it may be in force
        self._done_s: float | None = None  # from here on it is

    def run(self) -> int:
        """Return the exit status. Raises No, Refused, NoAnswer."""
        try:
            return self._run()
        except KeyboardInterrupt:
            raise No(INTERRUPTED, self._interrupted()) from None

    def _run(self) -> int:
        loaded = resolve_and_load(self._data, self._name)
        if loaded.config is None:
            print(loaded.render(), file=sys.stderr, flush=True)
            raise No(REFUSED, f"{self._name} has {count(len(loaded.errors), 'error')}: nothing was changed")
        args = self._hand_over()
        try:
            return self._handed_over(args, loaded)
        finally:
            # What was not applied would take up room until the daemon forgets it.
            with contextlib.suppress(NoAnswer, Refused):
                ask(self._socket, "unstage", {"token": args["token"]})

    def _handed_over(self, args: dict[str, object], loaded: Loaded) -> int:
        options = self._options
        told = self._ask_first("apply", args | {"dry_run": True})
        self._facts = dict(told)
        self._show(told, loaded)
        changes = bool(told.get("plan")) or told.get("changed") is True
        if options.dry_run:
            self._say("Nothing has been changed.")
            return self._finish(CHANGES if changes else DONE, "nothing was changed")
        allow = self._allowed(told, changes=changes)
        confirm_s = options.confirm_s
        if confirm_s == AS_THE_FILE_SAYS:
            confirm_s = number(told.get("confirm_time")) or 60.0
        args |= {"allow": allow.word, "confirm_s": confirm_s, "base": text(told.get("base"))}
        begun = time.monotonic()
        self._asked = True
        done = ask(self._socket, "apply", args, ANSWER_S)
        self._done_s = time.monotonic()
        self._facts |= done
        self._show_done(done, time.monotonic() - begun)
        if unconfirmed(done) is None:
            return self._finish(DONE, "applied")
        return self._wait(done) if options.wait else self._finish(DONE, "applied, not confirmed yet")

    def _ask_first(self, verb: str, args: Facts) -> Facts:
        """Ask what changes nothing yet. Raises No, Refused, NotPermitted."""
        try:
            return ask(self._socket, verb, args, ANSWER_S)
        except NotPermitted:
            raise
        except NoAnswer as error:
            raise No(CANNOT_TELL, f"{error}; {UNCHANGED}") from error

    def _hand_over(self) -> dict[str, object]:
        """Send the file in pieces; return the arguments that name it."""
        token, offset = os.urandom(12).hex(), 0
        while True:
            piece = base64.b64encode(self._data[offset : offset + PIECE_BYTES]).decode("ascii")
            self._ask_first("stage", {"token": token, "offset": offset, "data": piece})
            offset += PIECE_BYTES
            if offset >= len(self._data):
                break
        options = self._options
        return {
            "token": token,
            "sha256": digest(self._data),
            "name": self._name,
            "who": login(),
            "how": options.how,
            "reason": options.reason,
            "seen": options.seen,
        }

    def _show(self, told: Facts, loaded: Loaded) -> None:
        warnings = loaded.warnings
        words = "checked: no errors"
        if warnings:
            shown = f"{warnings[0].code} line {warnings[0].span.line}; piranha explain {warnings[0].code}"
            words += f", {count(len(warnings), 'warning')} ({shown})"
        self._say(words)
        rows = [_row(line, text(line.get("kind"))) for line in dicts(told.get("plan"))]
        rows += [_row(line, ENDED) for line in dicts(told.get("ended"))]
        for line in rows_screen(rows, screen_width()):
            self._say(line)
        self._say(text(told.get("counts")))
        if removes := text(told.get("removes")):
            self._say(f"it removes {removes}: over change_limit = {number(told.get('limit')) or 0:g}%")
        if aside := text(told.get("set_aside")):
            self._say(f"{text(told.get('file'))} holds changes that were never put in force: they are kept as {aside}")

    def _allowed(self, told: Facts, *, changes: bool) -> Allow:
        """Return the highest kind that is accepted, asking if need be. Raises No."""
        options, kind = self._options, Allow[(text(told.get("kind")) or "safe").upper()]
        ask_first = on_a_terminal() and not options.yes and not options.json
        # More than change_limit is never a matter of pressing y.
        limit = options.allow if options.allow is not None else Allow.DISRUPTIVE if ask_first else Allow.DRAINS
        if kind > limit:
            raise No(REFUSED, f"refused: this is {kind.word}; if that is meant: --allow {kind.word}")
        if ask_first and changes and not _yes():
            raise No(REFUSED, "not confirmed; nothing was changed")
        return limit

    def _show_done(self, done: Facts, took_s: float) -> None:
        serial, generation = number(done.get("serial_no")) or 0, number(done.get("generation")) or 0
        self._say(f"active as serial {serial:.0f}, generation {generation:.0f} ({took_s:.1f} s)")
        up = facts(done.get("up")) or {}
        standing = [f"{name} {one[0]}/{one[1]}" for name, one in up.items() if isinstance(one, list) and len(one) == 2]
        if standing:
            self._say("   up: " + ", ".join(standing))
        if behind := self._router.behind(text(done.get("meaning"))):
            self._say(f"   {behind}")
        if (waiting := unconfirmed(done)) is not None:
            back, until_s = number(waiting.get("back_to_serial_no")) or 0, number(waiting.get("until")) or 0
            at = time.strftime("%H:%M:%S", time.localtime(until_s))
            self._say(
                f"It goes back to serial {back:.0f} by itself at {at}, in {left_s(waiting):.0f} s, unless you say"
            )
            self._say(f"    piranha confirm{self._options.where}")

    def _wait(self, done: Facts) -> int:
        """Wait until the change is confirmed or taken back; killing this command changes neither."""
        change, asked = text(done.get("id")), time.monotonic()
        waiting = unconfirmed(done) or {}
        last = asked + left_s(waiting) + GRACE_S
        while time.monotonic() < last:
            status: Facts = {}
            with contextlib.suppress(NoAnswer, Refused):
                status = ask(self._socket, "status", {"brief": True})
            over = facts(status.get("last_change")) or {}
            if text(over.get("id")) == change:
                return self._came(text(over.get("outcome")))
            if status and unconfirmed(status) is None:
                break  # the daemon was started anew and knows no more of it
            time.sleep(POLL_S)
        raise No(CANNOT_TELL, "it is not known what came of it: piranha why config")

    def _interrupted(self) -> str:
        """Return what is in force when Ctrl-C comes."""
        if not self._asked:
            return f"interrupted; {UNCHANGED}"
        if self._done_s is None:
            return "interrupted; the daemon goes on with it: see piranha status"
        if (waiting := unconfirmed(self._facts)) is None:
            return "interrupted; it is in force"
        left = max(0.0, left_s(waiting) - (time.monotonic() - self._done_s))
        return f"no longer waiting; it still goes back in {left:.0f} s unless: piranha confirm{self._options.where}"

    def _came(self, outcome: str) -> int:
        at = time.strftime("%H:%M:%S")
        if outcome == "confirmed":
            self._say(f"{at} confirmed: it stays")
            return self._finish(DONE, outcome)
        self._say(f"{at} {outcome}. Reason kept: piranha why config")
        return self._finish(TAKEN_BACK, outcome)

    def _say(self, words: str) -> None:
        if not self._options.json and words:
            print(safe([words]), flush=True)

    def _finish(self, status: int, outcome: str) -> int:
        if self._options.json:
            print(json.dumps(self._facts | {"outcome": outcome, "status": status}))
        return status


def _yes() -> bool:
    try:
        return input("Apply? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
    except KeyboardInterrupt:
        print(flush=True)  # what follows is a line of its own
        raise


def _row(line: Facts, group: str) -> Row:
    return Row(group, *(text(line.get(column)) for column in ("sign", "subject", "what", "effect")))
