"""Shell: puts a file in the place of another in one step."""

import contextlib
import os
import stat
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Replace the contents of `path`; a crash leaves the old file or the new one, never a part.

    Mode, owner and attributes stay; a link stays, and what it leads to is replaced; a file that was not
    there is made. Raises OSError, then the old file is as it was.
    """
    place = path.resolve()
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            _dress(file.fileno(), place)
            os.fsync(file.fileno())
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)
    _sync(place.parent)


def encoded(text: str) -> bytes:
    """Return the bytes of a file, also of one that is not all UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _dress(descriptor: int, like: Path) -> None:
    """Give the new file owner, mode and attributes of the old one."""
    if not like.exists():
        os.fchmod(descriptor, 0o640)
        return
    old, new = like.stat(), os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    with contextlib.suppress(OSError):  # the label of SELinux, where the filesystem has such things
        for name in os.listxattr(like):
            os.setxattr(descriptor, name, os.getxattr(like, name))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
