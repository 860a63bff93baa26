"""Weights that a check says: how they come into force, and what a weight of 0 means for the pool."""

from dataclasses import replace
from typing import Any

import pytest
from tests.lvsd.test_pool import SORRY, server, virtual

from piranha.events.event import Event, Level
from piranha.lvscf.check_values import Exchange, FurtherCheck, Program, WeightFrom
from piranha.lvscf.config import Config, Quota, RealServer
from piranha.lvsd.numbers import Numbers
from piranha.lvsd.outlook import beliefs_of, outlook, pools_for
from piranha.lvsd.pool import Pool
from piranha.lvsd.report import View, virtuals
from piranha.lvsd.standing import Standing, standing_data, standing_from
from piranha.nanny.results import Advice, ProbeResult, Reason
from piranha.table.desired import ServerVerdict, Weighed

LOAD = Program(command=("/bin/load",), weight_from=WeightFrom.STATUS)
BOTH = {"web1", "web2"}
HALF, ALL, NONE = Advice(50, percent=True), Advice(100, percent=True), Advice(0, percent=False)


def weighed(number: int, **settings: Any) -> RealServer:
    base = replace(server(number, weight=100), check=LOAD)
    return replace(base, **settings)


def said(pool: Pool, name: str, advice: Advice | None, now: float = 1.0, reason: Reason = Reason.OK) -> list[Event]:
    result = ProbeResult(id=f"www/{name}", reason=reason, detail="program: said so", started_s=now, advice=advice)
    return pool.observe(result, now)


def verdict(pool: Pool, name: str = "web1", now: float = 100.0) -> object:
    return pool.verdicts(now)["www", name]


@pytest.mark.parametrize(
    ("advice", "configured", "weight"),
    [
        (HALF, 100, 50),
        (Advice(1, percent=True), 10, 1),
        (Advice(0, percent=True), 100, 0),
        (Advice(253, percent=False), 100, 253),
        (NONE, 100, 0),
        (Advice(50, percent=False), 0, 0),
    ],
)
def test_a_share_is_one_of_the_weight_of_the_file_and_a_drain_by_hand_stays(
    advice: Advice, configured: int, weight: int
) -> None:
    assert advice.of(configured) == weight


def test_a_weight_is_in_force_with_the_result_that_says_it_and_the_event_names_the_cause() -> None:
    pool = Pool(virtual(weighed(1), server(2)), BOTH, now=0.0)
    assert verdict(pool) is ServerVerdict.UP

    [event] = said(pool, "web1", HALF)
    assert (event.subject, event.message, event.before, event.after) == (
        "www/web1",
        "weight set by its check",
        "",
        "weight 50",
    )
    assert (event.rule, event.cause) == ("weight_from, weight = 100 in lvs.cf", "program: said so")
    assert verdict(pool) == Weighed(50)
    assert said(pool, "web1", HALF) == []
    assert [one.after for one in said(pool, "web1", ALL)] == ["weight 100"]


def test_a_first_word_that_is_the_weight_of_the_file_is_in_force_too_whatever_the_kernel_has() -> None:
    pool = Pool(virtual(weighed(1), server(2)), BOTH, now=0.0)
    assert verdict(pool) is ServerVerdict.UP
    assert [one.after for one in said(pool, "web1", ALL)] == ["weight 100"]
    assert verdict(pool) == Weighed(100)


def test_a_failure_says_nothing_of_the_weight_until_it_takes_the_server_out() -> None:
    pool = Pool(virtual(weighed(1), server(2)), BOTH, now=0.0)
    said(pool, "web1", HALF)

    assert said(pool, "web1", None, 2.0, Reason.PROGRAM_FAILED) == []
    assert verdict(pool) == Weighed(50)
    said(pool, "web1", None, 4.0, Reason.PROGRAM_FAILED)
    assert verdict(pool) is ServerVerdict.DOWN


def test_a_server_with_weight_0_by_its_check_is_none_that_serves() -> None:
    pool = Pool(virtual(weighed(1), weighed(2), sorry=SORRY), BOTH, now=0.0)

    [event] = said(pool, "web1", NONE)
    assert (event.level, pool.up()) == (Level.WARNING, 1)
    events = said(pool, "web2", NONE)
    assert [one.message for one in events][1:] == [
        "Virtual Server www: No real servers; activate sorry_server 10.0.0.99"
    ]
    assert pool.deserted()
    assert [one.after for one in said(pool, "web2", HALF)] == ["weight 50", "served"]


