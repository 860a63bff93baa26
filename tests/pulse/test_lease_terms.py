"""Lifetimes of addresses, derived from deadtime."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piranha.pulse.lease_terms import SAFE_DEADTIME_S, gone_after_s, lease_for, renewal_interval_s


@pytest.mark.parametrize(("deadtime_s", "lease_s"), [(0.3, 1), (2.0, 1), (2.84, 1), (4, 1), (5, 2), (5.5, 3), (18, 12)])
def test_the_lifetime_is_the_largest_that_ends_before_the_partner_takes_over(deadtime_s: float, lease_s: int) -> None:
    assert lease_for(deadtime_s) == lease_s


@given(st.floats(0.1, 1000))
def test_lifetime_and_renewal_and_the_lateness_of_the_kernel_fit_into_deadtime(deadtime_s: float) -> None:
    lease_s = lease_for(deadtime_s)

    assert lease_s >= 1
    if deadtime_s >= SAFE_DEADTIME_S:
        assert renewal_interval_s(lease_s) + gone_after_s(lease_s) <= deadtime_s + 1e-6
    assert renewal_interval_s(lease_s + 1) + gone_after_s(lease_s + 1) > deadtime_s - 1e-6
