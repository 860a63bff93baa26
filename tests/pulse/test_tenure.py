"""Holding the addresses and letting go: leases, announcements, failures, what the partner is told."""

from dataclasses import replace
from typing import Any

import pytest
from tests.pulse.router import BEAT, SETTINGS, Router, active_router, kinds

from piranha.pulse.actions import (
    Action,
    Announce,
    Command,
    Emit,
    Outcome,
    RenewLeases,
    SendHeartbeat,
    SetLease,
    StepDown,
    Stopped,
    TakeOver,
)
from piranha.pulse.heartbeat import NO_LIMIT, Obstacle, Place, Role
from piranha.pulse.settings import Start
from piranha.pulse.verdicts import Evidence, Rejected

# leases


def test_the_lease_has_no_limit_while_no_ready_partner_is_heard() -> None:
    backup = Router().ready()
    backup.tick(6.0)

    take = next(action for action in backup.done if isinstance(action, TakeOver))
    assert take.valid_s is None
    assert backup.said().lease_s == NO_LIMIT


def test_the_lease_is_limited_when_a_ready_partner_is_heard_and_told_only_when_it_is_done() -> None:
    backup = Router().ready()
    backup.tick(6.0)
    backup.hold_effects = True
    backup.hear(8.0, role=Role.STANDBY, lease_s=0.0)
    assert [action.valid_s for action in backup.pending if isinstance(action, SetLease)] == [3]
    assert backup.said().lease_s == NO_LIMIT

    backup.finish(8.1)
    assert backup.said().lease_s == 3.0


def test_the_limit_is_taken_off_when_the_partner_cannot_serve_and_that_is_told_first() -> None:
    primary = active_router()
    primary.hold_effects = True
    actions = primary.hear(1.1, readiness=0, obstacle=Obstacle.LVSD, revision=9)

    assert [action.valid_s for action in actions if isinstance(action, SetLease)] == [None]
    assert primary.said().lease_s == NO_LIMIT


def test_leases_are_renewed_three_times_in_their_length_and_a_heartbeat_follows_each() -> None:
    primary = active_router()
    actions: list[Action] = []
    for step in range(1, 31):
        actions += primary.hear(1.0 + step / 10)

    renewals = [n for n, action in enumerate(actions) if isinstance(action, RenewLeases)]
    assert len(renewals) == 3
    for first, last in zip(renewals, [*renewals[1:], len(actions)], strict=True):
        assert SendHeartbeat in kinds(actions[first:last])


def test_what_a_renewal_brought_back_is_announced_anew() -> None:
    primary = active_router()
    primary.hear(1.9)
    primary.tick(9.0)
    primary.hear(9.0)
    primary.hold_effects = True
    primary.hear(9.9)
    primary.tick(10.1)
    renewal = next(effect for effect in primary.pending if isinstance(effect, RenewLeases))
    primary.take(primary.election.effect_done(renewal, Outcome.OK, 10.2, detail="added 192.0.2.10"), 10.2)
    primary.pending.clear()
    primary.tick(10.2)

    assert [action.number for action in primary.pending if isinstance(action, Announce)]


def lost_a_renewal() -> tuple[Router, float]:
    """A router of a healthy pair whose renewal has just failed, and when."""
    primary = active_router()
    primary.hold_effects = True
    primary.hear(1.9)
    primary.finish(1.9)
    now = 2.0
    while not any(isinstance(effect, RenewLeases) for effect in primary.pending):
        now += 0.1
        primary.hear(now)
    primary.outcome = Outcome.FAILED
    primary.finish(now, "no such device")
    return primary, now


def test_addresses_that_could_not_be_renewed_are_acquired_again() -> None:
    primary, now = lost_a_renewal()
    primary.hear(now + 0.4)
    assert [effect.valid_s for effect in primary.pending if isinstance(effect, SetLease)] == [3]

    primary.outcome = Outcome.OK
    primary.finish(now + 0.4, "added 192.0.2.10")
    assert primary.election.phase == "active"
    assert Announce in kinds(primary.done[-5:])


def test_addresses_that_cannot_be_held_any_more_are_handed_to_a_ready_partner() -> None:
    primary, now = lost_a_renewal()
    primary.hold_effects = False
    for step in range(1, 20):
        primary.finish(now + step / 10, "no such device")
        primary.hear(now + step / 10)

    assert "addresses lost: deactivating LVS" in primary.messages()
    assert not any(message.startswith("lease lapsed") for message in primary.messages())
    assert primary.said().handover and not primary.said().ready


def test_a_lapsed_lease_is_not_renewed_but_given_up() -> None:
    primary = active_router()
    primary.hear(2.0)
    actions = primary.election.tick(6.0)  # stood still for longer than the lease

    assert RenewLeases not in kinds(actions)
    assert StepDown in kinds(actions)
    assert any(isinstance(a, Emit) and a.event.message.startswith("lease lapsed") for a in actions)


