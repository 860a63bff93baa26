"""Names of files that drain servers, what a pool makes of it, and the folder they lie in."""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import config, server, virtual

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, Quota, RealServer, SorryServer, Virtual
from piranha.lvsd.maintenance import Marks
from piranha.lvsd.maintenance_folder import Maintenance, Reading, read_folder
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook
from piranha.lvsd.pool import Pool, standings
from piranha.table.desired import ServerVerdict
from piranha.terms import ForwardingMethod

FOLDER = "/etc/piranha/maintenance"
SIX = replace(server("web6", 1), address=ip_address("2001:db8::6"), port=80)
WWW, SHOP = virtual("www", 10, server("web1", 1), server("web2", 2), SIX), virtual("shop", 11, server("web1", 2))


def inside(folder: str, *virtuals: Virtual) -> Config:
    base = config(*virtuals)
    return replace(base, lvsd=replace(base.lvsd, maintenance_dir=folder))


FILE = inside(FOLDER, WWW, SHOP)


def drained(*names: str, of: Config = FILE) -> set[str]:
    return {"/".join(key) for key in Marks(FOLDER, frozenset(names)).drained(of)}


def test_a_name_drains_every_server_of_that_name() -> None:
    assert drained("web1") == {"www/web1", "shop/web1"}


def test_an_address_drains_that_machine_everywhere_and_with_a_port_what_listens_there() -> None:
    assert drained("10.0.0.2") == {"www/web2", "shop/web1"}
    assert drained("10.0.0.2:80") == {"www/web2", "shop/web1"}
    assert drained("10.0.0.2:8080") == set()


@pytest.mark.parametrize("name", ["2001:db8::6", "2001:DB8:0::6", "[2001:db8::6]", "[2001:db8::6]:80"])
def test_ipv6_addresses_are_written_as_everywhere(name: str) -> None:
    assert drained(name) == {"www/web6"}


@pytest.mark.parametrize(
    "name",
    [
        "[2001:db8::6]80",
        "[2001:db8::6]:",
        "[2001:db8::6]:x",
        "10.0.0.2:",
        "10.0.0.2:99999999",
        "10.0.0.2:080",
        "[10.0.0.2]",
        "[10.0.0.2]:80",
    ],
)
def test_what_is_no_address_is_a_name(name: str) -> None:
    assert drained(name) == set()


@given(st.text())
def test_no_name_is_too_strange(name: str) -> None:
    assert drained(name) <= {"www/web1", "www/web2", "www/web6", "shop/web1"}
    assert Marks(FOLDER, frozenset({name})).strangers(FILE) <= {name}


def test_the_cause_is_the_path_of_the_file() -> None:
    assert Marks(FOLDER, frozenset({"web2"})).drained(FILE) == {("www", "web2"): f"{FOLDER}/web2"}


def test_a_server_that_is_switched_off_is_not_drained_and_no_stranger() -> None:
    off = inside(FOLDER, virtual("www", 10, server("web1", 1), server("web2", 2, active=False)))
    assert drained("web2", of=off) == set()
    assert Marks(FOLDER, frozenset({"web2", "web9", "10.0.0.2"})).strangers(off) == {"web9"}


def test_names_of_another_folder_say_nothing() -> None:
    assert drained("web1", of=inside("/other", WWW)) == set()


def pool(*servers: RealServer, **settings: object) -> Pool:
    made = Pool(virtual("www", 10, *servers, **settings), {one.name for one in servers}, 0.0)
    assert made.up() == len(servers)
    return made


def drain(of: Pool, *names: str, now: float = 1.0) -> list[str]:
    return [event.message for event in of.drain({("www", name): f"{FOLDER}/{name}" for name in names}, now)]


def test_a_drained_server_counts_as_weight_0_and_one_that_is_down_stays_down() -> None:
    www = pool(server("web1", 1), server("web2", 2))
    assert drain(www, "web2") == ["drained: it gets no new connections and keeps those that it has"]
    assert www.verdicts(1.0)["www", "web2"] is ServerVerdict.DRAINED
    assert (www.up(), www.deserted()) == (1, False)
    www.monitors["www/web2"].health = Health.DOWN
    www.judge_again(below_quorum=False)
    assert www.verdicts(1.0)["www", "web2"] is ServerVerdict.DOWN
    assert drain(www) == ["not drained any more"]


def test_draining_again_says_nothing_again() -> None:
    www = pool(server("web1", 1))
    assert drain(www, "web1")
    assert drain(www, "web1", now=9.0) == []
    assert www.drained["www/web1"].since_s == 1.0


def test_draining_the_last_server_says_that_nobody_is_left() -> None:
    www = pool(server("web1", 1), server("web2", 2))
    drain(www, "web1")
    said = drain(www, "web1", "web2")
    assert said[-1] == "Virtual Server www: No real servers"
    assert drain(www, "web1")[-1] == "Virtual Server www: 1 real servers"


def test_an_unconfirmed_change_does_not_go_back_because_somebody_drains_the_last_server() -> None:
    www = pool(server("web1", 1))
    drain(www, "web1")
    assert standings([www]) == {"www": (0, 1, False)}
    www.monitors["www/web1"].health = Health.DOWN
    assert standings([www]) == {"www": (0, 1, True)}


