"""Shell: how a file is replaced so that a crash, at whatever instant, leaves the old one or the new one."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from piranha.regular import open_lock

NEW_FILE_MODE = 0o640
FRESH = ".piranha-new"
"""Behind the name of a file that is being written, and a dot before it."""


class Disk:
    """The steps that changes of files consist of. Each raises OSError. A test hands in one that dies between two."""

    def write(self, path: Path, data: bytes, like: Path | None) -> None:
        """Make the file anew, with mode, owner and attributes of `like`, and have it on the disk."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # somebody is at work: see `left_over`
            file.write(data)
            file.flush()
            _dress(file.fileno(), like)
            os.fsync(file.fileno())

    def rename(self, path: Path, to: Path) -> None:
        """Put it in the place of another."""
        path.replace(to)

    def unlink(self, path: Path) -> None:
        """Remove it; one that is not there is removed already."""
        path.unlink(missing_ok=True)

    def sync(self, folder: Path) -> None:
        """Have the names in a folder on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def real(path: Path) -> Path:
    """Return where `path` leads: of links that lead nowhere, or in a circle, the last that can be followed."""
    return Path(os.path.realpath(path))


def replace(disk: Disk, path: Path, data: bytes) -> None:
    """Replace `path`; a link stays, and what it leads to is replaced. Mode, owner and attributes stay.

    Raises OSError that names `path`; then the old file is there, and nothing beside it.
    """
    place = real(path)
    fresh = fresh_of(place)
    try:
        disk.write(fresh, data, place if place.exists() else None)
        disk.rename(fresh, place)
        disk.sync(place.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove(disk: Disk, path: Path) -> None:
    """Remove `path` for good. Raises OSError."""
    disk.unlink(path)
    disk.sync(path.parent)


def fresh_of(place: Path) -> Path:
    """Return under which name a file is made before it gets its own; always the same, so that none is left over."""
    return place.with_name(f".{place.name}{FRESH}")


def left_over(path: Path) -> bool:
    """Whether `path` is what a crash left of a file of ours: not a link, nobody else's, and nobody writes it now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return False
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_nlink != 1:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from changing what lies in `folder` meanwhile.

    The helper of a `pulse` that was killed may still be at work when the next `pulse` looks.
    Raises OSError, with a path.
    """
    descriptor = open_lock(folder / "changes.lock", NEW_FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _dress(descriptor: int, like: Path | None) -> None:
    if like is None:
        os.fchmod(descriptor, NEW_FILE_MODE)
        return
    old, new = like.stat(), os.fstat(descriptor)
    # First, while it is ours: the mode of another's file is not for us to change without CAP_FOWNER.
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    for name in os.listxattr(like):  # the label of SELinux, access lists
        value = os.getxattr(like, name)
        if name not in os.listxattr(descriptor) or os.getxattr(descriptor, name) != value:
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, name, value)
