"""Two machines that are routers and real servers under direct routing: no packet is balanced twice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Traffic, pause
from piranha.lab.faults import kill
from piranha.lab.timeline import Record
from piranha.lab.topology import ROUTERS, ClusterFile

pytestmark = pytest.mark.lab

VIP = "192.0.2.11"
OWN = f"""virtual own {{
    active = 1
    address = {VIP} public
    port = 80
    scheduler = rr
    timeout = 3
    reentry = 1
    server lvs1 {{ active = 1; address = 192.0.2.2 }}
    server lvs2 {{ active = 1; address = 192.0.2.3 }}
}}"""
ALONE = ClusterFile(extra=(OWN,))
SYNCHRONISED = replace(ALONE, extra=("syncdaemon = 1", "syncd_iface = private", OWN), serial_no=2)


@pytest.fixture(scope="module")
def cluster(direct_lab: Lab) -> Iterator[Cluster]:
    """A pair whose routers answer for a VIP themselves, without synchronisation."""
    for name in ROUTERS:
        direct_lab.run(name, "ip", "addr", "add", f"{VIP}/32", "dev", "lo")
        direct_lab.namespace(name).set(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
        direct_lab.python(name, "piranha.lab.server", "--name", name, "80", log=f"server-{name}")
    made = Cluster(direct_lab, ALONE)
    made.start(60)
    yield made


def other(router: str) -> str:
    return next(name for name in ROUTERS if name != router)


def has_it(cluster: Cluster, router: str) -> bool:
    """Whether the virtual server is in a router's table."""
    return f"-A -t {VIP}:80" in cluster.routers[router].table()


def traffic(cluster: Cluster) -> Record:
    """Two seconds of requests to both."""
    running = Traffic(cluster.lab, f"{VIP}:80", rate_hz=40, limit_s=0.9)
    pause(2)
    return running.stop()


def all_answered(record: Record) -> bool:
    return record.failures == () and set(record.to(f"{VIP}:80").by_server()) == set(ROUTERS)


def test_a_standby_that_nothing_guards_leaves_it_out_and_takes_it_in_before_it_takes_over(cluster: Cluster) -> None:
    active = cluster.restore()
    wait_for(lambda: has_it(cluster, active) and not has_it(cluster, other(active)), "it on one router only", 20)
    assert all_answered(traffic(cluster))
    [own] = [one for one in cluster.routers[other(active)].status("lvsd")["virtuals"] if one["name"] == "own"]  # type: ignore[attr-defined]
    assert own["cold"] is True
    kill(cluster.routers[active].pulse_pid)
    wait_for(lambda: cluster.active() == other(active), "the VIPs on the other router", 20, every_s=0.1)
    assert has_it(cluster, other(active))


def test_a_standby_that_takes_connections_in_has_it_and_balances_nothing_twice(cluster: Cluster) -> None:
    cluster.restore()
    cluster.write(SYNCHRONISED)
    for router in cluster.routers.values():
        router.hang_up()
    wait_for(lambda: all(has_it(cluster, router) for router in ROUTERS), "it in both tables", 20, every_s=0.25)
    wait_for(cluster.settled, "one router active, both ready", 30, every_s=0.25)
    assert all_answered(traffic(cluster))
