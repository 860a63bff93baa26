"""`piranha status`, `why` and `switchover` with two real routers: what the screens say is what is so."""

import sys
import time
from collections.abc import Iterator

import pytest

from piranha.lab import faults
from piranha.lab.build import SOURCE, Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.namespaces import LabError
from piranha.lab.topology import ROUTERS, VIP, Bridge, ClusterFile, VirtualFile

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    file = ClusterFile(
        keepalive_s=1.0,
        deadtime_s=4.0,
        initdead_s=1,
        key_file=str(nat_lab.folder / "heartbeat.key"),
        virtuals=(VirtualFile(timeout_s=3, reentry_s=1),),
    )
    running = Cluster(nat_lab, file)
    running.start()
    yield running


def piranha(cluster: Cluster, router: str, *words: str) -> tuple[int, str]:
    """Run the command on a router; return its exit status and what it printed."""
    run_dir = str(cluster.routers[router].run_dir)
    command = (sys.executable, "-m", "piranha.cli.main", *words, "--run-dir", run_dir)
    shell = 'export PYTHONPATH=$1; shift; "$@" 2>&1; echo "status $?"'
    said = cluster.lab.run(router, "sh", "-c", shell, "sh", str(SOURCE), *command)
    text, _, status = said.rstrip().rpartition("status ")
    return int(status), text


def other(router: str) -> str:
    return ROUTERS[1 - ROUTERS.index(router)]


def until_told(cluster: Cluster, router: str, *expected: str, status: int) -> None:
    def told() -> bool:
        found, said = piranha(cluster, router, "status")
        return found == status and all(one in said for one in expected)

    try:
        wait_for(told, f"status {status} with {expected}", 40, every_s=0.5)
    except LabError as error:
        raise AssertionError(piranha(cluster, router, "status")) from error


def test_a_vip_behind_a_lost_carrier_is_an_outage(cluster: Cluster) -> None:
    active = cluster.restore()
    until_told(cluster, active, ": OK", status=0)
    faults.cut(cluster.lab, active, Bridge.PUBLIC)
    until_told(cluster, active, f"{VIP} cannot be reached", "no carrier", status=2)
    assert "no carrier: nobody can reach it" in piranha(cluster, active, "why", str(VIP))[1]
    faults.heal(cluster.lab, active, Bridge.PUBLIC)
    until_told(cluster, active, ": OK", status=0)


def test_a_router_that_does_not_forward_is_an_outage_where_it_is_active_and_a_warning_where_not(
    cluster: Cluster,
) -> None:
    active = cluster.restore()
    standby = other(active)
    traffic = cluster.traffic()
    try:
        for router in ROUTERS:
            cluster.lab.namespace(router).set(ipv4__ip_forward=0)
        until_told(cluster, active, "net.ipv4.ip_forward is 0", status=2)
        off_s = time.monotonic()
        until_told(cluster, standby, "net.ipv4.ip_forward is 0", status=1)
        wait_for(lambda: len(traffic.so_far().between(off_s).requests) > 20, "requests", 20)
        assert not any(request.ok for request in traffic.stop().between(off_s).requests)
    finally:
        for router in ROUTERS:
            cluster.lab.namespace(router).set(ipv4__ip_forward=1)
    until_told(cluster, active, ": OK", status=0)


def test_a_table_changed_by_hand_is_told_with_its_age_and_its_story(cluster: Cluster) -> None:
    active = cluster.restore()
    cluster.lab.run(active, "ipvsadm", "-C")
    cluster.routers[active].ask("lvsd", "read_back")
    status, said = piranha(cluster, active, "status")
    assert "i table" in said
    assert " ago: " in said
    assert status == 0, said
    assert "table repaired" in piranha(cluster, active, "why", "table")[1]


def test_a_frozen_lvsd_is_unknown_and_its_table_is_shown(cluster: Cluster) -> None:
    active = cluster.restore()
    standby = other(active)
    until_told(cluster, standby, ": OK", status=0)
    pid = cluster.routers[standby].lvsd_pid
    faults.freeze(pid)
    status, said = piranha(cluster, standby, "status")
    faults.thaw(pid)
    assert status == 3, said
    assert "lvsd on this router does not answer" in said
    assert "the table itself has 1 service" in said


def test_a_switchover_is_done_when_the_partner_holds_the_vips(cluster: Cluster) -> None:
    active = cluster.restore()
    partner = other(active)
    status, said = piranha(cluster, active, "switchover", "--yes", "--force")
    assert status == 0, said
    assert cluster.active() == partner
    assert "(this router) is ACTIVE" in piranha(cluster, partner, "why", "router")[1]
