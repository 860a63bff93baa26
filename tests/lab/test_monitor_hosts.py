"""The switch of a router is dead and its link is up: pings notice it, real ones, and the partner serves."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster
from piranha.lab.topology import CLIENT, ROUTERS, VIP, Bridge, ClusterFile, VirtualFile
from piranha.lab.watch import holders

pytestmark = pytest.mark.lab

KEEPALIVE_S = 1.0
DEADTIME_S = 4.0
SOON_S = DEADTIME_S + 2 * KEEPALIVE_S + 2.0  # silence, and the time in which the partner could have noticed it too
NOBODY = "192.0.2.254"


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers that ask the client, whose address stands for a gateway, on both IP versions."""
    leg = nat_lab.topology.machine(CLIENT).leg(Bridge.PUBLIC)
    file = ClusterFile(
        keepalive_s=KEEPALIVE_S,
        deadtime_s=DEADTIME_S,
        initdead_s=1,
        key_file=str(nat_lab.folder / "heartbeat.key"),
        virtuals=(VirtualFile(),),
    )
    hosts = tuple(f"monitor_hosts = {leg.address(version)} {NOBODY}" for version in (4, 6))
    running = Cluster(nat_lab, replace(file, extra=hosts))
    running.start()
    yield running


@pytest.fixture
def pair(cluster: Cluster) -> tuple[str, str]:
    """The active router and its partner."""
    active = cluster.restore()
    wait_for(lambda: all(answers(cluster, name) == ["yes", "yes"] for name in ROUTERS), "both are answered")
    return active, next(name for name in ROUTERS if name != active)


def answers(cluster: Cluster, router: str) -> list[str]:
    """Whether each line is answered, as `pulse` says."""
    lines = cluster.routers[router].status("pulse").get("monitor_hosts")
    return [str(line["answers"]) for line in lines] if isinstance(lines, list) else []


def test_the_partner_serves_when_the_switch_of_the_active_router_is_dead(
    cluster: Cluster, pair: tuple[str, str]
) -> None:
    active, partner = pair
    faults.kill_switch(cluster.lab, active, Bridge.PUBLIC)
    begun = time.monotonic()
    wait_for(lambda: holders(cluster.lab, VIP) == (partner,), f"{partner} serves", SOON_S, every_s=0.02)
    assert time.monotonic() - begun > DEADTIME_S - KEEPALIVE_S
    status = cluster.routers[active].status("pulse")
    assert "no answer to ping from" in str(status["not_ready"])
    assert "'carrier': False" not in str(status["links"])
    faults.revive_switch(cluster.lab, active, Bridge.PUBLIC)
    wait_for(lambda: answers(cluster, active) == ["yes", "yes"], "the hosts answer again")
    assert holders(cluster.lab, VIP) == (partner,)


def test_nothing_moves_when_the_hosts_answer_neither_of_them(cluster: Cluster, pair: tuple[str, str]) -> None:
    active, _ = pair
    faults.kill_switch(cluster.lab, CLIENT)
    wait_for(lambda: all(answers(cluster, name) == ["no", "no"] for name in ROUTERS), "both are cut off", SOON_S)
    end = time.monotonic() + DEADTIME_S
    wait_for(lambda: time.monotonic() > end or holders(cluster.lab, VIP) != (active,), "a deadtime passes", 20)
    assert holders(cluster.lab, VIP) == (active,)
    faults.revive_switch(cluster.lab, CLIENT)
    wait_for(lambda: all(answers(cluster, name) == ["yes", "yes"] for name in ROUTERS), "both are answered again")
    assert holders(cluster.lab, VIP) == (active,)


def test_a_reload_takes_lines_away_without_forgetting_the_others(cluster: Cluster, pair: tuple[str, str]) -> None:
    active, _ = pair
    cluster.write(replace(cluster.file, extra=cluster.file.extra[:1]))
    for router in cluster.routers.values():
        router.hang_up()
    wait_for(lambda: all(answers(cluster, name) == ["yes"] for name in ROUTERS), "both have read the file")
    assert holders(cluster.lab, VIP) == (active,)
    cluster.write(cluster.file)
    for router in cluster.routers.values():
        router.hang_up()
