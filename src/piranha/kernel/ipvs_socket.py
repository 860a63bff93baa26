"""Shell: IPVS of this network namespace, asked over generic netlink. Every method raises NetlinkError."""

import errno
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from piranha.kernel import ipvs
from piranha.kernel.connection import Connection, connect
from piranha.kernel.generic import CONTROL_FAMILY, family_answer, family_request
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import (
    DestinationEntry,
    KernelInfo,
    ServiceEntry,
    destination_entry,
    member_rows,
    pool,
    read_daemon,
    read_info,
    read_service,
    read_timeouts,
    server_rows,
    service_entry,
    service_rows,
)
from piranha.kernel.ipvs_numbers import FAMILY_NAME
from piranha.kernel.layout import Row, Rows
from piranha.kernel.socket import (
    NETLINK_GENERIC,
    Failure,
    NetlinkError,
    NetlinkSocket,
    Request,
)
from piranha.kernel.wire import WireError
from piranha.table.changes import Change
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey

FIND_FAMILY = "find the netlink family of IPVS"  # NetlinkError.request when the kernel has no IPVS

_Answer = TypeVar("_Answer")
_Raw = TypeVar("_Raw")


class IpvsSocket:
    """Requests to IPVS, one at a time or in batches; belongs to one thread at a time.

    Opening it asks the kernel for IPVS, which loads the module where that works; NetlinkError with
    `request` FIND_FAMILY and ENOENT says that there is none.
    """

    def __init__(self, opener: Callable[[int], Connection] = connect) -> None:
        self._socket = NetlinkSocket(NETLINK_GENERIC, opener=opener)
        self._service_rows, self._server_rows, self._member_rows = service_rows(), server_rows(), member_rows()
        try:
            answers = self._socket.request(CONTROL_FAMILY, family_request(FAMILY_NAME), FIND_FAMILY)
            self._kind = _one(answers, family_answer, FIND_FAMILY)
        except NetlinkError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; the table stays."""
        self._socket.close()

    def info(self) -> KernelInfo:
        """Read version and size of the connection table."""
        return self._ask(ipvs.get_info(), read_info, "read version")

    def services(self) -> list[ServiceEntry]:
        """List all services in the kernel's order."""
        words = "list services"
        rows = self._socket.dump_rows(self._kind, ipvs.list_services(), words, self._service_rows)
        return [_read(service_entry, row, words) for row in rows]

    def service(self, key: ServiceKey) -> ServiceEntry:
        """Read one service; ESRCH if there is none."""
        return self._ask(ipvs.get_service(key), read_service, f"read service {key}")

    def destinations(self, key: ServiceKey) -> list[DestinationEntry]:
        """List the servers of one service in the kernel's order; none if there is no such service."""
        family = key.family
        return self._servers(key, self._server_rows, lambda rows: [destination_entry(row, family) for row in rows])

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
            _read(read_daemon, payload, words) for payload in self._socket.dump(self._kind, ipvs.list_daemons(), words)
        ]

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Start a sync daemon; EEXIST if it runs."""
        self._tell(ipvs.start_daemon(daemon), "start sync daemon")

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Stop a sync daemon; ESRCH if it does not run."""
        # One that was started just now and has not run yet is stopped without an answer (the kernel swallows its own
        # EINTR): so a question follows, and silence up to its answer is success.
        stop, question = ipvs.stop_daemon(daemon), ipvs.get_info()
        for failure in self._socket.batch([Request(self._kind, 0, stop), Request(self._kind, 0, question)]):
            raise NetlinkError("stop sync daemon", failure.code, failure.detail)

    def _tell(self, payload: bytes, words: str) -> None:
        self._socket.request(self._kind, payload, words)

    def _ask(self, payload: bytes, read: Callable[[bytes], _Answer], words: str) -> _Answer:
        return _one(self._socket.request(self._kind, payload, words), read, words)

    def _servers(self, key: ServiceKey, rows: Rows, read: Callable[[list[Row]], _Answer]) -> _Answer:
        words = "list servers"
        try:
            request = ipvs.list_destinations(key)
            return _read(read, self._socket.dump_rows(self._kind, request, words, rows), words)
        except NetlinkError as error:  # the name of the service is made here: it would slow a big table
            raise NetlinkError(f"{words} of {key}", error.code, error.detail) from None


def _one(answers: Sequence[bytes], read: Callable[[bytes], _Answer], words: str) -> _Answer:
    if not answers:
        raise NetlinkError(words, errno.ENODATA)
    return _read(read, answers[0], words)


def _read(read: Callable[[_Raw], _Answer], raw: _Raw, words: str) -> _Answer:
    try:
        return read(raw)
    except WireError as error:
        raise NetlinkError(words, errno.EBADMSG, str(error)) from None
