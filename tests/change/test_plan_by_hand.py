"""A plan knows what others have changed: it names what lvsd would write, and what it would leave."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import NAT, all_up, server
from tests.lvsd.test_foreign_edits import WWW, Passes, at, edits_drawn, pool, weight
from tests.properties import examples

from piranha.change.plan import About, Plan, plan, summary
from piranha.lvscf.config import Config, ForeignEdits
from piranha.table.changes import AddDestination, Change
from piranha.table.desired import Edits, WeightByHand, desired
from piranha.table.destination import Destination

ADOPT, REPAIR, REPORT = ForeignEdits.ADOPT, ForeignEdits.REPAIR, ForeignEdits.REPORT


def file(mode: ForeignEdits, *weights: int) -> Config:
    """web1, web2, … with these weights; a server that is deleted goes at once."""
    servers = [server(f"web{n}", n, weight=one, drain_time_s=0.0) for n, one in enumerate(weights, 1)]
    return pool(*servers, mode=mode, drain_time_s=0.0)


def planned(lvsd: Passes, after: Config, *, only_changed: bool = False) -> Plan:
    verdicts = {**all_up(after), **lvsd.verdicts}
    live, now = lvsd.plane.dump(), lvsd.verdicts
    return plan(
        lvsd.file,
        after,
        live,
        verdicts=now,
        believed=verdicts,
        ours={WWW},
        edits=lvsd.edits,
        only_changed=only_changed,
    )


def told(made: Plan) -> list[tuple[str, str, str]]:
    return [(line.subject, line.what, line.effect) for line in made.lines]


def ends(made: Plan) -> list[tuple[str, str, str]]:
    return [(line.subject, line.what, line.effect) for line in made.ended]


def test_a_weight_set_by_hand_alone_is_nothing_to_do() -> None:
    lvsd = Passes(file(ADOPT, 10, 10))
    lvsd.by_hand(weight(1, 3))
    made = planned(lvsd, lvsd.file)
    assert (made.empty, made.drift, [line.what for line in made.by_hand]) == (True, (), ["weight 3 by hand"])


def test_what_is_put_back_when_foreign_edits_becomes_repair_has_lines() -> None:
    lvsd = Passes(file(ADOPT, 10, 10))
    lvsd.by_hand(weight(1, 3), AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    made = planned(lvsd, file(REPAIR, 10, 10))
    assert (made.by_hand, made.drift) == ((), ())
    assert [line.about for line in made.lines] == [
        About.LVSD,
        About.TABLE_SERVER_EDITED,
        About.TABLE_SERVER_REMOVED,
    ]


def test_a_weight_that_ends_without_a_step_of_the_table_is_told_as_well() -> None:
    lvsd = Passes(file(ADOPT, 10, 10))
    lvsd.by_hand(weight(1, 3))
    made = planned(lvsd, file(ADOPT, 3, 10))
    assert told(made) == [("www/web1", "weight 10 -> 3", "the table has it already")]
    assert ends(made) == [("www/web1", "weight 3 by hand -> 3", "lvs.cf gave it 10")]


@pytest.mark.parametrize(
    ("after", "ended"),
    [
        (file(ADOPT, 20, 10), [("www/web1", "weight 3 by hand -> 20", "lvs.cf gave it 10")]),
        (
            file(REPAIR, 10, 10),
            [
                ("www/web1", "weight 3 by hand -> 10", "foreign_edits = repair"),
                ("www/10.0.0.9:80", "10.0.0.9:80 weight 5", "added by hand; foreign_edits = repair"),
            ],
        ),
        (
            pool(*(server(f"web{n}", n, weight=10) for n in (2, 9)), drain_time_s=0.0),
            [
                ("www/web1", "weight 3 by hand", "no server of the file then"),
                ("www/10.0.0.9:80", "10.0.0.9:80 weight 5 -> 10", "added by hand; is in the file then"),
            ],
        ),
        (file(ADOPT, 10, 20), []),
    ],
    ids=["another weight", "mode", "servers that go and come", "another server"],
)
def test_the_plan_and_the_line_of_the_log_name_what_a_file_ends_that_was_done_by_hand(
    after: Config, ended: list[tuple[str, str, str]]
) -> None:
    lvsd = Passes(file(ADOPT, 10, 10))
    lvsd.by_hand(weight(1, 3), AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5)))
    for only_changed in (False, True):
        made = planned(lvsd, after, only_changed=only_changed)
        assert ends(made) == ended
        assert summary(made).partition("; what was done by hand ends: ")[2].count(" by hand") <= len(ended)
        assert all(f"{subject} {what}" in summary(made) for subject, what, _ in ended)


def test_what_was_only_reported_ends_when_it_is_put_back() -> None:
    lvsd = Passes(file(REPORT, 10, 10))
    lvsd.by_hand(weight(1, 3))
    assert [effect for _, _, effect in ends(planned(lvsd, file(REPAIR, 10, 10)))] == ["foreign_edits = repair"]


@pytest.mark.parametrize(("found", "left"), [(3, 1), (10, 0)], ids=["as it was", "set right meanwhile"])
def test_without_a_daemon_what_was_kept_counts_as_for_the_next_start(found: int, left: int) -> None:
    after = file(ADOPT, 10, 10)
    table = desired(after, all_up(after), {}, (), edits=Edits({(WWW, at(1)): WeightByHand(found, 10)}))
    kept = Edits({(WWW, at(1)): WeightByHand(3, 10)})
    next_start = Passes(after, edits=kept)
    next_start.plane.apply([weight(1, found)])
    made = plan(None, after, table, believed=all_up(after), edits=next_start.restarted().edits)
    assert (made.empty, len(made.by_hand)) == (True, left)


def test_without_a_daemon_what_the_next_start_ends_is_told_too() -> None:
    kept = Edits({(WWW, at(1)): WeightByHand(3, 10)}, added={(WWW, at(9)): 7.0})
    lvsd = Passes(file(ADOPT, 10, 10), edits=kept)
    lvsd.plane.apply([weight(1, 3), AddDestination(WWW, at(9), Destination(forwarding=NAT, weight=5))])
    after = file(REPAIR, 10, 10)
    made = plan(None, after, lvsd.plane.dump(), believed=all_up(after), edits=kept)
    assert ends(made) == [
        ("www/web1", "weight 3 by hand -> 10", "foreign_edits = repair"),
        ("www/10.0.0.9:80", "10.0.0.9:80 weight 5", "added by hand; foreign_edits = repair"),
    ]
    assert made.by_hand == ()


@examples(60)
@given(
    st.sampled_from(ForeignEdits),
    st.lists(edits_drawn, max_size=4),
    st.sampled_from(ForeignEdits),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
)
def test_the_plan_names_exactly_what_lvsd_writes_when_the_file_comes_into_force(
    before: ForeignEdits, changes: list[Change], mode: ForeignEdits, weights: list[int]
) -> None:
    lvsd = Passes(file(before, 1, 2, 3))
    lvsd.plane.apply(changes)
    lvsd()
    after = replace(file(mode, *weights), serial_no=2)

    made = planned(lvsd, after)
    lvsd.reload(after)

    assert set(made.changes) == set(lvsd.wrote)
