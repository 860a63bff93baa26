"""Lines of monitor_hosts: whom to ask when, and from when on a line counts as silent."""

from ipaddress import ip_address
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from piranha.pulse.hosts import Answers, Hosts, Lines
from piranha.terms import Address

GATEWAY, SECOND, SERVER = map(ip_address, ("192.0.2.1", "192.0.2.254", "10.11.12.21"))
KEEPALIVE_S, DEADTIME_S = 2.0, 6.0


def asking(*lines: tuple[Address, ...], now: float = 100.0) -> Hosts:
    return Hosts(lines, KEEPALIVE_S, DEADTIME_S, now)


def answers(hosts: Hosts) -> list[str]:
    return [state.answers.value for state in hosts.states]


def live(hosts: Hosts, until: float, *answering: Address) -> None:
    """Tick in time up to `until`; these answer at once."""
    while hosts.deadline() <= until:
        now = hosts.deadline()
        for address in hosts.tick(now):
            hosts.asked(address)
            if address in answering:
                hosts.answered(address, now)
    hosts.tick(until)


def test_all_are_asked_at_once_and_every_keepalive() -> None:
    hosts = asking((GATEWAY, SECOND), (SERVER,))
    asked = {now: hosts.tick(now) for now in (100.0, 101.0, 102.0, 104.0)}
    assert asked == {100.0: (GATEWAY, SECOND, SERVER), 101.0: (), 102.0: asked[100.0], 104.0: asked[100.0]}


def test_a_line_is_unknown_until_one_answers() -> None:
    hosts = asking((GATEWAY, SECOND))
    hosts.tick(100.0)
    assert answers(hosts) == [Answers.UNKNOWN]
    hosts.answered(SECOND, 100.01)
    hosts.tick(100.01)
    assert answers(hosts) == [Answers.YES]


def test_a_line_that_never_answers_is_silent_after_deadtime_and_says_since_when() -> None:
    hosts = asking((GATEWAY, SECOND))
    live(hosts, 105.9)
    assert answers(hosts) == [Answers.UNKNOWN]
    live(hosts, 106.0)
    assert answers(hosts) == [Answers.NO]
    assert hosts.states[0].trouble(112.0) == "no answer to ping from 192.0.2.1 192.0.2.254 for 12 s"


def test_one_address_of_a_line_is_enough_and_each_line_needs_one() -> None:
    hosts = asking((GATEWAY, SECOND), (SERVER,))
    live(hosts, 120.0, SECOND)
    assert answers(hosts) == [Answers.YES, Answers.NO]


def test_a_line_is_lost_deadtime_after_its_last_answer_and_found_with_the_next() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 110.0, GATEWAY)
    live(hosts, 115.9)
    assert answers(hosts) == [Answers.YES]
    live(hosts, 116.0)
    assert answers(hosts) == [Answers.NO]
    hosts.answered(GATEWAY, 119.0)
    hosts.tick(119.0)
    assert answers(hosts) == [Answers.YES]


def test_why_this_machine_could_not_ask_is_told() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 106.0)
    hosts.asked(GATEWAY, "Network is unreachable")
    hosts.tick(108.0)
    assert hosts.states[0].trouble(108.0).endswith("for 8 s: Network is unreachable")
    hosts.asked(GATEWAY)
    hosts.tick(110.0)
    assert "unreachable" not in hosts.states[0].trouble(110.0)


def test_after_a_pause_of_its_own_hosts_have_the_time_to_answer() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 110.0, GATEWAY)
    assert hosts.tick(200.0) == (GATEWAY,)
    assert answers(hosts) == [Answers.YES]
    live(hosts, 200.0 + KEEPALIVE_S - 0.01)
    assert answers(hosts) == [Answers.YES]
    live(hosts, 200.0 + DEADTIME_S)
    assert answers(hosts) == [Answers.NO]


def test_a_pause_does_not_bring_a_silent_line_back() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 110.0)
    hosts.tick(200.0)
    assert answers(hosts) == [Answers.NO]


def test_what_waited_through_the_pause_counts_from_when_it_came() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 110.0, GATEWAY)
    hosts.answered(GATEWAY, 112.0)
    hosts.tick(150.0)
    assert hosts.hosts[GATEWAY].heard_at == 112.0


def test_a_reload_keeps_what_is_known_of_addresses_that_stay() -> None:
    hosts = asking((GATEWAY,), (SERVER,))
    live(hosts, 107.0, GATEWAY)
    hosts.reconfigure(((SECOND,), (SERVER,), (GATEWAY, SECOND)), KEEPALIVE_S, DEADTIME_S, 107.0)
    assert answers(hosts) == [Answers.UNKNOWN, Answers.NO, Answers.YES]
    assert SECOND in hosts.tick(107.0)


def test_an_address_added_to_a_silent_line_must_answer_first() -> None:
    hosts = asking((GATEWAY,))
    live(hosts, 107.0)
    hosts.reconfigure(((GATEWAY, SECOND),), KEEPALIVE_S, DEADTIME_S, 107.0)
    assert answers(hosts) == [Answers.NO]
    live(hosts, 107.5, SECOND)
    assert answers(hosts) == [Answers.YES]


def test_a_shorter_keepalive_is_not_waited_out_with_the_longer_one() -> None:
    hosts = Hosts(((GATEWAY,),), 60.0, 180.0, 0.0)
    hosts.tick(0.0)
    hosts.reconfigure(((GATEWAY,),), 2.0, 6.0, 1.0)
    assert hosts.deadline() == 1.0


def test_without_lines_there_is_nothing_to_do() -> None:
    hosts = asking()
    assert hosts.deadline() == inf
    assert hosts.tick(1000.0) == ()
    assert hosts.states == ()


LINES: Lines = ((GATEWAY, SECOND), (SERVER,))
steps = st.lists(
    st.tuples(st.floats(0.0, 20.0), st.sampled_from((None, GATEWAY, SECOND, SERVER))), min_size=1, max_size=40
)


@given(steps)
def test_no_line_is_silent_that_answered_within_deadtime_and_every_line_that_did_not_is_in_time(
    history: list[tuple[float, Address | None]],
) -> None:
    """Ticks come as late as they like: lateness is nobody's silence, and no host is spared for ever."""
    now, hosts = 0.0, Hosts(LINES, KEEPALIVE_S, DEADTIME_S, 0.0)
    awake = dict.fromkeys((GATEWAY, SECOND, SERVER), 0.0)  # how long each has been silent while we were looking
    for pause_s, answering in history:
        late_s = max(0.0, now + pause_s - hosts.deadline())
        now += pause_s
        awake = {host: silent_s + pause_s - late_s for host, silent_s in awake.items()}
        if answering is not None:
            hosts.answered(answering, now)
            awake[answering] = 0.0
        hosts.tick(now)
        for state in hosts.states:
            shortest_s = min(awake[host] for host in state.addresses)
            assert not (state.silent and shortest_s < DEADTIME_S - 1e-6)
        assert hosts.deadline() >= now
    live(hosts, now + 2 * DEADTIME_S)
    assert all(state.silent for state in hosts.states)
