"""Heartbeats that cannot be verified: forged ones of a dead router, true ones under another key."""

import contextlib
import secrets
import time
from collections.abc import Iterator

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.timeline import overlaps
from piranha.lab.topology import ROUTERS, VIP, ClusterFile, VirtualFile
from piranha.lab.watch import Watch, holders

pytestmark = pytest.mark.lab

KEEPALIVE_S = 1.0
DEADTIME_S = 4.0
QUESTIONS_S = 3 * 0.5
LATE_S = 1.0  # one CPU runs everything


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
    running = Cluster(nat_lab, file)
    running.start()
    yield running


@pytest.fixture
def pair(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """The active router and its partner; afterwards both have the same key again."""
    active = cluster.restore()
    yield active, next(name for name in ROUTERS if name != active)
    for router in cluster.routers.values():
        if router.process is not None and router.process.poll() is None:
            router.hang_up()


def messages(cluster: Cluster, router: str, text: str) -> int:
    return cluster.routers[router].log().count(text)


def test_forged_heartbeats_of_a_dead_router_do_not_keep_its_partner_from_serving(
    cluster: Cluster, pair: tuple[str, str]
) -> None:
    active, partner = pair
    with contextlib.closing(faults.Forger(cluster.lab, victim=partner, pretended=active)):
        wait_for(lambda: messages(cluster, partner, "wrong signature") > 0, "the forged datagrams arrive")
        cluster.routers[active].power_off()
        taken_s = wait_for(lambda: holders(cluster.lab, VIP) == (partner,), f"{partner} takes over", 20, every_s=0.05)
        assert taken_s <= DEADTIME_S + QUESTIONS_S + LATE_S
    assert messages(cluster, partner, "nobody answers for the VIPs") == 1


def test_a_key_that_only_one_router_has_makes_no_second_holder(cluster: Cluster, pair: tuple[str, str]) -> None:
    active, partner = pair
    with contextlib.closing(Watch(cluster.lab, *ROUTERS)) as watch:
        cluster.key_file.write_text(f"lab {secrets.token_hex(32)}\n")
        cluster.routers[partner].hang_up()
        wait_for(lambda: messages(cluster, partner, "answers for") > 0, "the LAN has answered", 3 * DEADTIME_S)
        end = time.monotonic() + 2 * DEADTIME_S
        wait_for(lambda: time.monotonic() > end or len(holders(cluster.lab, VIP)) > 1, "two deadtimes pass", 20)
        assert {holding.holder for holding in watch.holdings(VIP)} == {active}
        assert overlaps(watch.holdings(VIP)) == []
        cluster.routers[active].power_off()
        wait_for(lambda: holders(cluster.lab, VIP) == (partner,), f"{partner} takes over when it really dies", 20)
