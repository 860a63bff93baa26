"""The steps between two tables: right, minimal, and safe wherever they are interrupted."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, FakePlane, refuses_at_random
from tests.contracts.tables import tables
from tests.properties import examples

from piranha.forwarding.apply import WITHHELD, apply_safely
from piranha.forwarding.errors import PlaneUnavailable
from piranha.table.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    describe,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.diff import diff
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 80))
SETTINGS = ServiceSettings()
NAT = Destination(forwarding=ForwardingMethod.NAT)


def web(number: int) -> DestinationKey:
    return DestinationKey(IPv4Address(f"10.0.0.{number}"), 80)


def serving(table: Table, key: ServiceKey) -> bool:
    return key in table and any(destination.weight > 0 for destination in table[key].destinations.values())


@given(actual=tables(), wanted=tables())
@examples(40)
def test_applying_the_diff_gives_the_desired_table(actual: Table, wanted: Table) -> None:
    plane = FakePlane(FakeKernel(actual))

    assert plane.apply(diff(actual, wanted)) == []
    assert plane.dump() == wanted
    assert diff(plane.dump(), wanted) == []


@given(table=tables())
@examples(20)
def test_a_table_that_is_as_it_should_be_needs_no_change(table: Table) -> None:
    assert diff(table, dict(reversed(list(table.items())))) == []


@given(actual=tables(), wanted=tables())
@examples(40)
def test_no_pool_runs_empty_on_the_way(actual: Table, wanted: Table) -> None:
    kernel = FakeKernel(actual)
    FakePlane(kernel).apply(diff(actual, wanted))

    for key in actual:
        if serving(actual, key) and serving(wanted, key):
            assert all(serving(table, key) for table in kernel.history)


@given(actual=tables(), wanted=tables())
@examples(40)
def test_a_service_that_stays_the_same_is_not_touched(actual: Table, wanted: Table) -> None:
    kernel = FakeKernel(actual)
    FakePlane(kernel).apply(diff(actual, wanted))

    assert not kernel.touched & {key for key in wanted if actual.get(key) == wanted[key]}


@given(actual=tables(), wanted=tables(), seed=st.integers(0, 2**16), stop=st.integers(0, 12))
@examples(40)
def test_an_interrupted_pass_with_refusals_is_put_right_by_new_ones(
    actual: Table, wanted: Table, seed: int, stop: int
) -> None:
    kernel = FakeKernel(actual, refuses_at_random(seed))
    with suppress(PlaneUnavailable):
        apply_safely(FakePlane(kernel, fail_after=stop), diff(actual, wanted))
    for _ in range(60):
        plane = FakePlane(kernel)
        apply_safely(plane, diff(plane.dump(), wanted))

    assert kernel.services == wanted
    for key in actual:
        if serving(actual, key) and serving(wanted, key):
            assert all(serving(table, key) for table in kernel.history)


def test_new_servers_come_before_old_ones_go() -> None:
    before: Table = {WWW: Service(SETTINGS, {web(1): NAT, web(2): NAT})}
    after: Table = {WWW: Service(SETTINGS, {web(2): replace(NAT, weight=0), web(3): NAT})}

    assert diff(before, after) == [
        AddDestination(WWW, web(3), NAT),
        EditDestination(WWW, web(2), replace(NAT, weight=0)),
        RemoveDestination(WWW, web(1)),
    ]


def test_a_new_forwarding_method_or_threshold_is_an_edit() -> None:
    before: Table = {WWW: Service(SETTINGS, {web(1): NAT, web(2): NAT})}
    direct, limited = replace(NAT, forwarding=ForwardingMethod.DIRECT), replace(NAT, upper_threshold=100)

    assert diff(before, {WWW: Service(SETTINGS, {web(1): direct, web(2): limited})}) == [
        EditDestination(WWW, web(1), direct),
        EditDestination(WWW, web(2), limited),
    ]


def test_another_port_is_another_server() -> None:
    moved = DestinationKey(web(1).address, 8080)

    assert diff({WWW: Service(SETTINGS, {web(1): NAT})}, {WWW: Service(SETTINGS, {moved: NAT})}) == [
        AddDestination(WWW, moved, NAT),
        RemoveDestination(WWW, web(1)),
    ]


def test_services_that_go_go_last() -> None:
    mail = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 25))

    assert diff({mail: Service(SETTINGS)}, {WWW: Service(SETTINGS)}) == [AddService(WWW, SETTINGS), RemoveService(mail)]


def test_the_last_server_stays_while_those_that_replace_it_are_refused() -> None:
    old, new = web(1), DestinationKey(IPv4Address("224.0.0.1"), 80)
    plane = FakePlane(FakeKernel({WWW: Service(SETTINGS, {old: NAT})}))

    refusals = apply_safely(plane, diff(plane.dump(), {WWW: Service(SETTINGS, {new: NAT})}))

    assert [(refusal.change, refusal.code) for refusal in refusals][1:] == [(RemoveDestination(WWW, old), WITHHELD)]
    assert plane.dump()[WWW].destinations == {old: NAT}


def test_a_dead_server_goes_although_another_one_is_refused() -> None:
    bad = DestinationKey(IPv4Address("224.0.0.1"), 80)
    plane = FakePlane(FakeKernel({WWW: Service(SETTINGS, {web(1): NAT, web(2): NAT})}))

    apply_safely(plane, diff(plane.dump(), {WWW: Service(SETTINGS, {web(2): NAT, bad: NAT})}))

    assert plane.dump()[WWW].destinations == {web(2): NAT}


def test_a_pool_that_should_be_empty_becomes_empty() -> None:
    plane = FakePlane(FakeKernel({WWW: Service(SETTINGS, {web(1): NAT})}))

    assert apply_safely(plane, diff(plane.dump(), {WWW: Service(SETTINGS)})) == []
    assert plane.dump()[WWW].destinations == {}


def test_changes_can_be_said_in_words() -> None:
    assert [
        describe(change)
        for change in (
            AddService(WWW, SETTINGS),
            EditService(WWW, SETTINGS),
            RemoveService(WWW),
            AddDestination(WWW, web(1), NAT),
            EditDestination(WWW, web(1), NAT),
            RemoveDestination(WWW, web(1)),
        )
    ] == [
        "add service tcp 192.0.2.10:80",
        "edit service tcp 192.0.2.10:80",
        "remove service tcp 192.0.2.10:80",
        "add server 10.0.0.1:80 to tcp 192.0.2.10:80",
        "edit server 10.0.0.1:80 of tcp 192.0.2.10:80",
        "remove server 10.0.0.1:80 from tcp 192.0.2.10:80",
    ]
