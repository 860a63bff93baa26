"""Shell: files that outlive a daemon, in the state folder; in the run folder while that one cannot be written.

A full disk must not keep a router from serving, nor a reload from taking effect. The run folder is
in memory: what lies there is newer than what the state folder has, and lost when the machine boots.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from piranha.regular import read_regular

FRESH = ".new"
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class StateFiles:
    """The kept files of one router. state, run: the folders. Methods may be called from several threads."""

    def __init__(self, state: Path, run: Path) -> None:
        self.state = state
        self.run = run
        self._aside: set[str] = set()  # what was written here and could not be put into the state folder
        self._one_writer = threading.Lock()

    def __reduce__(self) -> tuple[type["StateFiles"], tuple[Path, Path]]:
        """Let another process have the folders; what it writes is its own."""
        return StateFiles, (self.state, self.run)

    def path(self, name: str) -> Path:
        """Return where the newest `name` is, if there is one."""
        aside = self.run / name
        return aside if aside.exists() else self.state / name

    def has(self, name: str) -> bool:
        """Whether there is a `name`; not where nobody can tell."""
        try:
            return self.path(name).exists()
        except OSError:
            return False

    def read(self, name: str) -> bytes:
        """Return the newest `name`. Raises OSError."""
        return read_regular(self.path(name))

    def write(self, files: Mapping[str, bytes], mode: int = 0o640) -> str:
        """Replace `files`, contents by name; a crash leaves the old one or the new one of each. mode: their rights.

        Returns why the state folder does not have them, in one line, empty when it has. Blocks.
        Raises OSError, with a path, when the run folder cannot be written either; then nothing has changed.
        """
        with self._one_writer:
            return self._write(files, mode)

    def settle(self, daemon: str) -> str | None:
        """Put into the state folder what this daemon has aside, if that can be written again. Blocks.

        What an earlier one left aside is its own as well: `lvsd-*.json`. Returns and raises as `write` does; None where
        nothing was aside.
        """
        with self._one_writer:
            names = self._aside | {path.name for path in self.run.glob(f"{daemon}-*.json")}
            for name in sorted(names):
                aside = self.run / name
                try:
                    data, mode = read_regular(aside), aside.stat().st_mode & 0o777
                except OSError:
                    self._aside.discard(name)  # somebody took it away
                    continue
                if trouble := self._write({name: data}, mode):
                    return trouble
        return "" if names else None

    def _write(self, files: Mapping[str, bytes], mode: int) -> str:
        try:
            _replace(self.state, files, mode)
        except OSError as error:
            _replace(self.run, files, mode)
            self._aside |= files.keys()
            return f"{error.filename}: {error.strerror}; kept in {self.run} until the machine boots"
        for name in files:
            with suppress(OSError):
                (self.run / name).unlink()
        self._aside -= files.keys()
        return ""


def _replace(folder: Path, files: Mapping[str, bytes], mode: int) -> None:
    fresh = {folder / (name + FRESH): data for name, data in files.items()}
    path = folder
    try:
        for path, data in fresh.items():
            # A FIFO under this name would be waited for, and a link written through.
            with os.fdopen(os.open(path, _WRITE, 0o600), "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path in fresh:
            path.replace(path.with_name(path.name.removesuffix(FRESH)))
    except OSError as error:
        for one in fresh:
            with suppress(OSError):
                one.unlink()
        # A failed write names no path, a failed open the fresh one, which nobody knows.
        raise OSError(error.errno, error.strerror, str(path).removesuffix(FRESH)) from error
