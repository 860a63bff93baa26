"""What holds for the plan of any two files and any table."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.change.configs import configs_drawn, tables_drawn, verdicts_drawn

from piranha.change.carried import carried
from piranha.change.plan import Kind, plan
from piranha.forwarding.plane import Counters, ServerStatistics, ServiceStatistics
from piranha.lvscf.config import Config, meaning
from piranha.lvsd.pool import Pool
from piranha.table.adopted import starting_up
from piranha.table.changes import RemoveDestination, RemoveService
from piranha.table.desired import Verdicts, desired, services_of
from piranha.table.diff import diff
from piranha.table.service import ServiceKey
from piranha.table.table import Table

# A failing file is small as it is; making it smaller takes minutes.
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)


def ten_each(live: Table) -> dict[ServiceKey, ServiceStatistics]:
    numbers = ServerStatistics(counters=Counters(), active=10)
    return {
        key: ServiceStatistics(counters=Counters(), servers=dict.fromkeys(service.destinations, numbers))
        for key, service in live.items()
    }


@settings(max_examples=25, phases=AS_FOUND)
@given(configs_drawn, verdicts_drawn)
def test_the_plan_of_the_file_in_force_is_empty(file: Config, verdicts: Verdicts) -> None:
    live = desired(file, verdicts, {}, ())
    made = plan(file, file, live, statistics=ten_each(live), verdicts=verdicts)
    assert made.empty
    assert not made.drift
    assert made.counts == dict.fromkeys(Kind, 0)


@settings(max_examples=40, phases=AS_FOUND)
@given(configs_drawn, configs_drawn, verdicts_drawn)
def test_no_meaning_changes_without_a_line(before: Config, after: Config, verdicts: Verdicts) -> None:
    live = desired(before, verdicts, {}, ())
    made = plan(before, after, live, statistics=ten_each(live), verdicts=verdicts)
    assert made.empty is (meaning(before) == meaning(after))


@settings(max_examples=40, phases=AS_FOUND)
@given(st.none() | configs_drawn, configs_drawn, tables_drawn, verdicts_drawn)
def test_the_plan_names_exactly_the_steps_that_the_table_would_see(
    before: Config | None, after: Config, live: Table, verdicts: Verdicts
) -> None:
    ours = frozenset(services_of(before)) if before is not None else frozenset()
    made = plan(before, after, live, statistics=ten_each(live), verdicts=verdicts)
    wanted = desired(after, carried(before, after, verdicts, live), live, ours)
    assert set(made.changes) == set(diff(live, wanted))


@settings(max_examples=40, phases=AS_FOUND)
@given(st.none() | configs_drawn, configs_drawn, tables_drawn, verdicts_drawn)
def test_whatever_ends_connections_is_called_disruptive(
    before: Config | None, after: Config, live: Table, verdicts: Verdicts
) -> None:
    made = plan(before, after, live, statistics=ten_each(live), verdicts=verdicts)
    for line in made.lines:
        removed = [change for change in line.changes if isinstance(change, RemoveService | RemoveDestination)]
        servers = [one for one in removed if not isinstance(one, RemoveService) or live[one.service].destinations]
        if servers:
            assert line.kind is Kind.DISRUPTIVE, line
            assert line.ends, line


@settings(max_examples=25, phases=AS_FOUND)
@given(configs_drawn, configs_drawn, tables_drawn, verdicts_drawn)
def test_the_plan_believes_of_each_server_what_lvsd_will(
    before: Config, after: Config, live: Table, verdicts: Verdicts
) -> None:
    pools = _pools(before, live, {})
    for name, pool in pools.items():
        for check_id, monitor in pool.monitors.items():
            verdict = verdicts.get((name, check_id.partition("/")[2]))
            monitor.health = type(monitor.health)(str(verdict or "unknown"))
    told = {key: verdict for pool in pools.values() for key, verdict in pool.verdicts(0.0).items()}
    reloaded = _pools(after, live, pools)
    assert carried(before, after, told, live) == {
        key: verdict for pool in reloaded.values() for key, verdict in pool.verdicts(0.0).items()
    }


def _pools(file: Config, live: Table, before: dict[str, Pool]) -> dict[str, Pool]:
    """Do what `Lvsd` does with its pools on a start and on a reload."""
    up = starting_up(file, live, before)
    pools = {}
    for virtual in file.active_virtuals():
        pool = before.get(virtual.name)
        if pool is None:
            pool = Pool(virtual, up, 0.0)
        else:
            pool.reconfigure(virtual, up, 0.0)
        pools[virtual.name] = pool
    return pools
