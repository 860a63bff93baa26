"""Shell: signals that come before a daemon's loop takes them. Imports next to nothing: it is the first thing to run.

Until then a SIGHUP would kill the process, and SIGINT print a traceback. A fork inherits this, a
program that is executed does not.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class EarlySignals:
    """What has come so far: SIGHUP is remembered, SIGTERM and SIGINT end the process with status 0.

    stopped: the signal that came after `hold_stop`, 0 if none has.
    """

    def __init__(self) -> None:
        self.hung_up = False
        self.stopped = 0
        self._holding = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take signals until the loop does; afterwards those who had them before have them again."""
        before = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._remember)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def hold_stop(self) -> None:
        """Have SIGTERM and SIGINT wait for the loop: what is begun from now on is undone by it alone."""
        self._holding = True

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.hung_up = True

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self.stopped = number
            return
        # Nothing was begun that the way out does not undo.
        sys.exit(0)


EARLY = EarlySignals()
"""Those of this process."""
