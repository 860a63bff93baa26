"""Shell: keep the few rights that `pulse` needs, and its pages in memory.

Both are done with ctypes on the C library, best effort: what fails is returned as one line for the log.
"""

import ctypes
import os
import resource

CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
CAP_NET_BIND_SERVICE = 10
CAP_NET_ADMIN = 12
CAP_NET_RAW = 13
NEEDED = (CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW)

CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

MCL_CURRENT = 1
MCL_FUTURE = 2
MCL_ONFAULT = 4  # without it every page of every library becomes resident: 22 MB become 60


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def keep_needed_capabilities() -> str:
    """Give up all capabilities but NEEDED; return what kept us from it, or an empty line.

    What root starts has all of them again: `lvsd` gives up its own.
    """
    if os.geteuid() != 0:
        return ""
    libc = ctypes.CDLL(None, use_errno=True)
    header = _Header(CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)()
    if libc.capget(ctypes.byref(header), data) != 0:
        return f"capabilities stay as they are: {os.strerror(ctypes.get_errno())}"
    wanted = sum(1 << number for number in NEEDED)
    data[0].permitted &= wanted
    data[0].effective = data[0].permitted
    data[0].inheritable = 0
    data[1] = _Data(0, 0, 0)
    if libc.capset(ctypes.byref(header), data) != 0:
        return f"capabilities stay as they are: {os.strerror(ctypes.get_errno())}"
    return ""


def lock_memory() -> str:
    """Keep pages that were used once in memory: a heartbeat must not wait for a disk.

    Call it before rights are given up. Without the right to lock any amount nothing is locked: a
    limit reached later would let a thread fail to start.
    """
    if os.geteuid() != 0:
        return ""
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError) as error:
        return f"memory is not locked: {error}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0:
        return f"memory is not locked: {os.strerror(ctypes.get_errno())}"
    return ""
