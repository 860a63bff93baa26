"""Totals in the running daemon on the userspace plane: over the end of the daemon and of the forwarder."""

import os
import signal
from typing import Any

import pytest
from tests.lvsd.running import Lvsd, TalkingServer, until
from tests.lvsd.test_leaving_process import Www

from piranha.forwarding.userspace import client

pytestmark = pytest.mark.slow


def stats(lvsd: Lvsd) -> dict[str, Any]:
    found: dict[str, Any] = lvsd.ask("stats")["virtuals"][0]
    return found


def talk(www: Www, times: int) -> None:
    for _ in range(times):
        one = www.talk()
        assert one.works()
        one.close()


def until_counted(lvsd: Lvsd, connections: int, after: str) -> None:
    until(lambda: stats(lvsd)["connections_total"] == connections, f"{connections} connections after {after}")


def test_totals_go_on_over_sigkill_of_the_daemon_and_of_the_forwarder(lvsd: Lvsd, talkers: list[TalkingServer]) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk(www, 6)
    until_counted(lvsd, 6, "the first connections")
    assert [one["connections_total"] for one in stats(lvsd)["servers"]] == [3, 3]

    lvsd.end(signal.SIGKILL)
    talk(www, 4)
    lvsd.start()
    until_counted(lvsd, 10, "SIGKILL")
    assert stats(lvsd)["bytes_in_total"] == 10 * len(b"hello")

    os.kill(client.status(lvsd.run / client.SOCKET_NAME)["pid"], signal.SIGKILL)
    lvsd.until_logged("the table can be reached again")
    www.hold()
    talk(www, 2)
    until_counted(lvsd, 12, "a new forwarder")


def test_a_restart_that_was_announced_keeps_the_last_sample(lvsd: Lvsd, talkers: list[TalkingServer]) -> None:
    www = Www(lvsd, talkers)
    www.serve("1h")
    talk(www, 3)
    until_counted(lvsd, 3, "the first connections")
    since = lvsd.ask("stats")["totals_since"]
    lvsd.ask("prepare_restart")
    assert lvsd.end() == 0

    lvsd.start()
    until_counted(lvsd, 3, "the restart")
    assert lvsd.ask("stats")["totals_since"] == since
