"""Links that carry nothing: who watches them, and what it means for the VIPs."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.pulse.router import SETTINGS, Router, active_router, kinds

from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf.config import Config, FloatingAddress, PlaneKind
from piranha.lvscf.config import Router as Own
from piranha.pulse.actions import StepDown
from piranha.pulse.heartbeat import Obstacle, Place, Role
from piranha.pulse.watched import LinkState, link_states, watched_devices

WATCHING = replace(SETTINGS, monitor_links=True)
NO_CARRIER = (LinkState(device="eth0", carrier=False), LinkState(device="eth1"))
WELL = (LinkState(device="eth0"), LinkState(device="eth1"))


def links(router: Router, states: tuple[LinkState, ...], now: float) -> None:
    router.take(router.election.links(states, now), now)
    router.tick(now)


def active_watching() -> Router:
    router = active_router()
    router.take(router.election.reconfigure(replace(WATCHING, place=Place.PRIMARY), 1.5), 1.5)
    router.hear(2.0, revision=router.partner.revision + 1, seen_revision=1000)
    return router


def test_an_active_router_whose_link_is_down_hands_over_at_once() -> None:
    router = active_watching()
    links(router, NO_CARRIER, 3.0)
    assert (router.said().ready, router.said().obstacle) == (False, Obstacle.LINK)
    router.tick(3.4)
    assert StepDown in kinds(router.done)
    assert router.said().handover
    (event,) = [event for event in router.events() if event.rule == "monitor_links = 1" and event.subject == "router"]
    assert "eth0 has no carrier" in event.cause


def test_it_waits_until_the_partner_has_seen_that_it_is_cut_off() -> None:
    router = active_watching()
    router.hear(2.5, revision=router.partner.revision + 1, seen_revision=router.said().revision)
    links(router, NO_CARRIER, 3.0)
    router.tick(3.6)
    assert StepDown not in kinds(router.done)
    router.hear(3.7, revision=router.partner.revision + 1, seen_revision=router.said().revision)
    router.tick(4.1)
    assert StepDown in kinds(router.done)


def test_where_both_are_cut_off_nothing_moves() -> None:
    router = active_watching()
    links(router, NO_CARRIER, 3.0)
    router.hear(3.1, revision=router.partner.revision + 1, readiness=0, obstacle=Obstacle.LINK)
    for second in range(4, 40, 2):
        router.hear(float(second))
    assert StepDown not in kinds(router.done)


def test_a_switch_that_comes_back_gives_both_their_links_before_anything_moves() -> None:
    router = active_watching()
    links(router, NO_CARRIER, 3.0)
    router.hear(3.1, revision=router.partner.revision + 1, readiness=0, obstacle=Obstacle.LINK)
    router.hear(5.0)
    router.hear(6.0, revision=router.partner.revision + 1, readiness=100, obstacle=Obstacle.NONE)
    links(router, WELL, 6.2)
    router.hear(7.0)
    assert StepDown not in kinds(router.done)


def test_without_monitor_links_a_dead_link_is_said_and_changes_nothing() -> None:
    router = active_router()
    links(router, NO_CARRIER, 3.0)
    router.tick(4.0)
    assert StepDown not in kinds(router.done)
    assert router.said().ready
    (event,) = [event for event in router.events() if event.subject == "link eth0"]
    assert event.rule == "monitor_links = 0"


def test_a_reload_that_begins_to_watch_counts_what_is_down_already() -> None:
    router = active_router()
    links(router, NO_CARRIER, 3.0)
    router.take(router.election.reconfigure(replace(WATCHING, place=Place.PRIMARY), 3.5), 3.5)
    router.tick(4.0)
    assert StepDown in kinds(router.done)


def test_a_router_that_is_cut_off_serves_when_nobody_is_better() -> None:
    router = Router(settings=WATCHING).ready()
    links(router, NO_CARRIER, 0.1)
    router.hear(1.0)
    router.tick(7.5)
    assert router.election.phase == "active"  # the partner is dead


def test_a_link_is_reported_when_it_changes() -> None:
    router = Router(settings=WATCHING).ready()
    for now, states in enumerate((WELL, NO_CARRIER, NO_CARRIER, WELL, WELL)):
        links(router, states, float(now))
    assert [event.message for event in router.events() if event.subject == "link eth0"] == [
        "link is down",
        "link is up",
    ]
    assert router.partner.role is Role.ACTIVE


def link(index: int, name: str, *, up: bool = True, carrier: bool = True) -> Link:
    return Link(index=index, name=name, mac=bytes(6), up=up, carrier=carrier)


OWN = Own(public=ip_address("192.0.2.2"), private=ip_address("10.11.12.2"))
LINKS = (link(1, "eth0"), link(2, "eth1", carrier=False), link(3, "eth2", up=False), link(4, "bond0"))
ADDRESSES = (
    InterfaceAddress(index=1, address=ip_address("192.0.2.2"), prefix=24),
    InterfaceAddress(index=2, address=ip_address("10.11.12.2"), prefix=24),
)


def config(*devices: str) -> Config:
    nat = FloatingAddress(address=ip_address("10.11.12.1"), prefix=32, device="bond0")
    return Config(primary=OWN, nat_router=nat, monitor_devices=devices)


def test_the_devices_of_own_addresses_and_vips_are_watched() -> None:
    assert watched_devices(config(), OWN, LINKS, ADDRESSES, plane=PlaneKind.IPVS) == ("eth0", "eth1", "bond0")
    assert watched_devices(config(), OWN, LINKS, ADDRESSES, plane=PlaneKind.USERSPACE) == ("eth0", "eth1")


def test_monitor_devices_says_it_better() -> None:
    assert watched_devices(config("eth2"), OWN, LINKS, ADDRESSES, plane=PlaneKind.IPVS) == ("eth2",)


def test_a_device_whose_address_went_with_it_stays_watched_and_a_named_one_that_is_missing_is_gone() -> None:
    watched = watched_devices(config(), OWN, LINKS[:1], (), plane=PlaneKind.IPVS, before=("eth0", "eth1"))
    assert watched == ("eth0", "eth1", "bond0")
    assert [state.trouble for state in link_states(watched, LINKS[:1])] == ["", "eth1 is gone", "bond0 is gone"]


@pytest.mark.parametrize(
    ("device", "trouble"),
    [("eth0", ""), ("eth1", "eth1 has no carrier"), ("eth2", "eth2 is down"), ("eth9", "eth9 is gone")],
)
def test_a_link_says_why_it_carries_nothing(device: str, trouble: str) -> None:
    (state,) = link_states((device,), LINKS)
    assert state.trouble == trouble
