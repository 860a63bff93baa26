"""A reload is judged as a start would be; what is refused changes nothing and says why."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from piranha.change.order import Act
from piranha.change.serving import InForce
from piranha.control.daemon import Folders
from piranha.control.state_files import StateFiles
from piranha.events.event import Event
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.accepted import Accepted, Stored
from piranha.pulse import reading
from piranha.pulse.endpoint import EndpointError
from piranha.pulse.heartbeat import Place
from piranha.pulse.reading import Reading
from piranha.pulse.reload import Reload, Ways
from piranha.pulse.setup import Setup
from piranha.pulse.startup import Said

FILE = """
primary = {primary}
backup = {backup}
backup_active = {paired}
heartbeat_auth = none
forwarding_plane = {plane}
virtual www {{
    active = {active}
    address = 127.0.74.10 {device}
    port = 8080
    server one {{ active = 1; address = 127.0.74.20; port = 8081 }}
}}
"""


R = TypeVar("R")


class Here:
    """Reads in this process; the real one has a helper process for it."""

    async def read(self, path: Path) -> Reading:
        return reading.read(path)

    async def judge(self, data: bytes, name: str) -> Reading:
        return reading.read_bytes(data, name)

    async def accept(self, kept: StateFiles, read: Reading) -> Stored:
        return reading.accept(kept, read)

    async def on_disk(self, work: Callable[[], R]) -> R:
        return work()


class Router:
    """The primary, at 127.0.0.1, on a plane in user space unless the file says otherwise."""

    def __init__(self, folder: Path, said: Said | None = None) -> None:
        self.file = folder / "lvs.cf"
        self.kept = StateFiles(folder / "state", folder / "run")
        for name in (self.kept.state, self.kept.run):
            name.mkdir()
        recorder = Recorder(None)
        self.events: list[Event] = []
        recorder.on_record(lambda record: self.events.append(record.event))
        self.opened: list[Config] = []
        self.in_force: list[Config] = []
        self.no_socket = ""
        setup = Setup(
            path=self.file,
            folders=Folders(self.kept.run, self.kept.state),
            said=said or Said(),
            place=Place.PRIMARY,
            plane=PlaneKind.USERSPACE,
            lvsd_command=(),
        )
        ways = Ways(in_force=self.now, reopen=self.reopen, put_in_force=self.put_in_force)
        self.reloads = Reload(setup, Here(), self.kept, Teller("pulse", recorder), ways)
        self.write()
        assert self.reload() == ()

    def write(
        self,
        *,
        primary: str = "127.0.0.1",
        backup: str = "203.0.113.2",
        paired: int = 1,
        active: int = 1,
        plane: str = "userspace",
        device: str = "",
    ) -> None:
        self.file.write_text(
            FILE.format(primary=primary, backup=backup, paired=paired, active=active, plane=plane, device=device)
        )

    def reopen(self, config: Config) -> None:
        if self.no_socket:
            raise EndpointError(self.no_socket)
        self.opened.append(config)

    async def put_in_force(self, _read: Reading, config: Config, _accepted: Accepted) -> None:
        self.in_force.append(config)

    def now(self) -> InForce:
        config = self.in_force[-1] if self.in_force else reading.read(self.file).config
        assert config is not None
        return InForce(data=b"", config=config, generation=1, meaning="")

    def reload(self) -> tuple[str, ...]:
        return asyncio.run(self.reloads.reload(Act(how="SIGHUP")))

    def refusal(self) -> str:
        """Reload; return the one reason, which log and status give too, after nothing has changed."""
        count, kept = len(self.in_force), self.kept.read("accepted.cf")
        [problem] = self.reload()
        assert len(self.in_force) == count and self.kept.read("accepted.cf") == kept
        assert self.reloads.refused_file is not None
        assert self.reloads.refused_file.problems == (problem,)
        assert self.events[-1].cause == problem
        assert self.events[-1].message.endswith("the file is refused, everything stays as it is")
        return problem


@pytest.fixture
def router(tmp_path: Path) -> Router:
    return Router(tmp_path)


def test_a_file_in_which_this_machine_is_no_router_is_refused(router: Router) -> None:
    router.write(primary="203.0.113.1")
    assert router.refusal().startswith("this machine is neither primary nor backup")


def test_a_file_in_which_this_machine_is_the_other_router_is_refused(router: Router) -> None:
    router.write(primary="203.0.113.1", backup="127.0.0.1")
    assert router.refusal() == "this router would be the backup, but pulse runs as the primary: restart it"


def test_a_file_that_serves_nothing_is_refused(router: Router) -> None:
    router.write(active=0)
    assert "no active lvs services defined" in router.refusal()


def test_a_device_that_only_the_next_start_will_need_is_missed_already_now(router: Router) -> None:
    router.write(plane="ipvs", device="nodev7:1")
    assert router.refusal().startswith("127.0.74.10: there is no device nodev7")


def test_a_socket_that_cannot_be_had_is_a_reason(router: Router) -> None:
    router.no_socket = "heartbeat socket: port in use"
    assert router.refusal() == "heartbeat socket: port in use"


def test_a_file_that_can_be_kept_nowhere_is_refused_and_the_sockets_go_back(router: Router) -> None:
    for folder in (router.kept.state, router.kept.run):
        (folder / "accepted.cf.new").mkdir()
    before = router.in_force[-1]
    router.write(backup="203.0.113.3")

    assert router.refusal() == f"it cannot be kept for lvsd: {router.kept.run}/accepted.cf: Is a directory"
    assert router.opened[-1] is before


def test_a_full_disk_is_told_once_and_the_file_is_in_force(router: Router) -> None:
    (router.kept.state / "accepted.cf.new").mkdir()
    for backup in ("203.0.113.3", "203.0.113.4"):
        router.write(backup=backup)
        assert router.reload() == ()

    told = [event for event in router.events if event.message == "state cannot be written"]
    assert [event.cause.split(";")[0] for event in told] == [f"{router.kept.state}/accepted.cf: Is a directory"]
    assert b"203.0.113.4" in router.kept.read("accepted.cf")


def test_another_plane_waits_for_a_restart_and_going_back_does_not(router: Router) -> None:
    for plane in ("ipvs", "userspace"):
        router.write(plane=plane)
        assert router.reload() == ()
    told = [event.message for event in router.events if "forwarding_plane" in event.message]
    assert told == ["forwarding_plane takes effect after a restart of pulse and lvsd"]


def test_a_plane_that_the_command_line_gave_is_not_waited_for(tmp_path: Path) -> None:
    router = Router(tmp_path, Said(plane="userspace"))
    router.write(plane="ipvs")
    assert router.reload() == ()
    assert not [event for event in router.events if "forwarding_plane" in event.message]


def test_a_good_file_ends_a_refusal(router: Router) -> None:
    router.file.write_text("")
    assert router.reload() != ()
    router.write()
    assert router.reload() == ()
    assert router.reloads.refused_file is None


def test_a_file_that_removes_most_is_refused_with_the_numbers(router: Router) -> None:
    whole = router.file.read_text()
    more = "\n".join(whole[whole.index("virtual") :].replace("www", f"w{n}").replace("8080", f"90{n}") for n in "123")
    router.file.write_text(whole + more)
    assert router.reload() == ()

    router.file.write_text(whole)
    refusal = router.refusal()
    assert refusal.startswith("it would remove 3 of 4 active virtual servers and 3 of 4 configured weight: over chan")
    assert refusal.endswith("piranha apply --allow mass")
