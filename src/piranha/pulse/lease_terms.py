"""Arithmetic of leases: how long an address may outlive the last word of its holder.

Source: experiments on Linux 6.1: an address with lifetime L goes between L and L + 1.5 s after its
last renewal; lifetimes are whole seconds, at least 1.
"""

KERNEL_LATENESS_S = 1.5
SAFE_DEADTIME_S = 1 + 1 / 3 + KERNEL_LATENESS_S  # shortest deadtime without overlap after a freeze


def lease_for(deadtime_s: float) -> int:
    """Return the largest whole lifetime L >= 1 with L + L/3 + 1.5 <= deadtime_s (1 where there is none)."""
    # A hair is added because 0.75 * (18 - 1.5) and its like must not round down for the last bit.
    return max(1, int((deadtime_s - KERNEL_LATENESS_S) * 0.75 + 1e-9))


def renewal_interval_s(lease_s: float) -> float:
    """Return the time between two renewals of a lifetime of `lease_s`: three fit into it."""
    return lease_s / 3


def gone_after_s(lease_s: float) -> float:
    """Return how long after its last renewal an address with lifetime `lease_s` may still be there."""
    return lease_s + KERNEL_LATENESS_S
