"""Direct routing with the real daemons: traffic and takeover, IPv4 and IPv6."""

import time
from collections.abc import Iterator

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.timeline import holders_at, outage_after, overlaps
from piranha.lab.topology import BACKUP, PRIMARY, ROUTERS, VIP, VIP6, ClusterFile, VirtualFile
from piranha.lab.watch import Watch

pytestmark = pytest.mark.lab

KEEPALIVE_S = 1.0
DEADTIME_S = 4.0
LATE_S = 0.3


@pytest.fixture(scope="module")
def cluster(direct_lab: Lab) -> Iterator[Cluster]:
    """Two routers, real servers that answer clients themselves, a VIP of each family."""
    running = Cluster(
        direct_lab,
        ClusterFile(
            keepalive_s=KEEPALIVE_S,
            deadtime_s=DEADTIME_S,
            initdead_s=1,
            key_file=str(direct_lab.folder / "heartbeat.key"),
            virtuals=(VirtualFile(name="web"), VirtualFile(name="web6", vip=VIP6)),
        ),
    )
    running.start()
    yield running


def test_both_families_are_balanced_over_all_servers(cluster: Cluster) -> None:
    traffic = cluster.traffic(rate_hz=200)
    time.sleep(2)
    record = traffic.stop()

    for target in (f"{VIP}:80", f"[{VIP6}]:80"):
        part = record.to(target)
        assert part.failures == ()
        counts = part.by_server()
        assert set(counts) == set(cluster.lab.topology.servers)
        assert max(counts.values()) - min(counts.values()) <= 2


def test_the_partner_takes_both_families_over_after_a_power_cut(cluster: Cluster) -> None:
    assert cluster.active() == PRIMARY
    watch = Watch(cluster.lab, *ROUTERS)
    traffic = cluster.traffic()
    time.sleep(2 * KEEPALIVE_S)
    # A machine without power: no cable, no process, no address.
    cut_s = time.monotonic()
    faults.cut(cluster.lab, PRIMARY)
    cluster.routers[PRIMARY].power_off()
    wait_for(lambda: cluster.active() == BACKUP, "the backup takes over", DEADTIME_S + 3, every_s=0.1)
    time.sleep(1.5)
    record = traffic.stop()

    for vip in (VIP, VIP6):
        held = watch.holdings(vip)
        assert overlaps(held) == []
        assert holders_at(held, time.monotonic()) == (BACKUP,)
        assert cluster.neighbour(vip) == BACKUP
    assert outage_after(record, cut_s) <= DEADTIME_S + 2 * KEEPALIVE_S + LATE_S
    assert record.between(record.requests[-1].start_s - 1).failures == ()
    watch.close()
