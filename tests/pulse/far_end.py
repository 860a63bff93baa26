"""A network of one's own, and another one at the far end of a cable: 192.0.2.2 and 2001:db8:2::2 here, on `pub0`."""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000


def ip(words: str) -> None:
    """Run ip(8) here."""
    subprocess.run(["ip", *words.split()], check=True)


def beyond(pid: int, words: str) -> None:
    """Run ip(8) at the far end, whose device is `pub1`."""
    subprocess.run(["nsenter", "--net", f"--target={pid}", "ip", *words.split()], check=True)


@contextlib.contextmanager
def far_end() -> Iterator[int]:
    """Move this process there; yield the process that keeps the far end."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    with contextlib.ExitStack() as undo:
        undo.callback(os.close, before)
        undo.callback(libc.setns, before, CLONE_NEWNET)
        keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
        undo.callback(keeper.wait)
        undo.callback(keeper.kill)
        assert keeper.stdout is not None
        keeper.stdout.readline()
        undo.callback(keeper.stdout.close)
        ip(f"link add pub0 type veth peer name pub1 netns {keeper.pid}")
        ip("address add 192.0.2.2/24 dev pub0")
        ip("address add 2001:db8:2::2/64 dev pub0 nodad")
        ip("link set pub0 up")
        beyond(keeper.pid, "link set pub1 up")
        yield keeper.pid