def test_keep_active_keeps_a_server_in_to_which_its_check_gives_nothing() -> None:
    pool = Pool(replace(virtual(weighed(1), weighed(2)), keep_active=Quota(percent=50.0)), BOTH, now=0.0)
    said(pool, "web1", NONE)
    events = said(pool, "web2", NONE)

    assert [one.message for one in events if one.after == "kept"] == [
        "kept in the pool with its whole weight although its check gives it none"
    ]
    assert sorted(map(str, (verdict(pool, "web1"), verdict(pool, "web2")))) == [
        "Weighed(weight=0)",
        "Weighed(weight=100)",
    ]


def test_a_quorum_counts_weights_of_the_file_but_not_servers_without_any() -> None:
    pool = Pool(replace(virtual(weighed(1), weighed(2), sorry=SORRY), quorum=Quota(percent=60.0)), BOTH, now=0.0)
    said(pool, "web1", Advice(1, percent=False))
    said(pool, "web2", Advice(1, percent=False))
    assert not pool.below_quorum
    said(pool, "web2", NONE)
    assert (pool.below_quorum, verdict(pool)) == (True, ServerVerdict.RELIEVED)


def test_after_a_failure_a_weight_grows_up_to_what_the_check_says() -> None:
    pool = Pool(virtual(weighed(1, slow_start_s=60.0), server(2)), BOTH, now=0.0)
    for at in (1.0, 2.0):
        said(pool, "web1", None, at, Reason.PROGRAM_FAILED)
    for at in (3.0, 20.0):
        said(pool, "web1", HALF, at)
    assert [verdict(pool, now=now) for now in (20.0, 50.0, 90.0)] == [Weighed(5), Weighed(30), Weighed(50)]


def test_of_several_checks_the_smallest_weight_counts() -> None:
    further = FurtherCheck(name="more", check=replace(LOAD, command=("/bin/more",)), timing=server(1).timing)
    pool = Pool(virtual(weighed(1, more_checks=(further,), checks_needed=2)), BOTH, now=0.0)
    first, second = (one.id for one in pool.assignments())
    for check_id, advice in ((first, HALF), (second, Advice(20, percent=True))):
        pool.observe(ProbeResult(id=check_id, reason=Reason.OK, detail="", started_s=1.0, advice=advice), 1.0)
    assert verdict(pool) == Weighed(20)


def test_a_reload_keeps_the_weight_and_another_check_starts_without_one() -> None:
    pool = Pool(virtual(weighed(1), server(2)), BOTH, now=0.0)
    said(pool, "web1", HALF)
    pool.reconfigure(virtual(weighed(1, weight=10), server(2)), (), now=2.0)
    assert verdict(pool) == Weighed(5)
    pool.reconfigure(virtual(weighed(1, check=Exchange()), server(2)), (), now=3.0)
    assert verdict(pool) is ServerVerdict.UP


def test_a_plan_knows_the_weights_that_checks_say_also_over_the_control_socket() -> None:
    config = Config(primary=None, virtuals=(virtual(weighed(1), server(2)),))
    pools = pools_for(config, {}, {}, 0.0)
    said(pools["www"], "web1", HALF)

    told = standing_from(standing_data(Standing(live={}, beliefs=beliefs_of(pools.values()), now=9.0)))
    assert outlook(config, config, {}, told.beliefs, 9.0).then["www", "web1"] == Weighed(50)


def test_status_tells_a_weight_by_a_check_and_calls_weight_0_a_drain() -> None:
    pool = Pool(virtual(weighed(1), server(2)), BOTH, now=0.0)

    def web1() -> dict[str, Any]:
        servers: Any = virtuals([pool], View({}, Numbers(), 9.0))[0]["servers"]
        found: dict[str, Any] = servers[0]
        return found

    assert web1()["weight_by_check"] is None
    said(pool, "web1", HALF)
    assert (web1()["weight_by_check"], web1()["state"]) == (50, "up")
    said(pool, "web1", NONE)
    assert (web1()["weight_by_check"], web1()["state"]) == (0, "drain")
