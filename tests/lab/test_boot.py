"""Both routers booted in the same instant, again and again: one becomes active each time."""

from collections.abc import Iterator

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.topology import NAT_ROUTER, ROUTERS, VIP, ClusterFile, VirtualFile
from piranha.lab.watch import Watch

pytestmark = pytest.mark.lab

TIMES = 20
# Loading the lvs daemon's program twice takes this kernel's one CPU several seconds, so only some boots
# start it; in the others it is found ready, which brings the two decisions even closer together.
FROM_NOTHING_EVERY = 5


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers that have never run."""
    yield Cluster(
        nat_lab,
        ClusterFile(
            keepalive_s=0.5,
            deadtime_s=3,
            initdead_s=3,
            key_file=str(nat_lab.folder / "heartbeat.key"),
            virtuals=(VirtualFile(),),
        ),
    )


def test_of_two_routers_booted_in_the_same_instant_one_becomes_active_twenty_times(cluster: Cluster) -> None:
    for number in range(TIMES):
        watch = Watch(cluster.lab, *ROUTERS)
        for router in cluster.routers.values():
            router.start()
        wait_for(lambda: cluster.active() is not None, f"boot {number}: one router is active", 30, every_s=0.1)
        wait_for(cluster.settled, f"boot {number}: both agree", 30, every_s=0.25)

        active = cluster.active()
        for address in (VIP, NAT_ROUTER):
            held = watch.holdings(address)
            assert [holding.holder for holding in held] == [active], f"boot {number}: it came once and stayed"
        watch.close()
        for router in cluster.routers.values():
            router.power_off(but_lvsd=(number + 1) % FROM_NOTHING_EVERY != 0)
