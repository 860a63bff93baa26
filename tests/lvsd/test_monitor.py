"""Health of one real server: what it takes to go down, what it takes to come back."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.events.event import Level
from piranha.lvscf.check_values import CheckTiming
from piranha.lvsd.monitor import Health, Monitor
from piranha.nanny.results import ProbeResult, Reason

GOOD = (Reason.OK, "connect: accepted")
BAD = (Reason.TIMEOUT, "connect: no answer in 2000 ms")


def timing(*, fall: int = 2, rise: int = 1, reentry_s: float = 15.0) -> CheckTiming:
    return CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2, fall=fall, rise=rise, reentry_s=reentry_s)


def monitor(health: Health = Health.UP, *, fall: int = 2, rise: int = 1, reentry_s: float = 15.0) -> Monitor:
    return Monitor("www/web3", "10.0.0.3:80", timing(fall=fall, rise=rise, reentry_s=reentry_s), health)


def result(kind: tuple[Reason, str], at: float = 0.0) -> ProbeResult:
    return ProbeResult(id="www/web3", reason=kind[0], detail=kind[1], started_s=at)


def feed(server: Monitor, kinds: list[tuple[Reason, str]], every_s: float = 2.0, start: float = 0.0) -> list[float]:
    """Feed results one after the other; return when the health changed."""
    times = [start + number * every_s for number in range(len(kinds))]
    return [now for kind, now in zip(kinds, times, strict=True) if server.observe(result(kind, now), now)]


def test_an_up_server_goes_down_after_fall_failures_in_a_row() -> None:
    server = monitor(fall=3)

    assert feed(server, [BAD, BAD, BAD]) == [4.0]
    assert server.health is Health.DOWN


def test_one_good_answer_starts_the_count_of_failures_again() -> None:
    server = monitor(fall=2)

    assert feed(server, [BAD, GOOD, BAD, GOOD, BAD]) == []
    assert server.health is Health.UP


def test_the_first_answer_decides_on_an_unknown_server() -> None:
    hopeful, hopeless = monitor(Health.UNKNOWN), monitor(Health.UNKNOWN)

    assert feed(hopeful, [GOOD]) == [0.0]
    assert feed(hopeless, [BAD]) == [0.0]
    assert (hopeful.health, hopeless.health) == (Health.UP, Health.DOWN)


def test_a_down_server_must_answer_for_the_whole_reentry_time() -> None:
    server = monitor(Health.DOWN, reentry_s=15.0)

    assert feed(server, [GOOD] * 20) == [16.0]  # the first check not before 15 s


def test_one_failure_starts_the_reentry_time_again() -> None:
    server = monitor(Health.DOWN, reentry_s=5.0)

    assert feed(server, [GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD]) == [12.0]


def test_rise_asks_for_so_many_good_answers_besides_reentry() -> None:
    server = monitor(Health.DOWN, rise=3, reentry_s=0.0)

    assert feed(server, [GOOD, GOOD, GOOD]) == [4.0]


def test_what_this_router_could_not_check_counts_neither_way() -> None:
    server = monitor(fall=2)
    unchecked = (Reason.ERROR, "start: this router could not check")

    assert feed(server, [BAD, unchecked, unchecked, unchecked]) == []
    assert server.health is Health.UP
    assert server.observe(result(BAD), 10.0) is not None
    assert server.last is not None
    assert server.last.reason is Reason.TIMEOUT


def test_a_transition_says_before_after_rule_and_cause_in_the_words_of_the_original() -> None:
    server = monitor(fall=1)

    event = server.observe(result(BAD), 7.0)

    assert event is not None
    assert event.message == "[inactive] shutting down 10.0.0.3:80 due to connection failure"
    assert (event.when_s, event.subject, event.before, event.after) == (7.0, "www/web3", "up", "down")
    assert (event.rule, event.cause, event.level) == ("fall = 1", "connect: no answer in 2000 ms", Level.WARNING)


def test_coming_back_is_told_in_the_words_of_the_original() -> None:
    event = monitor(Health.DOWN, reentry_s=0.0).observe(result(GOOD), 7.0)

    assert event is not None
    assert event.message == "[ active ] making 10.0.0.3:80 available"
    assert event.level is Level.INFO


def test_the_state_says_how_far_it_is_on_its_way() -> None:
    server = monitor(fall=2, reentry_s=15.0)
    assert server.state(0.0) == "up"
    server.observe(result(BAD), 0.0)
    assert server.state(1.0) == "falling 1/2"
    server.observe(result(BAD), 2.0)
    assert server.state(2.0) == "down"
    server.observe(result(GOOD), 4.0)
    assert server.state(12.0) == "rising 8/15s"
    assert monitor(Health.UNKNOWN).state(0.0) == "unknown"


def test_after_reentry_the_state_counts_the_answers_that_rise_still_asks_for() -> None:
    server = monitor(Health.DOWN, rise=3, reentry_s=0.0)
    server.observe(result(GOOD), 1.0)

    assert server.state(1.0) == "rising 1/3"


@given(fall=st.integers(2, 5), rounds=st.integers(1, 30))
def test_a_server_that_answers_every_other_time_does_not_flap(fall: int, rounds: int) -> None:
    assert feed(monitor(fall=fall), [BAD, GOOD] * rounds) == []


kinds = st.lists(st.sampled_from([GOOD, BAD]), max_size=40)


@given(kinds=kinds, fall=st.integers(1, 4), rise=st.integers(1, 4), reentry_s=st.sampled_from([0.0, 3.0, 10.0]))
@examples(60)
def test_no_change_without_as_many_results_in_a_row_as_asked_for(
    kinds: list[tuple[Reason, str]], fall: int, rise: int, reentry_s: float
) -> None:
    server = monitor(fall=fall, rise=rise, reentry_s=reentry_s)
    for number, kind in enumerate(kinds):
        now = number * 2.0
        if server.observe(result(kind, now), now) is None:
            continue
        needed = fall if server.health is Health.DOWN else rise
        row = kinds[number + 1 - needed : number + 1]
        assert len(row) == needed
        assert {one[0] for one in row} == {kind[0]}
        if server.health is Health.UP and reentry_s:
            good_for = int(reentry_s // 2) + (reentry_s % 2 > 0) + 1
            assert all(one is GOOD for one in kinds[number + 1 - good_for : number + 1])


@given(kinds=kinds)
def test_transitions_alternate(kinds: list[tuple[Reason, str]]) -> None:
    server = monitor(fall=1, reentry_s=0.0)
    events = [server.observe(result(kind), number) for number, kind in enumerate(kinds)]
    after = [event.after for event in events if event is not None]

    assert after == ["down", "up"] * (len(after) // 2) + ["down"] * (len(after) % 2)


def test_reentry_doubles_for_a_server_that_keeps_failing_and_an_hour_of_peace_halves_it_again() -> None:
    server = Monitor("www/web3", "10.0.0.3:80", replace(timing(fall=1, reentry_s=10.0), reentry_max_s=60.0), Health.UP)

    def relapse(at_s: float) -> float:
        """Fail once and come back as soon as allowed; return how long that takes."""
        feed(server, [BAD], start=at_s)
        needed_s = server.reentry_s
        assert feed(server, [GOOD, GOOD, GOOD], every_s=needed_s / 2, start=at_s + 1) == [at_s + 1 + needed_s]
        return needed_s

    assert [relapse(at_s) for at_s in (100.0, 200.0, 300.0, 400.0)] == [10.0, 20.0, 40.0, 60.0]
    assert relapse(500.0 + 3 * 3600.0) == 20.0
    assert relapse(500.0 + 30 * 3600.0) == 10.0


def test_without_reentry_max_reentry_stays_what_it_is() -> None:
    server = monitor(fall=1, reentry_s=3.0)
    for _ in range(50):
        feed(server, [BAD, GOOD, GOOD, GOOD])
    assert server.reentry_s == 3.0
