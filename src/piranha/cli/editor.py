"""Shell: starts the editor that a person chose, without a shell, and waits for it."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from piranha.errors import PiranhaError

FALLBACK = "vi"


class NoEditor(PiranhaError):
    """There is no editor to start; one line."""


def words_of(environment: Mapping[str, str]) -> list[str]:
    """Return the command of `$VISUAL`, else of `$EDITOR`, else vi. Raises NoEditor.

    It is cut into words at blanks; quotes and backslashes protect them. No shell sees it.
    """
    variable = next((name for name in ("VISUAL", "EDITOR") if environment.get(name, "").strip()), "")
    try:
        words = shlex.split(environment[variable]) if variable else [FALLBACK]
    except ValueError as error:
        raise NoEditor(f"{variable} cannot be read as a command: {error}") from error
    if not words or shutil.which(words[0], path=environment.get("PATH")) is None:
        said = f"{words[0] if words else ''!r}, which {variable} names, is no program" if variable else "vi is not here"
        raise NoEditor(f"no editor: {said}; set VISUAL or EDITOR")
    return words


def edit(words: list[str], path: Path) -> str:
    """Have `path` edited; return how the editor failed, empty when it ended well. Raises NoEditor."""
    sys.stdout.flush()
    # Ctrl-C is for the editor. A handler is not inherited, as to ignore the signal would be.
    kept = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        done = subprocess.run([*words, os.fspath(path)], check=False)
    except OSError as error:
        raise NoEditor(f"no editor: {words[0]}: {error.strerror}") from error
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    if done.returncode < 0:
        return f"the editor was killed by {signal.Signals(-done.returncode).name}"
    return f"the editor ended with status {done.returncode}" if done.returncode else ""
