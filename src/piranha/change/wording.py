"""Shell: when a change goes back, as people say it: local time is the machine's."""

import time

from piranha.change.pending import Moment, Pending


def until(pending: Pending, now: Moment) -> str:
    """Return `at 14:12:30, in 60 s`."""
    return f"at {clock(pending.until_s(now))}, in {pending.left_s(now):.0f} s"


def clock(at_s: float) -> str:
    """Return the wall clock `at_s` as `14:12:30`."""
    return time.strftime("%H:%M:%S", time.localtime(at_s))


def waits_for_a_start(pending: Pending, now: Moment, daemon: str) -> str:
    """Return the one line about a change that waits while nobody runs who could confirm it or take it back."""
    if pending.left_s(now) > 0:
        when = f"it waits for its confirmation until {clock(pending.until_s(now))} ({pending.left_s(now):.0f} s)"
    else:
        when = f"its time is over ({pending.going_back or f'not confirmed within {pending.confirm_s:g} s'})"
    return (
        f"a change by {pending.who} to serial {pending.serial_no} is not confirmed: {when}; "
        f"start {daemon}: it goes back to serial {pending.old_serial_no} unless that is confirmed in time"
    )


def refused_meanwhile(pending: Pending, now: Moment) -> str:
    """Return the one line for who wants to change something while a change waits."""
    if pending.going_back:
        return f"a change by {pending.who} is being taken back ({pending.going_back}): wait until that is done"
    return (
        f"a change by {pending.who} waits for its confirmation until {clock(pending.until_s(now))} "
        f"({pending.left_s(now):.0f} s): `piranha confirm` keeps it, `piranha rollback` takes it back"
    )
