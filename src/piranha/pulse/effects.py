"""Shell: carry out what the election wants done to addresses, announcements and the lvs daemon.

One effect after the other, what blocks in one thread of its own: a heartbeat never waits for any of
it. What became of an effect goes back to the election as an input (contract: `actions`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, assert_never

from piranha.errors import PiranhaError
from piranha.lvscf.config import FloatingAddress, Standby
from piranha.pulse.actions import Announce, Effect, Outcome, RenewLeases, SetLease, StepDown, TakeOver
from piranha.pulse.announce import Announcer
from piranha.pulse.leases import LeaseResult, Leases
from piranha.pulse.settings import COLD_START_S
from piranha.terms import Address

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of `effect`; the arguments of `Election.effect_done`.

    notes: for the log. put_back: VIPs that were held, had vanished, and are there again.
    """

    effect: Effect
    outcome: Outcome
    began_s: float | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    put_back: frozenset[Address] = frozenset()


class LvsDaemon(Protocol):
    """What effects ask of the lvs daemon; see `supervisor`."""

    async def ensure_ready(self, limit_s: float) -> None:
        """Start it, make it active, wait until its table serves. Raises PiranhaError after limit_s."""

    async def set_role(self, role: str) -> None:
        """Tell it that the router is `active` or `standby`."""

    async def stop(self) -> None:
        """End it; it removes its table."""


@dataclass(slots=True, kw_only=True)
class Lease:
    """The lease as last confirmed, for `status`.

    own: of those held, the router's own addresses. valid_s: None = without limit. devices: by address.
    """

    held: frozenset[Address] = frozenset()
    own: frozenset[Address] = frozenset()
    devices: Mapping[Address, str] = field(default_factory=dict)
    valid_s: int | None = None
    renewed_at_s: float = 0.0

    def remaining_s(self, now: float) -> float | None:
        """Return the seconds that are left, None without limit."""
        return None if self.valid_s is None else max(0.0, self.renewed_at_s + self.valid_s - now)


