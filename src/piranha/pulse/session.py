"""Proves that heartbeats are fresh: counters, nonces and their echoes. Reads no clock, holds no socket.

The shell makes one `Session` a process and one call each way:

    verdict = session.read(path, data)      # bytes from the partner's address
    data = session.write(path, heartbeat)   # bytes to send
"""

from collections.abc import Callable

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.heartbeat import Heartbeat, Place
from piranha.pulse.keys import KeyRing
from piranha.pulse.verdicts import Verdict


class Session:
    """One router's half of the conversation; survives reloads (`rekey`), not restarts.

    fresh: returns that many random bytes (os.urandom).
    """

    def __init__(
        self, *, place: Place, cluster: str, keys: KeyRing, auth: HeartbeatAuth, fresh: Callable[[int], bytes]
    ) -> None:
        raise NotImplementedError

    def rekey(self, *, cluster: str, keys: KeyRing, auth: HeartbeatAuth) -> None:
        """Take in a reloaded configuration or key file."""
        raise NotImplementedError

    def write(self, path: str, heartbeat: Heartbeat) -> bytes:
        """Return the datagram that carries `heartbeat` over `path`; each call counts one up."""
        raise NotImplementedError

    def read(self, path: str, data: bytes) -> Verdict:
        """Judge what came from the partner's address on `path`. Never raises, whatever the bytes."""
        raise NotImplementedError