def test_quorum_does_not_count_who_is_drained() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=ForwardingMethod.NAT)
    www = pool(server("web1", 1), server("web2", 2), sorry_server=sorry, quorum=Quota(count=2))
    drain(www, "web2")
    assert www.verdicts(1.0)["www", "web1"] is ServerVerdict.RELIEVED


def test_the_plan_knows_who_is_drained_now_and_then() -> None:
    new = inside(FOLDER, virtual("www", 10, server("web1", 1), server("web2", 2), server("web3", 3)))
    up = {("www", name): Belief(Health.UP) for name in ("web1", "web2")}
    seen = outlook(FILE, new, {}, Beliefs(servers=up, marks=Marks(FOLDER, frozenset({"web2", "web3"}))), 0.0)
    assert seen.now["www", "web2"] is seen.then["www", "web2"] is seen.then["www", "web3"] is ServerVerdict.DRAINED
    assert seen.then["www", "web1"] is ServerVerdict.UP


def test_files_count_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "web1").touch()
    (tmp_path / ".web2.swp").touch()
    (tmp_path / "web3").mkdir()
    (tmp_path / "web4").symlink_to(tmp_path / "web1")
    os.mkfifo(tmp_path / "web5")
    (tmp_path / os.fsdecode(b"\xff\n")).touch()
    found = read_folder(str(tmp_path))
    assert found.names == {"web1", os.fsdecode(b"\xff\n")}
    assert found.others == {"web3", "web4", "web5"}


def test_a_folder_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert read_folder(str(tmp_path / "none")).trouble == "No such file or directory"
    (tmp_path / "file").touch()
    assert read_folder(str(tmp_path / "file")).trouble == "Not a directory"


class Folder:
    """A folder, and what a daemon makes of it; `again` is the next daemon."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "maintenance"
        self.path.mkdir()
        self.file = inside(str(self.path), WWW)
        self._kept = StateFiles(tmp_path, tmp_path / "run")
        self.recorder = Recorder(None)
        self.again()

    def again(self) -> None:
        teller = Teller("lvsd", self.recorder)
        self.maintenance = Maintenance(self._kept, teller, partial(read_folder, most=20))

    def look(self) -> set[str]:
        asyncio.run(self.maintenance.look(self.file))
        return {"/".join(key) for key in self.maintenance.marks.drained(self.file)}

    def said(self) -> list[str]:
        return [record.event.message for record in self.recorder.last()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def too_many(folder: Folder) -> None:
    for number in range(21):
        (folder.path / f"x{number}").touch()


def gone(folder: Folder) -> None:
    folder.path.rename(folder.path.with_name("elsewhere"))


@pytest.mark.parametrize("unreadable", [too_many, gone])
def test_a_folder_that_cannot_be_read_any_more_changes_nothing_and_is_named_once(
    folder: Folder, unreadable: Callable[[Folder], None]
) -> None:
    (folder.path / "web1").touch()
    assert folder.look() == {"www/web1"}
    unreadable(folder)
    assert folder.look() == folder.look() == {"www/web1"}
    assert folder.said() == ["maintenance_dir cannot be read: who is drained stays so"]
    folder.again()
    assert folder.look() == {"www/web1"}
    facts = folder.maintenance.facts()
    assert facts is not None
    assert facts["trouble"] == folder.maintenance.trouble != ""


def test_a_folder_that_does_not_answer_is_said_and_asked_no_second_time(tmp_path: Path) -> None:
    answers, asked = threading.Event(), list[str]()

    def read(folder: str) -> Reading:
        asked.append(folder)
        answers.wait(20)
        return Reading(frozenset({"web1"}))

    async def run() -> tuple[str, str]:
        slow = Maintenance(StateFiles(tmp_path, tmp_path), Teller("lvsd", Recorder(None)), read, 0.01)
        await slow.look(FILE)
        await slow.look(FILE)
        silent = slow.trouble
        answers.set()
        while slow.trouble:
            await slow.look(FILE)
        return silent, slow.trouble

    assert asyncio.run(run()) == ("it does not answer", "")
    assert asked == [FOLDER]


def test_a_folder_that_can_be_read_again_counts_again(folder: Folder) -> None:
    (folder.path / "web1").touch()
    folder.look()
    gone(folder)
    folder.look()
    folder.path.mkdir()
    assert folder.look() == set()
    assert folder.said()[-1] == "maintenance_dir can be read again"


def test_names_that_drain_nobody_are_told_once_and_boundedly(folder: Folder) -> None:
    for number in range(10):
        (folder.path / f"x{number}\n").touch()
    assert folder.look() == folder.look() == set()
    [record] = folder.recorder.last()
    assert record.event.cause == f"{folder.path}: " + ", ".join(f"x{n}\\n" for n in range(5)) + " and 5 more"
    facts = folder.maintenance.facts()
    assert facts is not None
    assert facts["odd_count"] == 10


def test_without_a_folder_nothing_is_read_and_nothing_is_said(folder: Folder) -> None:
    (folder.path / "web1").touch()
    folder.look()
    folder.file = inside("", WWW)
    assert folder.look() == set()
    assert folder.maintenance.facts() is None
    assert folder.said() == []
