"""The last steps of an election: a clean stop says goodbye, a prepared restart asks the partner to wait."""

from dataclasses import dataclass
from enum import Enum

RESTART_WITHIN_S = 30
FAREWELLS = 3
FAREWELL_INTERVAL_S = 0.05
STOP_LIMIT_S = 10.0


class EndStep(Enum):
    """What is next."""

    WAIT = "wait"
    SAY = "say"  # send a heartbeat that says so
    STRETCH = "stretch"  # give the addresses the lifetime that bridges the restart
    END = "end"


@dataclass(slots=True)
class Ending:
    """A stop or a restart that has begun.

    returns: a prepared restart: the next pulse is to find the lvs daemon and its table. restart: it is to
    find the addresses too. next_at: when the next step is due, unless a fact comes first.
    """

    restart: bool
    next_at: float
    returns: bool = False
    said: int = 0
    stretched: bool = False

    def stop_step(self, now: float) -> EndStep:
        """Return the next step of a stop, once nothing is held any more."""
        if now < self.next_at:
            return EndStep.WAIT
        if self.said >= FAREWELLS:
            return EndStep.END
        # More than once, on every path: one lost datagram must not cost the clients a deadtime.
        self.said += 1
        self.next_at = now + FAREWELL_INTERVAL_S
        return EndStep.SAY

    def restart_step(self, now: float, *, heard: bool, limited: bool, patience_s: float) -> EndStep:
        """Return the next step of a restart. heard: the partner has acknowledged, or there is none to hear it."""
        if not self.said:
            self.said = 1
            self.next_at = now + patience_s
            return EndStep.SAY
        if not limited:
            return EndStep.END if heard or now >= self.next_at else EndStep.WAIT
        if heard and not self.stretched:
            # Only now: a partner that has not heard it would take over while the long lease still runs.
            self.stretched = True
            self.next_at = now + patience_s
            return EndStep.STRETCH
        return EndStep.END if now >= self.next_at else EndStep.WAIT
