"""Shell: where changes of lvs.cf are made, and what a crash may have left there."""

import contextlib
from pathlib import Path

from piranha.change.disk import FRESH, Disk, fresh_of, left_over, real, remove
from piranha.dataclass import dataclass, field

FILE = "pending.cf"
UNUSED = ".unused"
"""Behind the name of lvs.cf: what somebody wrote there and never put in force."""

HISTORY = "history"
"""The folder of the files that were in force, in the state folder."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where changes are made. file: lvs.cf. state, run: the folders of the daemon."""

    file: Path
    state: Path
    run: Path
    disk: Disk = field(default_factory=Disk)

    @property
    def pending(self) -> Path:
        """Where the way back is kept."""
        return self.state / FILE


def leftovers(ground: Ground) -> list[Path]:
    """Return what crashes left of files that were being written."""
    file = real(ground.file)
    own = [fresh_of(file)]
    with contextlib.suppress(OSError):
        own += ground.file.parent.glob(f".{ground.file.name}{UNUSED}*{FRESH}")
        for folder in (ground.state, ground.state / HISTORY):
            own += folder.glob(f".*{FRESH}")
    return [path for path in dict.fromkeys(own) if left_over(path)]


def tidy(ground: Ground) -> None:
    """Remove what crashes left; only the one daemon that changes these files may. What cannot be removed stays."""
    for path in leftovers(ground):
        with contextlib.suppress(OSError):
            remove(ground.disk, path)
