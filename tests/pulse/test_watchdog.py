"""When an lvs daemon that does not answer is killed, and when that would be wrong."""

from collections.abc import Iterable

from piranha.pulse.watchdog import Condition, Patience, Watchdog

AT_REST = Condition(state="S", busy_s=7.0)
STOPPED = Condition(state="T", busy_s=7.0)
DUE_S = 2.5


class Daemon:
    """One daemon that is asked every 2.5 s and does not answer."""

    def __init__(self, *, answered: bool = True) -> None:
        self.watchdog = Watchdog(Patience(rest_s=10, work_s=60, between_s=60, question_s=2, late_s=1))
        self.now = 100.0
        self.watchdog.watch(self.now)
        if answered:
            self.watchdog.answered(self.now)

    def ask(self, conditions: Iterable[Condition], *, listens: bool = True) -> float | None:
        """Ask once for each of `conditions`; return after how many seconds it was killed."""
        begun = self.now
        for condition in conditions:
            asked_at, self.now = self.now + 0.5, self.now + DUE_S
            if self.watchdog.silent(asked_at, self.now, due_s=DUE_S, listens=listens, condition=condition):
                return self.now - begun
        return None


def busy(share: float) -> Iterable[Condition]:
    """Conditions of a process that is at work for `share` of the time."""
    return (Condition(state="R", busy_s=7 + share * DUE_S * number) for number in range(40))


def test_one_that_is_stopped_is_killed_after_ten_seconds() -> None:
    assert Daemon().ask([STOPPED] * 40) == 12.5


def test_one_that_waits_for_what_never_comes_is_killed_as_soon() -> None:
    assert Daemon().ask([AT_REST] * 40) == 12.5


def test_the_cause_says_what_was_seen() -> None:
    daemon = Daemon()
    assert daemon.ask([STOPPED] * 4) is None
    cause = daemon.watchdog.silent(daemon.now, daemon.now + 2, due_s=DUE_S, listens=True, condition=STOPPED)
    assert cause == "5 questions in 11.5 s without an answer, the process is stopped"


def test_an_answer_in_between_begins_anew() -> None:
    daemon = Daemon()
    assert daemon.ask([STOPPED] * 4) is None
    daemon.watchdog.answered(daemon.now)
    assert daemon.ask([STOPPED] * 4) is None


def test_one_that_is_at_work_is_given_a_minute() -> None:
    assert Daemon().ask(busy(0.9)) == 62.5


def test_one_that_waits_for_a_disk_is_given_a_minute() -> None:
    assert Daemon().ask([Condition(state="D", busy_s=7.0)] * 40) == 62.5


def test_one_that_starts_is_given_a_minute_before_it_listens() -> None:
    assert Daemon(answered=False).ask([AT_REST] * 40, listens=False) == 62.5


def test_one_that_was_adopted_frozen_is_killed_as_soon_since_it_listens() -> None:
    assert Daemon(answered=False).ask([STOPPED] * 40) == 12.5


def test_after_a_pause_of_our_own_the_silence_counts_anew() -> None:
    daemon = Daemon()
    assert daemon.ask([STOPPED] * 4) is None
    daemon.now += 30
    assert daemon.ask([STOPPED] * 4) is None, "nothing of before the pause, and not the pause itself"
    assert daemon.ask([STOPPED]) == DUE_S


def test_a_kill_is_followed_by_none_for_a_minute() -> None:
    daemon = Daemon()
    assert daemon.ask([STOPPED] * 40) == 12.5
    daemon.watchdog.watch(daemon.now)
    daemon.watchdog.answered(daemon.now)
    assert daemon.ask([STOPPED] * 40) == 60
