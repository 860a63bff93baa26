"""Thousands of histories of two routers: the invariants hold, and planted bugs are found."""

import multiprocessing
from collections import Counter

import pytest
from tests.simulation.invariants import Violation
from tests.simulation.planted import PLANTED
from tests.simulation.run import run_seed

from piranha.pulse.election import Election

SEEDS = 2000
SEARCH = 5000
# A seed that finds each bug, so that `make check` sees every one found; the search is a slow test.
KNOWN: dict[str, int] = {
    "NeverLimits": 0,
    "LimitsAlone": 11,
    "LeasesTooLong": 5,
    "IgnoresPartnersTimers": 70,
    "TakesOwnPauseForDeath": 15,
    "BelievesWhatWaited": 717,
    "RenewsTheLapsed": 5,
    "RenewsTooSeldom": 0,
    "TellsShortLeaseTooSoon": 0,
    "NoTieBreak": 40,
    "NeverYields": 6,
    "OrdersTheDeaf": 20,
    "KeepsItsTerm": 0,
    "SaysStandbyTooSoon": 2,
    "TakesOverUnready": 0,
    "BackupNeverStepsIn": 654,
    "ForgetsTheOutcome": 2,
    "WaitsForNobody": 382,
    "DeafToLateness": 132,
    "NeverDoubts": 26,
    "HeldBackForEver": 189,
    "DeafToTheLan": 26,
    "AsksOnlyBefore": 944,
    "IgnoresTheLink": 1261,
    "IgnoresTheHosts": 3,
    "FleesAtOnce": 558,
    "OwesForEver": 505,
}


def run_seeds(first_and_last: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    reached: Counter[str] = Counter()
    violations = []
    for seed in range(*first_and_last):
        try:
            reached.update(key for key, value in run_seed(seed).items() if value)
        except Violation as violation:
            violations.append(str(violation))
    return reached, violations


def first_seed_that_finds(bug: type[Election], seeds: range) -> int | None:
    for seed in seeds:
        try:
            run_seed(seed, bug)
        except Violation:
            return seed
    return None


def test_two_thousand_histories_break_no_invariant_and_reach_what_matters() -> None:
    reached: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        step = 250
        for counts, violations in pool.imap(run_seeds, [(first, first + step) for first in range(0, SEEDS, step)]):
            assert not violations
            reached += counts
    # Enough of each, or the seeds prove nothing.
    assert reached["takeover"] > SEEDS * 0.9
    assert reached["split"] > SEEDS * 0.05
    assert reached["abort"] > SEEDS * 0.02
    assert reached["thaw"] > SEEDS * 0.1
    assert reached["failback"] > SEEDS * 0.01
    assert reached["silent"] > SEEDS * 0.02
    assert min(reached[key] for key in ("switchover", "stop", "prepare_restart", "refused", "doubt")) > SEEDS * 0.02


def test_a_seed_gives_the_same_history_every_time() -> None:
    assert [run_seed(seed) for seed in range(20)] == [run_seed(seed) for seed in range(20)]


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_breaks_an_invariant(bug: type[Election]) -> None:
    with pytest.raises(Violation):
        run_seed(KNOWN[bug.__name__], bug)


@pytest.mark.slow
@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found_within_five_thousand_seeds(bug: type[Election]) -> None:
    assert first_seed_that_finds(bug, range(SEARCH)) is not None
