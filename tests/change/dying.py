"""A disk that dies at a step: before it, in the middle of it, or just behind it."""

from pathlib import Path

from piranha.change.disk import Disk

MOMENTS = ("before", "within", "behind")


class Died(BaseException):
    """The power is gone: nothing of ours runs any more, not even what catches errors."""


class DyingDisk(Disk):
    """Does what the real one does, up to step `at`. steps: how many there were."""

    def __init__(self, at: int = -1, moment: str = "before") -> None:
        self.steps = 0
        self._at = at
        self._moment = moment

    def write(self, path: Path, data: bytes, like: Path | None) -> None:
        if self._dies("before"):
            raise Died
        if self._dies("within"):
            super().write(path, data[: len(data) // 2], like)
            raise Died
        super().write(path, data, like)
        self._done()

    def rename(self, path: Path, to: Path) -> None:
        if self._dies("before", "within"):
            raise Died
        super().rename(path, to)
        self._done()

    def unlink(self, path: Path) -> None:
        if self._dies("before", "within"):
            raise Died
        super().unlink(path)
        self._done()

    def sync(self, folder: Path) -> None:
        if self._dies("before", "within"):
            raise Died
        super().sync(folder)
        self._done()

    def _dies(self, *moments: str) -> bool:
        return self.steps == self._at and self._moment in moments

    def _done(self) -> None:
        self.steps += 1
        if self._dies_behind():
            raise Died

    def _dies_behind(self) -> bool:
        return self.steps - 1 == self._at and self._moment == "behind"


class FullDisk(Disk):
    """Has no room for a file called like this, or for any."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.full = True

    def write(self, path: Path, data: bytes, like: Path | None) -> None:
        if self.full and self.name in path.name:
            raise OSError(28, "No space left on device", str(path))
        super().write(path, data, like)
