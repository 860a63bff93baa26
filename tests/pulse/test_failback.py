"""The primary takes the VIPs back when the file says so, after a failure and never twice for one."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pulse.router import SETTINGS, Router, kinds

from piranha.pulse.actions import Command, StepDown, TakeOver
from piranha.pulse.heartbeat import Heartbeat, Obstacle, Place, Role

BACK = Heartbeat(
    place=Place.PRIMARY,
    role=Role.STANDBY,
    term=1,
    keepalive_s=2,
    deadtime_s=6,
    lease_s=0.0,
    hears=True,
    revision=9,
    seen_revision=1000,
)


def backup(failback_s: float | None) -> Router:
    """A backup that became active when the primary fell silent after 1.0 s."""
    router = Router(settings=replace(SETTINGS, failback_s=failback_s)).ready()
    router.hear(1.0)
    router.tick(8.0)
    assert router.election.phase == "active"
    return router


def heard(router: Router, until: float, since: float = 10.0, **changes: Any) -> None:
    """The primary, back as standby, heard every 2 s."""
    now = since
    while now <= until:
        router.hear(now, replace(BACK, **changes))
        now += 2.0


def gave_back(router: Router) -> bool:
    return StepDown in kinds(router.done)


def test_without_failback_a_primary_that_is_back_stays_standby() -> None:
    router = backup(None)
    heard(router, 60.0)
    assert not gave_back(router)


def test_with_always_the_backup_hands_over_as_soon_as_the_primary_is_ready() -> None:
    router = backup(0.0)
    heard(router, 30.0, readiness=0, obstacle=Obstacle.LVSD)
    assert not gave_back(router)
    router.hear(32.0, BACK, readiness=100, obstacle=Obstacle.NONE)
    assert gave_back(router)
    event = next(event for event in router.events() if event.rule == "failback = always")
    assert event.message == "failback: deactivating LVS"
    # It is a hand-over: the primary is asked to take over at once.
    assert router.said().handover


def test_a_backup_that_has_only_just_taken_over_serves_for_a_deadtime_first() -> None:
    router = backup(0.0)
    router.hear(8.5, BACK)
    router.tick(12.0)
    assert not gave_back(router)
    heard(router, 16.0, since=12.5)
    assert gave_back(router)


def test_with_a_time_the_primary_must_have_been_ready_for_so_long() -> None:
    router = backup(20.0)
    heard(router, 28.0)
    assert not gave_back(router)
    heard(router, 30.0, since=30.0)
    assert gave_back(router)


def test_a_primary_that_fails_meanwhile_begins_anew() -> None:
    router = backup(20.0)
    heard(router, 20.0)
    router.hear(22.0, BACK, readiness=0, obstacle=Obstacle.LVSD)
    heard(router, 42.0, since=24.0, readiness=100, obstacle=Obstacle.NONE)
    assert not gave_back(router)
    heard(router, 44.0, since=44.0, readiness=100, obstacle=Obstacle.NONE)
    assert gave_back(router)


def test_a_switchover_that_a_person_asked_for_stays() -> None:
    router = Router(settings=replace(SETTINGS, failback_s=0.0)).ready()
    router.hear(1.0)
    router.hear(2.0, BACK, handover=True)
    assert TakeOver in kinds(router.done)
    heard(router, 40.0, since=4.0, handover=False)
    assert not gave_back(router)


def test_a_primary_that_handed_over_since_its_addresses_failed_gets_them_back_when_it_is_well() -> None:
    router = Router(settings=replace(SETTINGS, failback_s=20.0)).ready()
    router.hear(1.0)
    router.hear(2.0, BACK, handover=True, readiness=0, obstacle=Obstacle.ADDRESSES)
    assert TakeOver in kinds(router.done)
    heard(router, 30.0, since=4.0, handover=False, readiness=0, obstacle=Obstacle.ADDRESSES)
    heard(router, 34.0, since=32.0, readiness=100, obstacle=Obstacle.NONE)
    assert not gave_back(router)
    heard(router, 52.0, since=36.0)
    assert gave_back(router)


def test_a_primary_that_does_not_take_what_it_is_offered_is_not_asked_again() -> None:
    router = backup(0.0)
    heard(router, 16.0)
    assert gave_back(router)
    heard(router, 60.0, since=18.0)
    assert router.election.phase == "active"
    assert sum(isinstance(action, StepDown) for action in router.done) == 1


def test_the_primary_itself_never_gives_back() -> None:
    router = Router(Place.PRIMARY, settings=replace(SETTINGS, failback_s=0.0)).ready()
    router.hear(1.0, role=Role.ACTIVE)
    router.tick(10.0)
    heard(router, 60.0, since=12.0)
    assert router.election.phase == "active"


@pytest.mark.parametrize("place", Place)
def test_a_switchover_is_still_taken_from_people(place: Place) -> None:
    router = Router(place, settings=replace(SETTINGS, failback_s=500.0)).ready()
    router.hear(1.0)
    router.tick(10.0)
    router.hear(12.0, BACK)
    assert router.election.command(Command.SWITCHOVER, 12.5).refusal == ""
