"""Shell: `piranha edit [FILE]`: edit a private copy of lvs.cf, check it, and only then use it; as visudo does."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piranha.cli.amend import lines_of, new_findings, shown
from piranha.cli.change_options import Options, add_options, on_a_terminal, options_of
from piranha.cli.edit_copy import Copy, NotEditable, alone, contents, copies_folder
from piranha.cli.editor import edit, words_of
from piranha.cli.ending import CANNOT_TELL, INTERRUPTED, unreadable
from piranha.cli.in_force import Goal, goal, use
from piranha.cli.options import Parser
from piranha.cli.words import count, safe
from piranha.control.client import NotPermitted
from piranha.control.daemon import CONFIG_FILES
from piranha.errors import PiranhaError
from piranha.lvscf.read import ReadError, resolve_and_load

DONE, NO = 0, 1
SHOWN_LINES = 200
DESCRIPTION = """Edit a private copy of lvs.cf with $VISUAL, $EDITOR or vi. Then the copy is checked; with errors you
are asked whether to edit again. A copy that is not used is kept, and its place is told.
Exit status 0: done, or no changes; 1: refused or given up, nothing was changed; 3: written, but the daemon that
should take it up does not answer; otherwise as of piranha apply."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status. Raises PiranhaError."""
    made = Parser(prog="piranha edit", description=DESCRIPTION, allow_abbrev=False)
    made.add_argument("file", metavar="FILE", nargs="?", type=Path, help=f"default: {CONFIG_FILES[0]}")
    made.add_argument("--run-dir", metavar="DIR", type=Path, help="where the daemons have their sockets")
    made.add_argument("--state-dir", metavar="DIR", type=Path, help="where the copy is kept")
    add_options(made)
    made.set_defaults(json=False)
    args = made.parse_args(argv)
    options = options_of(args, "edit")
    if not on_a_terminal():
        raise NotEditable("edit needs a terminal, for the editor and its questions; see piranha set and piranha apply")
    editor = words_of(os.environ)
    found = goal(args.file, options)
    if found.closed:
        raise NotEditable(found.closed)
    with alone(found.path):
        try:
            original = contents(found.path)
        except ReadError as error:
            return unreadable(error, NO, as_json=False)
        copy = Copy(copies_folder(options.folders.state), found.path)
        if not _ready(copy, found.path, original):
            return NO
        return _Edit(found, original, copy, editor, options).run()


def _ready(copy: Copy, path: Path, original: bytes) -> bool:
    """Make the copy, or take up the one that an earlier edit left; return False if that is given up."""
    when = copy.left_over()
    if when:
        why = copy.go_on()
        ended = f"was not used ({why})" if why else "was never finished"
        print(safe([f"An edit of {path} from {when} {ended}; what was written is in {copy.path}"]))
        fits = copy.base() == original
        if not fits:
            print("lvs.cf has changed since then: it cannot simply go on")
        answer = _ask("(c)ontinue it, start a (n)ew one, (q)uit? " if fits else "start a (n)ew one, (q)uit? ", "cnq")
        if answer == "c" and fits:
            return True
        if answer != "n":
            copy.end(why or "given up")
            return False
        print(safe([f"kept as {copy.path}.old"]))
    copy.make(original)
    return True


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit, from the editor to the file."""

    goal: Goal
    original: bytes
    copy: Copy
    editor: list[str]
    options: Options

    @property
    def path(self) -> Path:
        """The file."""
        return self.goal.path

    def run(self) -> int:
        """Return the exit status. Raises PiranhaError."""
        try:
            return self._run()
        except KeyboardInterrupt:
            print(flush=True)
            self._give_up("interrupted")
            return INTERRUPTED

    def _run(self) -> int:
        while True:
            print(safe([f"editing {self.copy.path}, a copy of {self.path}"]))
            trouble = edit(self.editor, self.copy.path)
            try:
                data = self.copy.read()
            except ReadError as error:
                raise NotEditable(f"{error}: {self.path} is as it was") from error
            if data == self.original:
                self.copy.drop()
                print(f"{trouble}: no changes" if trouble else "no changes", flush=True)
                return NO if trouble else DONE
            if trouble:
                return self._give_up(trouble)
            if contents(self.path) != self.original:
                return self._give_up(f"{self.path} was changed meanwhile by somebody else")
            status = self._used(data) if self._is_right(data) else NO
            if status == DONE or (status == CANNOT_TELL and not self.goal.running):  # it is written
                self.copy.drop()
                return status
            if status != NO:
                print(safe([f"your version is {self.copy.path}"]), file=sys.stderr)
                return status
            if _ask("What now? (e)dit again, (q)uit: ", "eq") != "e":
                return self._give_up("given up")

    def _give_up(self, why: str) -> int:
        self.copy.end(why)
        print(safe([f"piranha: {why}: {self.path} is as it was; your version is {self.copy.path}"]), file=sys.stderr)
        return NO

    def _is_right(self, data: bytes) -> bool:
        """Show what is found in the copy that was not there before; return whether it can be used."""
        before, loaded = resolve_and_load(self.original, str(self.path)), resolve_and_load(data, str(self.copy.path))
        lines = loaded.text.split("\n")
        found = [one.render_lines(loaded.path, lines) for one in new_findings(before, loaded)]
        if found:
            print("\n".join(found), file=sys.stderr)
        if loaded.config is None:
            print(count(len(loaded.errors), "error"), file=sys.stderr, flush=True)
        return loaded.config is not None

    def _used(self, data: bytes) -> int:
        """Show what changes, ask, and use the copy; return the exit status. Raises PiranhaError."""
        print(safe(_difference(self.path, self.original, data)), flush=True)
        if not self.goal.running:
            # Where a daemon runs, `put_in_force` shows the plan and asks.
            if self.options.dry_run or _ask(f"Write {self.path}? (y)es, (n)o: ", "yn") != "y":
                return NO
            if contents(self.path) != self.original:
                print(safe([f"{self.path} was changed meanwhile by somebody else: it is left so"]), file=sys.stderr)
                return NO
        try:
            return use(self.goal, data, self.original, self.options)
        except PiranhaError as error:
            kind = NotPermitted if isinstance(error, NotPermitted) else PiranhaError
            raise kind(f"{error}; your version is {self.copy.path}") from error


def _difference(path: Path, before: bytes, after: bytes) -> list[str]:
    """Return the lines that differ, or how many there are when nobody would read them."""
    old, new = (one.decode("utf-8", "surrogateescape").split("\n") for one in (before, after))
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(old), len(new)) > SHOWN_LINES:
        return [f"{path}: lines {start + 1} to {start + len(old)} differ: {len(old)} lines before, {len(new)} now"]
    return shown(path, lines_of([(start + 1, "\n".join(old), "\n".join(new))]))


def _ask(question: str, letters: str) -> str:
    """Return the letter that a person answers, the last one at the end of input."""
    while True:
        try:
            answer = input(question).strip().lower()[:1]
        except EOFError:
            print()
            return letters[-1]
        if answer and answer in letters:
            return answer