class Effects:
    """The executor; runs in the loop: `done` is called in the loop with each outcome.

    vips, standby: of the file in force, replaced by a reload. on_role: called with `active` when a
    takeover begins and with `standby` when a step-down begins, once each. role: what it was already
    told.
    """

    def __init__(
        self,
        *,
        vips: Sequence[FloatingAddress],
        standby: Standby,
        leases: Leases,
        announcer: Announcer,
        lvsd: LvsDaemon,
        done: Callable[[Done], None],
        on_role: Callable[[str], None],
        role: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vips = tuple(vips)
        self.standby = standby
        self.lease = Lease()
        self.leases = leases
        self._announcer = announcer
        self._lvsd = lvsd
        self._done = done
        self._on_role = on_role
        self._clock = clock
        self._role = role
        self._held_once: frozenset[Address] = frozenset()  # since the last takeover
        self._pending: deque[Effect] = deque()
        self._wake = asyncio.Event()
        self._overtaken = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="effects")

    def submit(self, effect: Effect) -> None:
        """Queue an effect; never waits. A StepDown overtakes all that have not begun."""
        if isinstance(effect, StepDown):
            overtaken = tuple(self._pending)
            self._pending.clear()
            self._overtaken.set()
            for other in overtaken:
                self._done(Done(effect=other, outcome=Outcome.LATE, detail="overtaken by a step-down"))
        self._pending.append(effect)
        self._wake.set()

    async def run(self) -> None:
        """Carry out effects until cancelled."""
        while True:
            while not self._pending:
                self._wake.clear()
                await self._wake.wait()
            effect = self._pending.popleft()
            if isinstance(effect, StepDown):
                self._overtaken.clear()
            try:
                done = await self._carry_out(effect)
            except PiranhaError as error:
                done = Done(effect=effect, outcome=Outcome.FAILED, detail=str(error))
            self._done(done)
            if isinstance(effect, StepDown) and done.outcome is Outcome.OK:
                await self._leave()
            elif isinstance(effect, TakeOver) and done.outcome is Outcome.LATE and not self._pending:
                await self._leave_if_empty()

    async def missing(self) -> frozenset[Address]:
        """Return what this router should hold and the plane does not have: somebody else removed it."""
        expected = self.lease.held - self.lease.own
        if self._role != "active" or not expected:
            return frozenset()
        there = await self._in_thread(lambda: self.leases.present(self.vips))
        # What was let go or replaced meanwhile is not missing.
        return (expected & self.lease.held) - there if self._role == "active" else frozenset()

    async def let_go(self, limit_s: float) -> frozenset[Address]:
        """Remove at the end what is held still; return what is there all the same.

        Only after `run` was cancelled. Raises PiranhaError, TimeoutError when there is no result in time.
        """
        async with asyncio.timeout(limit_s):
            left = await self._in_thread(lambda: self.leases.present(self.vips))
            if left:
                await self._in_thread(lambda: self.leases.release(self.vips))
                left = await self._in_thread(lambda: self.leases.present(self.vips))
        return left

    def close(self) -> None:
        """Wait for the call in progress and let go of descriptors; what is held stays."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._announcer.close()
        self.leases.close()

    async def _carry_out(self, effect: Effect) -> Done:
        if not isinstance(effect, StepDown) and self._clock() > effect.not_after:
            return Done(effect=effect, outcome=Outcome.LATE)
        match effect:
            case TakeOver():
                return await self._take_over(effect)
            case StepDown():
                return await self._step_down(effect)
            case SetLease(valid_s=valid_s, not_after=not_after):
                result = await self._in_thread(lambda: self.leases.acquire(self.vips, valid_s, not_after))
                return self._leased(effect, result, valid_s)
            case RenewLeases(valid_s=valid_s, not_after=not_after):
                result = await self._in_thread(lambda: self.leases.renew(valid_s, not_after))
                return self._leased(effect, result, valid_s)
            case Announce():
                return await self._announce(effect)
            case _:
                assert_never(effect)

    async def _take_over(self, effect: TakeOver) -> Done:
        # Serve first, announce last: a client that follows the gratuitous ARP must find a virtual
        # service here, not a reset.
        limit_s = min(COLD_START_S, effect.not_after - self._clock())
        try:
            if not await self._unless_overtaken(limit_s):
                return Done(effect=effect, outcome=Outcome.LATE, detail="overtaken by a step-down")
        except PiranhaError as error:
            outcome = Outcome.LATE if self._clock() > effect.not_after else Outcome.FAILED
            return Done(effect=effect, outcome=outcome, detail=f"no table: {error}")
        self._enter("active")
        result = await self._in_thread(lambda: self.leases.acquire(self.vips, effect.valid_s, effect.not_after))
        if result.late:
            self._enter("standby")
        return self._leased(effect, result, effect.valid_s)

    async def _unless_overtaken(self, limit_s: float) -> bool:
        """Wait for the table; return False as soon as a StepDown waits behind us."""
        table = asyncio.create_task(self._lvsd.ensure_ready(limit_s))
        overtaken = asyncio.create_task(self._overtaken.wait())
        try:
            await asyncio.wait((table, overtaken), return_when=asyncio.FIRST_COMPLETED)
            if not table.done():
                return False
            table.result()
            return not self._overtaken.is_set()
        finally:
            table.cancel()
            overtaken.cancel()

    async def _step_down(self, effect: StepDown) -> Done:
        self._enter("standby")
        result = await self._in_thread(lambda: self.leases.release(self.vips))
        still_there = await self._in_thread(lambda: self.leases.present(self.vips))
        self.lease = Lease(held=still_there)
        if result.refused or still_there:
            detail = "; ".join(result.refused) or f"still there: {' '.join(map(str, sorted(still_there, key=str)))}"
            return Done(effect=effect, outcome=Outcome.FAILED, began_s=result.began_s, detail=detail)
        return Done(effect=effect, outcome=Outcome.OK, began_s=result.began_s)

    async def _leave(self) -> None:
        """The VIPs are gone: the table stays for connections on their way, unless the standby is cold."""
        if self.standby is Standby.COLD:
            await self._lvsd.stop()
        else:
            await self._lvsd.set_role("standby")

    async def _leave_if_empty(self) -> None:
        """A takeover came too late: no StepDown follows it, but lvsd may have been started or made active for it."""
        try:
            held = await self._in_thread(lambda: self.leases.present(self.vips))
        except PiranhaError:
            return
        if not held:
            await self._leave()

    async def _announce(self, effect: Announce) -> Done:
        # Not what somebody else has put on this machine.
        vips = [vip.address for vip in self.vips if vip.address in self.lease.held]
        failures = await self._in_thread(lambda: self._announcer.announce(vips, effect.not_after))
        late = self._clock() > effect.not_after
        outcome = Outcome.LATE if late else Outcome.FAILED if failures else Outcome.OK
        return Done(effect=effect, outcome=outcome, detail="; ".join(failures))

    def _leased(self, effect: Effect, result: LeaseResult, valid_s: int | None) -> Done:
        if isinstance(effect, TakeOver):
            self._held_once = frozenset()
        put_back = result.added & self._held_once
        # What the file no longer names is forgotten: were it named again, it would be new.
        self._held_once = (self._held_once | result.held) & {vip.address for vip in self.vips}
        self.lease = Lease(
            held=result.held, own=result.own, devices=result.devices, valid_s=valid_s, renewed_at_s=result.began_s
        )
        outcome = Outcome.LATE if result.late else Outcome.FAILED if result.refused else Outcome.OK
        detail = "; ".join(result.refused)
        if isinstance(effect, SetLease | RenewLeases) and result.added and not detail:
            detail = f"added {' '.join(sorted(map(str, result.added)))}"  # the election announces what is new
        return Done(
            effect=effect,
            outcome=outcome,
            began_s=result.began_s,
            detail=detail,
            notes=result.notes,
            put_back=put_back,
        )

    def _enter(self, role: str) -> None:
        if role != self._role:
            self._role = role
            self._on_role(role)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
