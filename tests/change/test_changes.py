"""Putting a file in force and taking it back: what is refused, what waits, and what brings the old file back."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.change.dying import FullDisk

from piranha.change import journal
from piranha.change.changes import RETRY_S, Changes
from piranha.change.disk import Disk
from piranha.change.ground import Ground
from piranha.change.journal import MOST_UNUSED
from piranha.change.kept import digest
from piranha.change.order import Act, Allow, Order
from piranha.change.pending import Moment
from piranha.change.planned import Planned
from piranha.change.serving import InForce, Judged, Standing
from piranha.control.messages import Refused
from piranha.events.event import Event
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, meaning
from piranha.lvscf.load import Loaded, load

R = TypeVar("R")

FILE = """serial_no = {serial}
primary = 127.0.0.1
{more}
virtual www {{
    active = 1
    address = 192.0.2.10
    port = 80
    server web1 {{ active = 1; address = 10.0.0.1; weight = {weight} }}
}}
"""


def text(serial: int, *, weight: int = 1, more: str = "") -> bytes:
    return FILE.format(serial=serial, weight=weight, more=more).encode()


class Daemon:
    """Reads and serves in memory; lvs.cf is a real file."""

    def __init__(self, folder: Path, data: bytes, disk: Disk | None = None) -> None:
        self.file = folder / "lvs.cf"
        self.file.write_bytes(data)
        self.one = asyncio.Lock()
        self.now = Moment(boot="b", boottime_s=100.0, wall_s=1e9)
        self.kind = Allow.SAFE
        self.stand: dict[str, Standing] = {"www": Standing(1, 1, False)}
        self.cannot = ""
        self.caught_up = 0
        self.acts: list[Act] = []
        self.loaded, self.generation = load(data, "lvs.cf"), 1
        recorder = Recorder(None)
        self.events: list[Event] = []
        recorder.on_record(lambda record: self.events.append(record.event))
        self.ground = Ground(self.file, folder, folder, disk or Disk())
        self.teller = Teller("lvsd", recorder)
        self.changes = Changes(self, self.ground, self.teller, clock=lambda: self.now)

    def in_force(self) -> InForce:
        assert self.loaded.config is not None
        config = self.loaded.config
        data = self.loaded.original_bytes()
        return InForce(data=data, config=config, generation=self.generation, meaning=meaning(config))

    async def judge(self, data: bytes, name: str) -> Judged[Loaded]:
        loaded = load(data, name)
        problems = tuple(finding.sentence() for finding in loaded.errors)
        return Judged(config=loaded.config, read=loaded, problems=problems, warnings=(), rendered="")

    async def take(self, read: Loaded, act: Act) -> tuple[str, ...]:
        if self.cannot:
            return (self.cannot,)
        self.loaded, self.generation = read, self.generation + 1
        self.acts.append(act)
        return ()

    async def catch_up(self) -> None:
        self.caught_up += 1

    async def plan(self, after: Config) -> Planned:
        return Planned(kind=self.kind, counts="1 change", summary="1 change: weight", lines=())

    async def standings(self) -> Mapping[str, Standing]:
        return self.stand

    async def on_disk(self, work: Callable[[], R]) -> R:
        return work()

    # What a test says.

    def apply(self, data: bytes, **more: Any) -> dict[str, object]:
        order = Order(data=data, name="new.cf", act=Act(who="alice", how="apply"))
        return asyncio.run(self.changes.apply(replace(order, **more)))

    def refusal(self, data: bytes, **more: object) -> str:
        before = (self.file.read_bytes(), self.generation)
        with pytest.raises(Refused) as refused:
            self.apply(data, **more)
        assert (self.file.read_bytes(), self.generation) == before
        return str(refused.value)

    def look(self, after_s: float = 0.0) -> None:
        self.now = replace(self.now, boottime_s=self.now.boottime_s + after_s, wall_s=self.now.wall_s + after_s)
        asyncio.run(self.changes.look())

    def serial(self) -> int:
        return self.in_force().config.serial_no


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path, text(1))


def test_a_file_is_in_lvs_cf_and_in_force(daemon: Daemon) -> None:
    told = daemon.apply(text(2))
    assert (daemon.file.read_bytes(), daemon.serial(), told["generation"]) == (text(2), 2, 2)
    assert told["up"] == {"www": [1, 1]}
    assert daemon.acts == [Act(who="alice", how="apply")]


def test_a_file_with_errors_is_refused(daemon: Daemon) -> None:
    assert "unknown keyword 'frimary'" in daemon.refusal(text(2).replace(b"primary", b"frimary"))


def test_more_than_is_allowed_is_refused(daemon: Daemon) -> None:
    daemon.kind = Allow.DISRUPTIVE
    assert daemon.refusal(text(2)).endswith("if that is meant: --allow disruptive")
    daemon.apply(text(2), allow=Allow.DISRUPTIVE)


def test_more_than_change_limit_must_be_asked_for(daemon: Daemon) -> None:
    daemon.apply(text(2, weight=10))
    assert "9 of 10 configured weight (9 of it by lower weights of servers that stay): over change_l" in daemon.refusal(
        text(3), allow=Allow.DISRUPTIVE
    )
    daemon.apply(text(3), allow=Allow.MASS)


def test_a_decision_that_rests_on_another_file_is_refused(daemon: Daemon) -> None:
    order = Order(data=text(2), name="new.cf", act=Act(how="apply"))
    base = str(asyncio.run(daemon.changes.preview(order))["base"])
    daemon.file.write_bytes(text(5))
    assert "has changed since you looked" in daemon.refusal(text(2), base=base)


def test_an_edit_of_a_file_that_moved_meanwhile_is_refused(daemon: Daemon) -> None:
    daemon.file.write_bytes(text(5))
    assert "changed by somebody else meanwhile" in daemon.refusal(text(2), seen=digest(text(1)))


def test_what_was_written_and_never_in_force_is_kept_beside(daemon: Daemon) -> None:
    daemon.file.write_bytes(text(5))
    assert daemon.apply(text(2))["set_aside"] == f"{daemon.file}.unused"
    assert (daemon.file.parent / "lvs.cf.unused").read_bytes() == text(5)


def test_no_copy_of_an_edit_takes_the_place_of_an_earlier_one(daemon: Daemon) -> None:
    kept = []
    for serial in (5, 7, 7):
        daemon.file.write_bytes(text(serial))
        kept.append(daemon.apply(text(2))["set_aside"])
    first = f"{daemon.file}.unused"
    assert kept == [first, f"{first}-2", f"{first}-2"], "the same edit needs no second copy"
    assert (Path(first).read_bytes(), Path(f"{first}-2").read_bytes()) == (text(5), text(7))
    assert ("set_aside", f"{first}-2") in daemon.events[-1].facts


def test_the_newest_copies_stay_and_the_oldest_go(daemon: Daemon) -> None:
    for serial in range(10, 10 + MOST_UNUSED + 2):
        daemon.file.write_bytes(text(serial))
        last = str(daemon.apply(text(2))["set_aside"])
    assert last == f"{daemon.file}.unused-{MOST_UNUSED + 2}"
    assert len(list(daemon.file.parent.glob("lvs.cf.unused*"))) == MOST_UNUSED
    assert Path(last).read_bytes() == text(10 + MOST_UNUSED + 1)


def test_an_edit_made_while_a_change_waited_is_kept_and_named_when_it_goes_back(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    daemon.file.write_bytes(text(9))
    told = asyncio.run(daemon.changes.take_back("rollback by bob"))
    assert told["set_aside"] == f"{daemon.file}.unused"
    assert ("set_aside", f"{daemon.file}.unused") in daemon.events[-1].facts


def test_a_file_in_place_is_only_put_in_force(daemon: Daemon) -> None:
    daemon.file.write_bytes(text(5))
    assert daemon.apply(text(5))["set_aside"] == ""
    assert daemon.serial() == 5


def test_a_daemon_that_cannot_follow_leaves_lvs_cf_as_it_was(daemon: Daemon) -> None:
    daemon.cannot = "heartbeat socket: port in use"
    assert daemon.refusal(text(2), confirm_s=60.0) == "heartbeat socket: port in use"
    assert not daemon.ground.pending.exists()


@pytest.mark.parametrize("full", ["pending.cf", "lvs.cf"])
def test_a_full_disk_is_one_line_and_changes_nothing(tmp_path: Path, full: str) -> None:
    daemon = Daemon(tmp_path, text(1), FullDisk(f".{full}"))
    words = f"{tmp_path}/{full}: No space left on device"
    assert daemon.refusal(text(2), confirm_s=60.0) == words


def test_where_another_tool_writes_the_file_piranha_does_not(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, text(1, more="config_sync = external"))
    assert daemon.refusal(text(2)).startswith("config_sync = external: another tool writes lvs.cf")
    daemon.file.write_bytes(text(2))
    assert daemon.refusal(text(2), confirm_s=5.0).startswith("config_sync = external")
    daemon.apply(text(2))
    assert daemon.serial() == 2


def test_what_is_not_confirmed_goes_back(daemon: Daemon) -> None:
    done = daemon.apply(text(2), confirm_s=60.0)
    daemon.look(59.5)
    assert daemon.serial() == 2
    daemon.look(0.6)
    assert (daemon.serial(), daemon.file.read_bytes()) == (1, text(1))
    assert daemon.changes.facts()["last_change"] == {
        "id": done["id"],
        "outcome": "back to serial 1: not confirmed within 60 s",
    }
    assert not daemon.ground.pending.exists()
    assert daemon.acts[-1] == Act(who="alice", how="taken back", reason="not confirmed within 60 s")


def test_what_is_confirmed_stays(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    asyncio.run(daemon.changes.confirm("bob"))
    daemon.look(61)
    assert (daemon.serial(), daemon.changes.waiting) == (2, None)
    assert not daemon.ground.pending.exists()


def test_nothing_and_too_late_cannot_be_confirmed(daemon: Daemon) -> None:
    with pytest.raises(Refused, match="nothing waits"):
        asyncio.run(daemon.changes.confirm("bob"))
    daemon.apply(text(2), confirm_s=60.0)
    daemon.now = replace(daemon.now, boottime_s=daemon.now.boottime_s + 60)
    with pytest.raises(Refused, match="too late"):
        asyncio.run(daemon.changes.confirm("bob"))


def test_while_a_change_waits_others_are_refused_with_who_and_until_when(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    words = daemon.refusal(text(3))
    assert words.startswith("a change by alice waits for its confirmation until ")
    assert words.endswith("(60 s): `piranha confirm` keeps it, `piranha rollback` takes it back")
    assert daemon.changes.refusal() == words


def test_a_person_takes_it_back(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    asyncio.run(daemon.changes.take_back("rollback by bob"))
    assert (daemon.serial(), daemon.changes.refusal()) == (1, "")


def test_the_loss_of_the_last_healthy_server_brings_it_back_at_once(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    daemon.stand = {"www": Standing(0, 1, False)}
    daemon.look(1)
    assert daemon.serial() == 2, "a server whose first answer is waited for is not lost"
    daemon.stand = {"www": Standing(0, 1, True)}
    daemon.look(1)
    assert daemon.serial() == 1
    assert daemon.acts[-1].reason == "virtual server www lost its last healthy server"


def test_a_virtual_server_that_had_none_loses_none(daemon: Daemon) -> None:
    daemon.stand = {"www": Standing(0, 1, True)}
    daemon.apply(text(2), confirm_s=60.0)
    daemon.look(1)
    assert daemon.serial() == 2


def test_a_full_disk_at_the_deadline_keeps_nothing_in_force_and_is_tried_again(tmp_path: Path) -> None:
    disk = FullDisk(".lvs.cf")
    disk.full = False
    daemon = Daemon(tmp_path, text(1), disk)
    daemon.apply(text(2), confirm_s=60.0)
    disk.full = True
    daemon.look(60)
    assert (daemon.serial(), daemon.file.read_bytes()) == (1, text(2))
    assert daemon.changes.trouble == f"{daemon.file}: No space left on device"
    disk.full = False
    daemon.look(RETRY_S)
    assert (daemon.file.read_bytes(), daemon.changes.waiting) == (text(1), None)


def test_what_the_history_had_no_room_for_is_tried_again_every_few_seconds(daemon: Daemon) -> None:
    daemon.look()
    daemon.look(RETRY_S / 2)
    assert daemon.caught_up == 1
    daemon.look(RETRY_S / 2)
    assert daemon.caught_up == 2


def test_the_next_daemon_waits_on_and_goes_back_in_time(daemon: Daemon) -> None:
    daemon.apply(text(2), confirm_s=60.0)
    daemon.now = replace(daemon.now, boottime_s=daemon.now.boottime_s + 30)
    settled = journal.settle(daemon.ground, daemon.now)
    daemon.changes = Changes(daemon, daemon.ground, daemon.teller, settled, clock=lambda: daemon.now)
    assert daemon.changes.refusal() != ""
    daemon.look(29)
    assert daemon.serial() == 2
    daemon.look(1)
    assert (daemon.serial(), daemon.file.read_bytes()) == (1, text(1))


def test_a_confirmation_of_what_changes_nothing_is_not_waited_for(daemon: Daemon) -> None:
    assert daemon.apply(text(1), confirm_s=60.0)["unconfirmed"] is None
