"""The time line: outages, windows and holders from records, without any network."""

import pytest

from piranha.lab.timeline import (
    Gap,
    Holding,
    Outage,
    Outcome,
    Record,
    Request,
    Sighting,
    holders_at,
    holdings,
    outage_after,
    outages,
    overlaps,
    parse_record,
    windows,
)

VIP = "192.0.2.10"


def record(outcomes: str, step_s: float = 0.1) -> Record:
    """One request each step: `.` is answered by rs1 after 10 ms, `x` fails after 50 ms."""
    requests = []
    for index, letter in enumerate(outcomes):
        start = index * step_s
        if letter == ".":
            requests.append(Request(start, start + 0.01, "t", Outcome.OK, "rs1"))
        else:
            requests.append(Request(start, start + 0.05, "t", Outcome.TIMEOUT, ""))
    return Record(tuple(requests))


def test_an_outage_runs_from_the_first_failure_to_the_first_request_of_a_calm_time() -> None:
    (found,) = outages(record("...xxx......"))
    assert found == Outage(pytest.approx(0.3), pytest.approx(0.61), 3)  # type: ignore[arg-type]  # approx compares as a float
    assert found.duration_s == pytest.approx(0.31)


def test_a_single_success_does_not_end_an_outage() -> None:
    (found,) = outages(record("..xx.xx....."))
    assert found.failed == 4
    assert found.until_s == pytest.approx(0.71)


def test_two_outages_are_told_apart_by_a_calm_time() -> None:
    assert [found.failed for found in outages(record("..xx.....x....."))] == [2, 1]


def test_an_outage_that_never_ends_is_counted_to_the_end_of_the_record() -> None:
    (found,) = outages(record("..xxx"))
    assert found.until_s == pytest.approx(0.45)


def test_no_failure_is_no_outage() -> None:
    assert outages(record("......")) == []
    assert outage_after(record("......"), 0.2) == 0.0


def test_the_outage_after_an_event_also_holds_the_time_before_the_first_failure() -> None:
    assert outage_after(record("....xx....."), 0.25) == pytest.approx(0.61 - 0.25)


def test_windows_count_outcomes_by_the_start_of_requests() -> None:
    counted = windows(record("..x...xx.."), 0.0, 0.5)
    assert [window[Outcome.TIMEOUT] for window in counted] == [1, 2]
    assert [window[Outcome.OK] for window in counted] == [4, 3]


def test_a_record_is_read_back_and_a_line_cut_short_is_left_out() -> None:
    text = "1.0 1.5 a:80 timeout -\ngap 1.6 2.4\n0.9 0.95 a:80 ok rs2\n2.5 2.5"
    read = parse_record(text)
    assert read.requests == (
        Request(0.9, 0.95, "a:80", Outcome.OK, "rs2"),
        Request(1.0, 1.5, "a:80", Outcome.TIMEOUT, ""),
    )
    assert read.gaps == (Gap(1.6, 2.4),)


def test_a_part_of_a_record_keeps_the_gaps_that_touch_it() -> None:
    whole = Record(record("..........").requests, (Gap(0.1, 0.3), Gap(0.8, 0.9)))
    part = whole.between(0.25, 0.55)
    assert len(part.requests) == 3
    assert part.gaps == (Gap(0.1, 0.3),)


def test_the_summary_names_outcomes_and_servers() -> None:
    assert record("..x").summary() == "3 requests: 2 ok, 1 timeout (rs1 2)"


def test_a_renewal_does_not_begin_a_new_holding() -> None:
    sightings = [
        Sighting(1.0, "lvs1", VIP, held=True),
        Sighting(2.0, "lvs1", VIP, held=True),
        Sighting(3.0, "lvs1", VIP, held=False),
        Sighting(4.0, "lvs2", VIP, held=True),
    ]
    held = holdings(sightings, VIP)
    assert held == [Holding("lvs1", 1.0, 3.0), Holding("lvs2", 4.0)]
    assert overlaps(held) == []
    assert [holders_at(held, at) for at in (2.5, 3.5, 9.0)] == [("lvs1",), (), ("lvs2",)]


def test_two_holders_at_once_are_found_with_their_time() -> None:
    sightings = [
        Sighting(1.0, "lvs1", VIP, held=True),
        Sighting(2.0, "lvs2", VIP, held=True),
        Sighting(2.5, "lvs1", VIP, held=False),
    ]
    assert overlaps(holdings(sightings, VIP)) == [Gap(2.0, 2.5)]


def test_a_hand_over_within_one_instant_is_no_overlap() -> None:
    sightings = [
        Sighting(1.0, "lvs1", VIP, held=True),
        Sighting(2.0, "lvs2", VIP, held=True),
        Sighting(2.0, "lvs1", VIP, held=False),
    ]
    assert overlaps(holdings(sightings, VIP)) == []


def test_other_addresses_are_left_out() -> None:
    assert holdings([Sighting(1.0, "lvs1", "192.0.2.11", held=True)], VIP) == []
