"""Shell: listen on the VIPs that are held, and on nothing else."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Set
from dataclasses import dataclass
from ipaddress import ip_address

from piranha.table.service import AddressMatch
from piranha.terms import Address

BACKLOG = 1024
ACCEPT_AT_ONCE = 128
RETRY_TAKEN_S = 0.01  # the other router's forwarder lets go within milliseconds
RETRY_OTHERWISE_S = 1.0
PAUSE_S = 0.1  # after running out of descriptors or memory

_log = logging.getLogger("forwarder")

Accept = Callable[[AddressMatch, socket.socket, Address], None]


@dataclass(slots=True)
class _Waiting:
    reason: str
    timer: asyncio.TimerHandle


class Listeners:
    """The listening sockets, kept equal to what is wanted.

    accept: called with each new client socket, which it then owns, and the client's address.
    """

    def __init__(self, accept: Accept) -> None:
        self._loop = asyncio.get_running_loop()
        self._accept = accept
        self._open: dict[AddressMatch, socket.socket] = {}
        self._waiting: dict[AddressMatch, _Waiting] = {}

    def want(self, wanted: Set[AddressMatch]) -> None:
        """Open and close until exactly `wanted` are open, or waiting where that is not possible yet."""
        for match in [match for match in self._open if match not in wanted]:
            self._close(match)
        for match in [match for match in self._waiting if match not in wanted]:
            self._waiting.pop(match).timer.cancel()
        for match in sorted(wanted):
            if match not in self._open and match not in self._waiting:
                self._try(match)

    def listening(self, vip: Address) -> tuple[int, ...]:
        """Return the ports of `vip` that accept connections."""
        return tuple(sorted(match.port for match in self._open if match.address == vip))

    def waiting(self, vip: Address) -> dict[int, str]:
        """Return the ports of `vip` on which listening is not possible yet, with the reason."""
        return {match.port: w.reason for match, w in sorted(self._waiting.items()) if match.address == vip}

    def _try(self, match: AddressMatch) -> None:
        before = self._waiting.pop(match, None)
        try:
            listener = _listen(match)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            if before is None or before.reason != reason:
                _log.warning('cannot listen yet: service="%s" reason="%s"', match, reason)
            delay_s = RETRY_TAKEN_S if error.errno == errno.EADDRINUSE else RETRY_OTHERWISE_S
            self._waiting[match] = _Waiting(reason, self._loop.call_later(delay_s, self._try, match))
            return
        self._open[match] = listener
        self._loop.add_reader(listener, self._ready, match, listener)
        _log.info('listening: service="%s"', match)

    def _ready(self, match: AddressMatch, listener: socket.socket) -> None:
        for _ in range(ACCEPT_AT_ONCE):
            try:
                client, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # the client gave up while it waited
            except OSError as error:
                _log.warning('cannot accept: service="%s" reason="%s"', match, os.strerror(error.errno or 0))
                self._loop.remove_reader(listener)
                self._loop.call_later(PAUSE_S, self._resume, match, listener)
                return
            self._accept(match, client, ip_address(address[0].partition("%")[0]))

    def _resume(self, match: AddressMatch, listener: socket.socket) -> None:
        if self._open.get(match) is listener:
            self._loop.add_reader(listener, self._ready, match, listener)

    def _close(self, match: AddressMatch) -> None:
        listener = self._open.pop(match)
        # Clients whose handshake is complete are ours: closing first would reset them.
        self._ready(match, listener)
        self._loop.remove_reader(listener)
        listener.close()
        _log.info('no longer listening: service="%s"', match)


def _listen(match: AddressMatch) -> socket.socket:
    family = socket.AF_INET if match.address.version == 4 else socket.AF_INET6
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        # Connections of a former holder may linger on the port; only a listener keeps us out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((str(match.address), match.port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
