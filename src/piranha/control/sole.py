"""Shell: one daemon of a kind a network namespace, whatever its run directory.

Addresses and the IPVS table belong to a network namespace; two daemons would take them from each
other, and the first that ends would remove what the other one serves. The names of abstract UNIX
sockets have the very same scope (unix(7)), and the kernel frees them when the process ends.
"""

import _socket as socket  # what `socket` adds for others takes a while, and this comes before the table
import errno
import os
import struct
from contextlib import closing, suppress

from piranha.control.daemon import AlreadyRunning, CannotStart

UCRED = struct.Struct("iII")  # pid, uid, gid (struct ucred, unix(7))
BACKLOG = 4096  # nobody accepts: each who asks stays in the queue
ANSWER_S = 0.5


class Sole:
    """The proof that no other daemon called `name` runs in this network namespace; held until `close` or death.

    note: one line for the log if it could not be had, since a user without rights has the name; a
    daemon must not be kept from starting by that.
    """

    def __init__(self, name: str) -> None:
        """Raises AlreadyRunning when root, or the user of this process, has it; CannotStart without sockets."""
        self.note = ""
        self._address = f"\0piranha-{name}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.bind(self._address)
        except OSError as error:
            self._socket.close()
            if error.errno != errno.EADDRINUSE:
                raise CannotStart(f"socket @piranha-{name}: {error.strerror}") from error
            self._judge(name)
        else:
            self.claim()

    def claim(self) -> None:
        """Have the kernel tell this process as the holder; once more after a fork."""
        with suppress(OSError):  # the name is somebody else's, see `note`
            self._socket.listen(BACKLOG)

    def close(self) -> None:
        """Let go."""
        self._socket.close()

    def _judge(self, name: str) -> None:
        holder = _holder(self._address)
        if holder is not None and holder[1] in (0, os.geteuid()):
            raise AlreadyRunning(
                f"another {name} runs in this network namespace, with another run directory: process {holder[0]}"
            )
        who = f"uid {holder[1]}, process {holder[0]}" if holder else "somebody who does not answer"
        self.note = f"whether another {name} runs here cannot be told: {who} has the socket @piranha-{name}"


def _holder(address: str) -> tuple[int, int] | None:
    """Return pid and uid of the process that listens there."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)) as asking:
        asking.settimeout(ANSWER_S)
        try:
            asking.connect(address)
        except OSError:
            return None
        pid, uid, _ = UCRED.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size))
        return pid, uid
