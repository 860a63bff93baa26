"""Health on the real kernel: servers that die, checkers that die, under 200 requests a second."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Router, pause
from piranha.lab.namespaces import LabError
from piranha.lab.timeline import Record
from piranha.lab.topology import PRIMARY, ClusterFile, VirtualFile
from piranha.lab.watch import TableWatch

pytestmark = pytest.mark.lab

TIMEOUT_S = 3.0
REENTRY_S = 2.0
# A due check waits for its slot, a tenth of the interval, at most.
SLOT_S = TIMEOUT_S / 3 / 10
# Loading a program in the user-mode kernel takes a multiple of this.
ORDINARY_START_S = 0.3
# From a result to the kernel: processes wait for the one CPU that the client and servers also use.
ACT_S = 0.15


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """A lone router with three real servers; what a dying process breaks shows without any takeover."""
    virtual = VirtualFile(timeout_s=TIMEOUT_S, reentry_s=REENTRY_S)
    running = Cluster(nat_lab, ClusterFile(pair=False, virtuals=(virtual,)))
    running.start_router(PRIMARY)
    wait_for(lambda: serving(running) == 3, "three servers in the table", 20)
    yield running


def serving(cluster: Cluster) -> int:
    """How many destinations with a weight above 0 the primary's table has."""
    return sum("-a " in line and not line.endswith("-w 0") for line in cluster.routers[PRIMARY].table().splitlines())


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_a_dead_server_costs_requests_only_within_timeout_and_comes_back(cluster: Cluster, how: str) -> None:
    for _ in range(3):
        episode = death_and_return(cluster, how)
        if not episode.record.gaps:  # else the whole machine stood still, and no time means anything
            break

    failures = episode.record.failures
    assert failures, "a third of the requests went to a dead server"
    assert min(request.end_s for request in failures) >= episode.died_s
    assert max(request.start_s for request in failures) <= episode.died_s + TIMEOUT_S + SLOT_S + ACT_S
    assert episode.returned_s >= episode.revived_s + REENTRY_S
    assert episode.record.between(episode.returned_s + 0.5).by_server()["rs1"] > 0


@dataclass(frozen=True)
class Episode:
    """A real server died, was revived, and returned to the table; what the client saw. Monotonic seconds."""

    died_s: float
    revived_s: float
    returned_s: float
    record: Record


def death_and_return(cluster: Cluster, how: str) -> Episode:
    """Kill or freeze rs1 under traffic, wait until it is out, revive it, wait until it is back."""
    traffic = cluster.traffic()
    server = cluster.servers["rs1"]
    died_s = pause(0.5)
    if how == "refuses":
        faults.kill(server.pid)
    else:
        faults.freeze(server.pid)
    wait_for(lambda: serving(cluster) == 2, "rs1 leaves the table", 4 * TIMEOUT_S, every_s=0.1)
    revived_s = pause(1)
    if how == "refuses":
        cluster.start_server("rs1")
    else:
        faults.thaw(server.pid)
    wait_for(lambda: serving(cluster) == 3, "rs1 returns", 4 * (REENTRY_S + TIMEOUT_S), every_s=0.1)
    returned_s = time.monotonic()
    pause(1)
    return Episode(died_s, revived_s, returned_s, traffic.stop())


def nanny(router: Router) -> list[int]:
    """One nanny."""
    return router.nanny_pids[:1]


def nanny_parent(router: Router) -> list[int]:
    """The nannies' parent."""
    return [router.nanny_parent_pid]


def lvsd(router: Router) -> list[int]:
    """The lvs daemon."""
    return [router.lvsd_pid]


def all_of_them(router: Router) -> list[int]:
    """Nannies, their parent and the lvs daemon."""
    return [*router.nanny_pids, router.nanny_parent_pid, router.lvsd_pid]


def whole(router: Router, without: list[int]) -> bool:
    """Whether lvs daemon, nanny parent and a nanny for each of three servers run, none of them `without`."""
    try:
        pids = all_of_them(router)
    except LabError:
        return False
    return len(pids) == 5 and not set(pids) & set(without) and bool(router.status("lvsd").get("ready"))


def start_cost_s(cluster: Cluster) -> float:
    """How much longer than on an ordinary machine it takes here to load the lvs daemon's program, in seconds."""
    began = time.monotonic()
    cluster.lab.python(PRIMARY, "piranha.lvsd.main", "--version", log="version").wait()
    return max(0.0, time.monotonic() - began - ORDINARY_START_S)


@pytest.mark.parametrize("victims", [nanny, nanny_parent, lvsd, all_of_them])
def test_a_killed_checker_costs_no_request_and_is_back_within_2_s(
    cluster: Cluster, victims: Callable[[Router], list[int]]
) -> None:
    router = cluster.routers[PRIMARY]
    wait_for(lambda: whole(router, []) and serving(cluster) == 3, "the cluster is whole", 20, every_s=0.2)
    watch = TableWatch(cluster.lab, PRIMARY)
    traffic = cluster.traffic()
    cost_s = start_cost_s(cluster)
    pids = victims(router)
    faults.kill(*pids)
    back_after_s = wait_for(lambda: whole(router, pids), "all processes are back", 30, every_s=0.1)
    # The machine may have become busier meanwhile.
    cost_s = max(cost_s, start_cost_s(cluster))
    record = traffic.stop()

    assert record.failures == (), record.summary()
    assert {sample.serving for sample in watch.stop()} == {3}
    # A nanny is forked; the lvs daemon and then the nannies' parent are programs to be loaded.
    assert back_after_s <= 2.0 + (0 if victims is nanny else 2 * cost_s)
