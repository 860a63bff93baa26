"""Shell: reads the IPVS of this network namespace over generic netlink. Every method raises NetlinkError."""

from __future__ import annotations

import errno

from piranha import TYPE_CHECKING
from piranha.kernel.connection import connect
from piranha.kernel.generic import CONTROL_FAMILY, family_answer, family_request
from piranha.kernel.ipvs_numbers import FAMILY_NAME
from piranha.kernel.ipvs_reading import (
    KernelInfo,
    get_info,
    list_servers,
    list_services,
    read_info,
    server_rows,
    service_rows,
)
from piranha.kernel.socket import NETLINK_GENERIC, NetlinkError, NetlinkSocket
from piranha.kernel.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self, TypeVar

    from piranha.kernel.connection import Connection
    from piranha.kernel.layout import Row

    Answer = TypeVar("Answer")
    _Raw = TypeVar("_Raw")

FIND_FAMILY = "find the netlink family of IPVS"  # NetlinkError.request when the kernel has no IPVS


class IpvsReader:
    """Questions to IPVS, whose answers are rows; belongs to one thread at a time.

    Opening it asks the kernel for IPVS, which loads the module where that works; NetlinkError with
    `request` FIND_FAMILY and ENOENT says that there is none.
    """

    def __init__(self, opener: Callable[[int], Connection] = connect) -> None:
        self._socket = NetlinkSocket(NETLINK_GENERIC, opener=opener)
        self._service_rows = {counters: service_rows(counters=counters) for counters in (False, True)}
        self._server_rows = {counters: server_rows(counters=counters) for counters in (False, True)}
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
        return self._ask(get_info(), read_info, "read version")

    def service_rows(self, *, counters: bool) -> list[Row]:
        """List all services in the kernel's order, as `ipvs_reading` lays out their rows."""
        return self._socket.dump_rows(self._kind, list_services(), "list services", self._service_rows[counters])

    def server_rows(self, service: Row, *, counters: bool) -> list[Row]:
        """List the servers of the service of that row in the kernel's order; none if there is no such service."""
        words = "list servers"
        request = read(list_servers, service, words)
        return self._socket.dump_rows(self._kind, request, words, self._server_rows[counters])

    def _ask(self, payload: bytes, reads: Callable[[bytes], Answer], words: str) -> Answer:
        return _one(self._socket.request(self._kind, payload, words), reads, words)


def read(reads: Callable[[_Raw], Answer], raw: _Raw, words: str) -> Answer:
    """Return what `reads` makes of `raw`; where that is a WireError, NetlinkError with EBADMSG and these words."""
    try:
        return reads(raw)
    except WireError as error:
        raise NetlinkError(words, errno.EBADMSG, str(error)) from None


def _one(answers: Sequence[bytes], reads: Callable[[bytes], Answer], words: str) -> Answer:
    if not answers:
        raise NetlinkError(words, errno.ENODATA)
    return read(reads, answers[0], words)
