"""Connections outlive a takeover: sync daemons of the real kernel, driven by the roles of two routers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, pause
from piranha.lab.faults import kill
from piranha.lab.topology import CLIENT, ROUTERS, VIP, ClusterFile, VirtualFile

pytestmark = pytest.mark.lab

TALK = 81


class Talker:
    """A real server's program that keeps its connections and says what it hears."""

    def __init__(self, lab: Lab, machine: str) -> None:
        with lab.namespace(machine).entered():
            self._listener = socket.create_server(("0.0.0.0", TALK))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    @staticmethod
    def _talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while heard := connection.recv(100):
                connection.sendall(heard)

    def close(self) -> None:
        """Listen no more; the thread ends with its last connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Talk:
    """A client's connection to a Talker through the VIP; it has said something already."""

    def __init__(self, lab: Lab) -> None:
        with lab.namespace(CLIENT).entered():
            self._socket = socket.create_connection((str(VIP), TALK), 10)
        self._socket.settimeout(10)
        self.port = self._socket.getsockname()[1]
        assert self.works()
        assert self.works()

    def works(self) -> bool:
        """Whether the server still answers on it."""
        try:
            self._socket.sendall(b"x")
            return self._socket.recv(10) == b"x"
        except OSError:
            return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def cluster(small_nat_lab: Lab) -> Iterator[Cluster]:
    """A pair behind which a server keeps its connections."""
    talker = Talker(small_nat_lab, "rs1")
    small_nat_lab.when_closing(talker.close)
    file = ClusterFile(
        virtuals=(VirtualFile(port=TALK),), extra=("syncdaemon = 1", "syncd_iface = private", "syncd_id = 7")
    )
    made = Cluster(small_nat_lab, file)
    made.start(60)
    yield made


@pytest.fixture
def talks() -> Iterator[list[Talk]]:
    made: list[Talk] = []
    yield made
    for one in made:
        one.close()


def daemons(cluster: Cluster, router: str) -> list[str]:
    """The sync daemons of a router, as the C tool shows them."""
    return cluster.lab.run(router, "ipvsadm", "-L", "--daemon").splitlines()


def other(router: str) -> str:
    return next(name for name in ROUTERS if name != router)


def known(cluster: Cluster, router: str, talk: Talk) -> bool:
    """Whether a router's kernel knows a connection."""
    return f":{talk.port} " in cluster.lab.run(router, "ipvsadm", "-Lnc")


def settled(cluster: Cluster, active: str) -> bool:
    """Whether each router runs the daemon of its role, and no other."""
    sends, takes_in = daemons(cluster, active), daemons(cluster, other(active))
    return [len(sends), len(takes_in)] == [1, 1] and "master" in sends[0] and "backup" in takes_in[0]


def test_a_connection_through_the_active_router_is_known_to_the_standby(cluster: Cluster, talks: list[Talk]) -> None:
    active = cluster.restore()
    wait_for(lambda: settled(cluster, active), "one daemon on each router", 20, every_s=0.25)
    assert "mcast=eth1, syncid=7" in daemons(cluster, active)[0]
    backup_only = cluster.lab.run(other(active), "cat", "/proc/sys/net/ipv4/vs/backup_only")
    assert backup_only == "1\n"
    talks.append(Talk(cluster.lab))
    wait_for(lambda: known(cluster, other(active), talks[0]), "the connection on the standby", 10, every_s=0.1)


def test_a_switchover_ends_no_connection_that_is_at_rest_however_young(cluster: Cluster, talks: list[Talk]) -> None:
    active = cluster.restore()
    wait_for(lambda: settled(cluster, active), "one daemon on each router", 20, every_s=0.25)
    talks += [Talk(cluster.lab) for _ in range(4)]
    pause(0.5)  # what is under way when the VIP moves meets a router that does not know it yet
    cluster.routers[active].ask("pulse", "switchover")
    wait_for(lambda: cluster.active() == other(active), "the VIP on the other router", 20, every_s=0.1)
    wait_for(lambda: all(known(cluster, other(active), one) for one in talks), "all of them there", 10, every_s=0.1)
    assert [talk.works() for talk in talks] == [True] * 4
    wait_for(lambda: settled(cluster, other(active)), "one daemon on each router", 20, every_s=0.25)


def test_a_dead_router_takes_no_connection_with_it_that_was_synchronised(cluster: Cluster, talks: list[Talk]) -> None:
    active = cluster.restore()
    wait_for(lambda: settled(cluster, active), "one daemon on each router", 20, every_s=0.25)
    talks.append(Talk(cluster.lab))
    wait_for(lambda: known(cluster, other(active), talks[0]), "the connection on the standby", 10, every_s=0.1)
    kill(cluster.routers[active].pulse_pid)
    wait_for(lambda: cluster.active() == other(active), "the VIP on the other router", 20, every_s=0.1)
    assert talks[0].works()


def test_a_stopped_router_leaves_no_daemon(cluster: Cluster) -> None:
    active = cluster.restore()
    cluster.routers[active].stop()
    wait_for(lambda: daemons(cluster, active) == [], "no sync daemon", 20, every_s=0.25)
