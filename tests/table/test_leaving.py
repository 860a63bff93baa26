"""Who leaves the table in peace: what the kernel has, the old file named and the new one does not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import DIRECT, all_up, config, configs_drawn, server, table_of, tables_drawn, virtual
from tests.properties import examples

from piranha.lvscf.config import Config, SorryServer, Virtual
from piranha.table.desired import ServerVerdict, Verdicts, desired, services_of
from piranha.table.leaving import Leaver, by_place, leaving
from piranha.table.table import Service, Table

WEB1, WEB2 = server("web1", 1), server("web2", 2)
BOTH = config(virtual("www", 10, WEB1, WEB2))
ONE = config(virtual("www", 10, WEB1))
LIVE = table_of(BOTH)


def names(leavers: tuple[Leaver, ...]) -> list[str]:
    return [leaver.name for leaver in leavers]


def left(*known: Leaver, after: Virtual = ONE.virtuals[0], live: Table = LIVE) -> tuple[Leaver, ...]:
    return leaving(BOTH, config(after), live, all_up(BOTH), known)


def weights(table: Table) -> dict[str, int]:
    return {str(where): one.weight for service in table.values() for where, one in service.destinations.items()}


def test_a_server_that_the_new_file_does_not_name_leaves() -> None:
    [leaver] = left()
    assert (leaver.name, str(leaver.where), leaver.drain_s, leaver.began_s) == ("www/web2", "10.0.0.2:80", 300, None)


def test_a_server_that_is_switched_off_in_the_file_leaves() -> None:
    assert names(left(after=virtual("www", 10, WEB1, replace(WEB2, active=False)))) == ["www/web2"]


def test_who_leaves_has_weight_0_and_is_gone_when_nobody_says_any_more_that_it_leaves() -> None:
    table = desired(ONE, all_up(ONE), LIVE, (), by_place(left()))
    assert weights(table) == {"10.0.0.1:80": 1, "10.0.0.2:80": 0}
    assert weights(desired(ONE, all_up(ONE), table, ())) == {"10.0.0.1:80": 1}


def test_who_leaves_serves_until_another_server_answers() -> None:
    new = config(virtual("www", 10, server("web3", 3)))
    places = by_place(leaving(BOTH, new, LIVE, all_up(BOTH)))
    waiting = desired(new, {}, LIVE, (), places)
    assert weights(waiting) == {"10.0.0.1:80": 1, "10.0.0.2:80": 1}
    answered = desired(new, all_up(new), waiting, (), places)
    assert weights(answered) == {"10.0.0.1:80": 0, "10.0.0.2:80": 0, "10.0.0.3:80": 1}


def test_who_leaves_keeps_no_sorry_server_away() -> None:
    sorry = SorryServer(address=server("", 9).address, port=80, forwarding=DIRECT)
    file = config(virtual("www", 10, WEB1, sorry_server=sorry))
    dead: Verdicts = {("www", "web1"): ServerVerdict.DOWN}
    table = desired(file, dead, LIVE, (), by_place(leaving(BOTH, file, LIVE, all_up(BOTH))))
    assert weights(table) == {"10.0.0.2:80": 0, "10.0.0.9:80": 1}


def test_the_sorry_server_of_the_file_does_not_leave() -> None:
    sorry = SorryServer(address=WEB2.address, port=80, forwarding=WEB2.forwarding)
    assert left(after=virtual("www", 10, WEB1, sorry_server=sorry)) == ()


def test_a_server_that_is_down_goes_at_once() -> None:
    dead = {**all_up(BOTH), ("www", "web2"): ServerVerdict.DOWN}
    assert leaving(BOTH, ONE, LIVE, dead) == ()


def test_a_time_of_0_means_at_once_for_all_or_for_one_server() -> None:
    assert left(after=virtual("www", 10, WEB1, drain_time_s=0)) == ()
    own = config(virtual("www", 10, WEB1, replace(WEB2, drain_time_s=0)))
    assert leaving(own, ONE, LIVE, all_up(own)) == ()


def test_the_servers_own_time_counts_else_that_of_the_virtual_server_in_the_new_file() -> None:
    assert [one.drain_s for one in left(after=virtual("www", 10, WEB1, drain_time_s=60))] == [60]
    own = config(virtual("www", 10, WEB1, replace(WEB2, drain_time_s=7200)))
    new = config(virtual("www", 10, WEB1, drain_time_s=60))
    assert [one.drain_s for one in leaving(own, new, LIVE, all_up(own))] == [7200]


def test_time_goes_on_over_a_reload_and_a_changed_drain_time_counts_from_the_beginning() -> None:
    [leaver] = left()
    [later] = left(replace(leaver, began_s=1000.0), after=virtual("www", 10, WEB1, drain_time_s=60))
    assert (later.began_s, later.drain_s) == (1000.0, 60)
    assert (later.left_s(1010.0), later.left_s(2000.0)) == (50, 0)


def test_a_server_that_is_added_again_does_not_leave_any_more() -> None:
    [leaver] = left()
    assert leaving(ONE, BOTH, LIVE, {}, [leaver]) == ()


def test_another_name_is_no_other_server_and_another_address_is_one() -> None:
    assert left(after=virtual("www", 10, WEB1, replace(WEB2, name="w"))) == ()
    moved = left(after=virtual("www", 10, WEB1, server("web2", 3)))
    assert [(one.name, str(one.where)) for one in moved] == [("www/web2", "10.0.0.2:80")]


def test_another_forwarding_method_is_another_server_where_the_kernel_has_it_at_another_port() -> None:
    behind = config(virtual("www", 10, WEB1, replace(WEB2, port=8080)))
    direct = config(virtual("www", 10, WEB1, replace(WEB2, port=8080, forwarding=DIRECT)))
    assert names(leaving(behind, direct, table_of(behind), all_up(behind))) == ["www/web2"]
    assert left(after=virtual("www", 10, WEB1, replace(WEB2, forwarding=DIRECT))) == ()


def test_what_somebody_else_added_does_not_leave_but_is_removed() -> None:
    by_hand = {**LIVE, **table_of(config(virtual("www", 10, WEB1, WEB2, server("x", 7))))}
    assert names(left(live=by_hand)) == ["www/web2"]


def test_at_a_start_everything_leaves_that_the_file_does_not_name() -> None:
    [leaver] = leaving(None, ONE, LIVE, {})
    assert (leaver.name, leaver.drain_s) == ("www/10.0.0.2:80", 300)


def test_at_a_start_who_left_before_goes_on_leaving_under_its_name() -> None:
    [leaver] = left()
    began = replace(leaver, began_s=1000.0)
    assert leaving(None, ONE, LIVE, {}, [began]) == (began,)


def test_a_virtual_server_that_is_deleted_takes_everybody_with_it() -> None:
    other = config(virtual("other", 11, WEB1))
    assert leaving(BOTH, other, LIVE, all_up(BOTH), left()) == ()


def test_a_server_of_several_services_leaves_as_one() -> None:
    several = [(virtual("www", 10, *servers, extra_vips=(virtual("", 11).vip,))) for servers in ((WEB1, WEB2), (WEB1,))]
    both, one = map(config, several)
    [leaver] = leaving(both, one, table_of(both), all_up(both))
    assert len(leaver.places) == 2
    assert leaving(one, one, table_of(both), all_up(one), [leaver]) == (leaver,)


@examples(100)
@given(st.none() | configs_drawn, configs_drawn, tables_drawn)
def test_nobody_leaves_who_is_named_and_whoever_leaves_is_in_a_service_of_the_file(
    before: Config | None, after: Config, live: Table
) -> None:
    found = leaving(before, after, live, {})
    table = desired(after, {}, {}, ())
    for key, where in by_place(found):
        assert where in live[key].destinations
        assert key in services_of(after)
        assert where not in table[key].destinations


@examples(100)
@given(configs_drawn, tables_drawn)
def test_with_leavers_a_second_pass_finds_nothing_to_do(after: Config, live: Table) -> None:
    places = by_place(leaving(None, after, live, {}))
    once = desired(after, {}, live, live, places)
    assert desired(after, {}, once, live, places) == once


def test_a_place_that_is_not_in_the_table_is_not_put_there() -> None:
    [leaver] = left()
    key = leaver.places[0][0]
    bare = {key: Service(LIVE[key].settings)}
    assert weights(desired(ONE, all_up(ONE), bare, (), by_place([leaver]))) == {"10.0.0.1:80": 1}
