"""A router whose monitor hosts do not answer, and what it means for the VIPs."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from tests.pulse.router import SETTINGS, Router, active_router, kinds

from piranha.pulse.actions import StepDown
from piranha.pulse.heartbeat import Obstacle, Place, Role
from piranha.pulse.hosts import Answers, LineState
from piranha.pulse.settings import Start
from piranha.pulse.watched import LinkState

WATCHING = replace(SETTINGS, monitor_hosts=True)
GATEWAYS = tuple(map(ip_address, ("192.0.2.1", "192.0.2.254")))
ANSWERED = LineState(addresses=GATEWAYS, answers=Answers.YES)
SILENT = LineState(addresses=GATEWAYS, answers=Answers.NO, since_s=-3.0)
UNKNOWN = LineState(addresses=GATEWAYS, answers=Answers.UNKNOWN)


def hosts(router: Router, now: float, *lines: LineState) -> None:
    router.take(router.election.hosts(lines, now), now)
    router.tick(now)


def acknowledge(router: Router, now: float, **changes: Any) -> None:
    revision, seen = router.partner.revision + 1, router.said().revision
    partner = replace(router.partner, **changes)
    router.hear(now, partner, revision=revision, seen_revision=seen)


def active_watching() -> Router:
    router = active_router()
    router.take(router.election.reconfigure(replace(WATCHING, place=Place.PRIMARY), 1.5), 1.5)
    hosts(router, 1.6, ANSWERED)
    acknowledge(router, 2.0)
    return router


def test_an_active_router_that_is_cut_off_hands_over_to_a_partner_that_is_not() -> None:
    router = active_watching()
    hosts(router, 3.0, SILENT)
    assert (router.said().ready, router.said().obstacle) == (False, Obstacle.HOSTS)
    acknowledge(router, 3.1)
    router.tick(3.1 + 2.4)
    assert StepDown in kinds(router.done)
    assert router.said().handover
    (event,) = [event for event in router.events() if event.rule == "monitor_hosts"]
    assert event.cause == "no answer to ping from 192.0.2.1 192.0.2.254 for 8 s"


def test_it_waits_until_the_partner_could_have_noticed_that_it_is_cut_off_too() -> None:
    router = active_watching()
    hosts(router, 3.0, SILENT)
    acknowledge(router, 3.1)
    router.tick(5.3)
    assert StepDown not in kinds(router.done)
    acknowledge(router, 5.35, readiness=0, obstacle=Obstacle.HOSTS)
    for second in range(7, 40, 2):
        acknowledge(router, float(second))
    assert StepDown not in kinds(router.done)


def test_gateways_that_come_back_answer_both_before_anything_moves() -> None:
    router = active_watching()
    hosts(router, 3.0, SILENT)
    acknowledge(router, 3.1, readiness=0, obstacle=Obstacle.HOSTS)
    acknowledge(router, 5.0)
    acknowledge(router, 6.0, readiness=100, obstacle=Obstacle.NONE)
    hosts(router, 7.9, ANSWERED)
    router.hear(8.0)
    router.tick(10.0)
    assert StepDown not in kinds(router.done)


def test_a_reload_that_has_reached_one_router_only_moves_nothing() -> None:
    router = active_watching()
    router.hear(2.5, deadtime_s=16.0)
    hosts(router, 3.0, SILENT)
    acknowledge(router, 3.1)
    for tenth in range(40, 140):
        router.hear(tenth / 10)
    assert StepDown not in kinds(router.done)
    acknowledge(router, 14.0)
    router.tick(15.5)
    assert StepDown in kinds(router.done)


def test_a_link_that_is_down_too_is_reason_enough_at_once() -> None:
    router = active_watching()
    settings = replace(WATCHING, place=Place.PRIMARY, monitor_links=True)
    router.take(router.election.reconfigure(settings, 2.5), 2.5)
    hosts(router, 3.0, SILENT)
    router.take(router.election.links((LinkState(device="eth0", carrier=False),), 3.1), 3.1)
    router.tick(3.1)
    assert router.said().obstacle is Obstacle.LINK
    acknowledge(router, 3.2)
    router.tick(3.6)
    assert StepDown in kinds(router.done)


def test_a_standby_that_is_cut_off_is_not_ready_and_says_why() -> None:
    router = Router(settings=WATCHING).ready()
    hosts(router, 0.1, ANSWERED)
    router.hear(1.0)
    hosts(router, 3.0, SILENT)
    assert (router.said().ready, router.said().obstacle) == (False, Obstacle.HOSTS)
    assert router.election.view(10.0).reasons == ("no answer to ping from 192.0.2.1 192.0.2.254 for 13 s",)


def test_a_router_that_is_cut_off_serves_when_the_partner_is_dead() -> None:
    router = Router(settings=WATCHING).ready()
    hosts(router, 0.1, SILENT)
    router.hear(1.0)
    router.tick(7.5)
    assert router.election.phase == "active"


def test_a_lone_router_serves_whatever_its_hosts_say() -> None:
    for line in (UNKNOWN, SILENT):
        router = Router(Place.PRIMARY, settings=replace(WATCHING, paired=False))
        hosts(router, 0.0, line)
        router.ready(1.0).tick(7.0)
        assert router.election.phase == "active"
        hosts(router, 8.0, SILENT)
        router.tick(40.0)
        assert StepDown not in kinds(router.done)


def test_a_pair_that_boots_does_not_wait_for_an_answer() -> None:
    router = Router(Place.PRIMARY, settings=WATCHING)
    hosts(router, 0.0, UNKNOWN)
    router.ready(0.1)
    router.hear(0.2, role=Role.STANDBY, term=0, lease_s=0.0, revision=5, seen_revision=1000)
    assert router.election.phase == "active"


def test_a_standby_that_has_just_started_is_given_nothing_before_its_hosts_have_answered() -> None:
    router = Router(settings=WATCHING)
    router.ready(0.1)
    router.hear(0.2)
    hosts(router, 0.2, UNKNOWN)
    assert (router.said().ready, router.said().obstacle) == (False, Obstacle.STARTING)
    hosts(router, 0.4, ANSWERED)
    assert router.said().ready
    hosts(router, 5.0, UNKNOWN)  # a reload has added a line
    assert router.said().ready


def test_a_forced_start_does_not_wait_for_them_either() -> None:
    router = Router(settings=WATCHING, start=Start(now=0.0, force_active=True))
    hosts(router, 0.0, UNKNOWN)
    router.hear(0.1)
    router.ready(0.2)
    assert router.election.phase == "active"


def test_a_line_is_reported_when_it_falls_silent_and_when_it_is_back() -> None:
    router = Router(settings=WATCHING).ready()
    for now, line in enumerate((UNKNOWN, ANSWERED, SILENT, replace(SILENT, why="no route"), ANSWERED)):
        hosts(router, float(now), line)
    told = [(event.message, event.cause) for event in router.events() if event.subject == "monitor_hosts"]
    assert told == [
        ("no host answers ping", "no answer to ping from 192.0.2.1 192.0.2.254 for 5 s"),
        ("a host answers ping again", "one of 192.0.2.1 192.0.2.254"),
    ]
