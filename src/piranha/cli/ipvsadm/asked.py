"""What listings ask of the kernel; see `kernel.ipvs_reader` and `kernel.ipvs_socket`."""

from typing import Protocol

from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import DestinationEntry, ServiceEntry
from piranha.kernel.ipvs_reading import KernelInfo
from piranha.kernel.layout import Row
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey


class Reader(Protocol):
    """What is needed of `kernel.ipvs_reader.IpvsReader`; every method raises NetlinkError."""

    def service_rows(self, *, counters: bool) -> list[Row]:
        """List all services."""

    def server_rows(self, service: Row, *, counters: bool) -> list[Row]:
        """List the servers of a service."""


class Kernel(Reader, Protocol):
    """What can be asked of `kernel.ipvs_socket.IpvsSocket`; every method raises NetlinkError."""

    def info(self) -> KernelInfo:
        """Read version and size."""

    def services(self) -> list[ServiceEntry]:
        """List all services."""

    def service(self, key: ServiceKey) -> ServiceEntry:
        """Read one service, ESRCH if there is none."""

    def service_row(self, key: ServiceKey) -> Row:
        """Read one service as a row, ESRCH if there is none."""

    def destinations(self, key: ServiceKey) -> list[DestinationEntry]:
        """List the servers of one service."""

    def pool(self, key: ServiceKey) -> dict[DestinationKey, Destination]:
        """List the servers of one service without their connections."""

    def timeouts(self) -> Timeouts:
        """Read the timeouts."""

    def daemons(self) -> list[SyncDaemon]:
        """List sync daemons."""
