"""A plane that somebody else writes: read as it is, and never changed."""

from collections.abc import Collection, Sequence

from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Plane, Refusal, Sample
from piranha.table.changes import Change
from piranha.table.service import ServiceKey
from piranha.table.table import Table


class ReadOnly(PlaneUnavailable):
    """Somebody tried to change what is only to be read."""


class ReadOnlyPlane:
    """`plane` without its hands: whatever would change it raises ReadOnly."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read the live table; only: of these services those that are there."""
        return self._plane.dump(only)

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read the live table with counters and connection numbers."""
        return self._plane.sample(only)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Raise ReadOnly, unless there is nothing to do."""
        if changes:
            raise ReadOnly(f"{len(changes)} changes of a table that is only observed")
        return []

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        """Raise ReadOnly."""
        raise ReadOnly(f"connection time-outs {tcp_s} {tcpfin_s} {udp_s} of a plane that is only observed")

    def close(self) -> None:
        """Let go of the plane."""
        self._plane.close()
