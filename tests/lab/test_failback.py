"""The VIPs and the gateways of both families move to the partner, and back when the primary has been ready for long."""

import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.timeline import Outcome, outages, overlaps
from piranha.lab.topology import BACKUP, NAT_ROUTER, PRIMARY, ROUTERS, VIP, VIP6, ClusterFile, VirtualFile
from piranha.lab.watch import Watch, holders

pytestmark = pytest.mark.lab

NAT_ROUTER6 = ip_address("2001:db8:2::1")
FAILBACK_S = 3.0
HAND_OVER_S = 2.0
"""Addresses go before they come; a client whose first packet fell in between tries again after 1 s."""
FLOATING = (VIP, VIP6, NAT_ROUTER, NAT_ROUTER6)


@pytest.fixture(scope="module")
def cluster(small_nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers, real servers behind NAT in both families, and a primary that takes the VIPs back."""
    for name in small_nat_lab.topology.servers:
        small_nat_lab.run(name, "ip", "-6", "route", "add", "default", "via", str(NAT_ROUTER6))
    running = Cluster(
        small_nat_lab,
        ClusterFile(
            initdead_s=1,
            key_file=str(small_nat_lab.folder / "heartbeat.key"),
            virtuals=(VirtualFile(name="web", timeout_s=6), VirtualFile(name="web6", vip=VIP6, timeout_s=6)),
            extra=(f"failback = {FAILBACK_S:g}", f"nat_router6 = {NAT_ROUTER6} private"),
        ),
    )
    running.start(60)
    yield running


def test_the_gateways_move_with_the_vips_and_come_back_with_them(cluster: Cluster) -> None:
    watch = Watch(cluster.lab, *ROUTERS)
    traffic = cluster.traffic(rate_hz=50)
    cluster.routers[PRIMARY].stop()
    wait_for(lambda: cluster.active() == BACKUP, "the backup serves", 15)
    assert {holders(cluster.lab, address) for address in FLOATING} == {(BACKUP,)}
    time.sleep(1)  # of traffic through the backup
    away = traffic.so_far()
    last_s = away.requests[-1].start_s
    assert away.between(last_s - 0.8).failures == (), "both families go through the gateways of the backup"

    cluster.routers[PRIMARY].start()
    began_s = time.monotonic()
    wait_for(cluster.settled, "both routers ready, one active", 30)
    wait_for(lambda: cluster.active() == PRIMARY, "the primary has the VIPs back", FAILBACK_S + 30)
    assert time.monotonic() - began_s >= FAILBACK_S
    wait_for(cluster.settled, "both routers ready, one active", 30)
    assert {holders(cluster.lab, address) for address in FLOATING} == {(PRIMARY,)}
    time.sleep(1)
    record = traffic.stop()
    back = record.between(began_s)
    refused = [one for one in back.failures if one.outcome is Outcome.REFUSED]
    assert refused == [], f"the primary knew its servers before it took over: {back.summary()}"
    assert sum(one.duration_s for one in outages(back)) <= HAND_OVER_S, back.summary()
    for address in FLOATING:
        assert [held.holder for held in watch.holdings(address)] == [PRIMARY, BACKUP, PRIMARY]
        assert overlaps(watch.holdings(address)[:2]) == []
    watch.close()
