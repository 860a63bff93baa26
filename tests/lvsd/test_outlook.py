"""What lvsd would believe by another file, without touching what it believes now."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import TIMING, config, server, table_of, virtual

from piranha.lvscf.check_values import Exchange, FurtherCheck
from piranha.lvscf.config import Quota
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, beliefs_of, news_of, outlook, pools_for
from piranha.lvsd.pool import Pool
from piranha.nanny.results import ProbeResult, Reason
from piranha.table.desired import ServerVerdict

UP, DOWN, UNKNOWN = ServerVerdict.UP, ServerVerdict.DOWN, ServerVerdict.UNKNOWN
WEB1, WEB2 = ("www", "web1"), ("www", "web2")
BEFORE = config(virtual("www", 10, server("web1", 1), server("web2", 2)))
HALF = Beliefs(servers={WEB1: Belief(Health.UP), WEB2: Belief(Health.DOWN, 5.0)})


def test_a_server_that_stays_keeps_its_health_and_a_new_one_is_unknown() -> None:
    after = config(virtual("www", 10, server("web1", 1, weight=7), server("web2", 2), server("web3", 3)))
    seen = outlook(BEFORE, after, table_of(BEFORE, {WEB1: UP}), HALF, 9.0)
    assert seen.now == {WEB1: UP, WEB2: DOWN}
    assert seen.then == {WEB1: UP, WEB2: DOWN, ("www", "web3"): UNKNOWN}


def test_a_server_that_is_down_and_checked_otherwise_is_unknown() -> None:
    after = config(virtual("www", 10, server("web1", 1), server("web2", 2, check=Exchange(send=b"x"))))
    assert outlook(BEFORE, after, {}, HALF, 9.0).then[WEB2] is UNKNOWN


def test_without_a_file_in_force_whoever_serves_is_up() -> None:
    seen = outlook(None, BEFORE, table_of(BEFORE, {WEB1: UP}), Beliefs(servers={}), 9.0)
    assert seen.then == {WEB1: UP, WEB2: UNKNOWN}


def test_rules_over_the_pool_are_those_of_the_new_file() -> None:
    after = config(replace(BEFORE.virtuals[0], keep_active=Quota(count=2)))
    assert outlook(BEFORE, after, {}, HALF, 9.0).then == {WEB1: UP, WEB2: UP}


def test_the_pools_that_are_asked_stay_as_they_are() -> None:
    pools = pools_for(BEFORE, {}, {}, 0.0)
    before = beliefs_of(pools.values())
    after = config(virtual("www", 10, server("web1", 1, check=Exchange(send=b"x"))))
    outlook(BEFORE, after, {}, before, 9.0)
    assert beliefs_of(pools.values()) == before


@given(
    seen=st.lists(st.booleans(), min_size=3, max_size=3),
    needed=st.tuples(*[st.integers(1, 3)] * 2),
    fewer=st.booleans(),
)
def test_of_several_checks_for_one_server_it_says_what_a_reload_makes_of_them(
    seen: list[bool], needed: tuple[int, int], fewer: bool
) -> None:
    more = tuple(FurtherCheck(name=f"c{port}", check=Exchange(), timing=TIMING, port=port) for port in (81, 82))
    one = server("web1", 1, more_checks=more, checks_needed=needed[0])
    before = config(virtual("www", 10, one))
    pools = pools_for(before, {}, {}, 0.0)
    for check_id, up in zip(list(pools["www"].check_ids), seen, strict=True):
        reason = Reason.OK if up else Reason.REFUSED
        pools["www"].observe(ProbeResult(id=check_id, reason=reason, detail="", started_s=1.0), 1.0)
    other = replace(one, more_checks=more[:1], checks_needed=min(2, needed[1])) if fewer else one
    after = config(virtual("www", 10, replace(other, checks_needed=min(needed[1], 3 - fewer))))
    told = outlook(before, after, {}, beliefs_of(pools.values()), 2.0)
    assert told.now == pools["www"].verdicts(2.0)
    assert told.then == pools_for(after, {}, pools, 2.0)["www"].verdicts(2.0)


def pool_of_each(pools: Mapping[str, Pool]) -> dict[str, Pool]:
    return {check_id: pool for pool in pools.values() for check_id in pool.check_ids}


names = st.lists(
    st.tuples(st.sampled_from(["a", "a/b", "c"]), st.lists(st.sampled_from(["c", "b/c", "d", "e"]), unique=True)),
    unique_by=lambda drawn: drawn[0],
)


@given(st.lists(names, min_size=2, max_size=4))
def test_after_each_reload_every_check_has_its_pool_and_what_is_gone_is_known(
    files: list[list[tuple[str, list[str]]]],
) -> None:
    pools: dict[str, Pool] = {}
    pool_of: dict[str, Pool] = {}
    for file in files:
        virtuals = [virtual(one, 10, *map(server, held, range(1, 9))) for one, held in sorted(file)]
        before = {name: (pool.virtual.meaning, pool.check_ids) for name, pool in pools.items()}
        known = set(pool_of)
        pools = pools_for(config(*virtuals), {}, pools, 0.0)
        gone, _, pool_of = news_of(before, pools, pool_of)
        assert pool_of == pool_of_each(pools)
        assert set(gone) == known - set(pool_of)
