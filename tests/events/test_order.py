"""The order of records does not depend on a clock that people set."""

from piranha.events.event import Event, Record
from piranha.events.order import in_order


def record(seq: int, message: str, *, when_s: float, at_s: float, boot: str = "one") -> Record:
    return Record(seq, at_s, Event(when_s=when_s, subject="www", message=message), boot)


def order(**stories: list[Record]) -> list[str]:
    return [one.event.message for _, one in in_order(stories)]


def test_a_wall_clock_that_was_set_back_changes_nothing_in_the_order() -> None:
    pulse = [record(1, "a", when_s=10, at_s=5000), record(2, "c", when_s=30, at_s=1420)]
    lvsd = [record(1, "b", when_s=20, at_s=5010), record(2, "d", when_s=40, at_s=1430)]
    assert order(pulse=pulse, lvsd=lvsd) == ["a", "b", "c", "d"]


def test_what_came_before_a_reboot_comes_first() -> None:
    pulse = [record(1, "a", when_s=900, at_s=5000), record(2, "c", when_s=3, at_s=4000, boot="two")]
    lvsd = [record(1, "b", when_s=950, at_s=5050), record(2, "d", when_s=4, at_s=4001, boot="two")]
    assert order(pulse=pulse, lvsd=lvsd) == ["a", "b", "c", "d"]


def test_runs_of_the_machine_that_only_one_daemon_saw_find_their_place_by_the_wall_clock() -> None:
    pulse = [record(1, "a", when_s=9, at_s=100, boot="one"), record(2, "c", when_s=8, at_s=300, boot="three")]
    lvsd = [record(1, "b", when_s=7, at_s=200, boot="two"), record(2, "d", when_s=6, at_s=400, boot="four")]
    assert order(pulse=pulse, lvsd=lvsd) == ["a", "b", "c", "d"]


def test_one_daemon_alone_and_no_records_are_in_order() -> None:
    assert order(pulse=[], lvsd=[record(1, "a", when_s=1, at_s=1)]) == ["a"]
    assert order() == []
