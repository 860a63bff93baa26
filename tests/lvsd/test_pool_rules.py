"""Rules over the whole pool: servers that are kept, a quorum, weights that grow."""

from dataclasses import replace
from typing import Any

import pytest
from tests.lvsd.test_pool import SORRY, observe, server, virtual

from piranha.events.event import Event
from piranha.lvscf.config import Quota, RealServer
from piranha.lvsd.pool import Pool
from piranha.nanny.results import Reason
from piranha.table.desired import ServerVerdict, Weighed
from piranha.terms import Scheduler

UP, DOWN, RELIEVED = ServerVerdict.UP, ServerVerdict.DOWN, ServerVerdict.RELIEVED
SERVING = {f"web{n}" for n in range(1, 6)}


def verdicts(pool: Pool, now: float = 100.0) -> dict[str, object]:
    return {name: verdict for (_, name), verdict in pool.verdicts(now).items()}


def fail(pool: Pool, name: str) -> list[Event]:
    """As many failures as it takes, later for each server than for the one before it."""
    now = float(name.removeprefix("web"))
    return observe(pool, name, Reason.REFUSED, now) + observe(pool, name, Reason.REFUSED, now + 2.0)


def back(pool: Pool, name: str, now: float = 20.0) -> list[Event]:
    """Good answers for as long as reentry asks for."""
    return [*observe(pool, name, Reason.OK, now - 10.0), *observe(pool, name, Reason.OK, now)]


def slow(number: int, **settings: Any) -> RealServer:
    base = replace(server(number, weight=100), slow_start_s=60.0)
    return replace(base, **settings)


def test_checks_leave_as_many_servers_as_keep_active_says_and_the_log_names_them() -> None:
    pool = Pool(replace(virtual(server(1), server(2), server(3)), keep_active=Quota(count=2)), SERVING, now=0.0)
    assert not any("kept" in event.message for event in fail(pool, "web1"))
    events = fail(pool, "web2")
    assert [(event.subject, event.after, event.rule) for event in events if "kept" in event.message] == [
        ("www/web2", "kept", "keep_active = 2")
    ]
    assert verdicts(pool) == {"web1": DOWN, "web2": UP, "web3": UP}
    assert pool.up() == 1


def test_a_server_that_is_back_sends_the_one_that_was_kept_away() -> None:
    pool = Pool(replace(virtual(server(1), server(2)), keep_active=Quota(count=1)), SERVING, now=0.0)
    fail(pool, "web1")
    fail(pool, "web2")
    assert pool.kept == {"www/web2"}
    assert not pool.deserted()
    events = back(pool, "web1")
    assert [event.subject for event in events if event.message == "not kept any more"] == ["www/web2"]
    assert verdicts(pool) == {"web1": UP, "web2": DOWN}


def test_where_every_server_fails_the_sorry_server_goes_before_keep_active() -> None:
    pool = Pool(replace(virtual(server(1), server(2), sorry=SORRY), keep_active=Quota(count=1)), SERVING, now=0.0)
    fail(pool, "web1")
    assert pool.kept == frozenset()
    fail(pool, "web2")
    assert (pool.kept, verdicts(pool), pool.deserted()) == (frozenset(), {"web1": DOWN, "web2": DOWN}, True)


def test_below_its_quorum_a_pool_leaves_new_connections_to_the_sorry_server() -> None:
    pool = Pool(
        replace(virtual(server(1), server(2), server(3), sorry=SORRY), quorum=Quota(count=2), quorum_margin=1),
        SERVING,
        now=0.0,
    )
    fail(pool, "web1")
    assert verdicts(pool) == {"web1": DOWN, "web2": UP, "web3": UP}
    said = [event for event in fail(pool, "web2") if event.subject == "www"]
    assert [(event.after, event.rule) for event in said] == [("deserted", "sorry_server, quorum = 2")]
    assert verdicts(pool) == {"web1": DOWN, "web2": DOWN, "web3": RELIEVED}
    back(pool, "web1")
    assert verdicts(pool) == {"web1": RELIEVED, "web2": DOWN, "web3": RELIEVED}
    back(pool, "web2")
    assert verdicts(pool) == {"web1": UP, "web2": UP, "web3": UP}


def test_without_a_sorry_server_a_quorum_takes_nobody_out() -> None:
    pool = Pool(replace(virtual(server(1), server(2)), quorum=Quota(count=2)), SERVING, now=0.0)
    fail(pool, "web1")
    assert verdicts(pool) == {"web1": DOWN, "web2": UP}


def test_the_weight_of_a_server_that_is_back_grows_in_ten_steps() -> None:
    pool = Pool(virtual(slow(1), server(2)), SERVING, now=0.0)
    fail(pool, "web1")
    back(pool, "web1", now=20.0)
    seen = [verdicts(pool, now)["web1"] for now in (20.0, 25.9, 26.0, 50.0, 73.9, 74.0)]
    assert seen == [Weighed(10), Weighed(10), Weighed(20), Weighed(60), Weighed(90), UP]
    assert pool.grows_in_s(21.0) == pytest.approx(5.0)
    assert pool.grows_in_s(74.0) is None


def test_a_weight_does_not_grow_at_start_nor_for_a_first_answer_nor_after_a_reload() -> None:
    pool = Pool(virtual(slow(1), slow(2)), {"web1"}, now=0.0)
    observe(pool, "web2", Reason.OK, 1.0)
    assert verdicts(pool, 1.0) == {"web1": UP, "web2": UP}
    pool.reconfigure(virtual(slow(1, weight=50), slow(2)), SERVING, now=2.0)
    assert verdicts(pool, 2.0) == {"web1": UP, "web2": UP}


def test_a_weight_that_grows_goes_on_growing_through_a_reload() -> None:
    pool = Pool(virtual(slow(1)), SERVING, now=0.0)
    fail(pool, "web1")
    back(pool, "web1", now=20.0)
    pool.reconfigure(virtual(slow(1, weight=50)), set(), now=30.0)
    assert verdicts(pool, 50.0) == {"web1": Weighed(30)}


def test_a_weight_that_grows_is_at_least_1_and_that_of_a_drained_server_is_none() -> None:
    pool = Pool(virtual(slow(1, weight=2), slow(2, weight=0)), SERVING, now=0.0)
    for name in ("web1", "web2"):
        fail(pool, name)
        back(pool, name, now=20.0)
    assert verdicts(pool, 20.0) == {"web1": Weighed(1), "web2": Weighed(0)}


def test_a_weight_does_not_grow_with_schedulers_that_do_not_go_by_weight() -> None:
    pool = Pool(replace(virtual(slow(1)), scheduler=Scheduler.RR), SERVING, now=0.0)
    fail(pool, "web1")
    back(pool, "web1", now=20.0)
    assert verdicts(pool, 20.0) == {"web1": UP}


def test_a_server_may_be_checked_somewhere_else() -> None:
    elsewhere = replace(server(1), check_address=server(9).address, check_port=8080)
    (asked,) = Pool(virtual(elsewhere), set(), now=0.0).assignments()
    assert (asked.address, asked.port) == (server(9).address, 8080)


def test_a_server_that_is_down_and_checked_somewhere_else_from_now_on_is_unknown_again() -> None:
    pool = Pool(virtual(server(1)), SERVING, now=0.0)
    fail(pool, "web1")
    pool.reconfigure(virtual(replace(server(1), check_port=8080)), set(), now=5.0)
    assert verdicts(pool) == {"web1": ServerVerdict.UNKNOWN}
