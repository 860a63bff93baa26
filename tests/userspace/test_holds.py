"""A hold lapses by itself unless it is renewed in time."""

from ipaddress import ip_address

import pytest

from piranha.forwarding.userspace.holds import Holds

VIP, OTHER = ip_address("127.1.1.1"), ip_address("127.1.1.2")


def test_a_hold_lapses_when_its_time_is_over() -> None:
    holds = Holds()
    holds.hold({VIP: 2.0, OTHER: None}, now=10.0)
    assert holds.deadline() == 12.0
    assert holds.lapse(11.9) == []
    assert holds.lapse(12.0) == [VIP]
    assert (VIP in holds, OTHER in holds, holds.deadline()) == (False, True, None)


def test_a_renewal_counts_from_now_and_keeps_the_time_of_acquisition() -> None:
    holds = Holds()
    holds.hold({VIP: 2.0}, now=10.0)
    holds.hold({VIP: 2.0}, now=11.0)
    assert holds.held(12.0) == {VIP: (1.0, 2.0)}


def test_a_lapsed_hold_is_not_renewed_back_to_life_but_can_be_acquired() -> None:
    holds = Holds()
    holds.hold({VIP: 2.0}, now=10.0)
    holds.hold({VIP: 2.0}, now=12.5, only_held=True)
    assert VIP not in holds
    holds.hold({VIP: 2.0}, now=12.5)
    assert holds.held(12.5) == {VIP: (2.0, 0.0)}


def test_released_is_gone_and_releasing_twice_is_no_error() -> None:
    holds = Holds()
    holds.hold({VIP: None}, now=0.0)
    holds.release([VIP, OTHER])
    holds.release([VIP])
    assert VIP not in holds


@pytest.mark.parametrize("ttl_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_to_live_that_makes_no_sense_changes_nothing(ttl_s: float) -> None:
    holds = Holds()
    with pytest.raises(ValueError, match="time to live"):
        holds.hold({OTHER: 1.0, VIP: ttl_s}, now=0.0)
    assert OTHER not in holds
