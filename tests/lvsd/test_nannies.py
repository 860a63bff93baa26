"""The nanny parent and its nannies as the lvs daemon sees them: real processes, killed and frozen."""

import asyncio
import functools
import os
import pwd
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec

import pytest
from tests.nanny.servers import alive, assignment, closed_port, exchange, serving, silent

from piranha.events.event import Event, Level
from piranha.lvscf.check_values import CheckTiming, Program
from piranha.lvscf.config import LvsdSettings
from piranha.lvsd.monitor import Health, Monitor
from piranha.lvsd.nannies import TOLD_AT_MOST, Nannies
from piranha.nanny.privilege import children_of
from piranha.nanny.results import Assignment, ProbeResult, Reason

pytestmark = pytest.mark.slow

SETTINGS = LvsdSettings(share_checks=False, nanny_processes=3, script_user=pwd.getpwuid(os.getuid()).pw_name)
BACK_WITHIN_S = 2.0
P = ParamSpec("P")


def on_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an asynchronous test."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def awaited() -> None:
            await test(*args, **kwargs)

        asyncio.run(awaited())

    return run


class Watched:
    """Nannies with everything they reported."""

    def __init__(self, settings: LvsdSettings, interval_s: float, python: str) -> None:
        self.results: list[ProbeResult] = []
        self.events: list[Event] = []
        self.nannies = Nannies(
            settings, on_results=self._take, on_event=self.events.append, interval_s=interval_s, python=python
        )

    def _take(self, results: Sequence[ProbeResult]) -> None:
        self.results += results

    def reported(self, check_id: str) -> list[ProbeResult]:
        return [result for result in self.results if result.id == check_id]

    @property
    def parent(self) -> int:
        pid = self.nannies.status()["pid"]
        assert isinstance(pid, int)
        return pid

    def children(self) -> list[int]:
        return sorted(pid for pid in children_of(self.parent) if alive(pid))

    async def until(self, fact: Callable[[], object], within_s: float = 5.0) -> float:
        """Wait until `fact()` is true; return how long it took."""
        began = time.monotonic()
        while not fact():
            took_s = time.monotonic() - began
            assert took_s < within_s, f"not within {within_s} s; events: {self.events}"
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def until_fresh(self, *check_ids: str, within_s: float = 5.0) -> None:
        """Wait until there is a result of each that began after now."""
        now = time.monotonic()

        def fresh() -> bool:
            return {r.id for r in self.results if r.started_s > now} >= set(check_ids)

        await self.until(fresh, within_s)


def process_status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


@asynccontextmanager
async def watching(
    settings: LvsdSettings = SETTINGS, *, interval_s: float = 0.2, python: str = sys.executable
) -> AsyncIterator[Watched]:
    watched = Watched(settings, interval_s, python)
    await watched.nannies.start()
    try:
        yield watched
    finally:
        await watched.nannies.close()


def tcp(name: str, port: int, *, up: bool | None = True, interval_s: float = 0.1) -> Assignment:
    return assignment(exchange(), port, name=name, up=up, interval_s=interval_s)


def program(name: str, *command: str, interval_s: float = 5.0) -> Assignment:
    return assignment(Program(command=command), 80, name=name, interval_s=interval_s)


@on_a_loop
async def test_each_check_gets_a_process_up_to_nanny_processes() -> None:
    with silent() as port:
        async with watching() as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("www/web2", port)])
            await watched.until_fresh("www/web1", "www/web2")
            assert len(watched.children()) == 2
            watched.nannies.assign([tcp(f"www/web{n}", port) for n in range(1, 10)])
            await watched.until_fresh(*(f"www/web{n}" for n in range(1, 10)))
            assert len(watched.children()) == 3
            watched.nannies.assign([])
            await watched.until(lambda: watched.children() == [])
            assert [event.level for event in watched.events] == []


@on_a_loop
async def test_results_that_agree_come_once_an_interval_others_at_once() -> None:
    with silent() as port:
        async with watching(interval_s=0.5) as watched:
            watched.nannies.assign(
                [tcp("www/good", port, interval_s=0.02), tcp("www/bad", closed_port(), interval_s=0.02)]
            )
            await watched.until(lambda: len(watched.reported("www/bad")) >= 60)
            assert len(watched.reported("www/good")) <= 10
            await watched.until(lambda: len(watched.reported("www/good")) >= 3)


@on_a_loop
async def test_a_belief_that_comes_true_quiets_the_nanny() -> None:
    async with watching(interval_s=0.5) as watched:
        watched.nannies.assign([tcp("www/bad", closed_port(), interval_s=0.02)])
        await watched.until(lambda: len(watched.reported("www/bad")) >= 10)
        watched.nannies.believe("www/bad", False)
        await asyncio.sleep(0.05)
        before, at = len(watched.results), time.monotonic()
        await watched.until(lambda: time.monotonic() - at > 0.3)
        assert len(watched.results) - before <= 3


