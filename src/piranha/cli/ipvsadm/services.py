"""Shell: prints services with their servers, as they are read: one service of a table of any size is in memory."""

from __future__ import annotations

import _socket as socket  # see `kernel.connection`
import errno
from itertools import islice

from piranha import TYPE_CHECKING
from piranha.cli.ipvsadm.listing import COUNTING, MODES, PLAIN, Style, service_lines, title, version_line
from piranha.cli.ipvsadm.rows import in_order, service_order
from piranha.kernel.socket import NetlinkError
from piranha.kernel.wire import WireError
from piranha.output import reader_left

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from piranha.cli.ipvsadm.asked import Reader
    from piranha.cli.ipvsadm.rows import Names
    from piranha.kernel.ipvs_reading import KernelInfo
    from piranha.kernel.layout import Row

_ROWS_AT_A_TIME = 256


def show_table(kernel: Reader, info: KernelInfo, given: Collection[str]) -> None:
    """Print all services by the options of `-L` in `given`. Raises NetlinkError."""
    print(version_line(info))
    show_services(kernel, given)


def show_services(kernel: Reader, given: Collection[str], only: Row | None = None) -> None:
    """Print all services, or `only` the one of that row, by the options of `-L` in `given`. Raises NetlinkError."""
    mode = next((mode for mode in MODES if mode in given), PLAIN)
    counters = mode in COUNTING
    services = kernel.service_rows(counters=counters) if only is None else [only]
    style = Style(names=_names(given), mode=mode, exact="exact" in given)

    def lines(service: Row, servers: Iterable[Row]) -> list[str]:
        return service_lines(service, servers, style)

    print(title(mode))
    print_rows(_all(kernel, services, lines, counters=counters, ordered="nosort" not in given))


def save_table(kernel: Reader, given: Collection[str]) -> None:
    """Print all services as rules, by the options of `-S` in `given`. Raises NetlinkError: then nothing was printed."""
    from piranha.cli.ipvsadm.saving import rules  # noqa: PLC0415 -- a listing needs none of it

    names, services = _names(given), kernel.service_rows(counters=False)

    def lines(service: Row, servers: Iterable[Row]) -> list[str]:
        return rules(service, servers, names)

    print_rows(iter(list(_all(kernel, services, lines, counters=False, ordered=True))))


def _all(
    kernel: Reader,
    services: Sequence[Row],
    lines: Callable[[Row, Iterable[Row]], list[str]],
    *,
    counters: bool,
    ordered: bool,
) -> Iterator[str]:
    """Yield the lines of each service with its servers, which are read when it is their turn."""
    try:
        for service in sorted(services, key=service_order) if ordered else services:
            servers: Sequence[Row] = kernel.server_rows(service, counters=counters)
            yield from lines(service, in_order(servers) if ordered else servers)
    except WireError as error:
        raise NetlinkError("list services", errno.EBADMSG, str(error)) from None


def print_rows(rows: Iterator[str]) -> None:
    """Print rows as they come: however many, few of them are in memory, and none is made for a reader who left."""
    while (some := list(islice(rows, _ROWS_AT_A_TIME))) and not reader_left():
        print("\n".join(some))


def _names(given: Collection[str]) -> Names:
    """Return how addresses are to be written."""
    if "numeric" in given:
        return numeric
    from piranha.cli.ipvsadm.names import resolved_place  # noqa: PLC0415 -- whoever is in a hurry asks for numbers

    return resolved_place


def numeric(address: bytes, port: int, _protocol: int | None) -> str:
    """Write address and port of the kernel as numbers."""
    if len(address) == 4:
        return f"{socket.inet_ntoa(address)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
