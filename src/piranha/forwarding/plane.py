"""What the lvs daemon asks of whoever forwards packets; every plane passes one contract test suite."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from piranha.dataclass import dataclass, field
from piranha.table.changes import Change
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey
from piranha.table.table import Table


@dataclass(frozen=True, slots=True)
class Refusal:
    """One change that the plane refused.

    reason: words for an operator, errno name included; `describe(change)`, a colon and the reason make
    the whole sentence.
    """

    change: Change
    code: int  # a positive errno value
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What passed since the object was added or set to zero."""

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        """Return the sum."""
        return Counters(
            connections=self.connections + other.connections,
            packets_in=self.packets_in + other.packets_in,
            packets_out=self.packets_out + other.packets_out,
            bytes_in=self.bytes_in + other.bytes_in,
            bytes_out=self.bytes_out + other.bytes_out,
        )


NOTHING = Counters()
"""Nothing has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatistics:
    """Counters of one real server and its connections now."""

    counters: Counters
    active: int = 0
    inactive: int = 0
    persistent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatistics:
    """Counters of one service and of each of its real servers."""

    counters: Counters
    servers: Mapping[DestinationKey, ServerStatistics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one reading gives: services with their servers, and the numbers of each of them."""

    table: Table
    statistics: Mapping[ServiceKey, ServiceStatistics]


class Plane(Protocol):
    """A forwarding plane. Methods block; the daemon calls them in a thread. None of them ever
    flushes or touches what `changes` does not name.

    Raises PlaneUnavailable from every method when the plane cannot be reached at all.
    """

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read the live table, services of others included; only: of these services those that are there."""

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out `changes` in order; go on after a refused one and return the refusals."""

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read the live table as `dump` does, with counters and connection numbers."""

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        """Set connection timeouts; 0 keeps the plane's value."""

    def close(self) -> None:
        """Let go of descriptors; the table stays."""
