"""The whole lvs daemon on a real kernel: load, reload, repair, restart, stop."""

import signal
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.lvsd.running import LIMIT_S, Lvsd, RealServer, until, virtual

from piranha.forwarding.ipvs import IpvsPlane
from piranha.lvsd.kept_table import FRESH_S
from piranha.table.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol

pytestmark = pytest.mark.kernel

WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 8080))
MAIL = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 25))
FOREIGN = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.99"), 8000))
NAT = ForwardingMethod.NAT
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@pytest.fixture
def servers() -> Iterator[tuple[RealServer, RealServer]]:
    pair = RealServer(), RealServer()
    yield pair
    for one in pair:
        one.stop()


@pytest.fixture
def lvsd(tmp_path: Path, plane: IpvsPlane) -> Iterator[Lvsd]:
    made = Lvsd(tmp_path, "ipvs")
    yield made
    made.clean_up()


def www(servers: tuple[RealServer, RealServer], scheduler: str = "wlc", weight: int = 3) -> str:
    first, second = servers
    return virtual("www", ("web1", first.port, weight), ("web2", second.port, weight), scheduler=scheduler)


def weights(plane: IpvsPlane, key: ServiceKey = WWW) -> dict[int, int]:
    """Weight by port of the real servers."""
    service = plane.dump().get(key)
    return {where.port: found.weight for where, found in service.destinations.items()} if service else {}


def at(server: RealServer) -> DestinationKey:
    return DestinationKey(ip_address("127.0.0.1"), server.port)


def serving(lvsd: Lvsd, servers: tuple[RealServer, RealServer], more: str = "") -> None:
    lvsd.write(www(servers), more=more)
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: lvsd.status()["ready"], "ready")
    lvsd.ask("read_back")  # a pass after the last answer: the table has both servers now


def test_the_table_follows_the_file_and_the_first_checks(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    until(lambda: weights(plane) == {servers[0].port: 3, servers[1].port: 3}, "both servers in the table")
    assert plane.dump()[WWW].settings == ServiceSettings(scheduler="wlc")
    assert lvsd.status()["table_equal"] is True
    lvsd.until_logged("starting virtual service www active: 8080")
    lvsd.until_logged(f"[ active ] making 127.0.0.1:{servers[0].port} available")


def test_a_reload_edits_in_place(lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]) -> None:
    serving(lvsd, servers)
    lvsd.write(www(servers, scheduler="sed", weight=9), serial=2)
    lvsd.reload()
    until(lambda: weights(plane) == {servers[0].port: 9, servers[1].port: 9}, "the new weights")
    assert plane.dump()[WWW].settings.scheduler == "sed"
    assert lvsd.status()["serial_no"] == 2
    assert lvsd.count("starting virtual service") == 1  # not removed and added again


def test_a_bad_or_empty_file_changes_nothing_and_says_why(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    before = plane.dump()
    for text in ("", "\n\n", "virtual www {\n  active = 1\n  scheduler = wlcc\n", "\x7fELF"):
        lvsd.file.write_text(text)
        lvsd.reload()
        assert plane.dump() == before
        refused = lvsd.status()["refused_file"]
        assert refused["findings"]
        lvsd.until_logged(refused["findings"][0])
        assert lvsd.status()["generation"] == 1
    lvsd.write(www(servers))
    lvsd.reload()
    assert lvsd.status()["refused_file"] is None
    assert plane.dump() == before


def test_what_others_change_in_our_services_is_repaired_and_named(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers, more="foreign_edits = repair")
    before = plane.dump()
    stranger = DestinationKey(ip_address("10.9.9.9"), 80)
    refusals = plane.apply(
        [
            EditService(WWW, ServiceSettings(scheduler="lblc")),
            EditDestination(WWW, at(servers[0]), Destination(forwarding=NAT, weight=77)),
            RemoveDestination(WWW, at(servers[1])),
            AddDestination(WWW, stranger, Destination(forwarding=NAT)),
        ]
    )
    assert refusals == []
    repaired = lvsd.ask("read_back")["repaired"]
    assert plane.dump() == before
    assert sorted(repaired) == sorted(
        [
            "tcp 192.0.2.10:8080: scheduler was lblc, is wlc again",
            f"server {at(servers[0])} of tcp 192.0.2.10:8080: weight was 77, is 3 again",
            f"server {at(servers[1])} of tcp 192.0.2.10:8080 was removed",
            "server 10.9.9.9:80 of tcp 192.0.2.10:8080 was added",
        ]
    )
    assert [repair["what"] for repair in lvsd.status()["overruled"]] == repaired
    lvsd.until_logged("table repaired: subject=www/web1")


def test_a_deleted_service_is_put_back(lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]) -> None:
    serving(lvsd, servers)
    before = plane.dump()
    plane.apply([RemoveService(WWW)])
    assert lvsd.ask("read_back")["repaired"] == ["tcp 192.0.2.10:8080 was removed"]
    assert plane.dump() == before


