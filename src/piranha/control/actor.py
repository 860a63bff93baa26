"""Shell: who acts: the user that logged in, also behind sudo and su; for the record."""

import contextlib
import os
import pwd
from pathlib import Path

from piranha.control.server import Peer
from piranha.text import printable

NOBODY_LOGGED_IN = 0xFFFFFFFF  # proc_pid_loginuid(5)
LONGEST_NAME = 64


def login() -> str:
    """Return who runs this process: what a command tells a daemon. Empty when nobody logged in."""
    return _logged_in("self") or os.environ.get("SUDO_USER", "")


def actor(peer: Peer, said: object = "") -> str:
    """Return `alice, uid 0, process 4711`. said: what the command told; believed of root only."""
    name = _logged_in(str(peer.pid))
    if not name and peer.uid == 0 and isinstance(said, str):
        name = printable(said[:LONGEST_NAME])
    return f"{name or _name(peer.uid)}, uid {peer.uid}, process {peer.pid}"


def _logged_in(process: str) -> str:
    with contextlib.suppress(OSError, ValueError):
        uid = int(Path(f"/proc/{process}/loginuid").read_text(encoding="ascii"))
        return "" if uid == NOBODY_LOGGED_IN else _name(uid)
    return ""


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
