"""When servers that leave are gone, what is said of it, and what lies on the disk meanwhile."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import all_up, config, server, table_of, virtual

from piranha.control.state_files import StateFiles
from piranha.events.event import Event, Level
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.plane import Counters, ServerStatistics, ServiceStatistics
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config
from piranha.lvsd.leavers import FILE, Leavers, read_leavers
from piranha.lvsd.leaving import LOOK_S, SETTLE_S, leaver_data, leaver_from, look, pause_s, reloaded
from piranha.table.destination import Destination
from piranha.table.leaving import Leaver, leaving
from piranha.table.service import ServiceKey
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

NAT = ForwardingMethod.NAT
BOTH = config(virtual("www", 10, server("web1", 1), server("web2", 2)))
ONE = config(virtual("www", 10, server("web1", 1)))


def quiesced(table: Table) -> Table:
    """Return the table as the next pass leaves it: whoever leaves has weight 0."""
    return {
        key: Service(service.settings, dict.fromkeys(service.destinations, Destination(forwarding=NAT, weight=0)))
        for key, service in table.items()
    }


def leaver(**settings: object) -> Leaver:
    of = config(virtual("www", 10, server("web1", 1), server("web2", 2), **settings))
    one = config(virtual("www", 10, server("web1", 1), **settings))
    [found] = leaving(of, one, table_of(of), all_up(of))
    return found


def having(of: Leaver, **numbers: int) -> Mapping[ServiceKey, ServiceStatistics]:
    there = ServerStatistics(counters=Counters(), **numbers)
    return {key: ServiceStatistics(counters=Counters(), servers={where: there}) for key, where in of.places}


def seen(of: Leaver, now: float, **numbers: int) -> tuple[Leaver | None, list[Event]]:
    """Return what one look makes of a server that has weight 0."""
    table = {
        key: Service(table_of(BOTH)[WWW].settings, {where: Destination(forwarding=NAT, weight=0)})
        for key, where in of.places
    }
    staying, events = look([of], table, having(of, **numbers), now)
    return (staying[0] if staying else None), events


[WWW] = table_of(BOTH)


def test_its_time_counts_from_when_it_gets_no_new_connections() -> None:
    [one], events = look([leaver()], table_of(BOTH), having(leaver(), active=1), now=50.0)
    assert (one.began_s, events) == (None, [])
    began, events = seen(one, 100.0, active=3, inactive=1)
    assert began is not None
    assert (began.began_s, began.left_s(160.0)) == (100.0, 240.0)
    [event] = events
    assert (event.subject, event.after, event.rule) == ("www/web2", "leaving", "drain_time = 300")
    assert ("connections", "3 active, 1 inactive") in event.facts


def over(settings: dict[str, object], numbers: dict[str, int], after_s: float = 1.0) -> bool:
    one, _ = seen(replace(leaver(**settings), began_s=100.0), 100.0 + after_s, **numbers)
    assert one is not None
    return one.over


UDP: dict[str, object] = {"protocols": (Protocol.UDP,)}
MARK: dict[str, object] = {"fwmark": 1}


@pytest.mark.parametrize(
    ("settings", "numbers", "after_s", "empty"),
    [
        ({}, {}, 0.0, True),
        ({}, {"active": 1}, 299.0, False),
        ({}, {"inactive": 1}, 1.0, False),  # maybe one that is just opening
        ({}, {"inactive": 1}, SETTLE_S, True),
        ({}, {"persistent": 1}, 299.0, False),
        (UDP, {"inactive": 1}, 299.0, False),
        (MARK, {"inactive": 1}, 299.0, False),
        (MARK, {}, 0.0, True),
    ],
)
def test_it_is_empty_without_connections_that_may_live_and_without_bound_clients(
    settings: dict[str, object], numbers: dict[str, int], after_s: float, empty: bool
) -> None:
    assert over(settings, numbers, after_s) is empty


def test_at_the_end_of_its_time_it_goes_and_what_that_ends_is_a_warning() -> None:
    one, events = seen(replace(leaver(), began_s=100.0), 400.0, active=2)
    assert one is not None
    assert one.over
    [event] = events
    assert (event.message, event.level) == ("has left: its time is over", Level.WARNING)
    assert ("connections", "2 active, 0 inactive") in event.facts


def test_without_numbers_time_alone_decides() -> None:
    one = replace(leaver(), began_s=100.0)
    [later], _ = look([one], quiesced(table_of(BOTH)), None, 399.0)
    assert not later.over
    [later], _ = look([one], quiesced(table_of(BOTH)), None, 400.0)
    assert later.over


def test_one_that_is_over_is_remembered_until_the_table_has_it_no_more_and_told_once() -> None:
    one = replace(leaver(), began_s=100.0, over=True)
    assert seen(one, 500.0) == (one, [])
    assert look([one], table_of(ONE), {}, 500.0) == ((), [])


def test_one_that_somebody_else_took_out_has_left() -> None:
    staying, [event] = look([leaver()], table_of(ONE), {}, 500.0)
    assert (staying, event.message) == ((), "has left: somebody else took it out")


def test_a_beginning_that_is_still_to_come_is_none() -> None:
    one, _ = seen(replace(leaver(), began_s=9e9), 100.0, active=1)
    assert one is not None
    assert one.began_s == 100.0


def test_a_reload_that_names_it_again_or_gives_it_no_time_is_told() -> None:
    back, gone = reloaded([leaver()], (), BOTH, 1.0), reloaded([leaver()], (), ONE, 1.0)
    assert [event.message for event in (*back, *gone)] == [
        "stays: lvs.cf names it again",
        "has left: drain_time is 0 now",
    ]
    assert reloaded([leaver()], (leaver(),), ONE, 1.0) == []
    assert reloaded([leaver()], (), config(virtual("other", 11)), 1.0) == []


leavers_drawn = st.builds(
    replace,
    st.sampled_from([leaver(), leaver(**UDP), leaver(**MARK)]),
    drain_s=st.floats(0.1, 1e5),
    own=st.booleans(),
    began_s=st.none() | st.floats(0, 1e9),
    over=st.booleans(),
)


@given(leavers_drawn)
def test_what_goes_to_the_disk_comes_back_the_same(one: Leaver) -> None:
    assert leaver_from(leaver_data(one)) == one


@given(leavers_drawn, st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2)), min_size=1))
def test_nobody_stays_for_longer_than_its_time(one: Leaver, looks: list[tuple[float, int]]) -> None:
    staying: Leaver | None = replace(one, began_s=None, over=False)
    began_s = None
    for now, active in sorted(looks):
        if staying is not None:
            staying, _ = seen(staying, now, active=active)
        began_s = now if began_s is None else began_s
        assert staying is None or staying.over or now - began_s < one.drain_s


class Kept:
    """Who leaves, as one daemon after the other knows it."""

    def __init__(self, folder: Path) -> None:
        self.files = StateFiles(folder, folder / "run")
        self.recorder = Recorder(None)
        self.again()

    def again(self) -> None:
        self.leavers = Leavers(self.files, Teller("lvsd", self.recorder))

    def reload(self, before: Config | None, after: Config) -> list[str]:
        self.leavers.reload(before, after, table_of(BOTH), all_up(BOTH))
        asyncio.run(self.leavers.keep())
        return [one.name for one in self.leavers.servers]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_the_next_daemon_of_the_same_boot_knows_who_leaves(kept: Kept) -> None:
    assert kept.reload(BOTH, ONE) == ["www/web2"]
    kept.again()
    assert kept.reload(None, ONE) == ["www/web2"]
    assert read_leavers(kept.files, "another boot") == ()


def test_a_reload_of_other_virtual_servers_leaves_them_alone(kept: Kept) -> None:
    kept.reload(BOTH, ONE)
    before = replace(ONE, virtuals=(*ONE.virtuals, virtual("x", 12)))
    assert kept.reload(*apart(before, replace(ONE, virtuals=(*ONE.virtuals, virtual("x", 13))))) == ["www/web2"]
    assert kept.reload(ONE, BOTH) == []


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def other(data: bytes) -> bytes:
    return data.replace(b'"places"', b'"pl"').replace(b"300", b"NaN")


@pytest.mark.parametrize("damage", [cut, other, lambda _: b"[]", lambda _: b"\xff" * 1000, lambda _: b"[" * 100_000])
def test_a_damaged_record_is_none_and_makes_the_time_begin_anew(kept: Kept, damage: Callable[[bytes], bytes]) -> None:
    kept.reload(BOTH, ONE)
    path = kept.files.path(FILE)
    path.write_bytes(damage(path.read_bytes()))
    kept.again()
    assert kept.leavers.servers == ()
    assert kept.reload(None, ONE) == ["www/10.0.0.2:80"]


def test_those_that_a_reload_has_just_found_are_looked_at_at_once_and_then_now_and_then() -> None:
    one = leaver()
    assert pause_s([one], 0.0, 10.0, fresh=True) < 1 < LOOK_S == pause_s([one], 0.0, 10.0, fresh=False)


@given(st.floats(0, 60), st.floats(0, 1000), st.booleans())
def test_a_look_waits_at_least_as_long_as_the_last_one_took_unless_a_time_ends(
    took_s: float, passed_s: float, fresh: bool
) -> None:
    one = replace(leaver(drain_time_s=500.0), began_s=0.0)
    paused_s = pause_s([one], took_s, passed_s, fresh=fresh)
    left_s = one.left_s(passed_s)
    assert left_s is not None
    assert paused_s >= min(took_s, max(left_s, 0.1))
    if not fresh:
        assert paused_s <= max(left_s, 0.1)
