"""What every forwarding plane promises, as tests.

A plane's test module derives a class from PlaneContract and gives it a `plane` fixture that yields the
plane empty of VIP (127.9.0.1 and 127.9.0.2, ports from 8400 on) and takes away afterwards what was left:

    class TestUserspacePlane(PlaneContract):
        @pytest.fixture
        def plane(self, forwarder) -> Iterator[Plane]: ...

Only what all planes can do is used: TCP, IPv4, NAT, schedulers rr and wlc.
"""

import errno
from ipaddress import IPv4Address

from piranha.forwarding.plane import Plane
from piranha.table.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.diff import diff
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

VIPS = (IPv4Address("127.9.0.1"), IPv4Address("127.9.0.2"))


def www(number: int = 0) -> ServiceKey:
    return ServiceKey(AddressMatch(Protocol.TCP, VIPS[0], 8400 + number))


def server(number: int) -> DestinationKey:
    return DestinationKey(IPv4Address("127.0.0.1"), 9400 + number)


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(forwarding=ForwardingMethod.NAT, weight=weight, upper_threshold=upper, lower_threshold=lower)


RR = ServiceSettings(scheduler="rr")
WLC = ServiceSettings(scheduler="wlc")


def seen(plane: Plane) -> Table:
    """The part of the live table that these tests own."""
    return {
        key: service
        for key, service in plane.dump().items()
        if isinstance(key.match, AddressMatch) and key.match.address in VIPS
    }


class PlaneContract:
    def test_what_is_added_is_read_back_with_every_setting(self, plane: Plane) -> None:
        wanted: Table = {
            www(0): Service(RR, {server(1): nat(weight=5, upper=100, lower=50), server(2): nat(weight=0)}),
            www(1): Service(WLC, {}),
        }
        assert plane.apply(diff({}, wanted)) == []
        assert seen(plane) == wanted
        assert diff(seen(plane), wanted) == []

    def test_an_edit_replaces_all_settings(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR), AddDestination(www(), server(1), nat(weight=5, upper=10))])

        assert plane.apply([EditService(www(), WLC), EditDestination(www(), server(1), nat(weight=7))]) == []
        assert seen(plane) == {www(): Service(WLC, {server(1): nat(weight=7)})}

    def test_a_service_goes_together_with_its_servers(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR), AddDestination(www(), server(1), nat())])

        assert plane.apply([RemoveService(www())]) == []
        assert seen(plane) == {}
        assert plane.apply([AddService(www(), RR)]) == []
        assert seen(plane) == {www(): Service(RR)}

    def test_a_removed_server_leaves_the_others(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR), *(AddDestination(www(), server(n), nat(n)) for n in (1, 2, 3))])

        assert plane.apply([RemoveDestination(www(), server(2))]) == []
        assert seen(plane)[www()].destinations == {server(1): nat(1), server(3): nat(3)}

    def test_a_refused_change_is_named_and_the_rest_goes_on(self, plane: Plane) -> None:
        unknown = AddService(www(1), ServiceSettings(scheduler="wlcc"))
        follows = AddDestination(www(1), server(1), nat())

        refusals = plane.apply([AddService(www(0), RR), unknown, follows, AddService(www(2), RR)])

        assert [(refusal.change, refusal.code) for refusal in refusals] == [
            (unknown, errno.ENOENT),
            (follows, errno.ESRCH),
        ]
        assert "wlcc" in refusals[0].reason
        assert "ENOENT" in refusals[0].reason
        assert seen(plane) == {www(0): Service(RR), www(2): Service(RR)}

    def test_what_is_there_cannot_be_added_and_stays_as_it_is(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR), AddDestination(www(), server(1), nat(3))])

        refusals = plane.apply([AddService(www(), WLC), AddDestination(www(), server(1), nat(4))])

        assert [refusal.code for refusal in refusals] == [errno.EEXIST, errno.EEXIST]
        assert seen(plane) == {www(): Service(RR, {server(1): nat(3)})}

    def test_what_is_not_there_cannot_be_edited_or_removed(self, plane: Plane) -> None:
        plane.apply([AddService(www(0), RR)])

        refusals = plane.apply(
            [
                EditService(www(1), RR),
                RemoveService(www(1)),
                EditDestination(www(1), server(1), nat()),
                RemoveDestination(www(1), server(1)),
                EditDestination(www(0), server(1), nat()),
                RemoveDestination(www(0), server(1)),
            ]
        )

        assert [r.code for r in refusals] == [errno.ESRCH] * 4 + [errno.ENOENT] * 2

    def test_a_lower_threshold_above_the_upper_is_refused(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR)])

        refusals = plane.apply([AddDestination(www(), server(1), nat(upper=5, lower=6))])

        assert [refusal.code for refusal in refusals] == [errno.ERANGE]

    def test_hundreds_of_refusals_are_all_named(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR)])
        again = AddService(www(), RR)

        assert [refusal.code for refusal in plane.apply([again] * 600)] == [errno.EEXIST] * 600

    def test_a_table_larger_than_any_message_is_read_back_whole(self, plane: Plane) -> None:
        wanted: Table = {www(): Service(RR, {server(n): nat(n) for n in range(400)})}

        assert plane.apply(diff({}, wanted)) == []
        assert seen(plane) == wanted

    def test_of_services_that_are_asked_for_alone_those_that_are_there_are_read(self, plane: Plane) -> None:
        plane.apply([AddService(www(0), RR), AddDestination(www(0), server(1), nat(3)), AddService(www(1), WLC)])

        assert plane.dump([www(0), www(7)]) == {www(0): Service(RR, {server(1): nat(3)})}
        assert list(plane.sample([www(0), www(7)]).statistics) == [www(0)]
        assert plane.dump([]) == {}

    def test_nothing_that_the_changes_do_not_name_is_touched(self, plane: Plane) -> None:
        plane.apply([AddService(www(0), RR), AddDestination(www(0), server(1), nat())])

        plane.apply([AddService(www(1), RR), EditService(www(1), WLC), RemoveService(www(1))])

        assert seen(plane) == {www(0): Service(RR, {server(1): nat()})}

    def test_no_changes_are_no_refusals(self, plane: Plane) -> None:
        assert plane.apply([]) == []

    def test_a_sample_is_the_table_with_the_numbers_of_every_service_and_server(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR), AddDestination(www(), server(1), nat())])

        sample = plane.sample()
        statistics = sample.statistics[www()]

        assert statistics.counters.connections == 0
        assert statistics.servers[server(1)].active == 0
        assert sample.table == plane.dump()
        assert sample.statistics.keys() == sample.table.keys()

    def test_timeouts_can_be_set(self, plane: Plane) -> None:
        plane.set_timeouts(0, 0, 0)

    def test_a_closed_plane_leaves_the_table(self, plane: Plane) -> None:
        plane.apply([AddService(www(), RR)])
        plane.close()

        assert seen(plane) == {www(): Service(RR)}
