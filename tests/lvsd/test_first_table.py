"""The table of a start that finds none is put in place before the loop is loaded; where more has a say, it is not."""

import errno
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.contracts.fake_kernel import FakeKernel, FakePlane
from tests.lvsd.test_reconcile import config, real, www

from piranha.control.state_files import StateFiles
from piranha.events.event import Event
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Refusal
from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.lvsd import first_table, foreign, kept_sync, leavers, maintenance_folder, mark_rules, ours
from piranha.lvsd.first_table import fill
from piranha.table.changes import Change, describe
from piranha.table.desired import services_of
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Protocol

FILE = config(replace(www(real(1), real(2)), start_up=True), www(real(3), name="mail", port=25))
FOREIGN = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.99"), 8000))
NOBODYS = Service(ServiceSettings(scheduler="rr"), {})


class WatchedPlane(FakePlane):
    """Notes what is asked of it, and what lies on the disk when it is changed."""

    def __init__(self, folder: Path, table: Table | None = None) -> None:
        super().__init__(FakeKernel(table or {}))
        self.folder, self.asked, self.closed = folder, list[str](), False
        self.claimed: list[object] = []

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        self.asked.append("all" if only is None else " ".join(map(str, only)))
        return super().dump(only)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        self.claimed = json.loads((self.folder / ours.FILE).read_text())
        return super().apply(changes)

    def close(self) -> None:
        self.closed = True


def kept(folder: Path) -> StateFiles:
    return StateFiles(folder, folder / "run")


def told(events: Sequence[Event]) -> list[str]:
    return [f"{one.message} {dict(one.facts).get('added', '')}".strip() for one in events]


def test_an_empty_table_has_the_services_and_the_servers_that_begin_as_up(tmp_path: Path) -> None:
    plane = WatchedPlane(tmp_path)
    assert fill(FILE, kept(tmp_path), plane) is not None

    table = plane.kernel.services
    assert [len(table[key].destinations) for key in services_of(FILE)] == [2, 0]
    assert plane.closed


def test_what_is_put_there_is_ours_on_the_disk_before_it_is_there(tmp_path: Path) -> None:
    plane = WatchedPlane(tmp_path)
    fill(FILE, kept(tmp_path), plane)
    assert len(plane.claimed) == len(services_of(FILE))


def test_it_is_told_as_a_first_pass_tells_it(tmp_path: Path) -> None:
    plane = WatchedPlane(tmp_path)
    filled = fill(FILE, kept(tmp_path), plane)
    assert filled is not None
    words = told(filled.done(plane.dump(), 1.0))
    assert [one for one in words if one.startswith("starting virtual service")] != []
    assert filled.reconciler.refused == []


def test_services_of_others_stay(tmp_path: Path) -> None:
    plane = WatchedPlane(tmp_path, {FOREIGN: NOBODYS})
    assert fill(FILE, kept(tmp_path), plane) is not None
    assert plane.kernel.services[FOREIGN] == NOBODYS


def test_where_one_service_of_the_file_is_there_the_daemon_takes_the_table_as_it_is(tmp_path: Path) -> None:
    for there in services_of(FILE):
        plane = WatchedPlane(tmp_path, {there: NOBODYS})
        assert fill(FILE, kept(tmp_path), plane) is None
        assert plane.kernel.services == {there: NOBODYS}


def test_of_a_table_that_is_there_one_service_is_read(tmp_path: Path) -> None:
    first = next(iter(services_of(FILE)))
    plane = WatchedPlane(tmp_path, {first: NOBODYS})
    fill(FILE, kept(tmp_path), plane)
    assert plane.asked == [str(first)]


def test_where_an_earlier_file_left_a_service_nothing_is_put_there(tmp_path: Path) -> None:
    ours.Ours(kept(tmp_path)).keep({FOREIGN})
    plane = WatchedPlane(tmp_path, {FOREIGN: NOBODYS})
    assert fill(FILE, kept(tmp_path), plane) is None


def test_a_kept_file_that_has_a_say_leaves_it_to_the_first_pass(tmp_path: Path) -> None:
    for name in first_table.HAVE_A_SAY:
        (tmp_path / name).write_text("{}")
        plane = WatchedPlane(tmp_path)
        assert fill(FILE, kept(tmp_path), plane) is None
        assert plane.asked == []
        (tmp_path / name).unlink()


def test_these_are_the_kept_files_of_those_who_have_a_say() -> None:
    keepers = (foreign, leavers, maintenance_folder, mark_rules, kept_sync)
    assert tuple(one.FILE for one in keepers) == first_table.HAVE_A_SAY


def read(more: str, virtual: str = "") -> Config:
    text = f"primary = 192.0.2.2\n{more}\nvirtual www {{\n active = 1\n address = 192.0.2.10 eth0\n {virtual}\n"
    text += " server a {\n address = 10.0.0.1\n active = 1\n }\n}\n"
    loaded = load(text.encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


BEFORE_THE_TABLE = {
    "a maintenance folder": read("maintenance_dir = /run/maintenance"),
    "a sync daemon": read("syncdaemon = 1\nsyncd_iface = eth1"),
    "a setting of the kernel": read("vs_conntrack = 1"),
    "mark rules": read("", "ports = 80 443\n fwmark = 7"),
}


def test_a_file_that_asks_for_nothing_else_fills_the_table(tmp_path: Path) -> None:
    assert fill(read(""), kept(tmp_path), WatchedPlane(tmp_path)) is not None


@pytest.mark.parametrize("what", BEFORE_THE_TABLE)
def test_what_must_come_before_the_table_leaves_it_to_the_first_pass(what: str, tmp_path: Path) -> None:
    plane = WatchedPlane(tmp_path)
    assert fill(BEFORE_THE_TABLE[what], kept(tmp_path), plane) is None
    assert plane.asked == []


def test_a_plane_out_of_reach_is_left_to_the_first_pass(tmp_path: Path) -> None:
    class Gone(WatchedPlane):
        def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
            raise PlaneUnavailable("no IPVS")

    plane = Gone(tmp_path)
    assert fill(FILE, kept(tmp_path), plane) is None
    assert plane.closed


def test_where_nothing_can_be_kept_nothing_is_put_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = StateFiles(tmp_path / "file" / "state", tmp_path / "file" / "run")
    plane = WatchedPlane(tmp_path)
    assert fill(FILE, nowhere, plane) is None
    assert plane.kernel.services == {}


def test_what_the_kernel_refuses_is_told_as_refused(tmp_path: Path) -> None:
    def no_mail(change: Change) -> int:
        return errno.ENOMEM if "tcp 192.0.2.10:25" in describe(change) else 0

    plane = FakePlane(FakeKernel({}, no_mail))
    filled = fill(FILE, kept(tmp_path), plane)
    assert filled is not None
    filled.done(plane.dump(), 1.0)
    assert [words.split(":")[0] for words in filled.reconciler.refused] == ["add service tcp 192.0.2.10"]
