"""Shell: everything that happened since the election judged last: what is on the wire, what effects and others report.

Read before judging: a process that was stopped for a while wakes up with heartbeats waiting, and
must not take its own pause for a dead partner.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from piranha.pulse.endpoint import Datagram, PathError

STALL_S = 0.05
"""After a longer pause between reading and judging, what came meanwhile is read first."""

ROUNDS = 32
"""More readings than full sockets need before a judgement; a flood must not keep us from judging, and from renewing."""

Input = Callable[[float], None]
"""Takes in one fact at the time that it is given, monotonic seconds."""


class Wire(Protocol):
    """What datagrams come from; see `endpoint.Endpoint`."""

    more: bool

    def drain(self) -> list[Datagram | PathError]:
        """Return what is waiting, a bounded part of it if `more` is then true."""

    def descriptors(self) -> Sequence[int]:
        """Return what becomes readable when something waits."""


class Inbox:
    """Collects inputs, in the thread of the event loop.

    receive: takes in one datagram, or error of a path, at a time that never goes back.
    """

    def __init__(
        self,
        wire: Wire,
        receive: Callable[[Datagram | PathError, float], None],
        now: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._receive = receive
        self._now = now
        self._clock = clock
        self._sources: list[Callable[[], Sequence[tuple[float, Input]]]] = []
        self._inputs: deque[Input] = deque()
        self._wake = asyncio.Event()

    def also(self, source: Callable[[], Sequence[tuple[float, Input]]]) -> None:
        """Read `source`, too, before each judgement: it returns what came, and when."""
        self._sources.append(source)

    def post(self, take_in: Input) -> None:
        """Queue an input and wake who waits."""
        self._inputs.append(take_in)
        self._wake.set()

    def wake(self) -> None:
        """Have who waits look again."""
        self._wake.set()

    def take_in(self) -> float:
        """Take in all that waits; return the time to judge at."""
        self._wake.clear()
        for _ in range(ROUNDS):
            begun = self._clock()
            for item in self._wire.drain():
                came = item.received_at_s if isinstance(item, Datagram) else self._clock()
                # Time never goes back for the election, though the stamp may lie before its last tick.
                self._now = max(self._now, came)
                self._receive(item, self._now)
            for source in self._sources:
                for came, take_in in source():
                    self._now = max(self._now, came)
                    take_in(self._now)
            while self._inputs:
                self._inputs.popleft()(self._tell_time())
            if self._tell_time() - begun < STALL_S and not self._wire.more:
                break
        return self._now

    async def wait(self, until_s: float) -> None:
        """Wait for something to take in, until `until_s` at the latest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._wake.wait()

    def watch(self) -> None:
        """Be woken by the wire from now on."""
        loop = asyncio.get_running_loop()
        for descriptor in self._wire.descriptors():
            loop.add_reader(descriptor, self._wake.set)

    def unwatch(self) -> None:
        """Be woken by the wire no more; before its sockets are closed."""
        loop = asyncio.get_running_loop()
        for descriptor in self._wire.descriptors():
            loop.remove_reader(descriptor)

    def _tell_time(self) -> float:
        self._now = max(self._now, self._clock())
        return self._now
