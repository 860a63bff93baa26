"""The lvs daemon as `pulse` sees it: started, asked, adopted, started again, ended. A stand-in plays its part."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

import piranha
from piranha.control.daemon import lock_holder
from piranha.events.event import Event
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane, stop
from piranha.pulse.supervisor import LvsDaemon, LvsdError, LvsdState
from piranha.pulse.watchdog import Patience

pytestmark = pytest.mark.slow

FAKE = str(Path(__file__).with_name("fake_lvsd.py"))
SOURCE = str(Path(piranha.__file__).parent.parent)
LIMIT_S = 10.0
IMPATIENT = Patience(rest_s=0.4, work_s=20, question_s=0.1)


class Watched:
    """A supervised daemon with everything it told."""

    def __init__(self, folder: Path, command: tuple[str, ...] = (), patience: Patience | None = None) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.states: list[LvsdState] = []
        words = command or ("/usr/bin/env", f"PYTHONPATH={SOURCE}", sys.executable, FAKE, "--run-dir", str(folder))
        self.lvsd = LvsDaemon(
            words,
            folder,
            role="standby",
            on_state=self.states.append,
            on_event=self.events.append,
            patience=patience,
        )

    def pid(self) -> int | None:
        return lock_holder(self.folder / "lvsd.lock")

    def story(self) -> list[str]:
        with suppress(FileNotFoundError):
            return (self.folder / "lvsd-story").read_text().split()
        return []

    def messages(self) -> list[str]:
        return [event.message for event in self.events]

    async def until(self, fact: Callable[[], object], limit_s: float = LIMIT_S) -> None:
        limit = time.monotonic() + limit_s
        while not fact():
            assert time.monotonic() < limit, f"waited in vain: {self.messages()} {self.lvsd.state}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def supervised(watched: Watched) -> AsyncIterator[LvsDaemon]:
    task = asyncio.create_task(watched.lvsd.supervise())
    try:
        yield watched.lvsd
    finally:
        task.cancel()


def play(watched: Watched, script: Callable[[LvsDaemon], Awaitable[None]]) -> None:
    async def run() -> None:
        async with supervised(watched) as lvsd:
            await script(lvsd)

    try:
        asyncio.run(asyncio.wait_for(run(), 4 * LIMIT_S))
    finally:
        for pid in processes(watched.folder):
            os.kill(pid, signal.SIGKILL)


def processes(folder: Path) -> list[int]:
    """What runs for this folder: a supervisor that was cancelled may have started one more."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in line.read_bytes().split(b"\0"):
                found.append(int(line.parent.name))
    return found


