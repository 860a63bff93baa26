"""Shell: hears from the kernel that a link has changed, and reads all watched ones.

A notice says only that there is something to read: what is handed on is always a whole reading, so
that lost notices cost no more than the time to the next poll.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Sequence

from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses
from piranha.kernel.route import RTMGRP_LINK, InterfaceAddress, Link
from piranha.kernel.socket import NETLINK_ROUTE
from piranha.pulse.watched import LinkState, Seen, link_states

POLL_S = 5.0
NOTICE_LIMIT = 1 << 16  # bytes


class LinkWatch:
    """Watches links until cancelled.

    devices: returns the names to watch, from all links and addresses and the names until now.
    changed: called in the loop with the state of all, once at first and then when one has changed.
    """

    def __init__(
        self,
        devices: Callable[[Sequence[Link], Sequence[InterfaceAddress], Sequence[str]], tuple[str, ...]],
        changed: Callable[[tuple[LinkState, ...]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._changed = changed
        self._clock = clock
        self._wake = asyncio.Event()
        self._anew = False
        self.seen: tuple[Seen, ...] = ()

    def reconfigure(self) -> None:
        """Find out anew what to watch: the file has changed."""
        self._anew = True
        self._wake.set()

    async def run(self) -> None:
        """Watch until cancelled. Where the kernel gives no notices, the poll alone remains."""
        with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)) as notices:
            notices.setblocking(False)
            with contextlib.suppress(OSError):
                notices.bind((0, RTMGRP_LINK))
            loop = asyncio.get_running_loop()
            loop.add_reader(notices, self._wake.set)
            try:
                while True:
                    self._wake.clear()
                    _discard(notices)
                    # The kernel cannot be asked just now: the next poll asks again.
                    with contextlib.suppress(PiranhaError):
                        await self._look()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await self._wake.wait()
            finally:
                loop.remove_reader(notices)

    async def _look(self) -> None:
        before = () if self._anew else tuple(one.state.device for one in self.seen)
        first, self._anew = not self.seen or self._anew, False
        states = await asyncio.to_thread(self._read, before)
        known = {one.state: one for one in self.seen}
        if first or states != tuple(one.state for one in self.seen):
            now = self._clock()
            self.seen = tuple(known.get(state) or Seen(state, now) for state in states)
            self._changed(states)

    def _read(self, before: tuple[str, ...]) -> tuple[LinkState, ...]:
        with Addresses() as kernel:
            links = kernel.links()
            return link_states(self._devices(links, kernel.addresses(), before), links)


def _discard(notices: socket.socket) -> None:
    """Take all notices away; an overflow (ENOBUFS) is one notice more."""
    while True:
        try:
            notices.recv(NOTICE_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            continue
