"""Shell: a change that waited for its confirmation when the last daemon ended, as the next one finds it."""

from pathlib import Path
from typing import TYPE_CHECKING

from piranha.change.ground import Ground, leftovers, tidy
from piranha.control.daemon import Folders, Lock

if TYPE_CHECKING:
    from piranha.change.journal import Settled


class Waits:
    """Settled before lvs.cf is read; whoever does that must be the only daemon.

    file: lvs.cf. lock: name of the daemon's lock in the run folder.
    """

    def __init__(self, file: Path, folders: Folders, lock: str) -> None:
        self._folders = folders
        self._ground = Ground(file, folders.state, folders.run)
        self._name = lock
        self._lock: Lock | None = None
        self._settled: Settled | None = None

    @property
    def settled(self) -> "Settled":
        """What the start found."""
        if self._settled is None:
            # Nothing, at most starts: what it takes to go back is loaded when the table is in.
            from piranha.change.journal import Settled  # noqa: PLC0415

            self._settled = Settled()
        return self._settled

    def lock(self) -> Lock:
        """Make the folders and take the lock, if need be. Raises AlreadyRunning, CannotStart."""
        if self._lock is None:
            self._folders.make()
            self._lock = Lock(self._folders.run / self._name)
        return self._lock

    def settle(self) -> None:
        """Take a change back whose time is over, and remove what crashes left. Raises as `lock` does."""
        if leftovers(self._ground):
            self.lock()
            tidy(self._ground)
        if self._ground.pending.exists():
            self.lock()
            self._settle(usable=True)

    def give_up(self) -> bool:
        """Take back at once what still waits, since lvs.cf cannot be used; return whether lvs.cf has changed."""
        if self._settled is None or self._settled.pending is None:
            return False
        return self._settle(usable=False).went_back

    def _settle(self, *, usable: bool) -> "Settled":
        from piranha.change import journal  # noqa: PLC0415 -- see `settled`

        self._settled = journal.settle(self._ground, journal.now(), usable=usable)
        return self._settled

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.release()
