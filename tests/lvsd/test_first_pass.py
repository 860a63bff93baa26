"""What has something to do is read, compared and changed before the rest of a large table."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, FakePlane, refuses_at_random, refuses_nothing
from tests.lvsd.test_reconcile import Passes, all_up, at, config, real, www
from tests.properties import examples

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Refusal
from piranha.lvscf.config import Config, Virtual
from piranha.lvsd.kept_table import KeptTable, Leading, Wanted, they_come_anyway
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.table.changes import Change, RemoveDestination, describe
from piranha.table.desired import desired, service_keys, services_of
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.terms import Scheduler


def shop(port: int, *servers: int, scheduler: Scheduler = Scheduler.WLC) -> Virtual:
    return www(*map(real, servers), name=f"shop{port}", port=port, scheduler=scheduler)


def only(virtual: Virtual) -> dict[ServiceKey, str]:
    return dict.fromkeys(service_keys(virtual), virtual.name)


class TellingPlane(FakePlane):
    """Notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        self.asked.append("read all" if only is None else f"read {', '.join(map(str, only))}")
        return super().dump(only)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        self.asked += map(describe, changes)
        return super().apply(changes)


Turn = tuple[Config, dict[ServiceKey, str] | None]


def passes(folder: Path, plane: FakePlane, *turns: Turn, lead: Leading = they_come_anyway) -> KeptTable:
    """Make one pass for each file and what is to come first in it."""
    return passes_and_ahead(folder, plane, *turns, lead=lead)[0]


def passes_and_ahead(
    folder: Path,
    plane: FakePlane,
    *turns: Turn,
    ahead: tuple[Config, dict[ServiceKey, str]] | None = None,
    lead: Leading = they_come_anyway,
) -> tuple[KeptTable, list[bool]]:
    """Make these passes, and then what goes ahead of one more; return whether that was done, too."""
    in_force: list[Config] = []
    done: list[bool] = []

    def wanted(_names: Collection[str] | None) -> Wanted:
        return Wanted(in_force[-1], all_up(in_force[-1]))

    async def run() -> tuple[KeptTable, list[bool]]:
        kept = StateFiles(folder, folder / "run")
        thread = PlaneThread(plane, lambda: None, lambda: None)
        teller = Teller("lvsd", Recorder(None))
        table = KeptTable(thread, Ours(kept), teller, wanted, lambda: None, kept=kept, lead=lead)
        for file, first in turns:
            in_force.append(file)
            await table.one_pass(first)
        if ahead is not None:
            in_force.append(ahead[0])
            done.append(await table.first(ahead[1]))
        table.close()
        return table, done

    return asyncio.run(run())


FILE = config(*(shop(port, 1, 2) for port in range(81, 89)))
NEW = config(shop(81, 1, 2, 3), *FILE.virtuals[1:])


def test_a_service_with_something_to_do_is_changed_before_the_rest_is_read(tmp_path: Path) -> None:
    plane = TellingPlane()
    passes(tmp_path, plane, (FILE, None), (NEW, only(NEW.virtuals[0])))

    assert plane.asked[-3:] == [
        "read tcp 192.0.2.10:81",
        "add server 10.0.0.3:80 to tcp 192.0.2.10:81",
        "read all",
    ]


def test_when_much_of_a_table_has_something_to_do_it_is_read_once(tmp_path: Path) -> None:
    plane = TellingPlane()
    passes(tmp_path, plane, (FILE, None), (FILE, {key: one.name for key, one in services_of(FILE).items()}))

    assert [words for words in plane.asked if words.startswith("read")] == ["read all", "read all"]


def test_a_reload_changes_the_few_services_that_it_is_about_and_leaves_the_rest_to_the_next_pass(
    tmp_path: Path,
) -> None:
    plane = TellingPlane()
    table, done = passes_and_ahead(tmp_path, plane, (FILE, None), ahead=(NEW, only(NEW.virtuals[0])))

    assert done == [True]
    assert plane.asked[-2:] == ["read tcp 192.0.2.10:81", "add server 10.0.0.3:80 to tcp 192.0.2.10:81"]
    assert plane.dump() == table.live == desired(NEW, all_up(NEW), {}, ())


