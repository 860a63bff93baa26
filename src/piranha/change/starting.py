"""Shell: a change that waited for its confirmation when the last daemon ended, as the next one finds it."""

from pathlib import Path

from piranha.change import journal
from piranha.change.journal import Ground, Settled
from piranha.control.daemon import Folders, Lock


class Waits:
    """Settled before lvs.cf is read; whoever does that must be the only daemon.

    file: lvs.cf. lock: name of the daemon's lock in the run folder.
    """

    def __init__(self, file: Path, folders: Folders, lock: str) -> None:
        self._folders = folders
        self._ground = Ground(file, folders.state, folders.run)
        self._name = lock
        self._lock: Lock | None = None
        self.settled = Settled()

    def lock(self) -> Lock:
        """Take the lock, if need be. Raises AlreadyRunning, CannotStart."""
        self._folders.make()
        self._lock = self._lock or Lock(self._folders.run / self._name)
        return self._lock

    def settle(self) -> None:
        """Take a change back whose time is over, and remove what crashes left. Raises as `lock` does."""
        if journal.leftovers(self._ground):
            self.lock()
            journal.tidy(self._ground)
        if self._ground.pending.exists():
            self.lock()
            self.settled = journal.settle(self._ground, journal.now())

    def give_up(self) -> bool:
        """Take back at once what still waits, since lvs.cf cannot be used; return whether lvs.cf has changed."""
        if self.settled.pending is None:
            return False
        self.settled = journal.settle(self._ground, journal.now(), usable=False)
        return self.settled.went_back

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.release()