@on_a_loop
async def test_a_killed_nanny_is_replaced_within_2_s_and_goes_on_with_the_last_health() -> None:
    bad = closed_port()
    with silent() as port:
        async with watching() as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("www/web2", bad, up=False)])
            await watched.until_fresh("www/web1", "www/web2")
            watched.nannies.believe("www/web1", True)
            for pid in watched.children():
                os.kill(pid, signal.SIGKILL)
            killed_at = time.monotonic()
            await watched.until_fresh("www/web1", "www/web2", within_s=BACK_WITHIN_S)

    died = [event for event in watched.events if "died" in event.message]
    assert {event.message for event in died} == {
        "nanny for child www/web1 died! It is started again",
        "nanny for child www/web2 died! It is started again",
    }
    assert {(event.subject, event.cause, event.level) for event in died} == {
        ("nanny", "killed by SIGKILL", Level.ERROR)
    }
    # Nothing was said of a server because its nanny died: results before and after are alike.
    assert {result.reason for result in watched.reported("www/web1")} == {Reason.OK}
    assert {result.reason for result in watched.reported("www/web2")} == {Reason.REFUSED}
    assert any(result.started_s > killed_at for result in watched.results)


@on_a_loop
async def test_a_killed_parent_is_replaced_within_2_s_and_its_nannies_end() -> None:
    with silent() as port:
        async with watching() as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("www/web2", port)])
            await watched.until_fresh("www/web1", "www/web2")
            parent, nannies = watched.parent, watched.children()
            os.kill(parent, signal.SIGKILL)
            await watched.until_fresh("www/web1", "www/web2", within_s=BACK_WITHIN_S)
            assert watched.parent != parent
            await watched.until(lambda: not any(alive(pid) for pid in nannies))

    assert [event.message for event in watched.events] == ["nanny parent died! It is started again"]
    assert {result.reason for result in watched.results} == {Reason.OK}


@pytest.mark.parametrize("who", ["nanny", "parent"])
@on_a_loop
async def test_a_frozen_process_is_killed_and_replaced(who: str) -> None:
    with silent() as port:
        async with watching(interval_s=0.1) as watched:
            watched.nannies.assign([tcp("www/web1", port)])
            await watched.until_fresh("www/web1")
            pid = watched.children()[0] if who == "nanny" else watched.parent
            os.kill(pid, signal.SIGSTOP)
            await watched.until(lambda: watched.events, within_s=3.0)
            await watched.until_fresh("www/web1")
            assert not alive(pid)

    assert watched.events[0].cause == "said nothing for 0.3 s and was killed"


