"""Shell: IPVS of this network namespace, asked over generic netlink. Every method raises NetlinkError."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from piranha.kernel import ipvs
from piranha.kernel.connection import Connection, connect
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import (
    DestinationEntry,
    ServiceEntry,
    destination_entry,
    pool,
    read_daemon,
    read_service,
    read_timeouts,
    service_entry,
)
from piranha.kernel.ipvs_reader import IpvsReader, read
from piranha.kernel.ipvs_reading import get_info, member_rows
from piranha.kernel.layout import Row, Rows
from piranha.kernel.socket import Failure, NetlinkError, Request
from piranha.table.changes import Change
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey

_Answer = TypeVar("_Answer")


class IpvsSocket(IpvsReader):
    """Requests to IPVS, one at a time or in batches; see `IpvsReader` for opening it."""

    def __init__(self, opener: Callable[[int], Connection] = connect) -> None:
        super().__init__(opener)
        self._member_rows = member_rows()

    def services(self) -> list[ServiceEntry]:
        """List all services in the kernel's order."""
        return [read(service_entry, row, "list services") for row in self.service_rows(counters=True)]

    def service_row(self, key: ServiceKey) -> Row:
        """Read one service as a row, with its counters; ESRCH if there is none."""
        return self._ask(ipvs.get_service(key), self._service_rows[True].read_payload, f"read service {key}")

    def service(self, key: ServiceKey) -> ServiceEntry:
        """Read one service; ESRCH if there is none."""
        return self._ask(ipvs.get_service(key), read_service, f"read service {key}")

    def destinations(self, key: ServiceKey) -> list[DestinationEntry]:
        """List the servers of one service in the kernel's order; none if there is no such service."""
        family = key.family
        rows = self._server_rows[True]
        return self._servers(key, rows, lambda found: [destination_entry(row, family) for row in found])

    def pool(self, key: ServiceKey) -> dict[DestinationKey, Destination]:
        """Read the servers of one service without their connections; none if there is no such service."""
        family = key.family
        return self._servers(key, self._member_rows, lambda rows: pool(rows, family))

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out changes in order, go on after failures and return those."""
        kind = self._kind
        return self._socket.batch(Request(kind, 0, payload) for payload in ipvs.change_requests(changes))

    def flush(self) -> None:
        """Remove every service, whoever added it."""
        self._tell(ipvs.flush(), "remove all services")

    def zero(self, key: ServiceKey | None = None) -> None:
        """Set the counters of one service or of all to zero."""
        self._tell(ipvs.zero(key), "zero counters")

    def timeouts(self) -> Timeouts:
        """Read the connection timeouts."""
        return self._ask(ipvs.get_timeouts(), read_timeouts, "read timeouts")

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set connection timeouts; 0 keeps the kernel's value."""
        self._tell(ipvs.set_timeouts(timeouts), "set timeouts")

    def daemons(self) -> list[SyncDaemon]:
        """List the sync daemons that run."""
        words = "list sync daemons"
        return [
            read(read_daemon, payload, words) for payload in self._socket.dump(self._kind, ipvs.list_daemons(), words)
        ]

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Start a sync daemon; EEXIST if it runs."""
        self._tell(ipvs.start_daemon(daemon), "start sync daemon")

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Stop a sync daemon; ESRCH if it does not run."""
        # One that was started just now and has not run yet is stopped without an answer (the kernel swallows its own
        # EINTR): so a question follows, and silence up to its answer is success.
        stop, question = ipvs.stop_daemon(daemon), get_info()
        for failure in self._socket.batch([Request(self._kind, 0, stop), Request(self._kind, 0, question)]):
            raise NetlinkError("stop sync daemon", failure.code, failure.detail)

    def _tell(self, payload: bytes, words: str) -> None:
        self._socket.request(self._kind, payload, words)

    def _servers(self, key: ServiceKey, rows: Rows, reads: Callable[[list[Row]], _Answer]) -> _Answer:
        words = "list servers"
        try:
            request = ipvs.list_destinations(key)
            return read(reads, self._socket.dump_rows(self._kind, request, words, rows), words)
        except NetlinkError as error:  # the name of the service is made here: it would slow a big table
            raise NetlinkError(f"{words} of {key}", error.code, error.detail) from None
