"""Shell: files on their way from a command to a daemon: in pieces, bounded, and of one user each.

The command sends bytes, not a path: the daemon may read what its operator may not.
"""

import base64
import binascii

from piranha.control.messages import Refused
from piranha.dataclass import dataclass, field
from piranha.lvscf.syntax.limits import SIZE_LIMIT

PIECE_BYTES = 32 * 1024
"""Of the file; a request of 64 KiB has room for it."""
MOST = 8
KEPT_S = 120.0


@dataclass(slots=True)
class _Staged:
    uid: int
    touched_s: float
    data: bytearray = field(default_factory=bytearray)


class Staging:
    """What was handed over and not yet used. `now`: monotonic seconds."""

    def __init__(self) -> None:
        self._staged: dict[str, _Staged] = {}

    def add(self, token: str, uid: int, offset: int, piece: str, now: float) -> int:
        """Take the next piece, in base64; return how many bytes there are. Raises Refused."""
        self._forget(now)
        held = self._staged.get(token)
        if held is None:
            if len(self._staged) >= MOST:
                self._give_way(uid)
            held = self._staged[token] = _Staged(uid, now)
        if held.uid != uid or len(held.data) != offset:
            raise Refused("this piece does not follow the one before")
        try:
            data = base64.b64decode(piece, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("a piece must be in base64") from None
        if offset + len(data) > SIZE_LIMIT:
            del self._staged[token]
            raise Refused(f"the file is larger than {SIZE_LIMIT // 1024 // 1024} MiB")
        held.data += data
        held.touched_s = now
        return len(held.data)

    def get(self, token: str, uid: int, now: float) -> bytes:
        """Return what was handed over. Raises Refused."""
        self._forget(now)
        held = self._staged.get(token)
        if held is None or held.uid != uid:
            raise Refused("the file was not handed over, or too long ago")
        held.touched_s = now
        return bytes(held.data)

    def drop(self, token: str, uid: int) -> None:
        """Forget a file that was used, or will not be."""
        held = self._staged.get(token)
        if held is not None and held.uid == uid:
            del self._staged[token]

    def _give_way(self, uid: int) -> None:
        """Forget the file nobody touched for longest, of the same user if there is one: no change waits for room."""
        own = [token for token, held in self._staged.items() if held.uid == uid]
        del self._staged[min(own or self._staged, key=lambda token: self._staged[token].touched_s)]

    def _forget(self, now: float) -> None:
        for token in [token for token, held in self._staged.items() if now - held.touched_s > KEPT_S]:
            del self._staged[token]