def test_a_renewal_that_came_too_late_ends_the_tenure() -> None:
    primary = active_router()
    primary.outcome = Outcome.LATE
    primary.hear(2.1)

    assert StepDown in kinds(primary.done)


def test_addresses_that_cannot_be_removed_are_gone_with_their_lease() -> None:
    primary = active_router()
    primary.hold_effects = True
    primary.election.tick(1.9)
    primary.take(primary.election.command(Command.SWITCHOVER, 1.9).actions, 1.9)
    primary.hear(5.4)
    assert primary.said().role is Role.ACTIVE

    primary.tick(5.6)  # renewed at 1.0 for 3 s, and the kernel is up to 1.5 s late
    assert primary.said().role is Role.STANDBY
    assert primary.said().handover


def test_a_call_that_may_have_taken_the_limit_off_keeps_the_role_until_it_is_back() -> None:
    primary = active_router()
    primary.tick(6.9)
    primary.hold_effects = True
    primary.tick(11.0)  # the partner is dead, and the call that takes the limit off does not come back
    assert "lease lapsed: deactivating LVS" in primary.messages()

    for second in (12.0, 14.0, 60.0):
        primary.hear(second, role=Role.STANDBY, readiness=100, obstacle=Obstacle.NONE)
        assert (primary.said().role, primary.said().lease_s) == (Role.ACTIVE, NO_LIMIT)

    primary.finish(61.0)
    assert primary.said().role is Role.STANDBY


def test_announcements_go_on_past_the_lease_of_the_former_holder() -> None:
    backup = Router().ready()
    backup.hear(1.0, lease_s=9.0, deadtime_s=6.0)
    backup.tick(40.0)

    taken = next(event.when_s for event in backup.events() if event.message == "lvs is active")
    ended = next(event.when_s for event in backup.events() if event.message == "gratuitous lvs arps finished")
    assert taken < 1.0 + 9.0 + 3.0 + 1.5 < ended


# letting go


def test_a_clean_stop_says_goodbye_on_every_path_when_the_addresses_are_released() -> None:
    primary = active_router()
    primary.hold_effects = True
    primary.take(primary.election.command(Command.STOP, 2.0).actions, 2.0)
    primary.tick(2.1)
    assert not primary.said().goodbye

    primary.finish(2.2)
    assert primary.said().goodbye
    primary.tick(3.0)
    farewells = [a for a in primary.done if isinstance(a, SendHeartbeat) and a.heartbeat.goodbye]
    assert len(farewells) >= 3
    assert isinstance(primary.done[-1], Stopped)


def test_a_goodbye_is_answered_by_a_takeover_at_once() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.hear(2.0, role=Role.STANDBY, goodbye=True, revision=9, lease_s=0.0, readiness=0)

    assert TakeOver in kinds(backup.done)


def test_an_offer_counts_for_who_could_take_it_when_it_was_made() -> None:
    backup = Router()
    backup.hear(1.0)
    backup.hear(2.0, role=Role.STANDBY, handover=True, revision=9, lease_s=0.0)
    backup.ready(2.5)

    assert TakeOver not in kinds(backup.done)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"readiness": 0, "obstacle": Obstacle.LVSD}, "not ready (0 of 100): lvsd"),
        ({"hears": False}, "does not hear"),
    ],
)
def test_a_switchover_is_refused_with_the_reason(changes: dict[str, Any], word: str) -> None:
    primary = active_router()
    primary.hear(2.0, revision=9, **changes)
    answer = primary.election.command(Command.SWITCHOVER, 2.1)

    assert word in answer.refusal
    assert not answer.actions


def test_a_switchover_is_refused_by_a_standby_a_lone_router_and_one_whose_partner_is_silent() -> None:
    standby, lone, left = (
        Router().ready(),
        Router(Place.PRIMARY, settings=replace(SETTINGS, paired=False)),
        active_router(),
    )
    lone.ready()
    left.tick(20.0)

    refusals = [each.election.command(Command.SWITCHOVER, 20.0).refusal for each in (standby, lone, left)]
    assert refusals == [
        "this router is standby; say it on the primary",
        "there is no partner (backup_active = 0)",
        "the backup is not heard",
    ]


def test_an_active_router_hands_over_when_it_stays_unready_for_deadtime() -> None:
    primary = active_router()
    primary.take(primary.election.lvsd(False, ("table not loaded",), 2.0), 2.0)
    for second in range(2, 8):
        primary.hear(float(second))
    assert StepDown not in kinds(primary.done)

    primary.hear(8.0)
    assert StepDown in kinds(primary.done)
    assert any(event.cause == "table not loaded" for event in primary.events() if event.subject == "router")


