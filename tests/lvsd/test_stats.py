"""The rows of `piranha stats`: names of the file, numbers of the table."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from tests.lvsd.test_numbers import WEB1, WEB2, WWW, sample, traffic
from tests.lvsd.test_pool import SORRY, server, virtual

from piranha.forwarding.plane import ServerStatistics, ServiceStatistics
from piranha.lvscf.config import Config, PortRange, Router
from piranha.lvsd.numbers import Numbers, Statistics, counted
from piranha.lvsd.stats import stats_of_file, stats_of_table
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service
from piranha.terms import ForwardingMethod, Protocol

TLS = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 443))
GONE, STRANGER = (DestinationKey(ip_address(f"10.0.0.{n}"), 80) for n in (7, 8))
FILE = Config(
    primary=Router(public=ip_address("192.0.2.2")), virtuals=(virtual(server(1), server(2), server(3), sorry=SORRY),)
)


def taken(*samples: Statistics) -> Numbers:
    numbers = Numbers()
    for place, found in enumerate(samples):
        numbers.take(found, counted(numbers.counts, found), 10.0 * place)
    return numbers


def table(**weights: int) -> dict[ServiceKey, Service]:
    """A table with these servers of the service, by the last number of the address."""
    pool = {
        DestinationKey(ip_address(f"10.0.0.{number[1:]}"), 80): Destination(
            forwarding=ForwardingMethod.NAT, weight=weight
        )
        for number, weight in weights.items()
    }
    return {WWW: Service(ServiceSettings(), pool)}


def rows(live: dict[ServiceKey, Service], numbers: Numbers, **leaving: str) -> list[Any]:
    places = {(WWW, where): name for name, where in (("gone", GONE),) if name in leaving}
    return [*stats_of_file(FILE, live, numbers, places)]


def test_a_virtual_server_has_the_counters_of_its_service_and_the_connections_of_its_servers() -> None:
    [www] = rows(table(n1=5, n2=1), taken(sample(100, web1=60, web2=40), sample(120, web1=70, web2=50)))

    assert (www["name"], www["vips"]) == ("www", ["192.0.2.10"])
    assert (www["connections_total"], www["bytes_out_total"]) == (120, traffic(120).bytes_out)
    assert (www["connections_per_s"], www["packets_in_per_s"]) == (2.0, 12.0)
    assert [(one["name"], one["connections_total"], one["weight"]) for one in www["servers"]] == [
        ("web1", 70, 5),
        ("web2", 50, 1),
        ("web3", 0, None),
    ]
    assert [one["service"] for one in www["services"]] == [str(WWW)]


def test_connections_now_are_added_up() -> None:
    servers = {
        where: ServerStatistics(counters=traffic(1), active=active, inactive=2, persistent=1)
        for where, active in ((WEB1, 7), (WEB2, 5))
    }
    [www] = rows(table(n1=1, n2=1), taken({WWW: ServiceStatistics(counters=traffic(2), servers=servers)}))

    assert (www["active"], www["inactive"], www["persistent"]) == (12, 4, 2)
    assert (www["servers"][0]["active"], www["connections_per_s"]) == (7, None)


def test_services_of_several_ports_are_one_virtual_server() -> None:
    web = Config(
        primary=FILE.primary, virtuals=(replace(virtual(server(1)), ports=(PortRange(80, 80), PortRange(443, 443))),)
    )
    at_443 = DestinationKey(WEB1.address, 443)
    found = {
        WWW: ServiceStatistics(counters=traffic(10), servers={WEB1: ServerStatistics(counters=traffic(10))}),
        TLS: ServiceStatistics(counters=traffic(30), servers={at_443: ServerStatistics(counters=traffic(30))}),
    }
    www: Any = stats_of_file(web, {}, taken(found), {})[0]

    assert (www["connections_total"], [one["connections_total"] for one in www["services"]]) == (40, [10, 30])
    assert [one["connections_total"] for one in www["servers"]] == [40]


def test_what_the_file_does_not_name_has_a_row_as_well() -> None:
    [www] = rows(table(n1=1, n7=0, n8=1, n99=1), taken(sample(1, web1=1)), gone="")

    assert [one["name"] for one in www["servers"]] == ["web1", "web2", "web3", "gone", str(STRANGER), "sorry_server"]


def test_a_table_of_which_nobody_knows_the_names_shows_what_the_plane_says() -> None:
    found: Any = stats_of_table(table(n1=1, n2=0), taken(sample(100, web1=60, web2=40)))

    assert [(one["name"], one["connections_total"], one["connections_per_s"]) for one in found] == [
        ("tcp 192.0.2.10:80", 100, None)
    ]
    assert [(one["name"], one["weight"]) for one in found[0]["servers"]] == [("10.0.0.1:80", 1), ("10.0.0.2:80", 0)]
