"""The flags of a service: their bits in the kernel, and the names of those that are the scheduler's.

Source: linux/ip_vs.h (IP_VS_SVC_F_*).
"""

PERSISTENT = 0x1
ONE_PACKET = 0x4

_GENERIC_FLAGS = ("flag-1", "flag-2", "flag-3")
_NAMED_FLAGS = {"sh": ("sh-fallback", "sh-port", "flag-3"), "mh": ("mh-fallback", "mh-port", "flag-3")}


def flag_names(scheduler: str, flags: int) -> str:
    """Write scheduler flags as a comma list, with the names that `sh` and `mh` give them."""
    known = _NAMED_FLAGS.get(scheduler, _GENERIC_FLAGS)
    return ",".join(name for bit, name in enumerate(known) if flags >> bit & 1)


def flag_number(name: str) -> tuple[str, int] | None:
    """Return the scheduler that a flag's name belongs to (empty: any) and its bits, None if there is no such flag."""
    if name in _GENERIC_FLAGS:
        return "", 1 << _GENERIC_FLAGS.index(name)
    for scheduler, names in _NAMED_FLAGS.items():
        if name in names:
            return scheduler, 1 << names.index(name)
    return None
