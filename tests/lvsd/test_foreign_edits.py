"""What others change in our services, pass by pass: put back, kept, or only named, as `foreign_edits` says."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import FOREIGN, NAT, all_up, config, server, virtual
from tests.contracts.fake_kernel import FakePlane
from tests.properties import examples

from piranha.events.event import Event
from piranha.lvscf.config import Config, ForeignEdits, LvsdSettings, RealServer, SorryServer
from piranha.lvsd.by_hand import edits_data, edits_from, named, told
from piranha.lvsd.reconcile import REPAIRED, Reconciler
from piranha.table.by_hand import holding, weights_by_server
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.desired import NO_EDITS, Edits, ServerVerdict, Verdicts, Weighed, WeightByHand, desired
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Table
from piranha.table.targets import names_of
from piranha.terms import ForwardingMethod, Protocol

ADOPT, REPAIR, REPORT = ForeignEdits.ADOPT, ForeignEdits.REPAIR, ForeignEdits.REPORT
WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))
WEB1, WEB2 = ("www", "web1"), ("www", "web2")


def at(host: int) -> DestinationKey:
    return DestinationKey(ip_address(f"10.0.0.{host}"), 80)


def pool(*servers: RealServer, mode: ForeignEdits = ADOPT, **settings: object) -> Config:
    return config(virtual("www", 10, *servers, **settings), lvsd=LvsdSettings(foreign_edits=mode))


def two(mode: ForeignEdits = ADOPT, **settings: object) -> Config:
    """web1 and web2, each with weight 10."""
    return pool(server("web1", 1, weight=10), server("web2", 2, weight=10), mode=mode, **settings)


def weight(host: int, number: int, key: ServiceKey = WWW) -> Change:
    return EditDestination(key, at(host), Destination(forwarding=NAT, weight=number))


class Passes:
    """The table of a running lvsd: each call is one pass. edits: what stays; story: every event."""

    def __init__(self, file: Config, plane: FakePlane | None = None, edits: Edits = NO_EDITS) -> None:
        self.plane = plane or FakePlane()
        self.reconciler = Reconciler()
        self.edits, self.file = holding(edits, file), file
        self.verdicts: Verdicts = all_up(file)
        self.story: list[Event] = []
        self()

    def __call__(self, **verdicts: ServerVerdict | Weighed) -> list[Event]:
        """Make a pass; verdicts: those that are others from now on, `web1=DOWN`."""
        self.verdicts = {**self.verdicts, **{("www", name): one for name, one in verdicts.items()}}
        live, before = self.plane.dump(), self.edits
        ours = frozenset({WWW})
        plan = self.reconciler.prepare(self.file, self.verdicts, live, ours, edits=before, wall_s=7.0)
        self.edits = holding(plan.edits, self.file)
        names = names_of(self.file)
        events = [*told(before, self.edits, lambda one: names.get(one, str(one[1])), lambda _: "", 1.0)]
        refusals = self.plane.apply(plan.changes)
        left = plan.wanted if not refusals else self.plane.dump()
        events += self.reconciler.done(plan, refusals, left, now=1.0)
        self.story += events
        self.wrote = plan.changes
        return events

    def reload(self, file: Config) -> list[Event]:
        """Put another file in force and make its pass."""
        self.file, self.edits = file, holding(self.edits, file)
        self.verdicts = {**all_up(file), **self.verdicts}
        return self()

    def by_hand(self, *changes: Change) -> list[Event]:
        """Have somebody else change the table; return what the next pass says."""
        assert self.plane.apply(changes) == []
        return self()

    def restarted(self, file: Config | None = None) -> "Passes":
        """Return the next lvsd: it knows the table and what was kept on disk."""
        kept = edits_from(edits_data(replace(self.edits, reported={})))
        return Passes(file or self.file, self.plane, kept)

    def weights(self, key: ServiceKey = WWW) -> dict[int, int]:
        """The weight of every server of a service, by the last byte of its address."""
        found = self.plane.dump()[key].destinations
        return {int(str(where.address).rpartition(".")[2]): one.weight for where, one in found.items()}


def said(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.subject, event.message) for event in events]


def test_a_weight_set_by_hand_stays_and_is_named_once() -> None:
    lvsd = Passes(two())

    [event] = lvsd.by_hand(weight(1, 3))

    assert (event.subject, event.message) == ("www/web1", "weight set by hand: it stays")
    assert (event.before, event.after) == ("weight 10", "weight 3 by hand")
    assert (lvsd(), lvsd.wrote, lvsd.weights()) == ([], (), {1: 3, 2: 10})
    assert lvsd.edits.weights[WWW, at(1)].since_s == 7.0


def test_many_weights_set_by_hand_are_told_for_each_service() -> None:
    before, now = Edits(), 5.0
    weights = {(WWW, at(host)): WeightByHand(3, 10, now) for host in range(1, 103)}
    after = Edits(weights=weights, added={(WWW, at(200)): now, (WWW, at(201)): now})
    began = told(before, after, named(names_of(config(virtual("www", 10, server("web1", 1))))), lambda _: "why", now)
    assert [(one.subject, one.message, dict(one.facts)["entries"]) for one in began] == [
        ("www", "weight set by hand: it stays", "102"),
        ("www", "servers were added by hand: they stay, unchecked", "2"),
    ]
    ended = told(after, before, named(names_of(config(virtual("www", 10, server("web1", 1))))), lambda _: "why", now)
    assert [(one.message, one.cause) for one in ended] == [
        ("weight set by hand: not in force any more", "why"),
        ("servers added by hand are not left alone any more", "why"),
    ]


def test_another_weight_set_by_hand_takes_its_place() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    [event] = lvsd.by_hand(weight(1, 4))
    assert (event.before, event.after, lvsd.weights()) == ("weight 3 by hand", "weight 4 by hand", {1: 4, 2: 10})


def test_it_ends_when_somebody_sets_the_weight_of_the_file() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    assert said(lvsd.by_hand(weight(1, 10))) == [("www/web1", "weight set by hand: not in force any more")]
    assert (lvsd.edits, lvsd()) == (NO_EDITS, [])


def test_it_survives_a_reload_that_changes_something_else() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    lvsd.reload(pool(server("web1", 1, weight=10, upper_threshold=9), server("renamed", 2, weight=7)))
    assert lvsd.weights() == {1: 3, 2: 7}


def test_it_survives_a_restart() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    after = lvsd.restarted()
    assert (after.weights(), after.wrote) == ({1: 3, 2: 10}, ())


def test_what_was_set_while_no_lvsd_ran_is_not_by_hand() -> None:
    lvsd = Passes(two())
    lvsd.plane.apply([weight(1, 3)])
    assert lvsd.restarted().weights() == {1: 10, 2: 10}


def test_who_set_the_weight_of_the_file_while_no_lvsd_ran_has_ended_it() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    lvsd.plane.apply([weight(1, 10)])
    after = lvsd.restarted()
    assert (after.weights(), after.edits) == ({1: 10, 2: 10}, NO_EDITS)


@pytest.mark.parametrize("down_meanwhile", [False, True])
def test_another_weight_in_the_file_ends_it_also_while_no_lvsd_runs(*, down_meanwhile: bool) -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    file = pool(server("web1", 1, weight=20), server("web2", 2, weight=10))
    if down_meanwhile:
        lvsd = lvsd.restarted(file)
    else:
        lvsd.reload(file)
    assert (lvsd.weights(), lvsd.edits) == ({1: 20, 2: 10}, NO_EDITS)


def test_the_files_word_wins_over_a_weight_that_was_set_since_the_last_pass() -> None:
    lvsd = Passes(two())
    lvsd.plane.apply([weight(1, 3)])
    lvsd.reload(pool(server("web1", 1, weight=20), server("web2", 2, weight=10)))
    assert (lvsd.weights(), lvsd.edits) == ({1: 20, 2: 10}, NO_EDITS)


@pytest.mark.parametrize("mode", [REPAIR, REPORT])
def test_it_ends_when_foreign_edits_is_no_longer_adopt(mode: ForeignEdits) -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3), AddDestination(WWW, at(9), Destination(forwarding=NAT)))
    lvsd.reload(two(mode))
    assert (lvsd.weights(), lvsd.edits) == ({1: 10, 2: 10}, NO_EDITS)


@pytest.mark.parametrize("quiesce", [False, True])
def test_a_server_that_goes_down_leaves_and_comes_back_with_the_weight_set_by_hand(*, quiesce: bool) -> None:
    lvsd = Passes(two(quiesce_server=quiesce))
    lvsd.by_hand(weight(1, 3))
    lvsd(web1=ServerVerdict.DOWN)
    assert lvsd.weights() == ({1: 0, 2: 10} if quiesce else {2: 10})
    lvsd(web1=ServerVerdict.UP)
    assert lvsd.weights() == {1: 3, 2: 10}


def test_a_weight_set_just_before_the_server_went_down_is_not_forgotten() -> None:
    lvsd = Passes(two(quiesce_server=True))
    lvsd.plane.apply([weight(1, 3)])
    lvsd(web1=ServerVerdict.DOWN)
    assert lvsd.weights() == {1: 0, 2: 10}
    lvsd(web1=ServerVerdict.UP)
    assert lvsd.weights() == {1: 3, 2: 10}


@pytest.mark.parametrize("verdict", [ServerVerdict.RELIEVED, ServerVerdict.DRAINED])
def test_the_quorum_and_maintenance_dir_win_as_long_as_they_last(verdict: ServerVerdict) -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    lvsd(web1=verdict)
    assert lvsd.weights() == {1: 0, 2: 10}
    lvsd(web1=ServerVerdict.UP)
    assert lvsd.weights() == {1: 3, 2: 10}


def test_slow_start_and_checks_do_not_touch_a_weight_set_by_hand() -> None:
    lvsd = Passes(two())
    lvsd(web1=Weighed(4))
    lvsd.by_hand(weight(1, 6))
    lvsd(web1=Weighed(5))
    assert lvsd.weights() == {1: 6, 2: 10}


def test_weight_0_set_by_hand_on_the_last_server_brings_the_sorry_server() -> None:
    lvsd = Passes(two(sorry_server=SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)))
    lvsd.by_hand(weight(1, 0), weight(2, 0))
    assert lvsd.weights() == {1: 0, 2: 0, 9: 1}
    lvsd.by_hand(weight(2, 10))
    assert lvsd.weights() == {1: 0, 2: 10}


def test_a_weight_on_a_server_of_weight_0_in_the_file_counts() -> None:
    lvsd = Passes(pool(server("web1", 1, weight=0), server("web2", 2, weight=10)))
    lvsd.by_hand(weight(1, 5))
    assert lvsd.weights() == {1: 5, 2: 10}


def test_whatever_else_was_changed_with_the_weight_is_put_back_and_named() -> None:
    """`ipvsadm -e … -w 3` without -m makes it direct routing."""
    lvsd = Passes(two())
    direct = Destination(forwarding=ForwardingMethod.DIRECT, weight=3, upper_threshold=7)
    events = lvsd.by_hand(EditDestination(WWW, at(1), direct))
    assert said(events) == [("www/web1", "weight set by hand: it stays"), ("www/web1", REPAIRED)]
    assert events[1].cause.endswith("forwarding was direct, is nat again, upper_threshold was 7, is 0 again")
    assert lvsd.plane.dump()[WWW].destinations[at(1)] == Destination(forwarding=NAT, weight=3)


@pytest.mark.parametrize(
    "change",
    [RemoveDestination(WWW, at(1)), EditService(WWW, ServiceSettings(scheduler="rr")), RemoveService(WWW)],
    ids=["a server", "the scheduler", "the service"],
)
def test_what_is_deleted_and_settings_of_services_are_put_back_with_the_weights_set_by_hand(change: Change) -> None:
    lvsd = Passes(two())
    lvsd.by_hand(weight(1, 3))
    before = lvsd.plane.dump()
    assert REPAIRED in [event.message for event in lvsd.by_hand(change)]
    assert lvsd.plane.dump() == before


def test_a_server_added_by_hand_is_named_once_and_left_also_over_a_restart() -> None:
    lvsd = Passes(two())
    [event] = lvsd.by_hand(AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    assert event.message == "server 10.0.0.9:80 was added by hand: it stays, unchecked"
    assert (lvsd(), lvsd.wrote) == ([], ())
    lvsd.reload(pool(server("web1", 1, weight=10)))
    after = lvsd.restarted()
    assert (after.weights(), after.wrote) == ({1: 10, 9: 5}, ())


def test_a_server_added_by_hand_counts_for_nothing() -> None:
    lvsd = Passes(two(sorry_server=SorryServer(address=ip_address("10.0.0.8"), port=80, forwarding=NAT)))
    lvsd.by_hand(AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    lvsd(web1=ServerVerdict.DOWN, web2=ServerVerdict.DOWN)
    assert lvsd.weights() == {8: 1, 9: 5}


def test_a_server_added_by_hand_that_the_file_names_then_is_ours() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    lvsd.reload(pool(server("web1", 1, weight=10), server("web9", 9, weight=2)))
    assert (lvsd.weights(), lvsd.edits) == ({1: 10, 9: 2}, NO_EDITS)


def test_a_server_added_by_hand_and_taken_away_again_is_forgotten() -> None:
    lvsd = Passes(two())
    lvsd.by_hand(AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    [event] = lvsd.by_hand(RemoveDestination(WWW, at(9)))
    assert (event.message, lvsd.edits) == ("server 10.0.0.9:80, added by hand, is not left alone any more", NO_EDITS)


def test_a_server_that_is_down_and_put_in_by_hand_goes_again() -> None:
    lvsd = Passes(two())
    lvsd(web1=ServerVerdict.DOWN)
    lvsd.by_hand(AddDestination(WWW, at(1), Destination(forwarding=NAT, weight=10)))
    assert (lvsd.weights(), lvsd.edits) == ({2: 10}, NO_EDITS)


def test_what_a_pass_wrote_before_the_plane_was_lost_is_not_by_hand() -> None:
    lvsd = Passes(two())
    lvsd.verdicts = {**lvsd.verdicts, WEB1: Weighed(4)}
    plan = lvsd.reconciler.prepare(lvsd.file, lvsd.verdicts, lvsd.plane.dump(), {WWW})
    lvsd.plane.apply(plan.changes)  # and nobody told it what came of it
    lvsd(web1=Weighed(6))
    assert (lvsd.edits, lvsd.weights()) == (NO_EDITS, {1: 6, 2: 10})


def test_of_a_server_with_two_services_it_is_the_one_weight_and_it_serves_as_long_as_one_does() -> None:
    other = ServiceKey(AddressMatch(Protocol.UDP, ip_address("192.0.2.10"), 80))
    lvsd = Passes(two(protocols=(Protocol.TCP, Protocol.UDP)))
    lvsd.by_hand(weight(1, 0))
    assert (lvsd.weights(), lvsd.weights(other)) == ({1: 0, 2: 10}, {1: 10, 2: 10})
    assert weights_by_server(lvsd.edits, lvsd.file) == {WEB1: 10}
    lvsd.by_hand(weight(1, 0, other))
    assert weights_by_server(lvsd.edits, lvsd.file) == {WEB1: 0}


def test_with_report_nothing_is_put_back_and_each_thing_is_named_once() -> None:
    lvsd = Passes(two(REPORT))
    events = lvsd.by_hand(
        weight(1, 3), RemoveDestination(WWW, at(2)), AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5))
    )
    assert {event.message for event in events} == {"changed by somebody else: left as it is"}
    assert {event.cause.removeprefix("server ") for event in events} == {
        "10.0.0.1:80 of tcp 192.0.2.10:80: weight is 3, should be 10",
        "10.0.0.2:80 of tcp 192.0.2.10:80 was removed",
        "10.0.0.9:80 of tcp 192.0.2.10:80 was added",
    }
    assert (lvsd(), lvsd.wrote, lvsd.weights()) == ([], (), {1: 3, 9: 5})


def test_with_report_what_the_file_asks_for_anew_is_written_and_the_rest_left() -> None:
    lvsd = Passes(two(REPORT))
    lvsd.by_hand(weight(1, 3), weight(2, 4))
    lvsd.reload(pool(server("web1", 1, weight=20), server("web2", 2, weight=10), mode=REPORT))
    assert lvsd.weights() == {1: 20, 2: 4}


def test_with_report_health_goes_on_being_applied() -> None:
    lvsd = Passes(two(REPORT))
    lvsd.by_hand(weight(1, 3), RemoveDestination(WWW, at(2)))
    lvsd(web1=ServerVerdict.DOWN, web2=ServerVerdict.DOWN)
    assert lvsd.weights() == {}
    lvsd(web1=ServerVerdict.UP, web2=ServerVerdict.UP)
    assert lvsd.weights() == {1: 10, 2: 10}


def test_with_report_a_service_that_others_removed_stays_away_with_its_servers() -> None:
    lvsd = Passes(two(REPORT))
    assert said(lvsd.by_hand(RemoveService(WWW))) == [("www", "changed by somebody else: left as it is")]
    lvsd(web1=ServerVerdict.DOWN)
    assert WWW not in lvsd.plane.dump()
    lvsd.by_hand(AddService(WWW, ServiceSettings(scheduler="rr")))
    assert (lvsd.plane.dump()[WWW].settings.scheduler, lvsd.weights()) == ("rr", {})


def test_with_report_what_is_put_right_by_others_is_named_and_over() -> None:
    lvsd = Passes(two(REPORT))
    lvsd.by_hand(weight(1, 3))
    assert said(lvsd.by_hand(weight(1, 10))) == [("www/web1", "what somebody else had changed is as it should be")]
    assert lvsd.edits == NO_EDITS


def test_with_report_a_service_that_leaves_the_file_takes_what_was_left_of_it_along() -> None:
    lvsd = Passes(two(REPORT))
    lvsd.by_hand(weight(1, 3))
    lvsd.reload(config(lvsd=LvsdSettings(foreign_edits=REPORT)))
    assert (lvsd.plane.dump(), lvsd.edits) == ({}, NO_EDITS)


hosts = st.sampled_from([1, 2, 3, 9])
destinations = st.builds(
    Destination,
    forwarding=st.sampled_from([NAT, ForwardingMethod.DIRECT]),
    weight=st.integers(0, 4),
    upper_threshold=st.sampled_from([0, 5]),
)
edits_drawn = st.one_of(
    st.builds(EditDestination, st.just(WWW), st.builds(at, hosts), destinations),
    st.builds(AddDestination, st.just(WWW), st.builds(at, hosts), destinations),
    st.builds(RemoveDestination, st.just(WWW), st.builds(at, hosts)),
    st.builds(EditService, st.just(WWW), st.builds(ServiceSettings, scheduler=st.sampled_from(["rr", "sed"]))),
    st.just(RemoveService(WWW)),
    st.builds(AddService, st.just(WWW), st.builds(ServiceSettings, scheduler=st.just("rr"))),
    st.builds(AddService, st.just(FOREIGN), st.builds(ServiceSettings, scheduler=st.just("rr"))),
    st.builds(EditDestination, st.just(FOREIGN), st.builds(at, hosts), destinations),
    st.builds(AddDestination, st.just(FOREIGN), st.builds(at, hosts), destinations),
)
verdicts_drawn = st.dictionaries(
    st.sampled_from(["web1", "web2", "web3"]),
    st.sampled_from([*ServerVerdict, Weighed(2), Weighed(0)]),
)
steps_drawn = st.lists(st.tuples(st.lists(edits_drawn, max_size=3), verdicts_drawn), min_size=1, max_size=5)


def three(mode: ForeignEdits) -> Config:
    sorry = SorryServer(address=ip_address("10.0.0.8"), port=80, forwarding=NAT)
    return pool(*(server(f"web{n}", n, weight=n) for n in (1, 2, 3)), mode=mode, sorry_server=sorry)


@examples(60)
@given(steps_drawn, st.sampled_from(ForeignEdits))
def test_whatever_others_do_a_second_pass_writes_nothing_and_others_services_are_never_touched(
    steps: list[tuple[list[Change], dict[str, ServerVerdict | Weighed]]], mode: ForeignEdits
) -> None:
    lvsd = Passes(three(mode))
    for changes, verdicts in steps:
        lvsd.plane.apply(changes)
        foreign = lvsd.plane.dump().get(FOREIGN)
        lvsd(**verdicts)
        assert lvsd.plane.dump().get(FOREIGN) == foreign
        assert not [change for change in lvsd.wrote if change.service != WWW]
        assert (lvsd(), lvsd.wrote) == ([], ())


@examples(60)
@given(steps_drawn)
def test_repair_always_restores(
    steps: list[tuple[list[Change], dict[str, ServerVerdict | Weighed]]],
) -> None:
    lvsd = Passes(three(REPAIR))
    for changes, _ in steps:
        before = lvsd.plane.dump()[WWW]
        lvsd.plane.apply(changes)
        lvsd()
        assert lvsd.plane.dump()[WWW] == before


@examples(80)
@given(steps_drawn)
def test_adopt_never_writes_over_a_weight_set_by_hand_while_the_server_is_up(
    steps: list[tuple[list[Change], dict[str, ServerVerdict | Weighed]]],
) -> None:
    lvsd = Passes(three(ADOPT))
    for changes, verdicts in steps:
        before = hand_weights(lvsd.plane.dump())
        lvsd.plane.apply(changes)
        found = hand_weights(lvsd.plane.dump())
        lvsd(**verdicts)
        after = hand_weights(lvsd.plane.dump())
        for host in found.keys() & before.keys() & {1, 2, 3}:
            up = lvsd.verdicts["www", f"web{host}"]
            if found[host] not in (before[host], host) and (up is ServerVerdict.UP or isinstance(up, Weighed)):
                assert after[host] == found[host]


def hand_weights(table: Table) -> dict[int, int]:
    pool = table[WWW].destinations if WWW in table else {}
    return {int(str(where.address).rpartition(".")[2]): one.weight for where, one in pool.items()}


@examples(60)
@given(steps_drawn)
def test_with_report_nothing_is_written_while_file_and_health_stay_as_they_are(
    steps: list[tuple[list[Change], dict[str, ServerVerdict | Weighed]]],
) -> None:
    lvsd = Passes(three(REPORT))
    for changes, _ in steps:
        lvsd.plane.apply(changes)
        lvsd()
        assert lvsd.wrote == ()


@examples(40)
@given(steps_drawn)
def test_without_edits_by_others_the_table_is_what_file_and_health_ask_for_in_every_mode(
    steps: list[tuple[list[Change], dict[str, ServerVerdict | Weighed]]],
) -> None:
    for mode in ForeignEdits:
        lvsd = Passes(three(mode))
        for _, verdicts in steps:
            live = lvsd.plane.dump()
            lvsd(**verdicts)
            assert lvsd.plane.dump() == desired(lvsd.file, lvsd.verdicts, live, {WWW})
            assert lvsd.edits == NO_EDITS
