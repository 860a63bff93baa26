"""Shell: the forwarding plane as the event loop sees it: one thread makes all calls, in order."""

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from piranha.forwarding.apply import apply_safely
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane, Refusal, Sample
from piranha.forwarding.read_only import ReadOnlyPlane
from piranha.kernel.addresses import forwards
from piranha.lvscf.config import PlaneKind
from piranha.table.changes import AddService, Change
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.terms import Family

T = TypeVar("T")


class PlaneThread:
    """Calls a plane without blocking the loop. Every method raises PlaneUnavailable as the plane does.

    prepare: makes the plane reachable, or raises PlaneUnavailable; called before the first use and
    after a failure; returns the process that the plane lives in, None for the kernel. end: called
    when the daemon stops for good and its table is gone. not_forwarded: returns the families that the
    plane's machine does not route although NAT needs it. unserved: see the method.
    """

    def __init__(
        self,
        plane: Plane,
        prepare: Callable[[], int | None],
        end: Callable[[], None],
        not_forwarded: Callable[[], frozenset[Family]] = frozenset,
        unserved: Callable[[Sequence[AddService]], list[Refusal]] = lambda _: [],
    ) -> None:
        self._plane = plane
        self._prepare = prepare
        self._end = end
        self._not_forwarded = not_forwarded
        self._unserved = unserved
        self._pid: int | None = None
        self._thread = ThreadPoolExecutor(1, "plane")

    async def prepare(self) -> None:
        """Make the plane reachable."""
        self._pid = await self._call(self._prepare)

    async def lost(self) -> None:
        """Return when the process that the plane lives in has ended; never while that is the kernel."""
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        if self._pid is None:
            await gone.wait()
            return
        try:
            descriptor = os.pidfd_open(self._pid)
        except ProcessLookupError:
            return
        loop.add_reader(descriptor, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    async def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read the live table; only: of these services those that are there."""
        return await self._call(lambda: self._plane.dump(only))

    async def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out `changes`; return those that were refused, or withheld to keep a pool filled."""
        return await self._call(lambda: apply_safely(self._plane, changes))

    async def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read the live table with its numbers; only: of these services those that are there."""
        return await self._call(lambda: self._plane.sample(only))

    async def not_forwarded(self) -> frozenset[Family]:
        """Read which families are not routed although NAT needs it."""
        return await self._call(self._not_forwarded)

    async def unserved(self, services: Sequence[AddService]) -> list[Refusal]:
        """Return as refused those of these services of SCTP, which are in the table, that the plane leaves alone."""
        return await self._call(lambda: self._unserved(services)) if services else []

    async def set_timeouts(self, timeouts_s: tuple[int, int, int]) -> None:
        """Set the time-outs tcp, tcpfin and udp; 0 keeps the plane's value."""
        await self._call(lambda: self._plane.set_timeouts(*timeouts_s))

    async def end(self) -> None:
        """End what serves nobody else once the table is gone."""
        await self._call(self._end)

    def close(self) -> None:
        """Let go of the plane; what it holds stays."""
        self._thread.shutdown(wait=True)
        self._plane.close()

    async def _call(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)


def look(kind: PlaneKind, run_dir: Path) -> Table:
    """Return the live table, for who has no plane. Blocks; raises PlaneUnavailable.

    A forwarder that does not run has an empty table, and is not started for this.
    """
    plane: Plane = IpvsPlane()
    if kind is PlaneKind.USERSPACE:
        from piranha.forwarding.userspace import client  # noqa: PLC0415 -- only where it is asked for

        path = run_dir / client.SOCKET_NAME
        if not path.exists():
            return {}
        plane = client.UserspacePlane(path)
    try:
        return plane.dump()
    finally:
        plane.close()


def open_plane(kind: PlaneKind, run_dir: Path, *, observing: bool = False) -> PlaneThread:
    """Return the plane that the file or `--plane` asks for; nothing is touched yet. observing: IPVS, without hands."""
    if observing:
        return PlaneThread(ReadOnlyPlane(IpvsPlane()), lambda: None, _nothing, _not_forwarded)
    if kind is PlaneKind.IPVS:
        plane = IpvsPlane()
        return PlaneThread(plane, lambda: None, _nothing, _not_forwarded, plane.unserved)
    from piranha.forwarding.userspace import client  # noqa: PLC0415 -- only where it is asked for

    path = run_dir / client.SOCKET_NAME

    def prepare() -> int:
        return client.ensure_forwarder(run_dir)

    def end() -> None:
        client.stop(path)

    return PlaneThread(client.UserspacePlane(path), prepare, end)


def _nothing() -> None:
    """IPVS is there or it is not."""


def _not_forwarded() -> frozenset[Family]:
    return frozenset(family for family in Family if not forwards(family))
