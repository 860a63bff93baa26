"""Shell: the scripted tour: break the cluster step by step, say what happened and why, judge it."""

import asyncio
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from piranha.cli.demo.cast import Cast, Theatre
from piranha.cli.demo.counts import Counts
from piranha.cli.demo.picture import Happening, Picture, in_pool, told_once
from piranha.control.client import NoAnswer
from piranha.control.messages import Refused

WIDTH = 96
LATE_HANDS = 5
"""Asking, letting go, heartbeat, taking over, listening."""


class Lateness:
    """How late a process that wanted to run every so often came to run, at worst."""

    EVERY_S = 0.01

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def measure(self) -> None:
        """Measure until cancelled."""
        while True:
            due_s = time.monotonic() + self.EVERY_S
            await asyncio.sleep(self.EVERY_S)
            self.worst_s = max(self.worst_s, time.monotonic() - due_s)


@asynccontextmanager
async def measured_lateness() -> AsyncIterator[Lateness]:
    """Measure within the block."""
    lateness = Lateness()
    task = asyncio.create_task(lateness.measure())
    try:
        yield lateness
    finally:
        task.cancel()


class _Unfinished(Exception):
    """A step did not come to its end; those after it cannot be judged."""


@dataclass(slots=True)
class Tour:
    """One run. say: prints a line. problems: what the cluster did not do as it must, in words."""

    introduction: str
    theatre: Theatre
    picture: Picture
    counts: Counts
    start_client: Callable[[], None]
    say: Callable[[str], None]
    problems: list[str] = field(default_factory=list)
    _start_s: float = field(default_factory=time.monotonic)
    _told: int = 0
    _done: list[Happening] = field(default_factory=list)

    async def run(self) -> bool:
        """Play every step; return whether the cluster did what it must."""
        for line in textwrap.wrap(self.introduction, WIDTH):
            self.say(line)
        steps: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("Start both routers in the same instant", self._start),
            ("Kill a real server", self._kill_server),
            ("Start it again", self._revive_server),
            ("Freeze the active router's pulse", self._freeze),
            ("Let it go on", self._thaw),
            ("Switch over as planned", self._switch_over),
        ]
        try:
            async with asyncio.timeout(self._cast.tour_s):
                for number, (title, step) in enumerate(steps, 1):
                    await self._play(f"{number}. {title}", step)
        except _Unfinished:
            pass
        except TimeoutError:
            self._judge(False, f"the whole tour takes no longer than {self._cast.tour_s:g} s")
        self.say("")
        seconds = time.monotonic() - self._start_s
        verdict = "everything as it must be" if not self.problems else f"NOT as it must be: {len(self.problems)}"
        self.say(f"{verdict}   ({self.counts.answered.total()} requests answered, {seconds:.0f} s)")
        for problem in self.problems:
            self.say(f"  not so: {problem}")
        return not self.problems

    @property
    def _cast(self) -> Cast:
        return self.theatre.cast

    @property
    def _victim(self) -> str:
        return self._cast.servers[1]

    async def _play(self, title: str, step: Callable[[], Awaitable[None]]) -> None:
        begun = time.monotonic()
        self.say("")
        self.say(title)
        try:
            await step()
        finally:
            self._tell_story()
            self.say(f"  requests  {self.counts.since(begun)}")

    async def _start(self) -> None:
        for name in self._cast.servers:
            self.theatre.start_server(name)
        for name in self._cast.routers:
            self.theatre.start_pulse(name)
        self._did(f"start pulse on {' and '.join(self._cast.routers)}, and {', '.join(self._cast.servers)}")
        begun = time.monotonic()
        await self._reach("one router is active, its partner stands ready", self._steady, self._cast.start_s)
        self._fact(f"{self._holder()} is active and holds {self.picture.vip} after {time.monotonic() - begun:.1f} s")
        self.start_client()
        served = time.monotonic()
        await self._reach(
            "every server answers",
            lambda: len(self.counts.answered) == len(self._cast.servers),
        )
        await asyncio.sleep(self._cast.settle_s)
        self._none_failed(served, "no request failed once the VIP was served")

    async def _kill_server(self) -> None:
        victim, timeout_s = self._victim, self._cast.timeout_s
        begun = time.monotonic()
        self.theatre.kill_server(victim)
        self._did(f"SIGKILL to {victim}")
        await self._reach(f"{victim} has left the pool", lambda: not self._in_pool(victim), timeout_s)
        out = time.monotonic()
        self._judge(
            out - begun <= timeout_s + self._cast.slack_s,
            f"a dead server is out within timeout = {timeout_s:g} s: it took {out - begun:.1f} s",
        )
        await asyncio.sleep(self._cast.settle_s)
        self._none_failed(out, "no request failed after it was out")

    async def _revive_server(self) -> None:
        victim, reentry_s = self._victim, self._cast.reentry_s
        begun = time.monotonic()
        self.theatre.start_server(victim)
        self._did(f"start {victim}")
        await self._reach(
            f"{victim} is back in the pool", lambda: self._in_pool(victim), reentry_s + self._cast.timeout_s
        )
        back = time.monotonic()
        self._fact(f"back {back - begun:.1f} s later: it must pass every check for reentry = {reentry_s:g} s")
        await self._reach(f"{victim} answers again", lambda: self.counts.since(back).answered[victim] > 0)
        self._none_failed(begun, "no request failed while it came back")

    async def _freeze(self) -> None:
        cast, former = self._cast, self._holder()
        partner = cast.partner(former)
        begun = time.monotonic()
        self.theatre.freeze_pulse(former)
        self._did(f"SIGSTOP to pulse on {former}")
        await self._reach(f"the VIP has left {former}", lambda: former not in self.picture.holders(), cast.deadtime_s)
        left = time.monotonic()
        self._judge(
            left - begun <= cast.lease_bound_s + cast.slack_s,
            f"a frozen router loses its VIP within {cast.lease_bound_s:g} s: it took {left - begun:.1f} s",
        )
        await self._reach(f"{partner} holds the VIP", lambda: self._serves(partner), cast.deadtime_s)
        taken = time.monotonic()
        self._fact(
            f"the lease ended {left - begun:.1f} s after the freeze, {partner} took the VIP after {taken - begun:.1f} s"
        )
        self._judge(
            taken - begun <= cast.deadtime_s + 2 * cast.keepalive_s + cast.slack_s,
            f"a takeover comes within deadtime + 2 * keepalive: it took {taken - begun:.1f} s",
        )
        self._one_holder(begun)
        await asyncio.sleep(self._cast.settle_s)
        self._none_failed(taken, f"no request failed after {partner} took over")

    async def _thaw(self) -> None:
        holder = self._holder()
        former = self._cast.partner(holder)
        begun = time.monotonic()
        self.theatre.thaw_pulse(former)
        self._did(f"SIGCONT to pulse on {former}, which still believes itself active")
        await self._reach(
            f"{former} is standby",
            lambda: self.picture.routers[former].role(time.monotonic()) == "standby",
        )
        await asyncio.sleep(2 * self._cast.settle_s)
        self._one_holder(begun)
        found = " and ".join(self.picture.holders()) or "nobody"
        self._judge(self.picture.holders() == [holder], f"{holder} alone holds the VIP: {found} does")
        self._none_failed(begun, "no request failed")

    async def _switch_over(self) -> None:
        former = self._holder()
        partner = self._cast.partner(former)
        await self._reach(f"{partner} is ready", self._steady, 2 * self._cast.deadtime_s)
        begun = time.monotonic()
        self._did(f"ask pulse on {former} to switch over")
        async with measured_lateness() as lateness:
            try:
                await self.theatre.switch_over(former)
            except (NoAnswer, Refused) as error:
                self._judge(False, f"a ready partner takes over when asked: {error}")
                raise _Unfinished from error
            await self._reach(f"{partner} holds the VIP", lambda: self._serves(partner), self._cast.deadtime_s)
        self._fact(f"{partner} serves {time.monotonic() - begun:.1f} s later")
        await self._reach(
            f"{former} is standby", lambda: self._steady() and self._serves(partner), self._cast.deadtime_s
        )
        await asyncio.sleep(self._cast.settle_s)
        self._short_gap(begun, lateness.worst_s)

    def _short_gap(self, begun: float, late_s: float) -> None:
        """Judge for how long a planned switchover was felt. late_s: how late this very process was meanwhile."""
        summary = self.counts.since(begun)
        gap_s = 0.0
        if summary.first_failure_s is not None and summary.last_failure_s is not None:
            gap_s = summary.last_failure_s - summary.first_failure_s
        # Every hand between asking and serving may be as late as we were; one that waits for silence is none.
        limit_s = min(self._cast.switch_s + LATE_HANDS * late_s, self._cast.deadtime_s / 2)
        expected = f"a planned switchover is felt for less than {limit_s:.2f} s, not for deadtime"
        self._judge(gap_s <= limit_s, f"{expected}: {gap_s:.2f} s")

    def _steady(self) -> bool:
        """Whether one router is active and serves with all servers, and the other stands ready without the VIP."""
        now = time.monotonic()
        active = self.picture.active(now)
        if active is None or not self._serves(active):
            return False
        partner = self.picture.routers[self._cast.partner(active)]
        return (
            partner.role(now) == "standby"
            and partner.ready(now)
            and self.picture.routers[active].remaining_s is not None
            and all(self._in_pool(name) for name in self._cast.servers)
        )

    def _serves(self, name: str) -> bool:
        router = self.picture.routers[name]
        return self.picture.holders() == [name] and router.listening and router.role(time.monotonic()) == "active"

    def _in_pool(self, name: str) -> bool:
        return in_pool(self.picture.servers(time.monotonic()).get(name))

    def _holder(self) -> str:
        holders = self.picture.holders()
        if len(holders) != 1:
            self._judge(False, f"exactly one router holds the VIP: {' and '.join(holders) or 'none'} does")
            raise _Unfinished
        return holders[0]

    async def _reach(self, words: str, fact: Callable[[], bool], usual_s: float = 0.0) -> None:
        """Wait for `fact`; give up, and with it the tour, when it takes longer than usual and patience is over."""
        limit_s = usual_s + self._cast.patience_s
        deadline = time.monotonic() + limit_s
        while not fact():
            for name in self._cast.routers:
                state = self.theatre.pulse_state(name)
                if state not in ("runs", "frozen"):
                    self._judge(False, f"pulse on {name} goes on: it {state}: {self.theatre.last_words(name)}")
                    raise _Unfinished
            if time.monotonic() >= deadline:
                self._judge(False, f"{words}, within {limit_s:g} s")
                raise _Unfinished
            await asyncio.sleep(0.02)

    def _one_holder(self, since_s: float) -> None:
        twice = [at_s for at_s in self.picture.two_holders_s if at_s >= since_s]
        self._judge(not twice, f"never two holders: seen {len(twice)} times")

    def _none_failed(self, since_s: float, words: str) -> None:
        failed = self.counts.since(since_s).failed.total()
        self._judge(failed == 0, f"{words}: {failed} did")

    def _judge(self, good: bool, words: str) -> None:
        if good:
            self._fact(f"as it must be: {words}")
        else:
            self.problems.append(words)
            self._fact(f"NOT SO: {words}", "error")

    def _did(self, words: str) -> None:
        self._note("you", words)

    def _fact(self, words: str, level: str = "info") -> None:
        self._note("seen", words, level)

    def _note(self, who: str, words: str, level: str = "info") -> None:
        self._done.append(Happening(time.monotonic(), who, "", "", words, level=level))

    def _tell_story(self) -> None:
        """Print what was done, seen and told by the daemons since the last step, in the order of time."""
        fresh = self.picture.story[self._told :]
        self._told = len(self.picture.story)
        for happening in sorted([*self._done, *told_once(fresh)], key=lambda one: one.when_s):
            who = f"{happening.router} {happening.daemon}".strip()
            reason = happening.reason()
            text = happening.sentence() + (f" ({reason})" if reason else "")
            head = f"  {max(0.0, happening.when_s - self._start_s):5.2f} s  {who:14}  "
            for line in textwrap.wrap(text, WIDTH - len(head)):
                self.say(head + line)
                head = " " * len(head)
        self._done.clear()
