"""What the original's daemons did to tables, checks and logs, and what is done here."""

from pathlib import Path

import pytest
from tests.nanny.servers import assignment, closed_port, exchange, results_of, silent

from piranha.events.event import Event
from piranha.events.log import event_line
from piranha.lvscf.config import Config, HeartbeatAuth
from piranha.lvscf.load import load
from piranha.lvsd.pool import Pool
from piranha.nanny.results import Assignment
from piranha.pulse.keys import Key, KeyRing
from piranha.pulse.packet import decode
from piranha.pulse.verdicts import Evidence, Rejected
from piranha.table.changes import Change, EditDestination, EditService, RemoveDestination, RemoveService
from piranha.table.desired import ServerVerdict, Verdicts, desired
from piranha.table.diff import diff
from piranha.table.table import Table

HEAD = "primary = 192.0.2.2\n"
SERVER = "server {0} {{ active = 1; address = 10.0.0.{1}; weight = 2 }}\n"
SERVERS = "".join(SERVER.format(name, number) for number, name in enumerate(("one", "two", "three"), 1))
WEB = "virtual web {\nactive = 1\naddress = 192.0.2.10 eth0\nport = 8080\n" + SERVERS + "}\n"
MAIL = WEB.replace("web", "mail").replace("8080", "25")


def config(text: str) -> Config:
    """The Config of a file without errors."""
    loaded = load(text.encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


def verdicts(read: Config, down: str = "") -> Verdicts:
    """Every server is up but the one named."""
    return {
        (virtual.name, server.name): ServerVerdict.DOWN if server.name == down else ServerVerdict.UP
        for virtual in read.virtuals
        for server in virtual.servers
    }


def table(text: str) -> Table:
    """The table with every server of the file up."""
    read = config(text)
    return desired(read, verdicts(read), {}, ())


def reload(before: str, after: str) -> list[Change]:
    """The changes that a reload makes, with every server up."""
    live = table(before)
    read = config(after)
    return diff(live, desired(read, verdicts(read), live, live.keys()))


def test_another_order_of_blocks_is_no_change() -> None:
    parts = SERVERS.splitlines(keepends=True)
    turned = MAIL.replace(SERVERS, "".join(reversed(parts))) + WEB.replace(SERVERS, "".join(reversed(parts)))
    assert reload(HEAD + WEB + MAIL, HEAD + turned) == []


def test_a_server_that_leaves_the_file_takes_nothing_else_with_it() -> None:
    (change,) = reload(HEAD + WEB + MAIL, HEAD + WEB.replace(SERVER.format("two", 2), "") + MAIL)
    assert isinstance(change, RemoveDestination)
    assert str(change.server.address) == "10.0.0.2"


@pytest.mark.parametrize(
    "line", ["scheduler = rr", "persistent = 300", "persistent = 300\npmask = /24", "quiesce_server = 1", "fwmark = 7"]
)
def test_a_reload_takes_in_settings_of_a_service_that_were_ignored_until_a_restart(line: str) -> None:
    after = HEAD + WEB.replace("port = 8080", f"port = 8080\n{line}")
    if line.startswith("quiesce"):
        read = config(after)
        dead = desired(read, verdicts(read, "one"), table(HEAD + WEB), ())
        assert [one.weight for service in dead.values() for one in service.destinations.values()] == [0, 2, 2]
        return
    changes = reload(HEAD + WEB, after)
    assert changes
    assert all(isinstance(change, EditService) for change in changes) or line.startswith("fwmark")


def test_a_reload_takes_in_a_weight_without_touching_the_others() -> None:
    (change,) = reload(HEAD + WEB, HEAD + WEB.replace("weight = 2", "weight = 7", 1))
    assert isinstance(change, EditDestination)
    assert change.destination.weight == 7


@pytest.mark.parametrize(
    "line", ['send = "PING"', 'expect = "PONG"', 'send_program = "/bin/probe"', "timeout = 3", "reentry = 9"]
)
def test_a_reload_takes_in_another_check_without_forgetting_who_is_up(line: str) -> None:
    def asked(text: str) -> list[Assignment]:
        pool.reconfigure(config(text).virtuals[0], (), 1.0)
        return pool.assignments()

    pool = Pool(config(HEAD + WEB).virtuals[0], {"one"}, 0.0)
    before = pool.assignments()
    after = asked(HEAD + WEB.replace("port = 8080", f"port = 8080\n{line}"))
    assert all(new.check != old.check or new.timing != old.timing for old, new in zip(before, after, strict=True))
    assert [one.believed_up for one in after] == [one.believed_up for one in before]


def test_a_dead_server_with_another_port_than_its_service_goes_under_direct_routing() -> None:
    read = config("network = direct\n" + HEAD + WEB.replace("weight = 2", "weight = 2; port = 9090"))
    live = desired(read, verdicts(read), {}, ())
    changes = diff(live, desired(read, verdicts(read, "one"), live, live.keys()))
    assert [(type(one), one.server.port) for one in changes if isinstance(one, RemoveDestination)] == [
        (RemoveDestination, 8080)
    ]
    assert not any(isinstance(change, RemoveService) for change in changes)


@pytest.mark.parametrize("auth", list(HeartbeatAuth))
@pytest.mark.parametrize("word", [0xBDADDBDA, 0xADBDDABD, 0xBEEFBABE, 0xDEADBEEF, 0xDEADDADA, 0xDEAFBABE])
def test_a_word_that_anybody_can_send_moves_no_router(word: int, auth: HeartbeatAuth) -> None:
    keys = KeyRing((Key("k1", bytes(32)),))
    for data in (word.to_bytes(4, "little"), word.to_bytes(4, "big")):
        judged = decode(data, keys, auth)
        assert isinstance(judged, Rejected)
        assert judged.evidence is Evidence.NOT_A_HEARTBEAT


def test_what_a_server_answers_is_never_read_as_a_format() -> None:
    said = Event(when_s=0.0, subject="web/one", message="check failed", rule="fall = 2", cause="got '%s%n%d{0}'")
    assert "got '%s%n%d{0}'" in event_line(said)


def test_checks_leave_no_descriptor_open() -> None:
    def open_now() -> set[Path]:
        return set(Path("/proc/self/fd").iterdir())

    with silent() as port:
        good = [assignment(exchange(b"x", b"y"), port, name=f"s{n}", interval_s=0.05) for n in range(5)]
        bad = [assignment(exchange(), closed_port(), name=f"c{n}", interval_s=0.05) for n in range(5)]
        results_of(good + bad, 10)
        before = len(open_now())
        results_of(good + bad, 60)
        assert len(open_now()) <= before
