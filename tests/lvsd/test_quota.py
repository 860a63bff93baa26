"""How few servers a pool may be left with."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from piranha.lvscf.config import Quota
from piranha.lvsd.monitor import Health
from piranha.lvsd.quota import Member, below_quorum, kept

UP, DOWN, UNKNOWN = Health.UP, Health.DOWN, Health.UNKNOWN


def pool(*healths: Health, weights: tuple[int, ...] = ()) -> list[Member]:
    """Servers a, b, c …, the later in the alphabet the later their health changed."""
    return [
        Member("abcdef"[n], weights[n] if weights else 1, health, since_s=float(n)) for n, health in enumerate(healths)
    ]


def test_the_servers_that_failed_last_are_kept() -> None:
    assert kept(pool(DOWN, DOWN, DOWN, UP), Quota(count=3)) == {"b", "c"}
    assert kept(pool(DOWN, DOWN, DOWN, UP), Quota(count=1)) == set()


def test_a_share_is_one_of_the_configured_weight() -> None:
    members = pool(DOWN, DOWN, UP, weights=(10, 30, 60))
    assert kept(members, Quota(percent=60.0)) == set()
    assert kept(members, Quota(percent=61.0)) == {"b"}
    assert kept(members, Quota(percent=100.0)) == {"a", "b"}


def test_a_server_without_weight_helps_nobody_and_is_not_kept() -> None:
    assert kept(pool(DOWN, DOWN, weights=(0, 1)), Quota(count=2)) == {"b"}


def test_a_server_whose_first_answer_is_still_to_come_does_not_count_as_serving() -> None:
    assert kept(pool(DOWN, UNKNOWN), Quota(count=1)) == {"a"}


def test_a_quorum_is_missed_when_too_few_can_still_be_up() -> None:
    assert below_quorum(pool(UP, DOWN, DOWN), Quota(count=2), 0, below=False)
    assert not below_quorum(pool(UP, UNKNOWN, DOWN), Quota(count=2), 0, below=False)
    assert not below_quorum(pool(UP, UP, DOWN), Quota(count=2), 0, below=False)


def test_a_margin_asks_for_more_before_the_pool_serves_again() -> None:
    quorum = Quota(count=2)
    assert below_quorum(pool(UP, UP, DOWN, DOWN), quorum, 1, below=True)
    assert not below_quorum(pool(UP, UP, UP, DOWN), quorum, 1, below=True)


def test_a_margin_never_asks_for_more_than_all() -> None:
    assert not below_quorum(pool(UP, UP), Quota(count=2), 5, below=True)
    assert not below_quorum(pool(UP, UP), Quota(percent=60.0), 70, below=True)


def test_a_quorum_may_be_a_share_of_the_weight() -> None:
    members = pool(UP, DOWN, weights=(40, 60))
    assert below_quorum(members, Quota(percent=50.0), 0, below=False)
    assert not below_quorum(members, Quota(percent=40.0), 0, below=True)
    assert below_quorum(members, Quota(percent=40.0), 10, below=True)


members_drawn = st.lists(
    st.builds(
        lambda weight, health, since_s: (weight, health, since_s),
        st.integers(0, 5),
        st.sampled_from(Health),
        st.integers(0, 9),
    ),
    max_size=6,
).map(lambda drawn: [Member(f"s{n}", *one) for n, one in enumerate(drawn)])
quotas_drawn = st.one_of(st.builds(Quota, count=st.integers(0, 7)), st.builds(Quota, percent=st.floats(0, 100)))


@given(members_drawn, quotas_drawn)
def test_nobody_is_kept_who_is_up_and_no_more_than_needed(members: list[Member], keep: Quota) -> None:
    stay = kept(members, keep)
    assert stay <= {one.id for one in members if one.health is DOWN and one.weight}
    if stay:
        # Without the last of them the quota would be missed. Together failed, together kept: in the order of the file.
        last = min((one for one in reversed(members) if one.id in stay), key=lambda one: one.since_s)
        serving = [one for one in members if one.weight and (one.health is UP or one.id in stay - {last.id})]
        weight, whole = sum(one.weight for one in serving), sum(one.weight for one in members)
        assert len(serving) < keep.count or weight < whole * keep.percent / 100


@given(members_drawn, quotas_drawn)
def test_what_is_kept_makes_up_the_quota_or_is_all_there_is(members: list[Member], keep: Quota) -> None:
    stay = kept(members, keep)
    pool = [one for one in members if one.weight]
    serving = [one for one in pool if one.health is UP or one.id in stay]
    whole = all(one.id in stay for one in pool if one.health is DOWN)
    weight = sum(one.weight for one in serving)
    share = sum(one.weight for one in pool) * keep.percent / 100
    assert whole or (len(serving) >= keep.count and weight >= share - 1e-6)


@given(members_drawn, st.one_of(st.builds(Quota, count=st.integers(1, 7)), st.builds(Quota, percent=st.floats(1, 100))))
def test_a_pool_that_serves_again_is_not_below_its_quorum_at_once(members: list[Member], quorum: Quota) -> None:
    for margin in (0, 1, 3):
        if not below_quorum(members, quorum, margin, below=True):
            assert not below_quorum(members, quorum, margin, below=False)


def test_a_server_to_which_its_check_gives_weight_0_does_not_serve_and_is_kept_before_one_that_fails() -> None:
    resting, up, failed = pool(UP, UP, DOWN)
    members = [replace(resting, resting=True), up, failed]
    assert kept(members, Quota(count=1)) == set()
    assert kept(members, Quota(count=2)) == {"a"}
    assert kept(members, Quota(percent=100.0)) == {"a", "c"}
    assert below_quorum(members, Quota(count=2), 0, below=False)
