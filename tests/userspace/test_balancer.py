"""The forwarder's table answers and counts as IPVS does."""

import errno
from collections import Counter
from ipaddress import ip_address

import pytest
from tests.userspace.values import nat, server, service

from piranha.forwarding.plane import Counters
from piranha.forwarding.userspace.balancer import Balancer
from piranha.forwarding.userspace.live import Connection, Phase
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination
from piranha.table.service import FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol

WWW = service()
CLIENT = ip_address("127.0.0.5")


def balancer(*weights: int, persistence_s: int = 0, mask: int | None = None) -> Balancer:
    """A service with servers on ports 1, 2, … of these weights."""
    made = Balancer()
    settings = ServiceSettings(scheduler="rr", persistence_s=persistence_s, persistence_mask=mask)
    changes: list[Change] = [AddService(WWW, settings)]
    changes += [AddDestination(WWW, server(i), nat(weight)) for i, weight in enumerate(weights, 1)]
    refusals, _ = made.apply(changes)
    assert refusals == []
    return made


def open_on(made: Balancer, client: str = "127.0.0.5", now: float = 0.0) -> Connection:
    connection = made.open(WWW, ip_address(client), now)
    assert connection is not None
    return connection


def code_of(made: Balancer, change: Change) -> int:
    refusals, _ = made.apply([change])
    return refusals[0].code if refusals else 0


def test_a_refused_change_does_not_stop_the_others() -> None:
    made = Balancer()
    refusals, _ = made.apply(
        [
            AddService(WWW, ServiceSettings()),
            AddService(WWW, ServiceSettings()),
            AddDestination(WWW, server(1), nat()),
        ]
    )
    assert [(r.code, r.change) for r in refusals] == [(errno.EEXIST, AddService(WWW, ServiceSettings()))]
    assert list(made.dump()[WWW].destinations) == [server(1)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (EditService(service(port=1), ServiceSettings()), errno.ESRCH),
        (RemoveService(service(port=1)), errno.ESRCH),
        (AddDestination(service(port=1), server(1), nat()), errno.ESRCH),
        (EditDestination(WWW, server(9), nat()), errno.ENOENT),
        (RemoveDestination(WWW, server(9)), errno.ENOENT),
        (AddDestination(WWW, server(1), nat()), errno.EEXIST),
        (AddDestination(WWW, server(9), nat(-1)), errno.ERANGE),
        (AddDestination(WWW, server(9, "::1"), nat()), errno.EINVAL),
        (AddDestination(WWW, server(9), nat(upper_threshold=1, lower_threshold=2)), errno.ERANGE),
        (AddDestination(WWW, server(9), Destination(forwarding=ForwardingMethod.DIRECT)), errno.EOPNOTSUPP),
        (AddService(ServiceKey(FirewallMark(3)), ServiceSettings()), errno.EOPNOTSUPP),
        (AddService(service(protocol=Protocol.UDP), ServiceSettings()), errno.EPROTONOSUPPORT),
        (AddService(service(port=0), ServiceSettings()), errno.EOPNOTSUPP),
        (EditService(WWW, ServiceSettings(scheduler="sed")), errno.ENOENT),
        (EditService(WWW, ServiceSettings(persistence_engine="sip")), errno.ENOENT),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_errno_of_the_kernel(change: Change, code: int) -> None:
    made = balancer(1)
    before = made.dump()
    assert code_of(made, change) == code
    assert made.dump() == before


def test_a_connection_is_inactive_while_it_connects_or_closes_and_active_between() -> None:
    made = balancer(1)
    connection = open_on(made)
    seen = [(connection.server.active, connection.server.inactive)]
    for phase in (Phase.OPEN, Phase.CLOSING):
        made.advance(connection, phase)
        seen.append((connection.server.active, connection.server.inactive))
    made.close(connection, Counters(bytes_in=3, bytes_out=5, packets_in=2, packets_out=1), now=1.0)
    assert seen == [(0, 1), (1, 0), (0, 1)]
    statistics = made.statistics([], now=1.0)[WWW]
    counted = Counters(connections=1, bytes_in=3, bytes_out=5, packets_in=2, packets_out=1)
    assert statistics.counters == counted
    assert statistics.servers[server(1)].counters == counted
    assert (connection.server.active, connection.server.inactive) == (0, 0)


def test_statistics_include_what_has_passed_on_open_connections() -> None:
    made = balancer(1)
    connection = open_on(made)
    statistics = made.statistics([(connection, Counters(bytes_in=7))], now=0.0)[WWW]
    assert (statistics.counters.bytes_in, statistics.servers[server(1)].counters.bytes_in) == (7, 7)


def test_weight_0_keeps_its_connections_and_gets_no_new_ones() -> None:
    made = balancer(1, 1)
    kept = open_on(made)
    _, removed = made.apply([EditDestination(WWW, kept.server.key, nat(0))])
    assert removed == set()
    assert {open_on(made).server.key for _ in range(4)} == {server(2)}


def test_without_an_able_server_there_is_no_connection() -> None:
    assert balancer(0, 0).open(WWW, CLIENT, 0.0) is None
    assert Balancer().open(WWW, CLIENT, 0.0) is None


def test_a_removed_server_leaves_with_its_connections() -> None:
    made = balancer(1)
    connection = open_on(made)
    _, removed = made.apply([RemoveDestination(WWW, server(1))])
    assert removed == {connection.server}


def test_a_server_above_its_upper_threshold_gets_none_until_below_three_quarters() -> None:
    made = balancer(1)
    made.apply([EditDestination(WWW, server(1), nat(1, upper_threshold=4))])
    connections = [open_on(made) for _ in range(4)]
    assert made.open(WWW, CLIENT, 0.0) is None
    made.close(connections.pop(), Counters(), 0.0)
    assert made.open(WWW, CLIENT, 0.0) is None
    made.close(connections.pop(), Counters(), 0.0)
    assert made.open(WWW, CLIENT, 0.0) is not None


def test_persistence_brings_a_network_back_to_its_server_until_it_runs_out() -> None:
    made = balancer(1, 1, 1, persistence_s=10, mask=0xFFFFFF00)
    first = open_on(made, "127.0.7.1", now=0.0)
    again = open_on(made, "127.0.7.200", now=5.0)
    other = open_on(made, "127.0.8.1", now=5.0)
    assert again.server is first.server
    assert other.server is not first.server
    for connection in (first, again):
        made.close(connection, Counters(), now=6.0)
    assert made.statistics([], now=7.0)[WWW].servers[first.server.key].persistent == 1
    assert open_on(made, "127.0.7.1", now=15.9).server is first.server
    assert open_on(made, "127.0.7.1", now=30.0).server is first.server, "an open connection keeps its template"


def test_a_template_that_ran_out_is_forgotten() -> None:
    made = balancer(1, 1, persistence_s=10)
    first = open_on(made, now=0.0)
    made.close(first, Counters(), now=1.0)
    assert open_on(made, now=11.0).server is not first.server


def test_a_removed_server_takes_its_templates_with_it() -> None:
    made = balancer(1, 1, persistence_s=10)
    first = open_on(made)
    made.apply([RemoveDestination(WWW, first.server.key)])
    assert open_on(made).server is not first.server


def test_another_scheduler_takes_over_with_the_next_connection() -> None:
    made = balancer(1, 3)
    made.apply([EditService(WWW, ServiceSettings(scheduler="wrr"))])
    assert Counter(open_on(made).server.key.port for _ in range(8)) == {1: 2, 2: 6}
