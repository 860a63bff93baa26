"""What holds for the plan of any two files and any table."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from tests.change.configs import beliefs_drawn, configs_drawn, tables_drawn
from tests.properties import examples

from piranha.change.plan import Kind, Plan, plan
from piranha.forwarding.plane import Counters, ServerStatistics, ServiceStatistics
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config, meaning
from piranha.lvsd.outlook import Beliefs, outlook
from piranha.lvsd.standing import Standing
from piranha.table.changes import RemoveDestination, RemoveService
from piranha.table.desired import desired, service_keys, services_of
from piranha.table.diff import diff
from piranha.table.leaving import Leaver, by_place, leaving
from piranha.table.service import ServiceKey
from piranha.table.table import Table

# A failing file is small as it is; making it smaller takes minutes.
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)


def planned(
    before: Config | None, after: Config, live: Table, beliefs: Beliefs, leavers: Sequence[Leaver] = ()
) -> Plan:
    seen = outlook(before, after, live, beliefs, 0.0)
    numbers = ten_each(live)
    return plan(before, after, live, statistics=numbers, verdicts=seen.now, believed=seen.then, leavers=leavers)


def table_of(file: Config, beliefs: Beliefs) -> Table:
    return desired(file, outlook(file, file, {}, beliefs, 0.0).now, {}, ())


def ten_each(live: Table) -> dict[ServiceKey, ServiceStatistics]:
    numbers = ServerStatistics(counters=Counters(), active=10)
    return {
        key: ServiceStatistics(counters=Counters(), servers=dict.fromkeys(service.destinations, numbers))
        for key, service in live.items()
    }


def leavers_of(live: Table) -> st.SearchStrategy[list[Leaver]]:
    """Some of what a table has leaves already."""
    places = [(key, where) for key, service in live.items() for where in service.destinations]
    leaver = st.builds(
        lambda place, own: Leaver(virtual="www", server=str(place[1]), places=(place,), drain_s=60, own=own),
        st.sampled_from(places),
        st.booleans(),
    )
    return st.lists(leaver, max_size=3, unique_by=lambda one: one.places) if places else st.just([])


@settings(examples(25), phases=AS_FOUND)
@given(configs_drawn, beliefs_drawn)
def test_the_plan_of_the_file_in_force_is_empty(file: Config, beliefs: Beliefs) -> None:
    live = table_of(file, beliefs)
    made = planned(file, file, live, beliefs)
    assert made.empty
    assert not made.drift
    assert made.counts == dict.fromkeys(Kind, 0)


@settings(examples(40), phases=AS_FOUND)
@given(configs_drawn, configs_drawn, beliefs_drawn)
def test_no_meaning_changes_without_a_line(before: Config, after: Config, beliefs: Beliefs) -> None:
    live = table_of(before, beliefs)
    made = planned(before, after, live, beliefs)
    assert made.empty is (meaning(before) == meaning(after))


@settings(examples(40), phases=AS_FOUND)
@given(st.none() | configs_drawn, configs_drawn, tables_drawn, beliefs_drawn, st.data())
def test_the_plan_names_exactly_the_steps_that_the_table_would_see(
    before: Config | None, after: Config, live: Table, beliefs: Beliefs, data: st.DataObject
) -> None:
    ours = frozenset(services_of(before)) if before is not None else frozenset()
    known = data.draw(leavers_of(live)) if before is not None else []
    made = planned(before, after, live, beliefs, known)
    seen = outlook(before, after, live, beliefs, 0.0)
    left = by_place(leaving(before, after, live, seen.now, known))
    wanted = desired(after, seen.then, live, ours, left)
    assert set(made.changes) == set(diff(live, wanted))
    told = {place for line in made.leaving for place in left if left[place].name == line.subject}
    assert told >= left.keys() & by_place(known).keys()


@settings(examples(40), phases=AS_FOUND)
@given(st.none() | configs_drawn, configs_drawn, tables_drawn, beliefs_drawn)
def test_whatever_ends_connections_is_called_disruptive(
    before: Config | None, after: Config, live: Table, beliefs: Beliefs
) -> None:
    made = planned(before, after, live, beliefs)
    for line in made.lines:
        removed = [change for change in line.changes if isinstance(change, RemoveService | RemoveDestination)]
        servers = [one for one in removed if not isinstance(one, RemoveService) or live[one.service].destinations]
        if servers:
            assert line.kind is Kind.DISRUPTIVE, line
            assert line.ends, line


@settings(examples(60), phases=AS_FOUND)
@given(configs_drawn, configs_drawn, tables_drawn, beliefs_drawn, st.sets(st.sampled_from(["a", "b", "c"])))
def test_a_look_at_what_changed_alone_finds_every_line_of_the_file(
    before: Config, other: Config, live: Table, beliefs: Beliefs, kept: set[str]
) -> None:
    changed = [one for one in other.virtuals if one.name not in kept]
    after = replace(other, virtuals=(*(one for one in before.virtuals if one.name in kept), *changed))
    for file in (before, after):
        # Such a file cannot be read.
        assume(len(services_of(file)) == sum(len(service_keys(one)) for one in file.active_virtuals()))
    whole = Standing(live=live, statistics=ten_each(live), beliefs=beliefs).plan(before, after)
    needed = {key for part in apart(before, after) for key in services_of(part)}
    part = {key: service for key, service in live.items() if key in needed}

    made = Standing(live=part, statistics=ten_each(part), beliefs=beliefs).plan(before, after, only_changed=True)

    assert made.lines == whole.lines
