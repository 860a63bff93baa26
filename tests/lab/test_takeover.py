"""Two routers on the real kernel: killed, frozen, cut off, stopped; who holds the VIP, and what clients see."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Traffic, pause
from piranha.lab.timeline import Holding, Record, holders_at, outage_after, overlaps
from piranha.lab.topology import NAT_ROUTER, ROUTERS, VIP, Bridge, ClusterFile, VirtualFile
from piranha.lab.watch import Watch

pytestmark = pytest.mark.lab

KEEPALIVE_S = 1.0
DEADTIME_S = 4.0
REENTRY_S = 2.0
CHECK_INTERVAL_S = 1.0
# The largest whole L with L + L/3 + 1.5 <= deadtime; the kernel is up to 1.5 s late.
LEASE_BOUND_S = 1 + 1.5
# One CPU runs everything: what is due now may run a little later.
LATE_S = 0.3
FLOATING = (VIP, NAT_ROUTER)


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """Two routers, three real servers behind NAT."""
    running = Cluster(
        nat_lab,
        ClusterFile(
            keepalive_s=KEEPALIVE_S,
            deadtime_s=DEADTIME_S,
            initdead_s=1,
            key_file=str(nat_lab.folder / "heartbeat.key"),
            virtuals=(VirtualFile(timeout_s=3 * CHECK_INTERVAL_S, reentry_s=REENTRY_S),),
        ),
    )
    running.start()
    yield running


@dataclass
class Scene:
    """A restored cluster under traffic, with everything watched."""

    cluster: Cluster
    active: str
    partner: str
    watch: Watch
    traffic: Traffic

    def partner_serves(self) -> None:
        """Wait until the partner alone holds every VIP."""
        wait_for(lambda: self.cluster.active() == self.partner, f"{self.partner} takes over", 15, every_s=0.1)

    def calm(self) -> bool:
        """Whether no request of the last second has failed."""
        record = self.traffic.so_far()
        return record.between(record.requests[-1].start_s - 1).failures == ()

    def held(self) -> list[list[Holding]]:
        """Who held the VIP, and who held the gateway."""
        return [self.watch.holdings(address) for address in FLOATING]


@pytest.fixture
def scene(cluster: Cluster) -> Iterator[Scene]:
    """The cluster as it should be, before something happens to it."""
    active = cluster.restore()
    partner = next(name for name in ROUTERS if name != active)
    watch = Watch(cluster.lab, *ROUTERS)
    traffic = cluster.traffic()
    time.sleep(KEEPALIVE_S)
    yield Scene(cluster, active, partner, watch, traffic)
    watch.close()
    for router in cluster.routers.values():
        if router.process is not None and router.process.poll() is None:
            faults.thaw(router.process.pid)


def one_holder_afterwards(scene: Scene) -> str:
    """Check that one router alone holds both addresses and that the client sends to it; return it."""
    (vip_holder,), (gateway_holder,) = (holders_at(held, time.monotonic()) for held in scene.held())
    assert vip_holder == gateway_holder
    assert scene.cluster.neighbour(VIP) == vip_holder
    return vip_holder


def no_failures_at_the_end(record: Record, seconds: float = 1.0) -> None:
    """Check that service is back: the last second of the record has no failure."""
    tail = record.between(record.requests[-1].start_s - seconds)
    assert tail.failures == (), tail.summary()


def test_a_killed_pulse_loses_its_vips_before_the_partner_takes_them(scene: Scene) -> None:
    killed_s = time.monotonic()
    faults.kill(scene.cluster.routers[scene.active].pulse_pid)
    scene.partner_serves()
    time.sleep(1.5)
    record = scene.traffic.stop()

    for held in scene.held():
        assert overlaps(held) == []
        first, second = held
        assert (first.holder, second.holder) == (scene.active, scene.partner)
        assert first.until_s <= killed_s + LEASE_BOUND_S + LATE_S
    assert outage_after(record, killed_s) <= DEADTIME_S + 2 * KEEPALIVE_S + LATE_S
    no_failures_at_the_end(record)
    assert one_holder_afterwards(scene) == scene.partner


def test_a_frozen_pulse_loses_its_vips_and_does_not_bring_them_back_to_life(scene: Scene) -> None:
    pid = scene.cluster.routers[scene.active].pulse_pid
    frozen_s = time.monotonic()
    faults.freeze(pid)
    time.sleep(10)
    thawed_s = time.monotonic()
    faults.thaw(pid)
    time.sleep(2 * KEEPALIVE_S + 1)
    record = scene.traffic.stop()

    for held in scene.held():
        assert overlaps(held) == []
        assert [holding.holder for holding in held] == [scene.active, scene.partner]
        assert held[0].until_s <= frozen_s + LEASE_BOUND_S + LATE_S
    assert record.between(thawed_s - 1).failures == ()
    assert one_holder_afterwards(scene) == scene.partner
    wait_for(
        lambda: scene.cluster.routers[scene.active].status("pulse").get("role") == "standby",
        "the thawed router says that it is standby",
    )


def test_a_router_cut_off_on_both_sides_is_replaced_and_yields_when_healed(scene: Scene) -> None:
    cut_s = time.monotonic()
    faults.cut(scene.cluster.lab, scene.active)
    wait_for(
        lambda: scene.partner in holders_at(scene.watch.holdings(VIP), time.monotonic()),
        "the partner takes over",
        DEADTIME_S + 2 * KEEPALIVE_S + 1,
    )
    healed_s = pause(1.5)
    faults.heal(scene.cluster.lab, scene.active)
    wait_for(lambda: scene.cluster.active() is not None, "one of the two yields", 2 * KEEPALIVE_S + LATE_S)
    time.sleep(2)
    record = scene.traffic.stop()

    assert outage_after(record.between(0, healed_s), cut_s) <= DEADTIME_S + 2 * KEEPALIVE_S + LATE_S
    no_failures_at_the_end(record)
    # The later takeover wins, so that clients are moved once and not back.
    assert one_holder_afterwards(scene) == scene.partner


@pytest.mark.parametrize("bridge", [Bridge.PUBLIC, Bridge.PRIVATE])
def test_one_cut_cable_makes_no_second_holder(scene: Scene, bridge: Bridge) -> None:
    faults.cut(scene.cluster.lab, scene.active, bridge)
    time.sleep(DEADTIME_S + 2 * KEEPALIVE_S)
    faults.heal(scene.cluster.lab, scene.active, bridge)
    # Behind the private cable the real servers died, too: they return after `reentry`.
    wait_for(scene.calm, "service is back", REENTRY_S + 2 * CHECK_INTERVAL_S + 3, every_s=0.5)
    scene.traffic.stop()

    for held in scene.held():
        assert overlaps(held) == []
    one_holder_afterwards(scene)


def test_a_router_stopped_cleanly_hands_over_at_once(scene: Scene) -> None:
    stopped_s = time.monotonic()
    assert scene.cluster.routers[scene.active].stop() == 0
    scene.partner_serves()
    time.sleep(1.5)
    record = scene.traffic.stop()

    for held in scene.held():
        assert overlaps(held) == []
    assert outage_after(record, stopped_s) <= 1.0
    no_failures_at_the_end(record)
    assert one_holder_afterwards(scene) == scene.partner


def test_a_pulse_that_comes_back_adopts_lvsd_and_stays_standby(scene: Scene) -> None:
    router = scene.cluster.routers[scene.partner]
    before = router.lvsd_pid
    faults.kill(router.pulse_pid)
    assert router.process is not None
    router.process.wait()
    router.start()
    wait_for(lambda: router.status("pulse").get("role") == "standby", "pulse is back", 15, every_s=0.25)
    time.sleep(DEADTIME_S + 1)
    record = scene.traffic.stop()

    assert router.lvsd_pid == before
    assert record.failures == ()
    assert one_holder_afterwards(scene) == scene.active
