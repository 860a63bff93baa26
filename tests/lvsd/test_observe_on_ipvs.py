"""`lvsd --observe` on a real kernel: whatever happens, the table is what somebody else made of it."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import LIMIT_S, Lvsd, RealServer, until
from tests.lvsd.test_lvsd_on_ipvs import WWW, at, servers, weights, www

from piranha.control.client import ask
from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.changes import AddDestination, AddService, RemoveDestination
from piranha.table.destination import Destination
from piranha.table.service import ServiceSettings
from piranha.terms import ForwardingMethod

__all__ = ["servers"]

pytestmark = pytest.mark.kernel

NAT = Destination(forwarding=ForwardingMethod.NAT, weight=3)
Servers = tuple[RealServer, RealServer]


class Observer(Lvsd):
    """It has folders of its own inside the others."""

    def ask(self, verb: str, **args: object) -> dict[str, Any]:
        return ask(self.run / "observe" / "lvsd.sock", verb, args, 10.0)

    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.status()["observing"]["differences"]]


@pytest.fixture
def observer(tmp_path: Path, plane: IpvsPlane, servers: Servers) -> Iterator[Observer]:
    """Somebody else keeps a table that is as the file says."""
    plane.apply([AddService(WWW, ServiceSettings(scheduler="wlc"))])
    plane.apply([AddDestination(WWW, at(one), NAT) for one in servers])
    made = Observer(tmp_path, "ipvs")
    made.write(www(servers), more="tcp_timeout = 77")
    yield made
    made.clean_up()


def test_health_changes_and_reloads_and_its_end_write_nothing(
    observer: Observer, plane: IpvsPlane, servers: Servers, tmp_path: Path
) -> None:
    before = plane.dump()
    observer.start("--observe")
    observer.until_states(web1="up", web2="up")
    assert (observer.kinds(), observer.status()["table_equal"]) == ([], True)

    servers[1].stop()
    until(lambda: observer.kinds() == ["server too many"], "the difference")
    assert plane.dump() == before
    plane.apply([RemoveDestination(WWW, at(servers[1]))])
    until(lambda: observer.kinds() == [], "agreement")
    assert observer.status()["observing"]["brief"] == {"server too many": 1}

    observer.write(www(servers, scheduler="sed", weight=9), serial=2)
    observer.reload()
    until(lambda: sorted(observer.kinds()) == ["settings", "weight"], "what the new file would change")
    observer.ask("read_back")
    assert weights(plane) == {servers[0].port: 3}
    assert observer.end(signal.SIGTERM) == 0
    assert weights(plane) == {servers[0].port: 3}
    assert plane.dump()[WWW].settings.scheduler == "wlc"
    # What it kept is in a folder of its own.
    assert [one.name for one in (tmp_path / "run" / "state").iterdir()] == ["observe"]
    assert observer.count("connection time-outs are not set") == 1
    servers[1].start()


def test_a_daemon_that_keeps_the_table_runs_beside_it_and_finds_nothing_of_it(
    observer: Observer, plane: IpvsPlane, servers: Servers, tmp_path: Path
) -> None:
    observer.start("--observe")
    real = Lvsd(tmp_path, "ipvs")
    try:
        real.start()
        real.until_states(web1="up", web2="up")
        assert real.status()["observing"] is None
        assert observer.status()["observing"]["now"] == 0
        assert real.end() == 0
        until(lambda: observer.kinds() == ["service missing"], "the table went with it")
        assert plane.dump() == {}
    finally:
        real.clean_up()


def test_what_would_put_something_in_force_is_refused(observer: Observer) -> None:
    observer.start("--observe")
    with pytest.raises(Exception, match="only observes"):
        observer.ask("stage")
    observer.end()


def test_it_does_not_run_for_pulse_nor_on_the_plane_in_user_space(observer: Observer, tmp_path: Path) -> None:
    for words, said in (
        (("--observe", "--plane", "userspace"), "--observe is for the table of the kernel"),
        (("--observe", "--accepted"), "exclude each other"),
    ):
        assert observer.launch(*words).wait(LIMIT_S) == 1
        assert said in observer.log()
    assert not (tmp_path / "run" / "observe" / "lvsd.sock").exists()
