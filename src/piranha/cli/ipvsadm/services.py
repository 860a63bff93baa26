"""Shell: prints services with their servers, as they are read: one service of a table of any size is in memory."""

import errno
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Protocol

from piranha.cli.ipvsadm.listing import (
    COUNTING,
    MODES,
    PLAIN,
    Names,
    Style,
    in_order,
    service_order,
    service_text,
    title,
)
from piranha.kernel.layout import Row
from piranha.kernel.socket import NetlinkError
from piranha.kernel.wire import WireError
from piranha.output import reader_left

_ROWS_AT_A_TIME = 256


class Reader(Protocol):
    """What is needed of `kernel.ipvs_reader.IpvsReader`; every method raises NetlinkError."""

    def service_rows(self, *, counters: bool) -> list[Row]:
        """List all services."""

    def server_rows(self, service: Row, *, counters: bool) -> list[Row]:
        """List the servers of a service."""


def show_services(kernel: Reader, given: Collection[str], names: Names, only: Row | None = None) -> None:
    """Print all services, or `only` the one of that row, by the options of `-L` in `given`. Raises NetlinkError."""
    mode = next((mode for mode in MODES if mode in given), PLAIN)
    counters = mode in COUNTING
    services = kernel.service_rows(counters=counters) if only is None else [only]
    style = Style(names=names, mode=mode, exact="exact" in given)
    print(title(mode))
    try:
        print_rows(_texts(kernel, services, style, ordered="nosort" not in given))
    except WireError as error:
        raise NetlinkError("list services", errno.EBADMSG, str(error)) from None


def _texts(kernel: Reader, services: Sequence[Row], style: Style, *, ordered: bool) -> Iterator[str]:
    counters = style.mode in COUNTING
    for service in sorted(services, key=service_order) if ordered else services:
        servers: Sequence[Row] = kernel.server_rows(service, counters=counters)
        yield service_text(service, in_order(servers, service[0]) if ordered else servers, style)


def print_rows(rows: Iterator[str]) -> None:
    """Print rows as they come: however many, few of them are in memory, and none is made for a reader who left."""
    while (some := list(islice(rows, _ROWS_AT_A_TIME))) and not reader_left():
        print("\n".join(some))
