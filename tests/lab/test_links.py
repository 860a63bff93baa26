"""The public cable of the active router is pulled, while the private path still carries heartbeats."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.topology import ROUTERS, VIP, Bridge, ClusterFile, VirtualFile
from piranha.lab.watch import holders

pytestmark = pytest.mark.lab

KEEPALIVE_S = 1.0
DEADTIME_S = 4.0
SOON_S = 2.0


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers, three real servers behind NAT."""
    file = ClusterFile(
        keepalive_s=KEEPALIVE_S,
        deadtime_s=DEADTIME_S,
        initdead_s=1,
        key_file=str(nat_lab.folder / "heartbeat.key"),
        virtuals=(VirtualFile(),),
    )
    running = Cluster(nat_lab, replace(file, extra=("monitor_links = 1",)))
    running.start()
    yield running


@pytest.fixture
def pair(cluster: Cluster) -> tuple[str, str]:
    """The active router and its partner."""
    active = cluster.restore()
    return active, next(name for name in ROUTERS if name != active)


def carriers(cluster: Cluster, router: str) -> list[bool]:
    """Whether each watched link of a router has a carrier, as `pulse` says."""
    links = cluster.routers[router].status("pulse").get("links")
    return [bool(link["carrier"]) for link in links] if isinstance(links, list) else []


def test_the_partner_serves_soon_after_the_cable_was_pulled(cluster: Cluster, pair: tuple[str, str]) -> None:
    active, partner = pair
    faults.cut(cluster.lab, active, Bridge.PUBLIC)
    wait_for(lambda: holders(cluster.lab, VIP) == (partner,), f"{partner} serves", SOON_S, every_s=0.02)
    assert carriers(cluster, active) == [False, True]
    faults.heal(cluster.lab, active, Bridge.PUBLIC)
    wait_for(lambda: carriers(cluster, active) == [True, True], "the link is up again")
    assert holders(cluster.lab, VIP) == (partner,)


def test_without_monitor_links_nothing_moves(cluster: Cluster, pair: tuple[str, str]) -> None:
    active, _ = pair
    cluster.write(replace(cluster.file, extra=()))
    for router in cluster.routers.values():
        router.hang_up()
    wait_for(
        lambda: all(cluster.routers[name].status("pulse").get("monitor_links") is False for name in ROUTERS),
        "both routers have read the file",
    )
    faults.cut(cluster.lab, active, Bridge.PUBLIC)
    wait_for(lambda: False in carriers(cluster, active), "the link is seen to be down")
    end = time.monotonic() + DEADTIME_S + KEEPALIVE_S
    wait_for(lambda: time.monotonic() > end or holders(cluster.lab, VIP) != (active,), "a deadtime passes", 20)
    assert holders(cluster.lab, VIP) == (active,)
    faults.heal(cluster.lab, active)
    cluster.write(cluster.file)
    for router in cluster.routers.values():
        router.hang_up()
