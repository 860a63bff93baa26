"""change_limit: what a file takes away is counted against what is in force."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piranha.change.limit import Removal, refusal, removal
from piranha.lvscf.config import Config
from piranha.lvscf.load import load

Site = Sequence[tuple[str, int, Sequence[int]]]
"""Name, last byte of the VIP, weights of its servers, for each virtual server."""


def site(virtuals: Site, more: str = "") -> Config:
    lines = ["primary = 127.0.0.1", more]
    for name, vip, weights in virtuals:
        lines += [f"virtual {name} {{", "active = 1", f"address = 192.0.2.{vip}", "port = 80"]
        lines += [
            f"server s{number} {{ active = 1; address = 10.0.0.{number}; weight = {weight} }}"
            for number, weight in enumerate(weights, 1)
        ]
        lines.append("}")
    config = load("\n".join([*lines, ""]).encode(), "lvs.cf").config
    assert config is not None
    return config


FOUR = [("a", 1, [10, 10]), ("b", 2, [10]), ("c", 3, [10]), ("d", 4, [10])]

weights = st.lists(st.integers(0, 20), max_size=3)
sites = st.dictionaries(st.integers(1, 5), weights, min_size=1).map(
    lambda found: site([(f"v{vip}", vip, held) for vip, held in found.items()])
)


def test_a_virtual_server_that_goes_counts_with_its_weight() -> None:
    assert removal(site(FOUR), site(FOUR[1:])) == Removal(virtuals=4, virtuals_removed=1, weight=50, weight_removed=20)


def test_a_new_name_or_a_new_address_removes_nothing() -> None:
    renamed = [("A", 1, [10, 10]), ("b", 9, [10]), *FOUR[2:]]
    assert removal(site(FOUR), site(renamed)).percent == 0


def test_other_servers_of_the_same_weight_remove_nothing() -> None:
    assert removal(site([("a", 1, [10, 0])]), site([("a", 1, [0, 10])])).percent == 0


def test_what_one_virtual_server_gains_does_not_make_up_for_another() -> None:
    assert removal(site([("a", 1, [10]), ("b", 2, [10])]), site([("a", 1, [20]), ("b", 2, [0])])).weight_removed == 10


def test_half_is_not_more_than_half() -> None:
    assert refusal(site(FOUR[1:3]), site(FOUR[1:2])) == ""


def test_a_refusal_names_the_numbers_and_the_way_out() -> None:
    assert refusal(site(FOUR), site(FOUR[:1])) == (
        "it would remove 3 of 4 active virtual servers and 30 of 50 configured weight: over change_limit = 50%; "
        "if that is meant: piranha apply --allow mass"
    )


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([("a", 1, [1, 1])], "18 of 20 configured weight (18 of it by lower weights of servers that stay)"),
        ([("a", 1, [4])], "16 of 20 configured weight (6 of it by lower weights of servers that stay)"),
        ([("a", 1, [0, 10])], "10 of 20 configured weight (10 of it by lower weights of servers that stay)"),
        ([("a", 1, [10])], "10 of 20 configured weight"),
        ([("a", 1, [2, 2, 10])], "6 of 20 configured weight (6 of it by lower weights of servers that stay)"),
    ],
    ids=["all lower", "one goes, one lower", "quiesced", "one goes", "on balance"],
)
def test_a_lower_weight_counts_and_is_not_called_a_server_that_goes(after: Site, words: str) -> None:
    assert str(removal(site([("a", 1, [10, 10])]), site(after))) == f"0 of 1 active virtual servers and {words}"


def test_a_server_with_another_name_at_the_same_place_stays() -> None:
    before = site([("a", 1, [10])])
    [virtual] = before.virtuals
    renamed = replace(virtual, servers=(replace(virtual.servers[0], name="other", weight=4),))
    assert removal(before, replace(before, virtuals=(renamed,))).weight_lowered == 6


def test_the_limit_of_the_file_in_force_counts() -> None:
    assert refusal(site(FOUR, "change_limit = 100%"), site(FOUR[:1], "change_limit = 0%")) == ""
    assert refusal(site(FOUR, "change_limit = 10%"), site(FOUR[1:], "change_limit = 100%")) != ""


@given(sites)
def test_the_same_file_removes_nothing(config: Config) -> None:
    assert removal(config, config).percent == 0


@given(sites, sites)
def test_a_removal_is_a_part_of_what_there_was(before: Config, after: Config) -> None:
    found = removal(before, after)
    assert 0 <= found.virtuals_removed <= found.virtuals == len(before.active_virtuals())
    assert 0 <= found.weight_lowered <= found.weight_removed <= found.weight
    assert 0 <= found.percent <= 100


@given(st.dictionaries(st.integers(1, 5), weights, min_size=2), st.data())
def test_cutting_more_off_a_file_never_removes_less(whole: dict[int, list[int]], data: st.DataObject) -> None:
    virtuals = [(f"v{vip}", vip, held) for vip, held in whole.items()]
    longer = data.draw(st.integers(1, len(virtuals)))
    shorter = data.draw(st.integers(1, longer))
    before = site(virtuals)
    less, more = removal(before, site(virtuals[:longer])), removal(before, site(virtuals[:shorter]))
    assert more.virtuals_removed >= less.virtuals_removed
    assert more.weight_removed >= less.weight_removed