def test_status_shows_the_kernel_and_names_what_it_put_back(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers, more="foreign_edits = repair")
    before = plane.dump()
    for change, words in (
        (RemoveService(WWW), "tcp 192.0.2.10:8080 was removed"),
        (
            EditDestination(WWW, at(servers[0]), Destination(forwarding=NAT, weight=77)),
            f"server {at(servers[0])} of tcp 192.0.2.10:8080: weight was 77, is 3 again",
        ),
    ):
        # The brief answer, which pulse asks for all the time, reads nothing.
        until(lambda: float(lvsd.ask("status", brief=True)["table_age_s"]) > FRESH_S, "an old reading")
        assert plane.apply([change]) == []
        status = lvsd.status()
        assert (status["overruled"][-1]["what"], plane.dump()) == (words, before)


def test_the_table_is_read_back_by_itself(lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]) -> None:
    lvsd.write(www(servers), repair_s=1)
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: len(weights(plane)) == 2, "both servers")
    plane.apply([RemoveDestination(WWW, at(servers[0]))])
    until(lambda: len(weights(plane)) == 2, "the repair")


def test_a_foreign_service_is_never_touched(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    stranger = DestinationKey(ip_address("10.9.9.9"), 80)
    plane.apply(
        [
            AddService(FOREIGN, ServiceSettings(scheduler="lblc")),
            AddDestination(FOREIGN, stranger, Destination(forwarding=NAT, weight=42)),
        ]
    )
    foreign = plane.dump()[FOREIGN]
    serving(lvsd, servers, more="change_limit = 100%")
    lvsd.ask("read_back")
    lvsd.write(virtual("mail", ("mx1", servers[0].port, 1), port=25))
    lvsd.reload()
    until(lambda: MAIL in plane.dump() and WWW not in plane.dump(), "the new file")
    assert plane.dump()[FOREIGN] == foreign
    assert lvsd.end() == 0
    assert plane.dump() == {FOREIGN: foreign}


def test_sigterm_removes_what_it_put_there(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    assert lvsd.end() == 0
    assert plane.dump() == {}
    lvsd.until_logged("shutting down due to signal 15")
    lvsd.until_logged("shutting down virtual service www")


def test_an_announced_restart_leaves_the_table(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    before = plane.dump()
    lvsd.ask("prepare_restart")
    assert lvsd.end() == 0
    assert plane.dump() == before


def test_keep_table_leaves_the_table(lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]) -> None:
    lvsd.write(www(servers), more="keep_table = 1")
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: len(weights(plane)) == 2, "both servers")
    assert lvsd.end() == 0
    assert len(weights(plane)) == 2


def test_after_sigkill_the_next_lvsd_adopts_the_table_without_a_gap(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    before = plane.dump()
    lvsd.end(signal.SIGKILL)
    assert plane.dump() == before
    lvsd.launch()
    seen = [weights(plane)]

    def answers() -> bool:
        seen.append(weights(plane))
        return bool(lvsd.status())

    until(answers, "an answer")
    seen += [weights(plane) for _ in range(50)]
    assert all(one == {servers[0].port: 3, servers[1].port: 3} for one in seen)
    # Nothing was applied, and the servers that the kernel held are up before their first check.
    assert lvsd.states() == {"www/web1": "up", "www/web2": "up"}
    lvsd.until_logged("adopting the table that is there")
    assert lvsd.count("added to the table") == 2


def test_a_service_deleted_from_the_file_while_lvsd_was_down_goes(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    lvsd.write(www(servers), virtual("mail", ("mx1", servers[0].port, 1), port=25))
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    assert MAIL in plane.dump()
    lvsd.end(signal.SIGKILL)
    lvsd.write(www(servers))
    lvsd.start()
    assert MAIL not in plane.dump()
    assert WWW in plane.dump()


def test_a_dead_server_leaves_within_timeout_and_comes_back_after_reentry(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    died_at = time.monotonic()
    servers[1].stop()
    until(lambda: weights(plane) == {servers[0].port: 3}, "the dead server's end", limit_s=5)
    assert time.monotonic() - died_at < 1.5  # timeout = 1 and a slot; this kernel is slow
    servers[1].start()
    until(lambda: len(weights(plane)) == 2, "its return")
    lvsd.until_logged("[inactive] shutting down")


def test_a_refused_change_is_reported_once_in_words_and_does_not_stop_the_others(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    if plane.apply([AddService(MAIL, ServiceSettings(scheduler="twos"))]) == []:
        pytest.skip("this kernel has every scheduler that lvs.cf knows")
    lvsd.write(virtual("odd", ("web1", servers[0].port, 1), port=81, scheduler="twos"), www(servers))
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: len(weights(plane)) == 2, "the other service")
    lvsd.ask("read_back")
    lvsd.ask("read_back")
    status = lvsd.status()
    assert [words.split(":")[0] for words in status["refused_changes"]] == ["add service tcp 192.0.2.10"]
    assert "twos" in status["refused_changes"][0]
    assert (status["table_equal"], status["serving"]) == (False, True)
    assert lvsd.count("ipvsadm failed for virtual server odd!") == 1


def test_without_a_usable_file_it_does_not_start_and_leaves_the_table(
    lvsd: Lvsd, plane: IpvsPlane, servers: tuple[RealServer, RealServer]
) -> None:
    serving(lvsd, servers)
    before = plane.dump()
    lvsd.end(signal.SIGKILL)
    lvsd.file.write_text("virtual www {\n")
    assert lvsd.launch().wait(LIMIT_S) == 1
    assert plane.dump() == before
    lvsd.until_logged("the file accepted last is")


def test_nat_without_forwarding_is_told_and_so_is_its_end(lvsd: Lvsd, servers: tuple[RealServer, RealServer]) -> None:
    elsewhere = "    server far { active = 1; address = 10.9.9.9; port = 80 }\n}"
    lvsd.write(virtual("www", ("web1", servers[0].port, 1)).rstrip()[:-1] + elsewhere, repair_s=1)
    before = FORWARD.read_text()
    try:
        FORWARD.write_text("0")
        lvsd.start()
        assert cut(lvsd) == {"setting": "net.ipv4.ip_forward", "whole": False}
        FORWARD.write_text("1")
        until(lambda: cut(lvsd) is None, "the end")
        FORWARD.write_text("0")
        until(lambda: cut(lvsd) is not None, "the next beginning")
        # One interface that routes is enough: which one the answers come in by is not known here.
        Path("/proc/sys/net/ipv4/conf/lo/forwarding").write_text("1")
        until(lambda: cut(lvsd) is None, "the next end")
    finally:
        FORWARD.write_text(before)
    assert lvsd.count("connections through NAT fail") == 2


def cut(lvsd: Lvsd) -> object:
    return lvsd.status()["virtuals"][0]["not_forwarded"]
