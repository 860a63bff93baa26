"""Results that do not come any more are said once, and change nothing in the verdict."""

from dataclasses import replace

from piranha.events.event import Event, Level
from piranha.lvscf.check_values import CheckTiming
from piranha.lvsd.monitor import Health, Monitor
from piranha.lvsd.overdue import LOOK_S, ONE_BY_ONE, STARTS_WITHIN_S, Overdue, awaited, stale_after_s
from piranha.nanny.results import ProbeResult, Reason

TIMING = CheckTiming(interval_s=2.0, check_timeout_s=1.0, fast_interval_s=1.0)
SILENT_FROM_S = 100.0
STALE_S = SILENT_FROM_S + stale_after_s(TIMING)


def monitor(name: str = "www/web1") -> Monitor:
    """One that is up, with its last result from SILENT_FROM_S."""
    made = Monitor(name, "10.0.0.3:80", TIMING, Health.UP)
    made.observe(result(name, SILENT_FROM_S), SILENT_FROM_S)
    return made


def result(name: str, started_s: float) -> ProbeResult:
    return ProbeResult(id=name, reason=Reason.OK, detail="connect: accepted", started_s=started_s)


def look_until(overdue: Overdue, monitors: list[Monitor], until_s: float) -> list[Event]:
    """Look as often as lvsd does, from SILENT_FROM_S on."""
    events: list[Event] = []
    now = SILENT_FROM_S
    while now < until_s:
        now = min(now + LOOK_S, until_s)
        events += overdue.look(monitors, now)
    return events


def test_silence_is_said_once_and_the_verdict_stays() -> None:
    overdue, web1 = Overdue(SILENT_FROM_S), monitor()
    assert look_until(overdue, [web1], STALE_S) == []
    [event] = overdue.look([web1], STALE_S + 0.1)
    assert (event.subject, event.before, event.after, event.level) == ("www/web1", "up", "unknown", Level.WARNING)
    assert event.cause == "the last check began 7 s ago"
    assert overdue.look([web1], STALE_S + 1) == []
    assert web1.health is Health.UP


def test_checks_that_this_router_cannot_make_are_no_results() -> None:
    overdue, web1 = Overdue(SILENT_FROM_S), monitor()
    for began_s in range(int(SILENT_FROM_S), int(STALE_S) + 2):
        failed = replace(result("www/web1", began_s), reason=Reason.ERROR, detail="source: not here")
        web1.observe(failed, began_s)
    [event] = look_until(overdue, [web1], STALE_S + 1)
    assert (event.subject, event.before, event.after) == ("www/web1", "up", "unknown")
    assert event.cause.startswith("source: not here; the last check that could be made began ")
    assert web1.health is Health.UP


def test_the_next_result_ends_it() -> None:
    overdue, web1 = Overdue(SILENT_FROM_S), monitor()
    look_until(overdue, [web1], STALE_S + 1)
    web1.observe(result("www/web1", STALE_S + 1.5), STALE_S + 1.5)
    [event] = overdue.look([web1], STALE_S + 2)
    assert (event.subject, event.message, event.after) == ("www/web1", "check results come again", "up")


def test_a_first_result_that_never_comes_is_said() -> None:
    overdue = Overdue(SILENT_FROM_S)
    web1 = Monitor("www/web1", "10.0.0.3:80", TIMING, since_s=SILENT_FROM_S)
    [event] = look_until(overdue, [web1], STALE_S + 1)
    assert (event.message, event.before, event.after) == ("no check result yet", "", "")
    web1.observe(result("www/web1", STALE_S + 1.5), STALE_S + 1.5)
    [event] = overdue.look([web1], STALE_S + 2)
    assert event.message == "check results come"


def test_a_pause_of_lvsd_itself_is_not_the_silence_of_others() -> None:
    overdue, web1 = Overdue(SILENT_FROM_S), monitor()
    assert overdue.look([web1], SILENT_FROM_S + 3600) == []


def test_a_server_that_left_the_file_is_forgotten() -> None:
    overdue, web1 = Overdue(SILENT_FROM_S), monitor()
    look_until(overdue, [web1], STALE_S + 1)
    assert overdue.look([], STALE_S + 2) == []


def test_many_at_once_are_one_event() -> None:
    overdue = Overdue(SILENT_FROM_S)
    monitors = [monitor(f"www/web{n:03}") for n in range(ONE_BY_ONE + 1)]
    [event] = look_until(overdue, monitors, STALE_S + 1)
    assert (event.subject, event.facts) == ("nanny", (("servers", "21"), ("first", "www/web000")))


def test_short_intervals_are_given_the_time_of_a_summary() -> None:
    assert stale_after_s(replace(TIMING, interval_s=0.1, check_timeout_s=0.1)) == 3.1


def new(since_s: float) -> Monitor:
    """One of which nothing is known yet."""
    return Monitor("www/web1", "10.0.0.3:80", TIMING, since_s=since_s)


def test_a_first_answer_is_awaited_from_when_there_are_nannies() -> None:
    a_check_s = TIMING.interval_s + TIMING.check_timeout_s
    web1 = new(since_s=100.0)
    assert awaited([web1], None, 100.0 + a_check_s + 1) == 1, "the nannies are still being started"
    begun_s = 108.0
    assert awaited([web1], begun_s, begun_s + a_check_s - 0.1) == 1
    assert awaited([web1], begun_s, begun_s + a_check_s) == 0, "a check that cannot be made delays nobody for ever"
    assert awaited([new(since_s=200.0)], begun_s, 200.0 + a_check_s - 0.1) == 1
    web1.observe(result("www/web1", 109.0), 109.0)
    assert awaited([web1], begun_s, 109.0) == 0


def test_nannies_that_do_not_start_are_not_waited_for_for_ever() -> None:
    limit_s = 100.0 + STARTS_WITHIN_S + TIMING.interval_s + TIMING.check_timeout_s
    assert awaited([new(since_s=100.0)], None, limit_s - 0.1) == 1
    assert awaited([new(since_s=100.0)], None, limit_s) == 0
    assert awaited([new(since_s=100.0)], limit_s - 1, limit_s) == 0
