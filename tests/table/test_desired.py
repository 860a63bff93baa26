"""What the table should be: the file, what is known of the servers, and what the kernel holds."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.change import configs
from tests.change.configs import DIRECT, FOREIGN, NAT, config, server
from tests.properties import examples

from piranha.lvscf.check_values import Program, WeightFrom
from piranha.lvscf.config import FloatingAddress, RealServer, SorryServer, Virtual
from piranha.table.desired import (
    ServerVerdict,
    Verdicts,
    Weighed,
    desired,
    place,
    serves,
    service_keys,
    services_of,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Family, ForwardingMethod, Protocol, Scheduler

UP, DOWN, UNKNOWN = ServerVerdict.UP, ServerVerdict.DOWN, ServerVerdict.UNKNOWN
TUNNEL = ForwardingMethod.TUNNEL

VIP = FloatingAddress(address=ip_address("192.0.2.10"), prefix=32)
WWW = ServiceKey(AddressMatch(Protocol.TCP, VIP.address, 80))


def virtual(*servers: RealServer, **settings: Any) -> Virtual:
    return replace(configs.virtual("www", 10, *servers), **settings)


def at(host: int, port: int = 80) -> DestinationKey:
    return DestinationKey(ip_address(f"10.0.0.{host}"), port)


def to(weight: int, forwarding: ForwardingMethod = NAT) -> Destination:
    return Destination(forwarding=forwarding, weight=weight)


def holding(**weights: int) -> Table:
    pool = {at(int(host.removeprefix("h"))): to(weight) for host, weight in weights.items()}
    return {WWW: Service(ServiceSettings(), pool)}


def pool(table: Table, key: ServiceKey = WWW) -> dict[DestinationKey, int]:
    return {where: destination.weight for where, destination in table[key].destinations.items()}


def test_a_server_that_is_up_has_the_weight_of_the_file() -> None:
    www = config(virtual(server("web1", 1, weight=7)))
    assert pool(desired(www, {("www", "web1"): UP}, {}, ())) == {at(1): 7}


def test_weight_0_is_0_and_keeps_the_server_in_the_table() -> None:
    www = config(virtual(server("web1", 1, weight=0)))
    assert pool(desired(www, {("www", "web1"): UP}, {}, ())) == {at(1): 0}


def test_thresholds_of_the_file_reach_the_table() -> None:
    www = virtual(server("web1", 1, upper_threshold=200, lower_threshold=150))
    table = desired(config(www), {("www", "web1"): UP}, {}, ())
    destination = table[WWW].destinations[at(1)]
    assert (destination.upper_threshold, destination.lower_threshold) == (200, 150)


def test_a_server_that_is_weighed_has_that_weight() -> None:
    www = config(virtual(server("web1", 1, weight=50), server("web2", 2)))
    weighed = {("www", "web1"): Weighed(15), ("www", "web2"): Weighed(0)}
    assert pool(desired(www, weighed, {}, ())) == {at(1): 15, at(2): 0}


def test_a_server_keeps_the_weight_that_the_kernel_has_until_its_check_says_one() -> None:
    by_check = Program(command=("/bin/load",), weight_from=WeightFrom.STATUS)
    one = server("web1", 1, weight=50, check=by_check)
    others = server("web2", 2, weight=50), server("web3", 3, weight=0, check=by_check)
    www, held = config(virtual(one, *others)), holding(h1=7, h2=7, h3=7)
    for verdict in (UP, UNKNOWN):
        verdicts = {("www", name): verdict for name in ("web1", "web2", "web3")}
        assert pool(desired(www, verdicts, held, ())) == {at(1): 7, at(2): 50, at(3): 0}
    assert pool(desired(www, {("www", "web1"): UP}, {}, ())) == {at(1): 50}


def test_servers_that_are_relieved_keep_their_connections_and_the_sorry_server_takes_the_new_ones() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)
    www = config(virtual(server("web1", 1), server("web2", 2), sorry_server=sorry))
    verdicts = {("www", "web1"): DOWN, ("www", "web2"): ServerVerdict.RELIEVED}
    assert pool(desired(www, verdicts, holding(h1=1, h2=1), ())) == {at(2): 0, at(9): 1}


def test_a_server_that_is_down_is_not_there() -> None:
    www = config(virtual(server("web1", 1), server("web2", 2)))
    assert pool(desired(www, {("www", "web1"): DOWN, ("www", "web2"): UP}, holding(h1=1, h2=1), ())) == {at(2): 1}


def test_with_quiesce_server_a_server_that_is_down_has_weight_0() -> None:
    www = config(virtual(server("web1", 1), quiesce_server=True))
    assert pool(desired(www, {("www", "web1"): DOWN}, holding(h1=1), ())) == {at(1): 0}


def test_a_server_of_which_nothing_is_known_stays_if_the_kernel_sends_it_connections() -> None:
    www = config(virtual(server("web1", 1, weight=5)))
    assert pool(desired(www, {}, holding(h1=3), ())) == {at(1): 5}


def test_a_server_of_which_nothing_is_known_stays_quiesced() -> None:
    www = config(virtual(server("web1", 1), server("web2", 2)))
    assert pool(desired(www, {("www", "web2"): UP}, holding(h1=0, h2=1), ())) == {at(1): 0, at(2): 1}


def test_a_server_that_the_kernel_does_not_have_waits_for_its_first_answer() -> None:
    assert pool(desired(config(virtual(server("web1", 1))), {}, {}, ())) == {}


def test_a_file_that_replaces_every_server_leaves_the_old_ones_until_one_of_the_new_is_up() -> None:
    www = config(virtual(server("web3", 3), server("web4", 4)))
    assert pool(desired(www, {}, holding(h1=1, h2=1), ())) == {at(1): 1, at(2): 1}
    assert pool(desired(www, {("www", "web3"): UP}, holding(h1=1, h2=1), ())) == {at(3): 1}


def test_an_inactive_server_is_not_there() -> None:
    www = config(virtual(server("web1", 1), server("web2", 2, active=False)))
    assert pool(desired(www, {("www", "web1"): UP, ("www", "web2"): UP}, holding(h2=1), ())) == {at(1): 1}


def test_the_sorry_server_serves_when_every_server_is_down_and_goes_when_one_is_back() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=8080, forwarding=NAT)
    www = config(virtual(server("web1", 1), sorry_server=sorry))
    down = desired(www, {("www", "web1"): DOWN}, holding(h1=1), ())
    assert pool(down) == {at(9, 8080): 1}
    assert pool(desired(www, {("www", "web1"): UP}, down, ())) == {at(1): 1}


def test_the_sorry_server_serves_beside_quiesced_servers() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)
    www = config(virtual(server("web1", 1), sorry_server=sorry, quiesce_server=True))
    assert pool(desired(www, {("www", "web1"): DOWN}, holding(h1=1), ())) == {at(1): 0, at(9): 1}


def test_the_sorry_server_waits_for_first_answers_but_stays_when_it_served_already() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)
    www = config(virtual(server("web1", 1), sorry_server=sorry))
    assert pool(desired(www, {}, {}, ())) == {}
    assert pool(desired(www, {}, holding(h9=1), ())) == {at(9): 1}


def test_only_nat_may_change_the_port() -> None:
    www = config(
        virtual(
            server("web1", 1, port=8080),
            server("web2", 2, port=8080, forwarding=DIRECT),
            server("web3", 3, port=8080, forwarding=TUNNEL),
        )
    )
    verdicts = {("www", name): UP for name in ("web1", "web2", "web3")}
    table = desired(www, verdicts, {}, ())
    assert table[WWW].destinations == {at(1, 8080): to(1), at(2): to(1, DIRECT), at(3): to(1, TUNNEL)}


def test_a_firewall_mark_is_one_service_of_the_family_of_its_vip() -> None:
    vip6 = FloatingAddress(address=ip_address("2001:db8::10"), prefix=128)
    marks = config(virtual(fwmark=20), virtual(name="www6", fwmark=20, vip=vip6))
    assert list(desired(marks, {}, {}, ())) == [
        ServiceKey(FirewallMark(20, Family.IPV4)),
        ServiceKey(FirewallMark(20, Family.IPV6)),
    ]


def test_two_protocols_are_two_services_with_one_pool() -> None:
    dns = config(virtual(server("ns1", 1, port=53), port=53, protocols=(Protocol.UDP, Protocol.TCP)))
    table = desired(dns, {("www", "ns1"): UP}, {}, ())
    assert [str(key) for key in table] == ["udp 192.0.2.10:53", "tcp 192.0.2.10:53"]
    assert all(service.destinations == {at(1, 53): to(1)} for service in table.values())


def test_scheduler_and_persistence_are_those_of_the_file() -> None:
    sticky = config(virtual(scheduler=Scheduler.SH, persistence_s=300, persistence_mask=0xFFFFFF00))
    expected = ServiceSettings(scheduler="sh", persistence_s=300, persistence_mask=0xFFFFFF00)
    assert desired(sticky, {}, {}, ())[WWW].settings == expected


def test_a_mask_without_persistence_means_nothing_to_the_kernel() -> None:
    assert desired(config(virtual(persistence_mask=0xFFFFFF00)), {}, {}, ())[WWW].settings.persistence_mask is None


def test_a_service_of_an_earlier_file_goes_and_a_foreign_one_stays_as_it_is() -> None:
    foreign = Service(ServiceSettings(scheduler="lblc"), {at(77): to(3)})
    live: Table = {FOREIGN: foreign, **holding(h1=1)}
    assert desired(config(), {}, live, {WWW}) == {FOREIGN: foreign}


def test_an_inactive_virtual_server_is_not_there() -> None:
    assert desired(config(virtual(server("web1", 1), active=False)), {("www", "web1"): UP}, {}, ()) == {}


def test_of_two_virtual_servers_with_one_service_the_first_has_it() -> None:
    first, second = virtual(scheduler=Scheduler.RR), virtual(name="www2", scheduler=Scheduler.SED)
    assert desired(config(first, second), {}, {}, ())[WWW].settings.scheduler == "rr"


servers_drawn = st.lists(
    st.builds(
        lambda host, weight, active, forwarding: server(
            f"s{host}", host, weight=weight, active=active, forwarding=forwarding
        ),
        st.integers(1, 6),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from([NAT, DIRECT]),
    ),
    max_size=4,
    unique_by=lambda one: one.name,
)
virtuals_drawn = st.builds(
    lambda servers, quiesce, sorry, active: virtual(
        *servers,
        quiesce_server=quiesce,
        active=active,
        sorry_server=SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT) if sorry else None,
    ),
    servers_drawn,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
one_verdict = st.one_of(st.sampled_from(ServerVerdict), st.just(Weighed(5)))
verdicts_drawn = st.dictionaries(
    st.tuples(st.just("www"), st.sampled_from([f"s{host}" for host in range(1, 7)])),
    one_verdict,
)
pools_drawn = st.dictionaries(st.integers(1, 9).map(at), st.integers(0, 3).map(to), max_size=5)
services_drawn = st.builds(Service, st.builds(ServiceSettings, scheduler=st.sampled_from(["rr", "wlc"])), pools_drawn)
tables_drawn = st.dictionaries(st.sampled_from([WWW, FOREIGN]), services_drawn)


@examples(40)
@given(virtuals_drawn, verdicts_drawn, tables_drawn, st.sets(st.just(WWW)))
def test_a_second_pass_over_what_the_first_one_left_changes_nothing(
    www: Virtual, verdicts: Verdicts, live: Table, ours: set[ServiceKey]
) -> None:
    once = desired(config(www), verdicts, live, ours)
    assert desired(config(www), verdicts, once, ours) == once


@examples(40)
@given(virtuals_drawn, verdicts_drawn, tables_drawn, st.sets(st.just(WWW)))
def test_what_is_not_ours_passes_through(www: Virtual, verdicts: Verdicts, live: Table, ours: set[ServiceKey]) -> None:
    wanted = desired(config(www), verdicts, live, ours)
    for key in {*live, *wanted} - ours - set(services_of(config(www))):
        assert wanted[key] == live[key]


@examples(40)
@given(virtuals_drawn, tables_drawn)
def test_a_restart_that_knows_nothing_yet_empties_no_pool_that_serves_and_is_still_wanted(
    www: Virtual, live: Table
) -> None:
    key = service_keys(www)[0]
    waits = any(one.active and one.weight > 0 for one in www.servers)
    served = key in live and any(serves(one) for one in live[key].destinations.values())
    wanted = desired(config(www), {}, live, {key})
    if www.active and waits and served:
        assert any(serves(one) for one in wanted[key].destinations.values())


@examples(40)
@given(virtuals_drawn, verdicts_drawn, tables_drawn)
def test_a_server_that_is_down_gets_no_new_connections(www: Virtual, verdicts: Verdicts, live: Table) -> None:
    table = desired(config(www), verdicts, live, ())
    down = [one for one in www.servers if www.active and verdicts.get(("www", one.name)) is DOWN]
    for one in down:
        for key in service_keys(www):
            assert not serves(table[key].destinations.get(place(key, www, one))) or not one.active
