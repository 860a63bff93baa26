"""When checks start, and how soon a dead server is out."""

import heapq
import itertools
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvsd.monitor import Health, Monitor
from piranha.nanny.results import Assignment, ProbeResult, Reason
from piranha.nanny.schedule import Schedule


def assignment(
    name: str = "www/web1",
    *,
    interval_s: float = 2.0,
    fast_s: float | None = None,
    up: bool | None = True,
    port: int = 80,
) -> Assignment:
    timing = CheckTiming(
        interval_s=interval_s, check_timeout_s=interval_s, fast_interval_s=interval_s if fast_s is None else fast_s
    )
    return Assignment(
        id=name, address=ip_address("10.0.0.1"), port=port, check=Exchange(), timing=timing, believed_up=up
    )


def starts(schedule: Schedule, until: float, *, took_s: float = 0.001, ok: bool = True) -> dict[str, list[float]]:
    """Run the schedule in simulated time; return when each check started."""
    found: dict[str, list[float]] = {}
    ends: list[tuple[float, str]] = []
    now = 0.0
    while now <= until:
        while ends and ends[0][0] <= now:
            ended_s, name = heapq.heappop(ends)
            schedule.finished(name, ok, ended_s)
        for due, _ in schedule.due(now):
            found.setdefault(due.id, []).append(now)
            heapq.heappush(ends, (now + took_s, due.id))
        times = [time for time in (schedule.next_at(), ends[0][0] if ends else None) if time is not None]
        now = max(now + 1e-9, min(times)) if times else until + 1
    return found


def test_a_new_check_starts_at_once() -> None:
    schedule = Schedule()
    schedule.assign(assignment(), now=7.0)

    assert schedule.next_at() == 7.0
    assert [one.id for one, _ in schedule.due(7.0)] == ["www/web1"]


def test_a_check_that_runs_is_not_started_again() -> None:
    schedule = Schedule()
    schedule.assign(assignment(interval_s=1.0), now=0.0)
    schedule.due(0.0)

    assert schedule.next_at() is None
    assert schedule.due(100.0) == []


def test_checks_spread_over_slots_of_a_tenth_of_the_interval() -> None:
    schedule = Schedule()
    for number in range(200):
        schedule.assign(assignment(f"www/web{number}", interval_s=2.0), now=0.0)

    times = [round(time % 2.0, 6) % 2.0 for found in starts(schedule, 10.0).values() for time in found[2:]]

    assert len(set(times)) == 10
    assert all(round(time / 0.2, 4) % 1 == 0 for time in times)
    assert max(times.count(slot) for slot in set(times)) < len(times) / 4


def test_processes_start_at_different_places_of_a_slot() -> None:
    first, second = Schedule(offset=0.0), Schedule(offset=0.5)
    for schedule in (first, second):
        schedule.assign(assignment(interval_s=2.0), now=0.0)

    a, b = (starts(schedule, 10.0)["www/web1"][2] for schedule in (first, second))

    assert abs(b - a) == 0.1 or round(abs(b - a), 6) == 0.1


def test_slots_are_never_shorter_than_5_ms() -> None:
    schedule = Schedule()
    for number in range(50):
        schedule.assign(assignment(f"www/web{number}", interval_s=0.02), now=0.0)

    times = {round(time, 6) for found in starts(schedule, 1.0).values() for time in found[2:]}

    assert all(round(time / 0.005, 3) % 1 == 0 for time in times)


@given(interval_s=st.floats(0.05, 30), took=st.floats(0, 1.5), offset=st.floats(0, 0.99))
@examples(40)
def test_an_interval_between_two_starts_is_never_exceeded_unless_the_check_itself_takes_longer(
    interval_s: float, took: float, offset: float
) -> None:
    schedule = Schedule(offset)
    schedule.assign(assignment(interval_s=interval_s), now=0.0)

    found = starts(schedule, 8 * interval_s, took_s=took * interval_s)["www/web1"]

    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert max(gaps) <= max(1.0, took) * interval_s + 1e-5
    assert len(found) >= 5


def test_a_check_follows_after_fast_interval_while_its_answer_disagrees_with_the_belief() -> None:
    schedule = Schedule()
    schedule.assign(assignment(interval_s=10.0, fast_s=1.0, up=True), now=0.0)
    schedule.due(0.0)

    schedule.finished("www/web1", False, 0.5)
    assert schedule.next_at() == 1.0
    schedule.believe("www/web1", False, 0.6)  # lvsd agrees now
    assert (schedule.next_at() or 0) > 1.0