def test_an_active_router_without_a_ready_partner_goes_on_unready() -> None:
    backup = Router().ready()
    backup.tick(6.0)
    backup.take(backup.election.lvsd(False, ("table not loaded",), 7.0), 7.0)
    backup.tick(100.0)

    assert StepDown not in kinds(backup.done)


# effects that fail


def test_a_router_that_cannot_add_an_address_steps_back_for_a_partner_that_can() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.outcome = Outcome.FAILED
    backup.hear(2.0, role=Role.STANDBY, handover=True, revision=9, lease_s=0.0)

    assert StepDown in kinds(backup.done)
    assert backup.said().obstacle is Obstacle.ADDRESSES
    assert backup.said().handover


def test_a_router_that_failed_is_ready_again_only_after_a_while_and_longer_each_time() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.outcome = Outcome.FAILED
    backup.hear(2.0, role=Role.STANDBY, handover=True, revision=9, lease_s=0.0)
    for second in range(3, 32):
        backup.hear(float(second), role=Role.ACTIVE, revision=10, handover=False)
    assert not backup.election.view(31.0).ready

    backup.hear(33.0)
    assert backup.election.view(33.0).ready


def test_alone_what_could_be_added_stays_and_the_rest_is_tried_again() -> None:
    backup = Router().ready()
    backup.outcome = Outcome.FAILED
    backup.tick(6.0)
    assert StepDown not in kinds(backup.done)

    backup.outcome = Outcome.OK
    assert SetLease in kinds(backup.tick(12.0))
    assert backup.election.view(12.0).ready


def test_a_takeover_that_came_too_late_is_decided_anew() -> None:
    backup = Router().ready()
    backup.outcome = Outcome.LATE
    backup.hold_effects = True
    backup.tick(6.0)
    backup.hear(9.5, role=Role.ACTIVE, term=7)
    backup.finish(9.6)

    assert backup.election.phase == "standby"
    assert sum(isinstance(action, TakeOver) for action in backup.done) == 1


def test_the_result_of_an_effect_that_was_overtaken_changes_nothing() -> None:
    primary = active_router()
    primary.hold_effects = True
    primary.hear(2.1)
    renewal = next(effect for effect in primary.pending if isinstance(effect, RenewLeases))
    primary.take(primary.election.command(Command.SWITCHOVER, 2.2).actions, 2.2)
    primary.take(primary.election.effect_done(renewal, Outcome.LATE, 2.3), 2.3)

    assert primary.election.phase == "stepping down"
    assert sum(isinstance(action, StepDown) for action in primary.done) == 1


# what is told


def test_every_change_of_role_names_its_rule_and_its_cause() -> None:
    primary = active_router()
    primary.hear(2.0, role=Role.ACTIVE, term=2, revision=9)
    changes = [
        event
        for event in primary.events()
        if event.subject == "router" and event.after in ("taking over", "stepping down")
    ]

    assert len(changes) == 2
    assert all(event.rule and event.cause and event.message for event in changes)


def test_a_wrong_signature_is_an_alarm_here_and_is_told_to_the_partner() -> None:
    backup = Router(settings=replace(SETTINGS, paths=("public", "private"))).ready()
    backup.hear(1.0)
    backup.input(Rejected(Evidence.BAD_SIGNATURE, "key 'k1'"), 1.5, "private")
    backup.tick(3.5)

    alarms = [event for event in backup.events() if "wrong signature" in event.message]
    assert [alarm.level for alarm in alarms] == ["error"]
    assert backup.said().bad_signatures


def test_who_is_told_that_its_signature_fails_raises_the_alarm_too() -> None:
    backup = Router().ready()
    backup.hear(1.0, bad_signatures=True)

    assert any("cannot verify" in message for message in backup.messages())


def test_an_alarm_is_raised_once_not_with_every_datagram() -> None:
    backup = Router().ready()
    for step in range(100):
        backup.input(Rejected(Evidence.BAD_SIGNATURE), 1.0 + step / 10)

    assert sum("wrong signature" in message for message in backup.messages()) == 1


def test_a_late_heartbeat_is_reported_and_counted() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.hear(4.5)

    assert backup.election.view(4.5).paths[0].late == 1
    assert "heartbeat late" in backup.messages()


def test_a_reload_to_slower_timers_keeps_the_old_pace_until_the_partner_has_heard() -> None:
    fast = replace(SETTINGS, heartbeat=replace(BEAT, keepalive_s=0.1, deadtime_s=0.3, initdead_s=0.3))
    primary = Router(Place.PRIMARY, settings=fast).ready()
    primary.tick(1.0)
    primary.take(primary.election.reconfigure(replace(SETTINGS, place=Place.PRIMARY), 1.0), 1.0)
    sent = [a.heartbeat.deadtime_s for a in primary.tick(1.29) if isinstance(a, SendHeartbeat)]

    assert len(sent) >= 3
    assert set(sent) == {6}


