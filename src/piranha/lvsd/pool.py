"""The whole of one virtual server: which of its real servers are believed up, and what to check.

Only here is the whole pool in view; rules over it (`keep_active`, `quorum`) belong here.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from piranha.events.event import Event, Level
from piranha.lvscf.config import RealServer, Virtual
from piranha.lvsd.monitor import Health, Monitor
from piranha.nanny.results import Assignment, ProbeResult
from piranha.table.desired import ServerVerdict
from piranha.table.destination import DestinationKey

_VERDICTS = {
    Health.UP: ServerVerdict.UP,
    Health.DOWN: ServerVerdict.DOWN,
    Health.UNKNOWN: ServerVerdict.UNKNOWN,
}


class Pool:
    """Monitors of the active servers of one virtual server.

    name: unique among all pools (`unique_names`), the first half of every check's id.
    serving: servers that the plane holds with a weight above 0; they start as up and take `fall`
    failures to leave. All others start as unknown.
    """

    def __init__(self, name: str, virtual: Virtual, serving: Collection[DestinationKey], now: float) -> None:
        self.name = name
        self.virtual = virtual
        self.servers: dict[str, RealServer] = {}
        self.monitors: dict[str, Monitor] = {}
        self._sorry = False
        self.reconfigure(virtual, serving, now)

    def reconfigure(self, virtual: Virtual, serving: Collection[DestinationKey], now: float) -> None:
        """Take over another reading of the file; a server that stays where it was keeps its health.

        A server that is down and is checked in another way from now on is unknown again: its first
        answer decides, without `reentry`.
        """

    def assignments(self) -> list[Assignment]:
        """Return what nannies are to check, with what is believed at the moment."""

    def observe(self, result: ProbeResult, now: float) -> list[Event]:
        """Take in one result; return the transitions of server and pool. Unknown ids change nothing."""

    def verdicts(self) -> dict[DestinationKey, ServerVerdict]:
        """Return the verdict on each server by address and port as they stand in the file."""

    def needs_sorry(self) -> bool:
        """Whether nobody serves: no server is up with a weight above 0, and none is still unknown."""


def unique_names(names: Sequence[str]) -> list[str]:
    """Return `names` with `#2`, `#3` … behind repeated ones: the file may use a name twice."""
