"""Shell: prints what `ipvsadm --json` shows: one JSON document, an element of its list on each line."""

from collections.abc import Callable, Iterable, Iterator
from json import JSONEncoder

from piranha.cli.ipvsadm.asked import Kernel
from piranha.cli.ipvsadm.facts import Facts, connection_facts, daemon_facts, service_facts, timeout_facts
from piranha.cli.ipvsadm.grammar import Invocation
from piranha.cli.ipvsadm.services import print_rows
from piranha.cli.ipvsadm.showing import Lines, daemons
from piranha.kernel.ipvs_answers import DestinationEntry, ServiceEntry
from piranha.table.words import server_order, service_order

_encode = JSONEncoder().encode


def show(kernel: Kernel, connections: Callable[[], Lines], invocation: Invocation) -> None:
    """Print what `-L --json` asks for. Raises NetlinkError and OSError."""
    given = invocation.given
    if "connection" in given:
        with connections() as lines:
            print_document({}, "connections", connection_facts(lines))
    elif "timeout" in given:
        print(_encode(timeout_facts(kernel.timeouts())))
    elif "daemon" in given:
        print_document({}, "daemons", map(daemon_facts, daemons(kernel)))
    else:
        info = kernel.info()
        head: Facts = {"version": ".".join(map(str, info.version)), "connection_table_size": info.table_size}
        found = _pools(kernel, invocation)
        print_document(head, "services", (service_facts(service, servers) for service, servers in found))


def _pools(kernel: Kernel, invocation: Invocation) -> list[tuple[ServiceEntry, list[DestinationEntry]]]:
    """Read the services that a listing is about, in the order it asks for."""
    only = invocation.service
    services = kernel.services() if only is None else [kernel.service(only)]
    found = [(service, kernel.destinations(service.key)) for service in services]
    if "nosort" in invocation.given:
        return found
    found.sort(key=lambda pool: service_order(pool[0].key))
    return [(service, sorted(servers, key=lambda server: server_order(server.key))) for service, servers in found]


def print_document(head: Facts, name: str, elements: Iterable[Facts]) -> None:
    """Print an object: what `head` has, and a list `name` whose elements are made as they are printed."""
    print(f"{_encode(head)[:-1]}{', ' if head else ''}{_encode(name)}: [")
    print_rows(_separated(map(_encode, elements)))
    print("]}")


def _separated(elements: Iterator[str]) -> Iterator[str]:
    """Yield the elements with a comma behind each but the last."""
    before = next(elements, None)
    for element in elements:
        yield f"{before},"
        before = element
    if before is not None:
        yield before