def test_it_is_started_asked_and_ended(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def script(lvsd: LvsDaemon) -> None:
        assert not lvsd.state.ready
        await lvsd.ensure_ready(LIMIT_S)
        assert lvsd.state.ready and lvsd.state.pid == watched.pid()
        await lvsd.set_role("standby")
        await lvsd.stop()
        await watched.until(lambda: watched.pid() is None)
        await watched.until(lambda: any("exited with status 0" in message for message in watched.messages()))

    play(watched, script)
    story = watched.story()
    assert (story[0], story[-2:]) == ("start", ["standby", "end"]) and "active" in story


def test_one_that_is_killed_is_started_again_with_its_role(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        first = lvsd.state.pid
        os.kill(first, signal.SIGKILL)
        await watched.until(lambda: not lvsd.state.ready)
        await watched.until(lambda: lvsd.state.ready and lvsd.state.pid != first)
        await watched.until(lambda: "active" in watched.story()[watched.story().index("start", 1) :])
        assert f"Child process {first} terminated with signal 9" in watched.messages()

    play(watched, script)


def test_one_that_runs_is_adopted_and_its_death_is_seen(tmp_path: Path) -> None:
    first = Watched(tmp_path)
    successor = Watched(tmp_path)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        pid = lvsd.state.pid
        async with supervised(successor) as adopted:
            adopted.want()
            await successor.until(lambda: adopted.state.pid == pid)
            assert successor.messages() == ["adopting a running lvsd"]
            await adopted.stop()
            await successor.until(lambda: "lvsd ended" in successor.messages())

    play(first, script)


def test_one_of_another_version_is_restarted_by_who_adopts_it_and_its_table_stays(tmp_path: Path) -> None:
    first, successor = Watched(tmp_path), Watched(tmp_path)
    version = tmp_path / "lvsd-version"
    version.write_text("0.0.1")

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        pid = lvsd.state.pid
        version.unlink()
        async with supervised(successor) as adopted:
            adopted.want()
            await successor.until(lambda: adopted.state.ready and adopted.state.pid != pid)
            assert "restarting lvsd: it is of another version" in successor.messages()
            assert successor.story()[1:].index("prepare_restart") < successor.story()[1:].index("start")

    play(first, script)


def test_one_that_was_adopted_with_another_file_in_force_is_told_once_to_reload(tmp_path: Path) -> None:
    first, successor = Watched(tmp_path), Watched(tmp_path)
    (tmp_path / "lvsd-meaning").write_text("old")

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        successor.lvsd.meaning = "new"
        async with supervised(successor) as adopted:
            adopted.want()
            await successor.until(lambda: "reload" in successor.story())
            asked_at = adopted.state.asked_at_s
            await successor.until(lambda: adopted.state.asked_at_s > asked_at + 0.5)
            assert successor.story().count("reload") == 1, "it has said what it thinks of the file"

    play(first, script)


def test_one_that_is_not_ready_in_time_says_why(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    (tmp_path / "lvsd-not-ready").write_text("2 servers have not answered a check yet")

    async def script(lvsd: LvsDaemon) -> None:
        lvsd.want()
        await watched.until(lambda: lvsd.state.pid and watched.story() == ["start", "standby"])
        with pytest.raises(LvsdError, match="2 servers have not answered a check yet"):
            await lvsd.ensure_ready(0.3)

    play(watched, script)


def test_a_program_that_is_not_there_is_an_event_and_tried_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ("/no/such/lvsd",))

    async def script(lvsd: LvsDaemon) -> None:
        lvsd.want()
        await watched.until(lambda: watched.messages().count("lvsd cannot be started") == 2)

    play(watched, script)
    assert "/no/such/lvsd" in watched.events[0].cause


def test_one_that_is_just_being_started_is_ended_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def script(lvsd: LvsDaemon) -> None:
        lvsd.want()
        for _ in range(3):
            await asyncio.sleep(0)
        await lvsd.stop()
        assert processes(tmp_path) == []

    play(watched, script)
    assert "starting virtual service/nanny daemons" in watched.messages()


def test_ending_what_does_not_run_does_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.stop()

    play(watched, script)
    assert watched.messages() == []


def test_one_that_is_stopped_is_killed_and_another_one_started(tmp_path: Path) -> None:
    watched = Watched(tmp_path, patience=IMPATIENT)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        first = lvsd.state.pid
        os.kill(first, signal.SIGSTOP)
        await watched.until(lambda: lvsd.state.ready and lvsd.state.pid != first)
        killed = next(event for event in watched.events if event.message == "lvsd does not answer: killing it")
        assert killed.cause.endswith("the process is stopped")
        assert f"Child process {first} terminated with signal 9" in watched.messages()

    play(watched, script)


def test_one_that_was_adopted_and_is_stopped_is_killed_too(tmp_path: Path) -> None:
    first, successor = Watched(tmp_path), Watched(tmp_path, patience=IMPATIENT)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        pid = lvsd.state.pid
        os.kill(pid, signal.SIGSTOP)
        async with supervised(successor) as adopted:
            adopted.want()
            await successor.until(lambda: "lvsd does not answer: killing it" in successor.messages())
            await successor.until(lambda: adopted.state.ready and adopted.state.pid != pid)

    play(first, script)


def test_one_that_is_slow_to_start_is_not_killed(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ("/bin/sleep", "100"), patience=IMPATIENT)

    async def script(lvsd: LvsDaemon) -> None:
        lvsd.want()
        await watched.until(lambda: len(watched.states) >= 1 and lvsd.state.pid)
        pid, asked_at = lvsd.state.pid, lvsd.state.asked_at_s
        await watched.until(lambda: lvsd.state.asked_at_s > asked_at + 3 * IMPATIENT.rest_s)
        assert lvsd.state.pid == pid
        os.kill(pid, signal.SIGKILL)

    play(watched, script)
    assert "lvsd does not answer: killing it" not in watched.messages()


def test_the_real_one_that_is_stopped_is_replaced_and_the_table_stays(tmp_path: Path) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(
        """
primary = 127.0.0.2
virtual www {
    active = 1
    address = 127.0.75.10
    port = 8080
    server one { active = 1; address = 127.0.75.20; port = 8081 }
}
"""
    )
    program = ("/usr/bin/env", f"PYTHONPATH={SOURCE}", sys.executable, "-m", "piranha.lvsd.main", "--nofork")
    watched = Watched(tmp_path, (*program, "-c", str(file), "--run-dir", str(tmp_path), "--plane", "userspace"))
    plane = UserspacePlane(tmp_path / SOCKET_NAME)

    async def script(lvsd: LvsDaemon) -> None:
        await lvsd.ensure_ready(LIMIT_S)
        first, table = lvsd.state.pid, plane.dump()
        os.kill(first, signal.SIGSTOP)
        frozen_at = time.monotonic()
        await watched.until(lambda: lvsd.state.serves and lvsd.state.pid != first, limit_s=20)
        assert time.monotonic() - frozen_at > 10
        assert table and plane.dump() == table

    try:
        play(watched, script)
    finally:
        stop(tmp_path / SOCKET_NAME)