def test_a_reload_to_a_shorter_deadtime_is_told_when_the_lease_fits_it() -> None:
    primary = active_router()
    primary.hold_effects = True
    shorter = replace(SETTINGS, place=Place.PRIMARY, heartbeat=replace(BEAT, keepalive_s=1, deadtime_s=4))
    primary.take(primary.election.reconfigure(shorter, 2.0), 2.0)
    primary.tick(2.0)
    assert primary.said().deadtime_s == 6
    assert [action.valid_s for action in primary.pending if isinstance(action, SetLease)] == [1]

    primary.finish(2.1)
    assert primary.said().deadtime_s == 4


def test_the_view_says_what_status_shows() -> None:
    primary = active_router()
    view = primary.election.view(3.0)

    assert (view.role, view.phase, view.term, view.ready, view.lease_s) == (Role.ACTIVE, "active", 1, True, 3.0)
    assert view.partner_alive
    assert view.partner_age_s == pytest.approx(2.0)
    assert [path.alive for path in view.paths] == [True]


def test_a_prepared_restart_goes_on_with_its_term() -> None:
    primary = active_router()
    primary.take(primary.election.command(Command.PREPARE_RESTART, 2.0).actions, 2.0)
    primary.tick(2.0)
    assert primary.said().back_within_s == 30
    primary.hear(2.1, seen_revision=primary.said().revision)
    stopped = primary.done[-1]
    assert isinstance(stopped, Stopped)
    assert stopped.resume is not None
    assert [a.valid_s for a in primary.done if isinstance(a, SetLease)][-1] == 30

    restarted = Router(Place.PRIMARY, start=Start(now=12.0, term=1, holding=True, resume=stopped.resume))
    restarted.tick(12.0)
    assert [action.term for action in restarted.done if isinstance(action, TakeOver)] == [1]


def test_a_standby_that_restarts_says_goodbye_and_why_and_leaves_the_lvs_daemon() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.take(backup.election.command(Command.PREPARE_RESTART, 2.0).actions, 2.0)
    backup.tick(4.0)
    assert backup.done[-1] == Stopped(lvsd_stays=True)

    primary = active_router()
    primary.hear(2.0, replace(backup.said(), revision=6), seen_revision=primary.said().revision)
    told = [(event.message, event.cause) for event in primary.events()]
    assert ("partner says goodbye", "it restarts, back within 30 s") in told
    assert not primary.election.view(2.0).partner_alive, "nobody waits for a standby"


def test_a_restart_whose_addresses_had_to_go_leaves_the_lvs_daemon_all_the_same() -> None:
    primary = active_router()
    primary.take(primary.election.command(Command.PREPARE_RESTART, 2.0).actions, 2.0)
    primary.hold_effects = True
    primary.hear(2.1, role=Role.ACTIVE, term=9, revision=9)  # it has taken over meanwhile
    assert primary.said().back_within_s == 0, "as long as it may hold addresses nobody is to wait for it"

    primary.hold_effects = False
    primary.tick(4.0)
    primary.tick(5.0)
    assert Stopped(lvsd_stays=True) in primary.done


def test_a_restart_is_bridged_only_when_the_partner_has_heard_of_it() -> None:
    primary = active_router()
    primary.hear(1.5, seen_revision=primary.said().revision)
    primary.take(primary.election.command(Command.PREPARE_RESTART, 2.0).actions, 2.0)
    primary.tick(10.0)

    assert 30 not in [action.valid_s for action in primary.done if isinstance(action, SetLease)]


def test_addresses_that_a_former_pulse_left_are_removed_when_the_partner_serves() -> None:
    backup = Router(start=Start(now=0.0, holding=True)).ready()
    assert StepDown not in kinds(backup.tick(1.0))

    backup.hear(1.5)
    assert StepDown in kinds(backup.done)


def test_an_unready_router_that_restarts_waits_for_the_acknowledgement_as_well() -> None:
    primary = active_router()
    primary.take(primary.election.lvsd(False, ("nannies fail",), 1.2), 1.2)
    primary.hear(1.5, seen_revision=primary.said().revision)
    primary.take(primary.election.command(Command.PREPARE_RESTART, 2.0).actions, 2.0)
    primary.tick(2.1)
    assert primary.said().back_within_s == 30
    assert 30 not in [action.valid_s for action in primary.done if isinstance(action, SetLease)]

    primary.hear(2.2, seen_revision=primary.said().revision)
    assert 30 in [action.valid_s for action in primary.done if isinstance(action, SetLease)]


def test_an_unready_standby_that_stops_says_goodbye() -> None:
    backup = Router()
    backup.hear(1.0)
    backup.take(backup.election.command(Command.STOP, 2.0).actions, 2.0)
    backup.tick(2.1)

    assert backup.said().goodbye
