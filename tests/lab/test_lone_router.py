"""A router without a partner: what it holds stays, whatever happens to its daemons."""

import time
from collections.abc import Iterator
from functools import partial

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Router
from piranha.lab.topology import PRIMARY, VIP, ClusterFile, VirtualFile
from piranha.lab.watch import TableWatch, Watch, holders

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """One router that serves alone."""
    running = Cluster(nat_lab, ClusterFile(pair=False, virtuals=(VirtualFile(),)))
    running.start_router(PRIMARY)
    wait_for(running.settled, "the table is loaded", 20)
    yield running


def test_a_killed_pulse_without_partner_costs_no_request_for_as_long_as_it_is_dead(cluster: Cluster) -> None:
    watch = Watch(cluster.lab, PRIMARY)
    traffic = cluster.traffic()
    router = cluster.routers[PRIMARY]
    faults.kill(router.pulse_pid)
    time.sleep(6)
    assert router.process is not None
    router.process.wait()
    router.start()
    wait_for(lambda: router.status("pulse").get("role") == "active", "the next pulse adopts the VIPs", 30)
    time.sleep(1)
    record = traffic.stop()

    assert record.failures == (), record.summary()
    (held,) = watch.holdings(VIP)
    assert held.until_s == float("inf")
    watch.close()


def test_a_file_that_cannot_be_used_changes_nothing_and_says_why(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    good = cluster.config.read_text()
    before = router.table()
    watch = TableWatch(cluster.lab, PRIMARY)
    traffic = cluster.traffic()
    try:
        for text, reason in (("virtual web {\n    scheduler = fastest\n", "fastest"), ("", "empty")):
            cluster.config.write_text(text)
            router.hang_up()
            wait_for(partial(is_refused, cluster, reason), f"status names: {reason}", 5)
            wait_for(partial(is_logged, router, reason), f"the log names: {reason}", 5)
            assert router.table() == before
    finally:
        cluster.config.write_text(good)
        router.hang_up()
    wait_for(lambda: refusal(cluster) == "", "the good file is in force again", 5)
    record = traffic.stop()

    assert record.failures == ()
    assert {sample.serving for sample in watch.stop()} == {3}
    assert holders(cluster.lab, VIP) == (PRIMARY,)


def test_an_lvsd_that_is_frozen_is_replaced_and_costs_no_request(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    frozen = router.lvsd_pid
    watch = TableWatch(cluster.lab, PRIMARY)
    traffic = cluster.traffic()
    faults.freeze(frozen)
    wait_for(lambda: "lvsd does not answer: killing it" in router.log(), "it is given up", 20)
    wait_for(lambda: router.status("lvsd").get("pid", frozen) != frozen, "another one answers", 20)
    record = traffic.stop()

    assert record.failures == (), record.summary()
    assert {sample.serving for sample in watch.stop()} == {3}


def test_a_second_pulse_in_a_run_directory_of_its_own_is_told_and_touches_nothing(cluster: Cluster) -> None:
    lab, router = cluster.lab, cluster.routers[PRIMARY]
    words = ("-n", "-c", str(cluster.config), "--run-dir", str(lab.folder / "other"))
    second = lab.python(PRIMARY, "piranha.pulse.main", *words, log="second-pulse")

    assert second.wait(20) == 1
    told = f"another pulse runs in this network namespace, with another run directory: process {router.pulse_pid}"
    assert told in lab.log_text()
    assert holders(lab, VIP) == (PRIMARY,)


def refusal(cluster: Cluster) -> str:
    """Why the operator's file is not in force, as the status of `pulse`, which reads it, says; "" if it is."""
    return str(cluster.routers[PRIMARY].status("pulse").get("refused_file") or "")


def is_refused(cluster: Cluster, reason: str) -> bool:
    """Whether the file is refused for this reason."""
    return reason in refusal(cluster)


def is_logged(router: Router, reason: str) -> bool:
    """Whether the log names the reason; a thread writes it, a moment after the status has it."""
    return reason in router.log()