def test_a_reload_of_much_leaves_all_of_it_to_the_next_pass(tmp_path: Path) -> None:
    plane = TellingPlane()
    much = {key: one.name for key, one in services_of(NEW).items()}
    _, done = passes_and_ahead(tmp_path, plane, (FILE, None), ahead=(NEW, much))

    assert done == [False]
    assert plane.asked[-1].startswith("add server")
    assert len(plane.asked) == 1 + 8 * 3


def test_a_plane_out_of_reach_keeps_no_reload_from_going_on(tmp_path: Path) -> None:
    class Gone(FakePlane):
        def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
            if only is not None:
                raise PlaneUnavailable("no answer")
            return super().dump(only)

    table, done = passes_and_ahead(tmp_path, Gone(), (FILE, None), ahead=(NEW, only(NEW.virtuals[0])))

    assert done == [False]
    assert (table.trouble, table.live) == ("", desired(FILE, all_up(FILE), {}, ()))


def test_packets_are_led_to_a_service_when_it_has_its_servers_and_before_another_goes(tmp_path: Path) -> None:
    """A virtual server that moves to a mark: before its new service is there, and after the old one went, clients
    would be refused."""
    plane = TellingPlane()

    async def lead() -> None:
        plane.asked.append("lead")

    passes(tmp_path, plane, (config(shop(81, 1)), None), (config(shop(82, 1)), None), lead=lead)

    assert plane.asked[-5:] == [
        "read all",
        "add service tcp 192.0.2.10:82",
        "add server 10.0.0.1:80 to tcp 192.0.2.10:82",
        "lead",
        "remove service tcp 192.0.2.10:81",
    ]


def test_what_others_did_elsewhere_is_found_in_the_same_pass_and_named_once(tmp_path: Path) -> None:
    class Meddled(FakePlane):
        def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
            if only is not None:
                self.kernel.carry_out(RemoveDestination(service_keys(FILE.virtuals[5])[0], at(1)))
            return super().dump(only)

    plane = Meddled()
    table = passes(tmp_path, plane, (FILE, None), (NEW, only(NEW.virtuals[0])))

    assert [words for _, words in table.overruled] == ["server 10.0.0.1:80 of tcp 192.0.2.10:86 was removed"]
    assert plane.dump() == table.live == desired(NEW, all_up(NEW), {}, ())


pools = st.lists(st.lists(st.integers(1, 4), unique=True, max_size=3), min_size=4, max_size=4)


@examples(40)
@given(st.integers(), st.lists(st.tuples(pools, st.sets(st.integers(0, 3))), min_size=1, max_size=4))
def test_whatever_comes_first_and_is_refused_the_table_ends_right_and_nobody_is_accused(
    seed: int, turns: list[tuple[list[list[int]], set[int]]]
) -> None:
    kernel = FakeKernel(refuse=refuses_at_random(seed))
    plane = FakePlane(kernel)
    whole = Passes(plane)
    for drawn, first in turns:
        file = config(*(shop(81 + place, *numbers) for place, numbers in enumerate(drawn)))
        part = replace(file, virtuals=tuple(file.virtuals[place] for place in first))
        keys = services_of(part).keys()
        plan = whole.reconciler.prepare(part, all_up(file), plane.dump(keys), set(keys), part=keys)
        refusals = plane.apply(plan.changes)
        events = whole.reconciler.done(plan, refusals, plane.dump(keys), now=1.0)
        events += whole(file, ours=set(services_of(file)))
        assert [event for event in events if event.message == "table repaired"] == []
    kernel.refuse = refuses_nothing
    whole(file, ours=set(services_of(file)))
    assert plane.dump() == desired(file, all_up(file), plane.dump(), ())
    assert whole.reconciler.refused == []
    assert whole(file) == []
