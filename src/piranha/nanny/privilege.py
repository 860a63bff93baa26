"""Shell: giving up what a nanny does not need, and never outliving whoever started it."""

import ctypes
import grp
import os
import pwd
import signal
import struct

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
CAP_NET_RAW = 13  # linux/capability.h
_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = struct.Struct("=6I")  # effective, permitted, inheritable: low words, then the high ones

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send `by` to this process when its parent ends; `parent`: who that must be.

    Call it after the last change of user: that clears the wish (prctl(2)).
    """
    _libc.prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def name_process(name: str) -> None:
    """Show up as `name` (at most 15 bytes) in ps and top."""
    _libc.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind (PR_SET_CHILD_SUBREAPER)."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def become(user: str) -> str | None:
    """Run as `user` from now on; return None, or why that could not be, in words.

    CAP_NET_RAW survives where it is held, until `keep_capabilities`.
    """
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user}"
    if os.getuid() == entry.pw_uid == os.geteuid():
        return None
    _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    try:
        groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
        os.setgroups([entry.pw_gid, *groups])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except PermissionError:
        return f"not permitted to become {user}"
    finally:
        _libc.prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0)
    return None


def keep_capabilities(mask: int) -> bool:
    """Keep at most the capabilities of `mask` (bits), ambient ones none; return whether the kernel agreed.

    A process of uid 0 gets them back by exec: only `become` takes root from programs.
    """
    held = mask & _permitted()
    low, high = held & 0xFFFFFFFF, held >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = _CAPSET.pack(low, low, 0, high, high, 0)
    return bool(_libc.capset(header, data) == 0)


def _permitted() -> int:
    data = ctypes.create_string_buffer(_CAPSET.size)
    if _libc.capget(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), data) != 0:
        return 0
    _, low, _, _, high, _ = _CAPSET.unpack(data.raw)
    return int(low | high << 32)


def children_of(parent: int) -> list[int]:
    """Return the processes whose parent is `parent`, adopted orphans included (proc(5), stat)."""
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    return [pid for pid in pids if _parent_of(pid) == parent]


def _parent_of(pid: int) -> int | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(fd, 1024).rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return None
    finally:
        os.close(fd)
