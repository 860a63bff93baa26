"""Shell: `piranha edit [FILE]`: edit a private copy of lvs.cf, check it, and only then use it; as visudo does."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piranha.cli.amend import changed_lines, new_findings, shown
from piranha.cli.edit_copy import Copy, NotEditable, alone, contents, copies_folder
from piranha.cli.editor import edit, words_of
from piranha.cli.options import Parser
from piranha.cli.replacing import replace_file
from piranha.cli.words import count, safe
from piranha.control.daemon import CONFIG_FILES, Folders, config_file
from piranha.errors import PiranhaError
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, resolve_and_load

DONE, NO = 0, 1
DESCRIPTION = """Edit a private copy of lvs.cf with $VISUAL, $EDITOR or vi. Then the copy is checked; with errors you
are asked whether to edit again. A copy that is not used is kept, and its place is told.
Exit status 0: done, or no changes; 1: refused or given up, nothing was changed."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status. Raises PiranhaError."""
    options = Parser(prog="piranha edit", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument("file", metavar="FILE", nargs="?", type=Path, help=f"default: {CONFIG_FILES[0]}")
    options.add_argument("--run-dir", metavar="DIR", type=Path, help="where the daemons have their sockets")
    options.add_argument("--state-dir", metavar="DIR", type=Path, help="where the copy is kept")
    args = options.parse_args(argv)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NotEditable("edit needs a terminal, for the editor and its questions; see piranha set and piranha apply")
    editor = words_of(os.environ)
    path = config_file(args.file)
    with alone(path):
        try:
            original = contents(path)
        except ReadError as error:
            raise NotEditable(str(error)) from error
        copy = Copy(copies_folder(Folders.of(args.run_dir, args.state_dir).state), path)
        if not _ready(copy, path, original):
            return NO
        return _Edit(path, original, copy, editor).run()


def _ready(copy: Copy, path: Path, original: bytes) -> bool:
    """Make the copy, or take up the one that an earlier edit left; return False if that is given up."""
    when = copy.left_over()
    if when:
        print(safe([f"An edit of {path} from {when} was never finished; what was written is in {copy.path}"]))
        fits = copy.base() == original
        if not fits:
            print("lvs.cf has changed since then: it cannot simply go on")
        answer = _ask("(c)ontinue it, start a (n)ew one, (q)uit? " if fits else "start a (n)ew one, (q)uit? ", "cnq")
        if answer == "c" and fits:
            return True
        if answer != "n":
            return False
        print(safe([f"kept as {copy.path}.old"]))
    copy.make(original)
    return True


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit, from the editor to the file."""

    path: Path
    original: bytes
    copy: Copy
    editor: list[str]

    def run(self) -> int:
        """Return the exit status. Raises PiranhaError."""
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
            loaded = self._judged(data)
            if loaded.config is not None and self._used(data):
                self.copy.drop()
                return DONE
            if _ask("What now? (e)dit again, (q)uit: ", "eq") != "e":
                return self._give_up("given up")

    def _give_up(self, why: str) -> int:
        print(safe([f"piranha: {why}: {self.path} is as it was; your version is {self.copy.path}"]), file=sys.stderr)
        return NO

    def _judged(self, data: bytes) -> Loaded:
        """Show what is found in the copy that was not there before."""
        before, loaded = resolve_and_load(self.original, str(self.path)), resolve_and_load(data, str(self.copy.path))
        lines = loaded.text.split("\n")
        found = [one.render_lines(loaded.path, lines) for one in new_findings(before, loaded)]
        if found:
            print("\n".join(found), file=sys.stderr)
        if loaded.config is None:
            print(count(len(loaded.errors), "error"), file=sys.stderr, flush=True)
        return loaded

    def _used(self, data: bytes) -> bool:
        """Ask, and use the copy; return whether that was done. Raises PiranhaError."""
        texts = (one.decode("utf-8", "surrogateescape") for one in (self.original, data))
        print(safe(shown(self.path, changed_lines(*texts))))
        if _ask(f"Write {self.path}? (y)es, (n)o: ", "yn") != "y":
            return False
        if contents(self.path) != self.original:
            raise PiranhaError(
                f"{self.path} was changed meanwhile by somebody else: it is left so; your version is {self.copy.path}"
            )
        try:
            replace_file(self.path, data)
        except OSError as error:
            raise PiranhaError(
                f"{self.path}: {error.strerror}: it is as it was; your version is {self.copy.path}"
            ) from error
        return True


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
