"""Shell: the private copy that `piranha edit` works on, and the lock that keeps a second edit away."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from piranha.change.disk import real
from piranha.control.client import NotPermitted
from piranha.control.daemon import DEFAULT_STATE_DIR
from piranha.errors import PiranhaError
from piranha.lvscf.read import ReadError, read_bytes

LONGEST_NAME = 200


class NotEditable(PiranhaError):
    """Nothing is edited; the text says why."""


def copies_folder(state: Path) -> Path:
    """Return the folder for copies, made if need be: ours, and for nobody else to look into. Raises NotEditable.

    For root in the state folder of the daemons, for others in their home: copies outlive a crash and a reboot.
    """
    if os.geteuid() != 0 and state == DEFAULT_STATE_DIR:
        home = os.environ.get("XDG_STATE_HOME", "")
        state = (Path(home) if home.startswith("/") else Path.home() / ".local" / "state") / "piranha"
    folder = state / "edit"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
            raise NotEditable(f"{folder} is not a folder of ours: no safe place for a copy")
        if seen.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise NotEditable(f"{folder}: {error.strerror}: no place for a copy") from error
    return folder


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep a second `piranha edit` away from `path` meanwhile. Raises NotEditable.

    The lock is on the file itself, so that it holds between users; the kernel ends it with the process.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        yield  # it is made new; that somebody else made it meanwhile is noticed at the end
        return
    except OSError as error:
        raise (NotPermitted if isinstance(error, PermissionError) else NotEditable)(
            f"{path}: {error.strerror}"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotEditable(f"{path} is being edited already, by another piranha edit") from None
    finally:
        os.close(descriptor)


def contents(path: Path) -> bytes:
    """Return what a file holds, nothing where there is none. Raises ReadError."""
    return read_bytes(path) if os.path.lexists(path) else b""


class Copy:
    """The copy of one file: where it is, and what the file held when it was made."""

    def __init__(self, folder: Path, original: Path) -> None:
        name = str(real(original)).strip("/").replace("/", "-")[-LONGEST_NAME:]
        self.path = folder / name
        self._base = folder / f"{name}.base"
        self._end = folder / f"{name}.end"

    def left_over(self) -> str:
        """Return when an earlier edit left a copy with work in it, empty if none did. Raises NotEditable."""
        with contextlib.suppress(ReadError):
            if os.path.lexists(self.path) and self.read() != self.base():
                return time.strftime("%d %b %H:%M", time.localtime(self.path.lstat().st_mtime))
        return ""

    def end(self, why: str) -> None:
        """Keep how the edit ended, for the next one; without that it was never finished."""
        with contextlib.suppress(OSError):
            self._end.write_text(why)

    def go_on(self) -> str:
        """Take it up again; return how the edit before ended, empty if it was never finished."""
        try:
            why = self._end.read_text()
            self._end.unlink()
        except (OSError, ValueError):
            return ""
        return why

    def base(self) -> bytes:
        """Return what the file held when the copy was made. Raises ReadError."""
        return contents(self._base)

    def make(self, data: bytes) -> None:
        """Make it anew; what an earlier one held is kept under another name. Raises NotEditable."""
        try:
            if self.left_over():
                self.path.replace(self.path.with_name(f"{self.path.name}.old"))
            self._end.unlink(missing_ok=True)
            for path in (self._base, self.path):
                path.unlink(missing_ok=True)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
        except OSError as error:
            raise NotEditable(f"{self.path}: {error.strerror}: no copy could be made") from error

    def read(self) -> bytes:
        """Return what it holds now. Raises ReadError."""
        return read_bytes(self.path)

    def drop(self) -> None:
        """Remove it: it is of no use any more."""
        for path in (self.path, self._base, self._end):
            with contextlib.suppress(OSError):
                path.unlink()
