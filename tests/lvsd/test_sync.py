"""Connection synchronisation: which sync daemons run in which role, on a kernel that is a fake."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.lvsd.events import recording

from piranha.change.plan_sync import SyncSeen
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.event import Event, Level
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.route import InterfaceAddress, Link
from piranha.kernel.sync_daemons import differences, lacking
from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.lvsd.cold import balanced_twice, switched_off
from piranha.lvsd.kept_kernel import Asked, KeptKernel
from piranha.lvsd.kept_sync import KeptSync
from piranha.lvsd.machine import Machine
from piranha.lvsd.sync import SETTLE_S, Aim, Place, SetBackupOnly, Start, Stop, Sync
from piranha.lvsd.sync_place import place_of

ATTRIBUTES = SyncDaemon(sender=False, interface="eth1", sync_id=7)
AIM = Aim(ATTRIBUTES, Place("eth1", 3))


def runs(sender: bool, **attributes: object) -> SyncDaemon:
    """A daemon as the kernel tells of it."""
    told = replace(ATTRIBUTES, sender=sender, max_length=1472, group=ip_address("224.0.0.81"), port=8848, ttl=1)
    return replace(told, **attributes)  # type: ignore[arg-type]


MASTER, BACKUP = runs(True), runs(False)


def in_role(role: str, before: str = "", at: float = 0.0) -> Sync:
    sync = Sync()
    sync.enter(before, at)
    sync.enter(role, at)
    return sync


def test_the_active_router_sends_and_the_standby_takes_in_and_balances_nothing() -> None:
    assert in_role("active").steps(AIM, [], "0", 1.0) == [Start(replace(ATTRIBUTES, sender=True))]
    assert in_role("standby").steps(AIM, [], "0", 1.0) == [SetBackupOnly("1"), Start(ATTRIBUTES)]


def test_nothing_is_touched_while_nobody_has_said_the_role() -> None:
    assert in_role("").steps(AIM, [MASTER], "0", 1.0) == []


def test_what_runs_as_the_file_asks_is_left() -> None:
    assert in_role("active").steps(AIM, [MASTER], "0", 1.0) == []
    assert in_role("standby").steps(AIM, [BACKUP], "1", 1.0) == []


def test_a_takeover_balances_before_it_sends_and_takes_in_for_a_while() -> None:
    sync = in_role("active", before="standby", at=10.0)
    assert sync.steps(AIM, [BACKUP], "1", 10.0) == [SetBackupOnly("0")]
    assert sync.steps(AIM, [BACKUP], "0", 10.0) == [Start(replace(ATTRIBUTES, sender=True))]
    assert sync.steps(AIM, [BACKUP, MASTER], "0", 10.0) == []
    assert sync.steps(AIM, [BACKUP, MASTER], "0", 10.0 + SETTLE_S) == [Stop(BACKUP, "this router is active")]


def test_a_router_that_cannot_reset_backup_only_stops_taking_in_before_it_sends() -> None:
    sync = in_role("active", before="standby", at=10.0)
    sync.done(SetBackupOnly("0"), AIM, refused=True)
    assert sync.steps(AIM, [BACKUP], "1", 10.0) == [Stop(BACKUP, "this router is active")]
    assert sync.steps(AIM, [], "1", 10.0) == [Start(replace(ATTRIBUTES, sender=True))]


def test_a_step_down_guards_first_and_sends_what_is_left() -> None:
    sync = in_role("standby", before="active", at=10.0)
    assert sync.steps(AIM, [MASTER], "0", 10.0) == [SetBackupOnly("1"), Start(ATTRIBUTES)]
    assert sync.steps(AIM, [MASTER, BACKUP], "1", 14.0) == []
    assert sync.steps(AIM, [MASTER, BACKUP], "1", 14.5) == [Stop(MASTER, "this router is standby")]


def test_a_takeover_balances_even_where_the_interface_is_gone() -> None:
    sync = in_role("active", before="standby", at=10.0)
    nowhere = replace(AIM, place=None)
    assert sync.steps(nowhere, [BACKUP], "1", 10.0) == [SetBackupOnly("0")]
    assert sync.steps(nowhere, [BACKUP], "0", 10.0) == []


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"interface": "eth0"}, "syncd_iface eth0 -> eth1"),
        ({"port": 9000}, "syncd_port 9000 -> 8848"),
        ({"ttl": 2}, "syncd_ttl 2 -> 1"),
        ({"group": ip_address("224.0.0.82")}, "syncd_group 224.0.0.82 -> 224.0.0.81"),
        ({"max_length": 500}, "syncd_maxlen 500 -> 1472"),
    ],
)
def test_a_daemon_with_other_attributes_is_started_again(found: dict[str, object], why: str) -> None:
    other = runs(True, **found)
    assert in_role("active").steps(AIM, [other], "0", 1.0) == [
        Stop(other, why),
        Start(replace(ATTRIBUTES, sender=True)),
    ]


def test_a_daemon_whose_interface_was_made_anew_is_started_again() -> None:
    sync = in_role("active")
    sync.steps(AIM, [MASTER], "0", 1.0)
    stop, _ = sync.steps(Aim(ATTRIBUTES, Place("eth1", 9)), [MASTER], "0", 2.0)
    assert stop == Stop(MASTER, "eth1 was made anew")


def test_a_daemon_of_somebody_else_is_left_and_named() -> None:
    sync, other = in_role("active"), runs(True, sync_id=5)
    assert sync.steps(AIM, [other], "0", 1.0) == []
    assert sync.foreign == [other]


def test_one_that_was_ours_under_another_id_is_no_stranger() -> None:
    sync = in_role("active")
    sync.ours[True] = 5
    assert sync.steps(AIM, [runs(True, sync_id=5)], "0", 1.0)[0] == Stop(runs(True, sync_id=5), "syncd_id 5 -> 7")


def test_without_syncdaemon_only_ours_are_stopped() -> None:
    sync = in_role("active")
    assert sync.steps(None, [MASTER], "0", 1.0) == []
    sync.ours[True] = 7
    assert sync.steps(None, [MASTER, runs(False, sync_id=9)], "0", 1.0) == [Stop(MASTER, "syncdaemon = 0")]


def test_lengths_are_compared_as_the_kernel_cuts_them() -> None:
    short, long = replace(ATTRIBUTES, max_length=100), replace(ATTRIBUTES, max_length=65507)
    assert differences(short, runs(False, max_length=1024)) == ""
    assert differences(replace(short, sender=True), runs(True, max_length=100)) == ""
    assert differences(long, runs(False, max_length=65507)) == ""
    assert differences(ATTRIBUTES, runs(False, max_length=8972)) == ""  # of an interface with jumbo frames
    version6 = replace(ATTRIBUTES, group=ip_address("ff02::51"))
    assert differences(version6, runs(False, group=ip_address("ff02::51"), max_length=1452)) == ""


def test_what_an_old_kernel_does_not_know_is_named_and_no_reason_to_start_again() -> None:
    wanted = replace(ATTRIBUTES, sender=True, port=9000, ttl=2)
    old = SyncDaemon(sender=True, interface="eth1", sync_id=7)
    assert differences(wanted, old) == ""
    assert lacking(wanted, old) == ["syncd_port", "syncd_ttl"]
    assert lacking(wanted, MASTER) == []


# The whole, on a kernel that is a fake.

PAIR = """primary = 192.0.2.2
primary_private = 10.0.0.2
backup_active = 1
backup = 192.0.2.3
backup_private = 10.0.0.3
heartbeat_auth = none
network = direct
syncdaemon = 1
syncd_iface = private
syncd_id = 7
virtual www { active = 1; address = 192.0.2.10; server a { active = 1; address = 192.0.2.21 } }
virtual dns { active = 1; address = 192.0.2.11; server b { active = 1; address = 192.0.2.3 } }
"""
ETH0 = Link(index=2, name="eth0", mac=b"\2" * 6, up=True, carrier=True)
ETH1 = Link(index=3, name="eth1", mac=b"\3" * 6, up=True, carrier=True)
ADDRESSES = (
    InterfaceAddress(index=2, address=ip_address("192.0.2.3"), prefix=24),
    InterfaceAddress(index=3, address=ip_address("10.0.0.3"), prefix=24),
)


def config(text: str = PAIR) -> Config:
    loaded = load(text.encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


class Kernel:
    """Sync daemons as the kernel keeps them, and what it is told to refuse."""

    def __init__(self) -> None:
        self.running: list[SyncDaemon] = []
        self.refuses = self.unreadable = self.blind = ""
        self.ignores: dict[str, object] = {}  # what it makes of attributes, whatever is asked for
        self.links: Sequence[Link] = (ETH0, ETH1)

    def daemons(self) -> list[SyncDaemon]:
        if self.blind:
            raise PiranhaError(self.blind)
        return list(self.running)

    def start(self, daemon: SyncDaemon) -> str:
        if not self.refuses:
            given = {"interface": daemon.interface, "sync_id": daemon.sync_id, "port": daemon.port or 8848}
            self.running.append(runs(daemon.sender, **{**given, **self.ignores}))
        return self.refuses

    def stop(self, daemon: SyncDaemon) -> str:
        self.running = [one for one in self.running if one.sender is not daemon.sender]
        return ""

    def interfaces(self) -> tuple[Sequence[Link], Sequence[InterfaceAddress]]:
        if self.unreadable:
            raise PiranhaError(self.unreadable)
        return self.links, ADDRESSES

    def states(self) -> list[str]:
        return ["master" if one.sender else "backup" for one in self.running]


class Backup:
    """The backup router of PAIR."""

    def __init__(self, folder: Path) -> None:
        self.config, self.role = config(), ""
        self.fake, self.folder = Kernel(), folder
        self.vs = folder / "proc" / "sys" / "net" / "ipv4" / "vs"
        self.vs.mkdir(parents=True)
        (self.vs / "backup_only").write_text("0\n")
        self.recorder, self.teller = recording(folder)
        self.kernel = self.made()

    def made(self, on_cold: Callable[[], None] = lambda: None) -> KeptKernel:
        """A lvs daemon that has just started."""
        machine, kept = Machine(self.folder / "proc"), StateFiles(self.folder, self.folder / "run")
        sync = KeptSync(kept, "backup", self.fake, machine)
        return KeptKernel(machine, sync, self.teller, lambda: Asked(self.config, self.role), on_cold)

    def look(self, role: str | None = None) -> list[Event]:
        """Be told the role, or look again; return what is told of it."""
        told = len(self.recorder.last())
        if role is not None:
            self.role = role
            asyncio.run(self.kernel.enter_role())
        else:
            asyncio.run(self.kernel.look())
        return [one.event for one in self.recorder.last()][told:]

    def backup_only(self) -> str:
        return (self.vs / "backup_only").read_text().strip()

    def sync(self) -> dict[str, object]:
        facts = self.kernel.facts()["sync"]
        assert isinstance(facts, dict)
        return facts


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Backup]:
    made = Backup(tmp_path)
    yield made
    made.recorder.close()


def test_a_standby_takes_connections_in_and_shows_it(backup: Backup) -> None:
    events = backup.look("standby")
    assert (backup.fake.states(), backup.backup_only()) == (["backup"], "1")
    assert [event.message for event in events] == ["net.ipv4.vs.backup_only set", "sync daemon started"]
    shown = backup.sync()
    assert (shown["states"], shown["interface"], shown["id"], shown["trouble"]) == (["backup"], "eth1", 7, "")


def test_a_takeover_sends_while_it_still_takes_in(backup: Backup) -> None:
    backup.look("standby")
    backup.look("active")
    assert (backup.fake.states(), backup.backup_only()) == (["backup", "master"], "0")
    settles_in_s = backup.sync()["settles_in_s"]
    assert isinstance(settles_in_s, float)
    assert 0 < settles_in_s <= SETTLE_S


def test_what_cannot_be_started_is_told_once_and_tried_again(backup: Backup) -> None:
    backup.fake.refuses = "interface eth1 is down or has no address (ENETUNREACH)"
    events = backup.look("active")
    assert events[-1].message == "connections are not synchronised"
    assert events[-1].cause.endswith("interface eth1 is down or has no address (ENETUNREACH)")
    assert backup.look() == []
    backup.fake.refuses = ""
    assert backup.look()[-1].message == "connections are synchronised again"
    assert backup.fake.states() == ["master"]


def test_an_interface_that_is_not_there_is_named(backup: Backup) -> None:
    backup.fake.links = (ETH0,)
    assert backup.look("active")[-1].cause == "no interface has 10.0.0.3"
    backup.fake.links = (ETH0, ETH1)
    backup.look()
    assert backup.fake.states() == ["master"]


NOSUCH = PAIR.replace("syncd_iface = private", "syncd_iface = nosuch0")


def test_where_the_file_names_no_interface_that_is_there_what_runs_goes_on_and_is_told(backup: Backup) -> None:
    backup.look("active")
    backup.config = config(NOSUCH.replace("syncd_id = 7", "syncd_id = 8"))
    [event] = backup.look()
    assert backup.fake.running == [runs(True)]
    assert event.message == (
        "connections are synchronised, but not as they should be: by sync daemon master on eth1 with id 7"
    )
    assert (event.level, event.cause) == (Level.WARNING, "there is no interface nosuch0")
    assert backup.sync()["goes_on"] == "sync daemon master on eth1 with id 7"
    assert backup.look() == []
    backup.fake.running = []
    assert backup.look()[-1].message == "connections are not synchronised"
    assert backup.sync()["goes_on"] == ""
    backup.config = config(PAIR)
    assert backup.look()[-1].message == "connections are synchronised again"


def test_one_that_goes_on_is_as_the_file_asks_when_the_file_is_mended(backup: Backup) -> None:
    backup.look("active")
    backup.config = config(NOSUCH)
    backup.look()
    backup.config = config(PAIR)
    [event] = backup.look()
    assert event.message == "connections are synchronised as they should be"


def test_a_daemon_whose_interface_went_away_does_not_go_on(backup: Backup) -> None:
    backup.look("active")
    backup.fake.links = (ETH0,)
    assert backup.look()[-1].message == "connections are not synchronised"


def test_trouble_ends_in_true_words_when_nothing_is_asked_for_any_more(backup: Backup) -> None:
    backup.config = config(NOSUCH)
    backup.look("active")
    backup.config = config(PAIR.replace("syncdaemon = 1", "syncdaemon = 0"))
    [event] = backup.look()
    assert (event.message, event.before) == (
        "synchronisation is not asked for any more",
        "there is no interface nosuch0",
    )
    assert backup.look() == []


def test_trouble_that_ends_before_the_role_is_known_says_no_more_than_that(backup: Backup) -> None:
    backup.config = config(NOSUCH)
    backup.look()
    backup.config = config(PAIR)
    [event] = backup.look()
    assert event.message == "nothing keeps connections from being synchronised any more"


def test_a_takeover_balances_even_where_the_interfaces_cannot_be_read(backup: Backup) -> None:
    backup.look("standby")
    backup.fake.unreadable = "list devices: ENOBUFS"
    backup.look("active")
    assert backup.backup_only() == "0"
    assert backup.sync()["trouble"] == "list devices: ENOBUFS"


def test_where_nobody_can_read_which_daemons_run_it_is_unknown_and_not_called_no(backup: Backup) -> None:
    backup.look("active")
    backup.fake.blind = "list sync daemons: ENOBUFS"
    [event] = backup.look()
    assert (event.level, event.message) == (Level.WARNING, "whether connections are synchronised is unknown")
    assert event.cause == "list sync daemons: ENOBUFS"
    assert (backup.sync()["unknown"], backup.sync()["trouble"]) == (True, "list sync daemons: ENOBUFS")
    assert backup.look() == []
    backup.fake.blind = ""
    [event] = backup.look()
    assert (event.level, event.message) == (Level.INFO, "connections are synchronised: that can be read again")
    assert (backup.sync()["unknown"], backup.sync()["trouble"]) == (False, "")


def test_after_the_unknown_comes_what_is_true(backup: Backup) -> None:
    backup.fake.blind = "list sync daemons: ENOBUFS"
    backup.look("active")
    backup.fake.blind, backup.fake.refuses = "", "such a daemon runs already (EEXIST)"
    assert backup.look()[-1].message == "connections are not synchronised"
    backup.fake.blind = "list sync daemons: ENOBUFS"
    assert backup.look()[-1].message == "whether connections are synchronised is unknown"


PORT = PAIR.replace("syncd_id = 7", "syncd_id = 7\nsyncd_port = 9000")


def test_what_the_kernel_makes_otherwise_of_a_daemon_that_was_started_is_named_and_not_started_again(
    backup: Backup,
) -> None:
    backup.config, backup.fake.ignores = config(PORT), {"port": 8848}
    started, told = backup.look("active")
    assert started.message == "sync daemon started"
    assert (told.level, told.message) == (
        Level.WARNING,
        "the kernel does not give the sync daemon all that the file asks for",
    )
    assert told.cause == "it has made it otherwise: syncd_port 8848 -> 9000"
    assert backup.sync()["otherwise"] == "syncd_port 8848 -> 9000"
    assert backup.look() == []
    backup.config, backup.fake.ignores = config(PORT.replace("9000", "9001")), {}
    assert [event.message for event in backup.look()] == [
        "sync daemon stopped",
        "sync daemon started",
        "the sync daemon has all that the file asks for",
    ]
    assert backup.sync()["otherwise"] == ""


def test_what_an_old_kernel_does_not_know_is_told_once(backup: Backup) -> None:
    backup.config, backup.fake.ignores = config(PORT), {"max_length": None, "group": None, "port": None, "ttl": None}
    assert backup.look("active")[-1].cause == "this kernel knows no syncd_port: Linux 4.3 does"
    assert (backup.sync()["lacking"], backup.look()) == (["syncd_port"], [])


def test_a_daemon_that_somebody_started_otherwise_is_started_as_the_file_asks(backup: Backup) -> None:
    backup.look("active")
    backup.fake.running = [runs(True, port=9000)]
    assert [event.message for event in backup.look()] == ["sync daemon stopped", "sync daemon started"]
    assert backup.sync()["otherwise"] == ""


def test_a_daemon_that_somebody_stops_is_started_again_and_named(backup: Backup) -> None:
    backup.look("active")
    backup.fake.running = []
    [event] = backup.look()
    assert (event.level, event.cause) == (Level.WARNING, "stopped by somebody else")
    assert backup.fake.states() == ["master"]


def test_a_daemon_of_somebody_else_is_shown_with_what_makes_room(backup: Backup) -> None:
    backup.fake.running = [runs(True, sync_id=5)]
    backup.look("active")
    words = "a sync daemon master of somebody else runs on eth1, with id 5, and is left"
    assert backup.sync()["trouble"] == f"{words}: ipvsadm --stop-daemon master makes room for that of lvs.cf"
    backup.fake.running = []
    started, _ = backup.look()
    assert (started.level, started.cause) == (Level.INFO, "this router is active")


def test_a_restart_adopts_what_runs_and_a_file_without_synchronisation_ends_it(backup: Backup) -> None:
    backup.look("active")
    backup.kernel = backup.made()
    assert backup.look() == []
    assert backup.fake.states() == ["master"]
    backup.kernel = backup.made()
    backup.config = config(PAIR.replace("syncdaemon = 1", "syncdaemon = 0"))
    [event] = backup.look()
    assert (event.message, event.cause) == ("sync daemon stopped", "syncdaemon = 0")
    assert backup.fake.states() == []
    assert backup.kernel.facts()["sync"] is None


def test_a_plan_gets_what_runs_now_and_where_the_file_has_it(backup: Backup) -> None:
    assert asyncio.run(backup.kernel.sync_seen()) is None  # nobody has said the role
    backup.look("active")
    backup.fake.running = [runs(True, ttl=9)]
    seen = asyncio.run(backup.kernel.sync_seen())
    assert seen == SyncSeen(sender=True, runs=runs(True, ttl=9), interface="eth1")
    backup.fake.blind = "list sync daemons: ENOBUFS"
    seen = asyncio.run(backup.kernel.sync_seen())
    assert seen == SyncSeen(sender=True, unknown=True, trouble="list sync daemons: ENOBUFS")


def test_a_clean_stop_ends_them(backup: Backup) -> None:
    backup.look("active")
    asyncio.run(backup.kernel.end())
    assert backup.fake.states() == []


def test_a_standby_that_is_a_real_server_has_the_table_while_it_is_guarded(backup: Backup) -> None:
    backup.look("standby")
    assert backup.kernel.cold() == frozenset()


def test_without_the_guard_such_a_standby_leaves_that_virtual_server_out_and_says_so(backup: Backup) -> None:
    backup.config = config(PAIR.replace("syncdaemon = 1", "syncdaemon = 0"))
    [event] = backup.look("standby")
    assert backup.kernel.cold() == {"dns"}
    assert event.message == "left out of the table of this standby"
    backup.role = "active"
    assert backup.kernel.cold() == frozenset()


def test_a_kernel_without_backup_only_makes_such_a_standby_cold_and_takes_connections_in(backup: Backup) -> None:
    (backup.vs / "backup_only").unlink()
    backup.look("standby")
    assert backup.kernel.cold() == {"dns"}
    assert backup.fake.states() == ["backup"]
    assert backup.sync()["trouble"] == "this kernel has no net.ipv4.vs.backup_only"


def test_only_the_router_itself_and_no_nat_is_balanced_twice() -> None:
    assert balanced_twice(config(), "backup") == {"dns"}
    assert balanced_twice(config(), "primary") == frozenset()
    assert balanced_twice(config(), "") == frozenset()
    assert balanced_twice(config(PAIR.replace("network = direct", "network = nat")), "backup") == frozenset()
    assert [one.name for one in switched_off(config(), frozenset({"dns"})).active_virtuals()] == ["www"]


@pytest.mark.parametrize(
    ("device", "node", "found"),
    [
        ("private", "backup", Place("eth1", 3)),
        ("public", "", Place("eth0", 2)),
        ("eth1", "", Place("eth1", 3)),
        ("eth7", "", "there is no interface eth7"),
        ("private", "primary", "no interface has 10.0.0.2"),
    ],
)
def test_an_interface_is_found_by_its_name_or_by_an_own_address(device: str, node: str, found: Place | str) -> None:
    assert place_of(device, config(), node, (ETH0, ETH1), ADDRESSES) == found


def test_a_cold_standby_wants_its_table_back_as_soon_as_it_is_active(backup: Backup) -> None:
    backup.config = config(PAIR.replace("syncdaemon = 1", "syncdaemon = 0"))
    wanted = []
    backup.kernel = backup.made(on_cold=lambda: wanted.append(backup.kernel.cold()))
    backup.look("standby")
    backup.look("active")
    assert wanted == [{"dns"}, set()]
