"""Effects: their order, what overtakes what, and what goes back to the election."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import inf

from piranha.errors import PiranhaError
from piranha.lvscf.config import FloatingAddress, Router, Standby
from piranha.pulse.actions import Announce, Effect, Outcome, RenewLeases, SetLease, StepDown, TakeOver
from piranha.pulse.effects import Done, Effects
from piranha.pulse.leases import LeaseError, LeaseResult
from piranha.terms import Address

VIP = FloatingAddress(address=ip_address("192.0.2.10"), prefix=32)
HELD = frozenset({VIP.address})


@dataclass
class World:
    """Leases, announcer and lvs daemon in one, which write down what is asked of them."""

    story: list[str] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    table_after_s: float = 0.0
    table_fails: str = ""
    late: bool = False
    refuses: tuple[str, ...] = ()
    sticks: bool = False
    vanishes: bool = False
    breaks: str = ""
    lease_takes_s: float = 0.0
    announcing_takes_s: float = 0.0
    told_when_answered: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, done: Done) -> None:
        self.done.append(done)
        self.told_when_answered = list(self.story)
        self._news.set()

    async def answered(self, count: int) -> None:
        while len(self.done) < count:
            self._news.clear()
            await self._news.wait()

    async def ensure_ready(self, limit_s: float) -> None:
        if self.table_after_s > limit_s:
            await asyncio.sleep(limit_s)
            raise PiranhaError("the table is not loaded yet")
        await asyncio.sleep(self.table_after_s)
        if self.table_fails:
            raise PiranhaError(self.table_fails)
        self.story.append("table")

    async def set_role(self, role: str) -> None:
        self.story.append(f"lvsd is {role}")

    async def stop(self) -> None:
        self.story.append("lvsd ends")

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        self._break()
        time.sleep(self.lease_takes_s)
        self.story.append(f"acquire {lease_s}")
        held = HELD if not (self.late or self.refuses) else frozenset()
        return LeaseResult(held=held, late=self.late, refused=self.refuses, added=held, began_s=7.0)

    def renew(self, lease_s: int | None, not_after_s: float) -> LeaseResult:
        self._break()
        self.story.append(f"renew {lease_s}")
        added = HELD if self.vanishes else frozenset()
        return LeaseResult(held=HELD, late=self.late, refused=self.refuses, added=added, began_s=8.0)

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        self._break()
        self.story.append("release")
        return LeaseResult()

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        return HELD if self.sticks else frozenset()

    def reconfigure(self, router: Router) -> None:
        pass

    def announce(self, vips: Iterable[Address], not_after_s: float) -> list[str]:
        self.story.append(f"announce {' '.join(map(str, vips))}")
        time.sleep(self.announcing_takes_s)
        return list(self.refuses)

    def close(self) -> None:
        pass

    def _break(self) -> None:
        if self.breaks:
            raise LeaseError(self.breaks)


def play(world: World, script: Callable[[Effects], Awaitable[None]], *, standby: Standby = Standby.WARM) -> None:
    """Run `script` beside an executor, then wait until nothing is left to do."""

    async def run() -> None:
        effects = Effects(
            vips=[VIP],
            standby=standby,
            leases=world,
            announcer=world,
            lvsd=world,
            done=world.take,
            on_role=lambda role: world.story.append(f"role {role}"),
        )
        executor = asyncio.create_task(effects.run())
        await script(effects)
        for _ in range(3):  # a result, and what follows a result
            await asyncio.sleep(0.01)
        executor.cancel()
        effects.close()

    asyncio.run(asyncio.wait_for(run(), 5))


def submit(world: World, *given: Effect) -> Callable[[Effects], Awaitable[None]]:
    """A script that submits effects and waits until each is answered."""

    async def script(effects: Effects) -> None:
        for effect in given:
            effects.submit(effect)
        await world.answered(len(given))

    return script


def take_over(not_after: float = inf) -> TakeOver:
    return TakeOver(serial=1, term=1, valid_s=3, not_after=not_after, reason="partner dead")


def announcement(not_after: float = inf) -> Announce:
    return Announce(serial=2, number=1, not_after=not_after)


def outcomes(world: World) -> list[Outcome]:
    return [done.outcome for done in world.done]


def test_a_takeover_is_table_then_addresses() -> None:
    world = World()
    play(world, submit(world, take_over()))

    assert world.story == ["table", "role active", "acquire 3"]
    assert outcomes(world) == [Outcome.OK]
    assert world.done[0].began_s == 7.0, "the lease runs from the first system call, not from its answer"


def test_a_step_down_is_addresses_first_and_the_table_stays() -> None:
    world = World()
    play(world, submit(world, StepDown(serial=1, reason="")))

    assert world.story == ["role standby", "release", "lvsd is standby"]


def test_a_cold_standby_ends_lvsd_only_after_the_addresses_are_gone() -> None:
    world = World()
    play(world, submit(world, StepDown(serial=1, reason="")), standby=Standby.COLD)

    assert world.story == ["role standby", "release", "lvsd ends"]


def test_a_step_down_is_answered_before_lvsd_is_told() -> None:
    """The partner waits for the addresses, not for a daemon that may be slow."""
    world = World()
    play(world, submit(world, StepDown(serial=1, reason="")))

    assert world.told_when_answered == ["role standby", "release"]
    assert world.story[-1] == "lvsd is standby"


def test_a_takeover_without_a_table_fails_with_the_reasons_and_adds_nothing() -> None:
    world = World(table_fails="IPVS is missing")
    play(world, submit(world, take_over()))

    assert outcomes(world) == [Outcome.FAILED]
    assert "IPVS is missing" in world.done[0].detail
    assert world.story == []


def test_a_takeover_whose_table_comes_too_late_is_late() -> None:
    world = World(table_after_s=60)
    play(world, submit(world, take_over(not_after=time.monotonic() + 0.05)))

    assert outcomes(world) == [Outcome.LATE]
    assert "acquire 3" not in world.story


def test_an_effect_is_not_begun_after_its_time() -> None:
    world = World()
    past = time.monotonic() - 1
    given: list[Effect] = [
        take_over(past),
        SetLease(serial=2, valid_s=3, not_after=past),
        RenewLeases(serial=3, valid_s=3, not_after=past),
        Announce(serial=4, number=1, not_after=past),
    ]
    play(world, submit(world, *given))

    assert outcomes(world) == [Outcome.LATE] * 4
    assert "acquire 3" not in world.story and "renew 3" not in world.story


def test_a_step_down_overtakes_what_has_not_begun() -> None:
    world = World(lease_takes_s=0.05)
    play(
        world,
        submit(
            world,
            SetLease(serial=1, valid_s=3, not_after=inf),
            RenewLeases(serial=2, valid_s=3, not_after=inf),
            StepDown(serial=3, reason=""),
        ),
    )

    assert [(done.effect.serial, done.outcome) for done in world.done][-1] == (3, Outcome.OK)
    assert {done.effect.serial for done in world.done if done.outcome is Outcome.LATE} >= {2}
    assert "renew 3" not in world.story


def test_a_step_down_ends_the_wait_for_a_table() -> None:
    world = World(table_after_s=3)
    begun = time.monotonic()

    async def script(effects: Effects) -> None:
        effects.submit(take_over())
        await asyncio.sleep(0.02)
        effects.submit(StepDown(serial=2, reason=""))
        await world.answered(2)

    play(world, script)
    assert outcomes(world) == [Outcome.LATE, Outcome.OK]
    assert time.monotonic() - begun < 1


def test_what_was_undone_because_it_was_late_leaves_the_role_again() -> None:
    world = World(late=True)
    play(world, submit(world, take_over()))

    assert outcomes(world) == [Outcome.LATE]
    assert world.story == ["table", "role active", "acquire 3", "role standby", "lvsd is standby"]


def test_a_takeover_that_was_too_late_leaves_no_lvsd_on_a_cold_standby() -> None:
    world = World(late=True)
    play(world, submit(world, take_over()), standby=Standby.COLD)
    assert world.story[-1] == "lvsd ends"

    world = World(table_after_s=60)
    play(world, submit(world, take_over(not_after=time.monotonic() + 0.05)), standby=Standby.COLD)
    assert world.story == ["lvsd ends"], "it was started for the takeover, and its table came too late"


def test_lvsd_stays_for_addresses_that_a_former_pulse_left() -> None:
    world = World(table_after_s=60, sticks=True)
    play(world, submit(world, take_over(not_after=time.monotonic() + 0.05)), standby=Standby.COLD)
    assert world.story == []


def test_an_address_that_is_refused_fails_the_effect_with_its_words() -> None:
    world = World(refuses=("192.0.2.10/32 on eth0: ENODEV: No such device",))
    play(world, submit(world, take_over()))

    assert outcomes(world) == [Outcome.FAILED]
    assert world.done[0].detail == "192.0.2.10/32 on eth0: ENODEV: No such device"


def test_an_address_that_does_not_go_fails_the_step_down() -> None:
    world = World(sticks=True)
    play(world, submit(world, StepDown(serial=1, reason="")))

    assert outcomes(world) == [Outcome.FAILED]
    assert world.done[0].detail == "still there: 192.0.2.10"


def test_a_holder_that_does_not_answer_fails_the_effect_and_not_the_executor() -> None:
    world = World(breaks="the forwarder does not answer")
    play(
        world,
        submit(world, RenewLeases(serial=1, valid_s=3, not_after=inf), Announce(serial=2, number=1, not_after=inf)),
    )

    assert outcomes(world) == [Outcome.FAILED, Outcome.OK]
    assert world.done[0].detail == "the forwarder does not answer"


def test_addresses_that_a_reload_added_are_named_so_that_they_are_announced() -> None:
    world = World()
    play(world, submit(world, SetLease(serial=1, valid_s=3, not_after=inf)))

    assert world.done[0].detail == "added 192.0.2.10"


def test_a_vip_that_a_renewal_found_missing_is_told_and_one_that_a_takeover_added_is_not() -> None:
    world = World(vanishes=True)
    play(world, submit(world, take_over(), RenewLeases(serial=2, valid_s=3, not_after=inf)))

    assert [done.put_back for done in world.done] == [frozenset(), HELD]
    assert world.done[1].detail == "added 192.0.2.10", "the election announces it anew"


def test_what_the_plane_lost_is_missing_whatever_the_plane_is() -> None:
    world, missing = World(), []

    async def script(effects: Effects) -> None:
        effects.submit(take_over())
        await world.answered(1)
        missing.append(await effects.missing())

    play(world, script)
    assert missing == [HELD]


def test_only_what_this_router_holds_is_announced() -> None:
    world = World()
    play(world, submit(world, announcement(), take_over(), announcement()))

    assert [words for words in world.story if words.startswith("announce")] == ["announce ", "announce 192.0.2.10"]


def test_an_announcement_that_was_cut_short_is_late() -> None:
    world = World(announcing_takes_s=0.1)
    play(world, submit(world, announcement(not_after=time.monotonic() + 0.05)))

    assert outcomes(world) == [Outcome.LATE]


def test_the_last_look_removes_what_is_left_and_tells_what_stays() -> None:
    async def last_look(effects: Effects) -> None:
        left.append(await effects.let_go(1))

    left: list[frozenset[Address]] = []
    gone, stays = World(), World(sticks=True)
    play(gone, last_look)
    play(stays, last_look)

    assert (gone.story, stays.story) == ([], ["release"])
    assert left == [frozenset(), HELD]


def test_the_loop_turns_while_the_kernel_is_slow() -> None:
    world = World(lease_takes_s=0.2)
    turns = 0

    async def script(effects: Effects) -> None:
        nonlocal turns
        effects.submit(SetLease(serial=1, valid_s=3, not_after=inf))
        while not world.done:
            await asyncio.sleep(0.005)
            turns += 1

    play(world, script)
    assert turns > 2  # a loop that stands still turns once