def test_a_belief_that_arrives_later_than_the_answer_hastens_the_next_check() -> None:
    schedule = Schedule()
    schedule.assign(assignment(interval_s=10.0, fast_s=1.0, up=None), now=0.0)
    schedule.due(0.0)
    schedule.finished("www/web1", False, 0.1)

    schedule.believe("www/web1", True, 0.2)

    assert schedule.next_at() == 1.0


def test_what_this_router_could_not_check_is_repeated_at_the_usual_interval() -> None:
    schedule = Schedule()
    schedule.assign(assignment(interval_s=10.0, fast_s=1.0), now=0.0)
    schedule.due(0.0)
    schedule.finished("www/web1", None, 0.1)

    assert (schedule.next_at() or 0) > 1.0


def test_another_belief_leaves_a_running_check_alone_another_port_does_not() -> None:
    schedule = Schedule()
    schedule.assign(assignment(), now=0.0)
    schedule.due(0.0)

    assert not schedule.assign(assignment(up=False), now=0.1)
    assert schedule.believed_up("www/web1") is False
    assert schedule.assign(assignment(port=81), now=0.2)
    assert schedule.next_at() == 0.2


def test_a_forgotten_check_is_never_due() -> None:
    schedule = Schedule()
    schedule.assign(assignment(), now=0.0)
    schedule.forget("www/web1")

    assert schedule.next_at() is None
    assert schedule.due(10.0) == []
    schedule.finished("www/web1", True, 10.0)
    assert schedule.next_at() is None


def out_after(timing: CheckTiming, *, hangs: bool, alive_took_s: float, dies_at: float, offset: float) -> float:
    """Simulate nanny and monitor around the death of a server; return how long it stayed up after it."""
    schedule = Schedule(offset)
    one = Assignment(id="a", address=ip_address("10.0.0.1"), port=80, check=Exchange(), timing=timing, believed_up=True)
    schedule.assign(one, 0.0)
    monitor = Monitor("a", "10.0.0.1:80", timing, Health.UP)
    for _ in range(10_000):
        now = schedule.next_at()
        assert now is not None
        schedule.due(now)
        answers_at = now + alive_took_s
        if answers_at < dies_at:
            ended_s, reason = answers_at, Reason.OK
        elif hangs:
            ended_s, reason = now + timing.check_timeout_s, Reason.TIMEOUT
        else:
            ended_s, reason = max(now, dies_at), Reason.REFUSED
        schedule.finished("a", reason is Reason.OK, ended_s)
        if monitor.observe(ProbeResult(id="a", reason=reason, detail="", started_s=now), ended_s):
            return ended_s - dies_at
    raise AssertionError("it never went down")


phases = st.floats(0, 1)


@given(timeout_s=st.floats(0.3, 60), hangs=st.booleans(), latency=phases, died=st.floats(0, 8), offset=phases)
@examples(100)
def test_a_dead_server_is_out_within_timeout_whether_it_refuses_or_hangs(
    timeout_s: float, hangs: bool, latency: float, died: float, offset: float
) -> None:
    interval_s = timeout_s / 3  # the defaults of lvs.cf
    timing = CheckTiming(interval_s=interval_s, check_timeout_s=interval_s, fast_interval_s=interval_s)
    assert abs(timing.out_by_s - timeout_s) < 1e-9

    stayed_s = out_after(
        timing, hangs=hangs, alive_took_s=latency * interval_s, dies_at=died * interval_s, offset=offset
    )

    assert stayed_s <= timeout_s + 1e-4


timings = st.builds(
    lambda interval_s, limit, fast, fall: CheckTiming(
        interval_s=interval_s, check_timeout_s=limit * interval_s, fast_interval_s=fast * interval_s, fall=fall
    ),
    st.floats(0.1, 20),
    st.floats(0.05, 3),
    st.floats(0.05, 1),
    st.integers(1, 5),
)


@given(timing=timings, hangs=st.booleans(), latency=phases, died=st.floats(0, 8))
@examples(100)
def test_a_dead_server_is_out_within_the_time_that_status_promises(
    timing: CheckTiming, hangs: bool, latency: float, died: float
) -> None:
    stayed_s = out_after(
        timing,
        hangs=hangs,
        alive_took_s=latency * timing.check_timeout_s,
        dies_at=died * timing.interval_s,
        offset=0.3,
    )

    assert stayed_s <= timing.out_by_s + 1e-4
