"""The table read back because somebody looks: what is shown is what the plane holds, not what was put there."""

import asyncio
import functools
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.contracts.fake_kernel import FakePlane
from tests.lvsd.test_reconcile import WWW, all_up, at, config, real, www

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.errors import PlaneUnavailable
from piranha.lvsd.kept_table import PATIENCE_S, KeptTable, Wanted
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.table.changes import RemoveDestination, RemoveService
from piranha.table.service import ServiceKey
from piranha.table.table import Table

FILE = config(www(real(1), real(2)))
HELD_S = 20.0


class CountedPlane(FakePlane):
    """Counts its dumps; `held` makes it slow, `gone` unreachable."""

    def __init__(self) -> None:
        super().__init__()
        self.dumps = 0
        self.free = threading.Event()
        self.free.set()
        self.gone = False

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        self.dumps += 1
        self.free.wait(HELD_S)
        if self.gone:
            raise PlaneUnavailable("no answer")
        return super().dump(only)


@dataclass
class Kept:
    table: KeptTable
    plane: CountedPlane
    lost: list[str]


def with_a_table(test: Callable[[Kept], Awaitable[None]]) -> Callable[[Path], None]:
    """Run an asynchronous test on a table that is loaded."""

    async def awaited(folder: Path) -> None:
        plane, lost = CountedPlane(), list[str]()
        thread = PlaneThread(plane, lambda: None, lambda: None)
        teller = Teller("lvsd", Recorder(None))
        kept = StateFiles(folder, folder / "run")
        wanted = Wanted(FILE, all_up(FILE))
        table = KeptTable(thread, Ours(kept), teller, lambda _: wanted, lambda: lost.append("lost"), kept=kept)
        try:
            await table.one_pass()
            plane.dumps = 0
            await test(Kept(table, plane, lost))
        finally:
            plane.free.set()
            table.close()

    @functools.wraps(test, assigned=("__name__", "__doc__", "__module__"))
    def run(tmp_path: Path) -> None:
        asyncio.run(awaited(tmp_path))

    del run.__wrapped__  # pytest would take its parameters for fixtures
    return run


@with_a_table
async def test_what_others_removed_is_put_back_and_named_because_somebody_looks(kept: Kept) -> None:
    kept.plane.apply([RemoveService(WWW)])

    await kept.table.refresh(older_than_s=0)

    assert [words for _, words in kept.table.overruled] == ["tcp 192.0.2.10:80 was removed"]
    assert kept.plane.kernel.services == kept.table.live != {}


@with_a_table
async def test_a_fresh_reading_is_not_repeated(kept: Kept) -> None:
    await kept.table.refresh(older_than_s=60)

    assert kept.plane.dumps == 0


@with_a_table
async def test_many_who_ask_at_once_cost_one_pass(kept: Kept) -> None:
    await asyncio.gather(*(kept.table.refresh(older_than_s=0) for _ in range(50)))

    assert kept.plane.dumps == 1


@pytest.mark.slow
@with_a_table
async def test_a_slow_plane_delays_the_answer_for_a_bounded_time_and_its_pass_goes_on(kept: Kept) -> None:
    kept.plane.apply([RemoveDestination(WWW, at(1))])
    known, passed_at_s = kept.table.live, kept.table.passed_at_s
    kept.plane.free.clear()
    begun_s = time.monotonic()

    await asyncio.gather(*(kept.table.refresh(older_than_s=0) for _ in range(3)))

    assert time.monotonic() - begun_s < 2 * PATIENCE_S + 1
    assert (kept.table.live, kept.table.passed_at_s, kept.table.overruled) == (known, passed_at_s, [])
    kept.plane.free.set()
    await kept.table.refresh(older_than_s=0)
    assert [words for _, words in kept.table.overruled] == ["server 10.0.0.1:80 of tcp 192.0.2.10:80 was removed"]


@with_a_table
async def test_a_plane_out_of_reach_is_noticed_and_the_next_pass_is_asked_for(kept: Kept) -> None:
    kept.plane.gone = True
    await kept.table.refresh(older_than_s=0)
    await kept.table.refresh(older_than_s=0)

    assert (kept.table.trouble, kept.lost) == ("no answer", ["lost"])
    kept.plane.gone = False
    await kept.table.refresh(older_than_s=0)
    assert kept.table.trouble == ""


@with_a_table
async def test_a_table_that_another_role_asks_for_is_not_loaded_until_a_pass(kept: Kept) -> None:
    kept.table.load_again()
    assert (kept.table.passed_at_s, kept.lost) == (None, ["lost"])
    await kept.table.one_pass()
    assert kept.table.passed_at_s is not None


@with_a_table
async def test_who_looks_while_the_daemon_ends_does_not_bring_the_table_back(kept: Kept) -> None:
    looking = asyncio.create_task(kept.table.refresh(older_than_s=0))
    await kept.table.remove()
    await looking
    await kept.table.refresh(older_than_s=0)
    await kept.table.one_pass()

    assert kept.plane.kernel.services == {}


@pytest.mark.slow
def test_a_pass_that_began_before_the_plane_was_lost_does_not_say_that_it_is_back(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    plane, kept = CountedPlane(), StateFiles(tmp_path, tmp_path / "run")
    thread, teller = PlaneThread(plane, lambda: child.pid, lambda: None), Teller("lvsd", Recorder(None))

    async def run() -> None:
        lost, wanted = asyncio.Event(), Wanted(FILE, all_up(FILE))
        table = KeptTable(thread, Ours(kept), teller, lambda _: wanted, lost.set, kept=kept)
        await table.adopt()
        plane.free.clear()
        one_pass, watch = asyncio.create_task(table.try_pass()), asyncio.create_task(table.watch())
        child.kill()
        child.wait()
        await lost.wait()
        plane.free.set()
        await one_pass
        watch.cancel()
        assert table.trouble == "its process has ended"
        assert await table.try_pass()
        assert table.trouble == ""
        table.close()

    asyncio.run(asyncio.wait_for(run(), HELD_S))