@on_a_loop
async def test_nothing_is_left_behind_after_close(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with silent() as port:
        async with watching() as watched:
            script = f"sleep 60 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
            watched.nannies.assign([tcp("www/web1", port), program("www/slow", "sh", "-c", script)])
            await watched.until(pids.exists)
            started = [watched.parent, *watched.children(), *map(int, pids.read_text().split())]
            assert all(alive(pid) for pid in started)

    assert len(started) == 5
    await watched.until(lambda: not any(alive(pid) for pid in started))


@on_a_loop
async def test_what_the_programs_of_a_killed_nanny_started_ends_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    async with watching() as watched:
        script = f"test -e {pids} && exit 0; sleep 60 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
        watched.nannies.assign([program("www/slow", "sh", "-c", script)])
        await watched.until(pids.exists)
        (nanny,) = watched.children()
        os.kill(nanny, signal.SIGKILL)
        await watched.until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


@on_a_loop
async def test_three_failures_within_a_minute_make_the_router_not_ready() -> None:
    """`hard_shutdown = 1` of the original stopped the whole cluster for one dead nanny (reference 3.3)."""
    with silent() as port:
        async with watching() as watched:
            watched.nannies.assign([tcp("www/web1", port)])
            for failure in range(3):
                await watched.until_fresh("www/web1")
                assert watched.nannies.trouble is None
                os.kill(watched.children()[0], signal.SIGKILL)
                await watched.until(lambda count=failure + 1: len(watched.events) >= count)  # type: ignore[misc]
            trouble = watched.nannies.trouble
            assert trouble is not None
            assert trouble.startswith("nannies failed 3 times within 60 s, last: nanny for child www/web1 died!")
            assert watched.events[-1].message == "nannies keep failing: this router is not ready"
            assert watched.nannies.status()["failures"] == 3
            await watched.until_fresh("www/web1")


@on_a_loop
async def test_without_hard_shutdown_failures_are_logged_only() -> None:
    with silent() as port:
        async with watching(replace(SETTINGS, hard_shutdown=False)) as watched:
            watched.nannies.assign([tcp("www/web1", port)])
            for failure in range(3):
                await watched.until_fresh("www/web1")
                os.kill(watched.children()[0], signal.SIGKILL)
                await watched.until(lambda count=failure + 1: len(watched.events) >= count)  # type: ignore[misc]
            assert watched.nannies.trouble is None


@on_a_loop
async def test_other_settings_restart_the_nannies_without_a_failure() -> None:
    with silent() as port:
        async with watching() as watched:
            watched.nannies.assign([tcp(f"www/web{n}", port) for n in range(4)])
            await watched.until_fresh("www/web0")
            parent = watched.parent
            await watched.nannies.reconfigure(replace(SETTINGS, nanny_processes=1))
            await watched.until_fresh("www/web0", "www/web3")
            assert len(watched.children()) == 1
            assert watched.parent != parent
            assert not alive(parent)
            same = watched.parent
            await watched.nannies.reconfigure(replace(SETTINGS, nanny_processes=1, repair_interval_s=7))
            assert watched.parent == same

    assert [event.message for event in watched.events] == ["restarting nannies"]


@on_a_loop
async def test_a_user_that_does_not_exist_is_said_once_and_checks_go_on() -> None:
    with silent() as port:
        async with watching(replace(SETTINGS, script_user="no-such-user")) as watched:
            watched.nannies.assign([tcp("www/web1", port)])
            await watched.until_fresh("www/web1")
            os.kill(watched.parent, signal.SIGKILL)
            await watched.until_fresh("www/web1")

    told = [event for event in watched.events if "keep running as" in event.message]
    assert [event.cause for event in told] == ["there is no user no-such-user"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become someone else")
@on_a_loop
async def test_nannies_and_programs_run_as_script_user_without_privilege() -> None:
    async with watching(replace(SETTINGS, script_user="nobody")) as watched:
        watched.nannies.assign([program("www/who", "sh", "-c", "id -un >&2; exit 1")])
        await watched.until(lambda: watched.results)
        (nanny,) = watched.children()
        status = process_status(nanny)

    assert watched.results[0].detail == "program: exit status 1; it said 'nobody'"
    for line in ("CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000"):
        assert line in status
    uid = pwd.getpwnam("nobody").pw_uid
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status
    assert watched.events == []


@pytest.mark.parametrize("dies_by", ["refusing", "hanging"])
@on_a_loop
async def test_a_server_that_dies_is_out_within_timeout(dies_by: str) -> None:
    """The whole path in real time, with the defaults that `timeout = 0.9` gives."""
    timing = CheckTiming(interval_s=0.3, check_timeout_s=0.3, fast_interval_s=0.3)
    hanging, release = threading.Event(), threading.Event()

    def behave(connection: socket.socket) -> None:
        if hanging.is_set():
            release.wait(5)
        connection.sendall(b"ok")

    server = serving(behave)
    port = server.__enter__()
    monitor = Monitor("www/web1", f"127.0.0.1:{port}", timing, Health.UP)
    async with watching() as watched:
        watched.nannies.assign([replace(tcp("www/web1", port), check=exchange(expect=b"ok"), timing=timing)])
        await watched.until_fresh("www/web1")
        hanging.set()
        if dies_by == "refusing":
            release.set()
            server.__exit__(None, None, None)
        died_at = time.monotonic()
        watched.results.clear()

        def is_out() -> bool:
            while watched.results and monitor.health is Health.UP:
                monitor.observe(watched.results.pop(0), time.monotonic())
            return monitor.health is Health.DOWN

        await watched.until(is_out)
        took_s = time.monotonic() - died_at
    if dies_by == "hanging":
        release.set()
        server.__exit__(None, None, None)

    assert took_s < timing.out_by_s + 0.3  # a slot, and a busy machine


@on_a_loop
async def test_nannies_that_froze_together_with_their_parent_end_with_it() -> None:
    with silent() as port:
        async with watching(interval_s=0.1) as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("www/web2", port)])
            await watched.until_fresh("www/web1", "www/web2")
            frozen = [*watched.children(), watched.parent]
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            await watched.until_fresh("www/web1", "www/web2")
            await watched.until(lambda: not any(alive(pid) for pid in frozen))


@on_a_loop
async def test_a_nanny_without_work_that_is_frozen_is_killed() -> None:
    with silent() as port:
        async with watching(interval_s=0.1) as watched:
            watched.nannies.assign([tcp("www/web1", port)])
            await watched.until_fresh("www/web1")
            (nanny,) = watched.children()
            os.kill(nanny, signal.SIGSTOP)
            watched.nannies.assign([])
            await watched.until(lambda: not alive(nanny))
            assert watched.events == []


@on_a_loop
async def test_a_parent_that_cannot_be_started_is_tried_again_with_pauses() -> None:
    async with watching(python="/nowhere/python3") as watched:
        began = time.monotonic()
        await watched.until(lambda: len(watched.events) == 4)
    assert time.monotonic() - began > 0.1 + 0.3  # the second and the third pause
    first, *_ = watched.events
    assert (first.message, first.cause) == ("nannies cannot be started", "No such file or directory")


