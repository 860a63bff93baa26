"""Several checks of one server, judged together."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.lvsd.test_pool import TIMING, server, virtual

from piranha.lvscf.check_values import FurtherCheck, Program
from piranha.lvscf.config import RealServer
from piranha.lvscf.patience import out_by_s
from piranha.lvsd.combined import Combined
from piranha.lvsd.monitor import Health, Monitor
from piranha.lvsd.pool import Pool
from piranha.nanny.protocol import Assign, read_downward, to_object
from piranha.nanny.results import ProbeResult, Reason
from piranha.table.desired import ServerVerdict

QUICK = replace(TIMING, fall=1, rise=1, reentry_s=0.0)
SCRIPT = FurtherCheck(name="script", check=Program(command=("/bin/probe",)), timing=QUICK, port=9000)


def twice(needed: int) -> RealServer:
    """A server with two checks."""
    return replace(server(1), timing=QUICK, check_name="tcp", more_checks=(SCRIPT,), checks_needed=needed)


def result(check_id: str, reason: Reason, now: float = 1.0) -> ProbeResult:
    return ProbeResult(id=check_id, reason=reason, detail=str(reason), started_s=now)


def ids(pool: Pool) -> list[str]:
    return [one.id for one in pool.assignments()]


def verdict(pool: Pool) -> object:
    return pool.verdicts(9.0)["www", "web1"]


def test_each_check_is_an_assignment_of_its_own_that_nannies_understand() -> None:
    pool = Pool(virtual(twice(2)), set(), now=0.0)
    first, second = pool.assignments()
    assert (first.id, first.port) == ("www/web1", 80)
    assert (second.check, second.port, second.address) == (SCRIPT.check, 9000, first.address)
    assert first.id != second.id
    message = Assign((first, second))
    assert read_downward(to_object(message)) == message


def test_with_all_one_failing_check_takes_the_server_out_and_the_log_names_it() -> None:
    pool = Pool(virtual(twice(2)), {"web1"}, now=0.0)
    first, second = ids(pool)
    assert pool.observe(result(first, Reason.OK), 1.0) == []
    event = pool.observe(result(second, Reason.PROGRAM_FAILED), 2.0)[0]
    assert (event.subject, event.after, event.cause) == ("www/web1", "down", "check script: program failed")
    assert event.rule == "fall = 1; 2 of 2 checks must pass"
    assert verdict(pool) is ServerVerdict.DOWN
    assert pool.observe(result(second, Reason.OK), 3.0)[0].after == "up"
    assert verdict(pool) is ServerVerdict.UP


def test_with_any_one_good_check_is_enough() -> None:
    pool = Pool(virtual(twice(1)), {"web1"}, now=0.0)
    first, second = ids(pool)
    assert pool.observe(result(second, Reason.PROGRAM_FAILED), 2.0) == []
    assert verdict(pool) is ServerVerdict.UP
    assert pool.observe(result(first, Reason.REFUSED), 3.0)[0].after == "down"
    assert verdict(pool) is ServerVerdict.DOWN


def test_a_server_is_unknown_until_its_checks_have_answered_enough() -> None:
    pool = Pool(virtual(twice(2)), set(), now=0.0)
    first, second = ids(pool)
    assert pool.observe(result(first, Reason.OK), 1.0) == []
    assert verdict(pool) is ServerVerdict.UNKNOWN
    assert pool.observe(result(second, Reason.OK), 2.0)[0].before == "unknown"
    assert verdict(pool) is ServerVerdict.UP


def test_nannies_are_told_of_each_check_what_is_believed_of_it() -> None:
    pool = Pool(virtual(twice(1)), {"web1"}, now=0.0)
    first, second = ids(pool)
    pool.observe(result(second, Reason.PROGRAM_FAILED), 2.0)
    assert (pool.believed_up(first), pool.believed_up(second)) == (True, False)


def test_a_reload_with_the_same_checks_keeps_what_each_of_them_knows() -> None:
    pool = Pool(virtual(twice(1)), {"web1"}, now=0.0)
    pool.observe(result(ids(pool)[1], Reason.PROGRAM_FAILED), 2.0)
    pool.reconfigure(virtual(replace(twice(1), weight=7)), set(), now=3.0)
    assert pool.believed_up(ids(pool)[1]) is False


def test_a_reload_that_adds_a_check_leaves_an_up_server_up_and_asks_a_down_one_again() -> None:
    for serving, after in (({"web1"}, ServerVerdict.UP), (set(), ServerVerdict.UNKNOWN)):
        pool = Pool(virtual(replace(server(1), timing=QUICK)), serving, now=0.0)
        if not serving:
            pool.observe(result("www/web1", Reason.REFUSED), 1.0)
        pool.reconfigure(virtual(twice(2)), set(), now=2.0)
        assert verdict(pool) is after


@given(st.lists(st.sampled_from(Health), min_size=1, max_size=4), st.integers(1, 4))
def test_enough_up_is_up_and_too_many_down_is_down(healths: list[Health], needed: int) -> None:
    needed = min(needed, len(healths))
    parts = [(str(n), Monitor("www/web1", "10.0.0.1:80", QUICK, health)) for n, health in enumerate(healths)]
    combined = Combined("www/web1", "10.0.0.1:80", parts, needed)
    ups, downs = healths.count(Health.UP), healths.count(Health.DOWN)
    assert (combined.health is Health.UP) == (ups >= needed)
    assert (combined.health is Health.DOWN) == (len(healths) - downs < needed)
    assert combined.state(0.0) == str(combined.health)


def test_a_dead_server_is_out_with_the_check_that_decides_by_the_rule() -> None:
    quick, slow = QUICK, replace(QUICK, interval_s=QUICK.interval_s + 30)
    last = replace(SCRIPT, name="last", port=9001, timing=slow)
    of = replace(server(1), timing=quick, check_name="tcp", more_checks=(SCRIPT, last), checks_needed=3)
    assert out_by_s(of) == quick.out_by_s
    assert out_by_s(replace(of, checks_needed=2)) == quick.out_by_s
    assert out_by_s(replace(of, checks_needed=1)) == slow.out_by_s
