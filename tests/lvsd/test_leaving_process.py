"""A server that is deleted from the file, in the running daemon, on the userspace plane: real connections."""

import signal
from typing import Any

import pytest
from tests.lvsd.running import Lvsd, Talk, TalkingServer, until, virtual
from tests.userspace.processes import free_vip

from piranha.forwarding.userspace import client

pytestmark = pytest.mark.slow

PORT = 8080


class Www:
    """A virtual server with two servers; web2 comes and goes."""

    def __init__(self, lvsd: Lvsd, talkers: list[TalkingServer]) -> None:
        self._address = free_vip()
        self.vip = str(self._address)
        self._lvsd = lvsd
        self._ports = [one.port for one in talkers]

    def write(self, servers: int, drain_time: str) -> None:
        pool = [(f"web{n}", port, 1) for n, port in enumerate(self._ports[:servers], 1)]
        www = virtual("www", *pool, vip=self.vip, port=PORT, scheduler="rr")
        self._lvsd.write(www.replace("    scheduler", f"    drain_time = {drain_time}\n    scheduler"))

    def serve(self, drain_time: str) -> None:
        self.write(2, drain_time)
        self._lvsd.start()
        self._lvsd.until_states(web1="up", web2="up")
        until(lambda: self._lvsd.status()["virtuals"][0]["serving"] == 2, "both in the table")
        self.hold()

    def hold(self) -> None:
        client.hold(self._lvsd.run / client.SOCKET_NAME, {self._address: None})

    def talk(self) -> Talk:
        return Talk(self.vip, PORT)

    def talk_to(self, server: int) -> Talk:
        """Return a connection that has come to this server."""
        for _ in range(10):
            talk = self.talk()
            if talk.port == self._ports[server - 1]:
                return talk
            talk.close()
        raise AssertionError(f"no connection came to web{server}")

    def delete_web2(self, drain_time: str) -> None:
        self.write(1, drain_time)
        self._lvsd.reload()
        until(lambda: [one["weight"] for one in self.leaving()] == [0], "web2 to leave")

    def leaving(self) -> list[dict[str, Any]]:
        return list(self._lvsd.status()["virtuals"][0]["leaving"])


def test_a_deleted_server_keeps_its_connections_gets_no_new_ones_and_goes_when_it_has_none(
    lvsd: Lvsd, talkers: list[TalkingServer]
) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk = www.talk_to(2)
    www.delete_web2("1h")
    assert {www.talk().port for _ in range(6)} == {talkers[0].port}
    until(lambda: lvsd.count("leaves: it gets no new connections") == 1, "the word that it leaves")
    until(lambda: [(one["name"], one["active"]) for one in www.leaving()] == [("web2", 1)], "its connection")
    [web2] = www.leaving()
    assert 3500 < web2["left_s"] <= 3600
    assert talk.works()
    talk.close()
    until(lambda: www.leaving() == [], "web2 to be gone")
    lvsd.until_logged("has left: it has no connections any more: subject=www/web2")
    lvsd.until_logged("removed from the table: subject=www/web2")


def test_when_its_time_is_over_it_goes_with_the_connections_that_it_has(
    lvsd: Lvsd, talkers: list[TalkingServer]
) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk = www.talk_to(2)
    www.delete_web2("2")
    assert talk.works()
    until(lambda: not talk.works(), "the end of the connection")
    lvsd.until_logged("has left: its time is over: subject=www/web2")


def test_it_leaves_on_through_sigkill_and_another_reload_and_is_back_as_if_it_had_never_left(
    lvsd: Lvsd, talkers: list[TalkingServer]
) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk = www.talk_to(2)
    www.delete_web2("1h")
    until(lambda: www.leaving()[0]["left_s"] is not None, "its time to count")
    before_s = www.leaving()[0]["left_s"]
    lvsd.end(signal.SIGKILL)
    lvsd.start()
    [web2] = www.leaving()
    assert (web2["name"], web2["weight"]) == ("web2", 0)
    assert 0 < web2["left_s"] < before_s
    lvsd.reload()
    assert www.leaving()[0]["left_s"] < before_s
    www.write(2, "1h")
    lvsd.reload()
    assert www.leaving() == []
    lvsd.until_logged("stays: lvs.cf names it again: subject=www/web2")
    until(lambda: lvsd.status()["virtuals"][0]["serving"] == 2, "the weight of web2")
    assert talk.works()
    assert {www.talk().port for _ in range(4)} == {one.port for one in talkers}


def test_a_server_that_was_deleted_while_no_daemon_ran_leaves_as_well(lvsd: Lvsd, talkers: list[TalkingServer]) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk = www.talk_to(2)
    lvsd.end(signal.SIGKILL)
    www.write(1, "1h")
    lvsd.start()
    assert [one["weight"] for one in www.leaving()] == [0]
    assert talk.works()