@on_a_loop
async def test_nannies_that_all_die_at_once_and_again_do_not_flood_the_log(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    said = '{"said":["nanny died!","killed by SIGKILL","error",true]}'
    script = f"import os, sys, time\nos.write(int(sys.argv[3]), b'{said}\\n' * 90)\ntime.sleep(60)\n"
    parent.write_text(f"#!{sys.executable}\n{script}")
    parent.chmod(0o755)
    async with watching(python=str(parent)) as watched:
        await watched.until(lambda: watched.nannies.status()["failures"] == 90)
        os.kill(watched.parent, signal.SIGKILL)
    assert sum(event.message == "nanny died!" for event in watched.events) == TOLD_AT_MOST


SHARED = replace(SETTINGS, share_checks=True)


@on_a_loop
async def test_checks_that_are_the_same_are_one_connection_and_each_server_hears_of_it() -> None:
    names = [f"v{n}/web1" for n in range(20)]
    accepted: list[str] = []
    with serving(lambda connection: accepted.append(connection.getpeername()[0])) as port:
        async with watching(SHARED) as watched:
            watched.nannies.assign([tcp(name, port, interval_s=0.2) for name in names])
            await watched.until_fresh(*names)
            before, began = len(accepted), time.monotonic()
            await watched.until(lambda: time.monotonic() - began > 1.0)
            assert len(accepted) - before <= 6
            status = watched.nannies.status()
            assert (status["checks"], status["asked"], len(watched.children())) == (1, 20, 1)
            assert watched.nannies.with_whom("v3/web1") == (*names[:3], *names[4:])


@on_a_loop
async def test_each_sharer_judges_by_its_own_fall() -> None:
    async with watching(SHARED) as watched:
        bad, timing = closed_port(), CheckTiming(interval_s=0.05, check_timeout_s=0.05, fast_interval_s=0.05)
        monitors = {
            name: Monitor(name, "127.0.0.1", replace(timing, fall=fall), Health.UP)
            for name, fall in (("quick/a", 1), ("slow/a", 6))
        }
        watched.nannies.assign([replace(tcp(name, bad), timing=monitor.timing) for name, monitor in monitors.items()])
        down: list[str] = []
        while len(down) < 2:
            await watched.until(lambda: bool(watched.results))
            result = watched.results.pop(0)
            monitor = monitors[result.id]
            if monitor.observe(result, time.monotonic()) is not None:
                down.append(result.id)
            watched.nannies.believe(result.id, monitor.believed_up)
        assert down == ["quick/a", "slow/a"]
        assert watched.nannies.status()["checks"] == 1


@on_a_loop
async def test_a_nanny_that_is_killed_is_started_again_for_all_who_share_its_check() -> None:
    with silent() as port:
        async with watching(SHARED) as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("shop/web1", port)])
            await watched.until_fresh("www/web1", "shop/web1")
            [child] = watched.children()
            os.kill(child, signal.SIGKILL)
            await watched.until(lambda: watched.children() not in ([], [child]))
            await watched.until_fresh("www/web1", "shop/web1")


@on_a_loop
async def test_one_that_leaves_a_shared_check_does_not_disturb_the_others() -> None:
    with silent() as port, silent() as elsewhere:
        async with watching(SHARED) as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("shop/web1", port)])
            await watched.until_fresh("www/web1", "shop/web1")
            [child] = watched.children()
            watched.nannies.reassign((), [tcp("www/web1", elsewhere)])
            await watched.until_fresh("www/web1", "shop/web1")
            assert child in watched.children()
            assert len(watched.children()) == 2
            assert not watched.events


@on_a_loop
async def test_who_joins_a_check_that_runs_need_not_wait_for_its_next_turn() -> None:
    with silent() as port:
        async with watching(SHARED) as watched:
            watched.nannies.assign([tcp("www/web1", port, interval_s=60.0)])
            await watched.until_fresh("www/web1")
            watched.nannies.reassign((), [tcp("shop/web1", port, interval_s=60.0, up=None)])
            assert [one.ok for one in watched.reported("shop/web1")] == [True]


@on_a_loop
async def test_share_checks_can_be_switched_off_while_checks_run() -> None:
    with silent() as port:
        async with watching(SHARED) as watched:
            watched.nannies.assign([tcp("www/web1", port), tcp("shop/web1", port)])
            await watched.until_fresh("www/web1", "shop/web1")
            await watched.nannies.reconfigure(SETTINGS)
            await watched.until(lambda: len(watched.children()) == 2)
            await watched.until_fresh("www/web1", "shop/web1")
            assert watched.nannies.status()["checks"] == 2
