"""Requests are counted by server and by failure, in any span of time."""

from piranha.cli.demo.counts import KEPT, Counts, Outcome


def test_a_span_counts_the_requests_that_were_sent_in_it() -> None:
    counts = Counts()
    for at_s, server in ((1.0, "web1"), (2.0, ""), (2.5, ""), (3.0, "web2"), (4.0, "web1")):
        counts.add(Outcome(at_s, server, "" if server else "refused"))
    summary = counts.since(2.0, 4.0)
    assert str(summary) == "1 answered (web2 1), 2 failed (refused 2)"
    assert (summary.first_failure_s, summary.last_failure_s) == (2.0, 2.5)
    assert str(counts.since(10.0)) == "0 answered, 0 failed"


def test_totals_go_on_when_old_outcomes_are_forgotten() -> None:
    counts = Counts()
    for number in range(KEPT + 10):
        counts.add(Outcome(float(number), "web1"))
    assert counts.answered["web1"] == KEPT + 10
    assert counts.since(0.0).answered["web1"] < KEPT
    assert counts.since(KEPT).answered["web1"] == 10
