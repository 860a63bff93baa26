"""Schedulers give connections out as IPVS does."""

from collections import Counter
from dataclasses import dataclass
from math import gcd

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.forwarding.userspace.schedule import (
    PICKERS,
    LeastConnection,
    Picker,
    RoundRobin,
    WeightedLeastConnection,
    WeightedRoundRobin,
)


@dataclass
class Fake:
    weight: int = 1
    overhead: int = 0
    overloaded: bool = False


weights = st.lists(st.integers(0, 40), min_size=1, max_size=6)


def picks(picker: Picker, servers: list[Fake], count: int) -> list[int | None]:
    picker.changed(servers)
    return [picker.pick(servers) for _ in range(count)]


def test_rr_goes_round_and_passes_over_weight_0() -> None:
    assert picks(RoundRobin(), [Fake(), Fake(weight=0), Fake(weight=9)], 5) == [0, 2, 0, 2, 0]


def test_rr_keeps_its_turn_when_a_server_before_it_leaves() -> None:
    picker, servers = RoundRobin(), [Fake(), Fake(), Fake()]
    assert [picker.pick(servers), picker.pick(servers)] == [0, 1]
    del servers[0]
    picker.changed(servers, removed=0)
    assert picker.pick(servers) == 1


def test_wrr_spreads_a_cycle_as_ip_vs_wrr_does() -> None:
    # Weights 4, 3, 2 give ABABCABC… with a falling threshold: AABABCABC (LVS HOWTO, job scheduling).
    assert picks(WeightedRoundRobin(), [Fake(4), Fake(3), Fake(2)], 9) == [0, 0, 1, 0, 1, 2, 0, 1, 2]


@examples(60)
@given(weights)
def test_wrr_gives_each_server_its_weight_in_every_cycle(given_weights: list[int]) -> None:
    if not any(given_weights):
        return
    cycle = sum(given_weights) // gcd(*given_weights)
    counted = Counter(picks(WeightedRoundRobin(), [Fake(w) for w in given_weights], 3 * cycle))
    assert counted == {i: 3 * w // gcd(*given_weights) for i, w in enumerate(given_weights) if w}


@examples(60)
@given(weights)
def test_rr_gives_each_able_server_the_same(given_weights: list[int]) -> None:
    able = [i for i, w in enumerate(given_weights) if w]
    counted = Counter(picks(RoundRobin(), [Fake(w) for w in given_weights], 4 * len(able)))
    assert counted == dict.fromkeys(able, 4)


@examples(100)
@given(st.sampled_from(sorted(PICKERS)), st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=5))
def test_no_scheduler_picks_a_quiesced_or_overloaded_server(name: str, pool: list[tuple[int, bool]]) -> None:
    servers = [Fake(weight, overloaded=overloaded) for weight, overloaded in pool]
    able = {i for i, (weight, overloaded) in enumerate(pool) if weight and not overloaded}
    chosen = set(picks(PICKERS[name](), servers, 12))
    assert chosen <= able if able else chosen == {None}


@examples(60)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), min_size=1, max_size=5), st.integers(0, 4))
def test_wrr_finds_a_server_again_after_any_change(pool: list[tuple[int, int]], turns: int) -> None:
    servers = [Fake(weight) for weight, _ in pool]
    picker = WeightedRoundRobin()
    picks(picker, servers, turns)
    for fake, (_, later) in zip(servers, pool, strict=True):
        fake.weight = later
    assert (picks(picker, servers, 1)[0] is None) == (not any(later for _, later in pool))


def test_lc_takes_the_lowest_overhead_and_the_first_of_equals() -> None:
    assert LeastConnection().pick([Fake(9, 512), Fake(1, 256), Fake(1, 256)]) == 1


def test_wlc_weighs_the_overhead_by_the_weight() -> None:
    assert WeightedLeastConnection().pick([Fake(1, 256), Fake(4, 768), Fake(2, 512)]) == 1
