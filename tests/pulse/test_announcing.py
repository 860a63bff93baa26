"""How often VIPs are announced, and how many announcements are told."""

from math import inf

from piranha.lvscf.config import VipSettings
from piranha.pulse.announcing import AnnouncePlan

SETTINGS = VipSettings(arp_count=3, arp_interval_s=1, arp_refresh_s=60)


def rounds(plan: AnnouncePlan, until: float) -> list[int]:
    """Make what is due until then; return the lengths of the rounds that ended."""
    ended = []
    while (due_at := plan.due_at()) <= until:
        if length := plan.take(due_at, SETTINGS):
            ended.append(length)
    return ended


def test_a_round_tells_how_many_announcements_it_had() -> None:
    plan = AnnouncePlan()
    plan.begin(0, SETTINGS, -inf)
    assert rounds(plan, 10) == [3]


def test_a_later_round_tells_its_own_only() -> None:
    plan = AnnouncePlan()
    plan.begin(0, SETTINGS, -inf)
    assert rounds(plan, 600) == [3]
    plan.begin(600, SETTINGS, -inf)
    assert rounds(plan, 610) == [3]


def test_a_round_that_is_begun_anew_before_it_ended_is_one() -> None:
    plan = AnnouncePlan()
    plan.begin(0, SETTINGS, -inf)
    assert rounds(plan, 1) == []
    plan.begin(1.5, SETTINGS, -inf)
    assert rounds(plan, 10) == [5]
