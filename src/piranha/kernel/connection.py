"""Shell: a raw netlink socket."""

from __future__ import annotations

import _socket as socket  # what `socket` adds for others (selectors, enumerations) takes as long as a dump
from struct import Struct

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object

ANSWER_TIMEOUT_S = 5

_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER_BYTES = 1 << 20
_TIMEVAL = Struct("@ll")  # struct timeval: seconds, microseconds


class Connection(Protocol):
    """What is needed of a raw socket. Every method raises OSError."""

    def sendto(self, data: bytes, address: tuple[int, int], /) -> int:
        """Send to the kernel."""

    def recvfrom_into(self, buffer: bytearray, nbytes: int, flags: int, /) -> tuple[int, Any]:
        """Receive into `buffer`; return the length, in full where it was cut, and the port and groups of the sender.

        BlockingIOError when nothing has come for ANSWER_TIMEOUT_S.
        """

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option."""

    def close(self) -> None:
        """Close."""


def connect(protocol: int) -> socket.socket:
    """Open and bind a raw netlink socket."""
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    # A limit of Python's own would cost another system call, a poll before each one.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(ANSWER_TIMEOUT_S, 0))
    connection.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
    connection.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
    try:
        connection.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
    except OSError:
        # Without CAP_NET_ADMIN the system's limit applies; reading needs no more.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    connection.bind((0, 0))
    return connection
