"""The start of `lvsd` over an empty table, on a real kernel: what is begun before the loop is ended or undone by it."""

import signal
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, until

from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.changes import AddService
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import Protocol

pytestmark = pytest.mark.kernel

SERVICES, SERVERS = 60, 5
FOREIGN = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.99"), 8000))


@pytest.fixture
def lvsd(tmp_path: Path, plane: IpvsPlane) -> Iterator[Lvsd]:
    made = Lvsd(tmp_path, "ipvs")
    virtuals = []
    for port in range(1, SERVICES + 1):
        servers = "".join(
            f"server r{number} {{\naddress = 10.9.8.{number + 1}\nactive = 1\nweight = 1\n}}\n"
            for number in range(SERVERS)
        )
        head = f"virtual s{port} {{\nactive = 1\naddress = 192.0.2.10\nport = {port}\nstart_state = up\ntimeout = 300\n"
        virtuals.append(f"{head}{servers}}}\n")
    made.write(*virtuals)
    yield made
    made.clean_up()


def servers_there(plane: IpvsPlane) -> int:
    return sum(len(service.destinations) for service in plane.dump().values())


def test_each_service_is_told_once_and_the_passes_after_it_change_nothing(lvsd: Lvsd, plane: IpvsPlane) -> None:
    lvsd.start()
    assert servers_there(plane) == SERVICES * SERVERS
    lvsd.ask("read_back")
    lvsd.until_logged(f"starting virtual service s{SERVICES} active: {SERVICES}")

    assert lvsd.count("starting virtual service") == SERVICES
    assert lvsd.count("the table that is there") == 0
    assert lvsd.count("table repaired") == 0


def test_a_service_of_others_is_told_and_stays(lvsd: Lvsd, plane: IpvsPlane) -> None:
    plane.apply([AddService(FOREIGN, ServiceSettings(scheduler="rr"))])
    lvsd.start()
    lvsd.until_logged("adopting the table that is there: subject=table services=1 servers=0")
    assert lvsd.end() == 0
    assert set(plane.dump()) == {FOREIGN}


def test_sigterm_between_the_table_and_the_loop_leaves_no_table(lvsd: Lvsd, plane: IpvsPlane) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        process = lvsd.launch()
        until(lambda: servers_there(plane) > 0, "the first servers")
        process.send_signal(number)
        assert process.wait(30) == 0
        assert plane.dump() == {}


def test_one_killed_in_its_start_is_followed_by_one_that_has_the_whole_table(lvsd: Lvsd, plane: IpvsPlane) -> None:
    for _ in range(3):
        process = lvsd.launch()
        until(lambda: servers_there(plane) > 0, "the first servers")
        process.kill()
        process.wait(30)
    lvsd.start()
    until(lambda: servers_there(plane) == SERVICES * SERVERS, "all servers")
    assert lvsd.end() == 0
    assert plane.dump() == {}
