"""Both routers booted in the same instant, again and again: one becomes active each time."""

import time
from collections.abc import Iterator

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.timeline import overlaps
from piranha.lab.topology import NAT_ROUTER, PRIMARY, ROUTERS, VIP, Bridge, ClusterFile, VirtualFile
from piranha.lab.watch import Watch

pytestmark = pytest.mark.lab

TIMES = 20


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers that have never run, with fast heartbeats."""
    yield Cluster(
        nat_lab,
        ClusterFile(
            keepalive_s=0.2,
            deadtime_s=3,
            key_file=str(nat_lab.folder / "heartbeat.key"),
            virtuals=(VirtualFile(timeout_s=1.5, reentry_s=0),),
        ),
    )


def test_of_two_routers_booted_in_the_same_instant_one_becomes_active_twenty_times(cluster: Cluster) -> None:
    for _ in range(TIMES):
        watch = Watch(cluster.lab, *ROUTERS)
        for router in cluster.routers.values():
            router.start()
        wait_for(lambda: cluster.active() is not None, "one router is active", 15)
        time.sleep(0.5)

        assert cluster.active() == PRIMARY
        for address in (VIP, NAT_ROUTER):
            held = watch.holdings(address)
            assert overlaps(held) == []
            assert len(held) == 1, "the VIP came once and stayed"
        watch.close()
        for router in cluster.routers.values():
            router.kill_all()
            forget(cluster, router.name)


def forget(cluster: Cluster, name: str) -> None:
    """Take from a machine what a boot would take: its floating addresses."""
    machine = cluster.lab.topology.machine(name)
    for address, bridge in ((VIP, Bridge.PUBLIC), (NAT_ROUTER, Bridge.PRIVATE)):
        device = machine.leg(bridge).device
        cluster.lab.run(name, "ip", "addr", "flush", "dev", device, "to", f"{address}/32")
