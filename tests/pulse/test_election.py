"""Who becomes active: the election one rule at a time, inputs in, actions out."""

from dataclasses import replace

from tests.pulse.router import SETTINGS, Router, active_router, kinds

from piranha.pulse.actions import (
    Announce,
    AskLan,
    SendHeartbeat,
    StepDown,
    TakeOver,
)
from piranha.pulse.heartbeat import Obstacle, Place, Role
from piranha.pulse.settings import Start
from piranha.pulse.verdicts import Accepted, Alive, Evidence, Introduced

# taking over


def test_a_backup_takes_over_after_deadtime_of_silence() -> None:
    backup = Router().ready()
    backup.hear(1.0)

    assert TakeOver not in kinds(backup.tick(6.9))
    assert TakeOver in kinds(backup.tick(7.0))
    assert "partner dead: activating lvs" in backup.messages()


def test_the_order_to_step_down_leaves_before_any_address_is_added() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    actions = backup.tick(7.0)
    order = next(n for n, action in enumerate(actions) if isinstance(action, SendHeartbeat) and action.heartbeat.order)

    assert order < next(n for n, action in enumerate(actions) if isinstance(action, TakeOver))


def test_the_order_is_repeated_with_each_heartbeat_until_the_partner_says_standby() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    backup.tick(15.0)
    assert all(a.heartbeat.order for a in backup.tick(21.0) if isinstance(a, SendHeartbeat))

    backup.hear(21.5, role=Role.STANDBY, revision=9, lease_s=0.0)
    backup.tick(24.0)
    assert not backup.said().order


def test_a_takeover_gets_the_next_term() -> None:
    backup = Router().ready()
    backup.hear(1.0, term=41)
    backup.tick(7.0)

    assert [action.term for action in backup.done if isinstance(action, TakeOver)] == [42]


def test_a_router_that_is_not_ready_does_not_take_over_until_it_is() -> None:
    backup = Router()
    backup.hear(1.0)
    assert TakeOver not in kinds(backup.tick(20.0))

    backup.ready(20.5)
    assert TakeOver in kinds(backup.done)


def test_the_longer_deadtime_of_the_two_is_waited_for() -> None:
    backup = Router().ready()
    backup.hear(1.0, deadtime_s=18.0)

    assert TakeOver not in kinds(backup.tick(18.9))
    assert TakeOver in kinds(backup.tick(19.0))


def test_a_partner_that_is_heard_but_not_understood_is_not_dead() -> None:
    backup = Router().ready()
    for second in range(1, 30):
        backup.input(Alive(Evidence.OTHER_VERSION, "version 2"), float(second))

    assert TakeOver not in kinds(backup.done)
    assert any("Incompatible heartbeat received" in message for message in backup.messages())
    assert TakeOver in kinds(backup.tick(40.0))


def test_an_unproven_session_is_answered_and_makes_the_router_ask_the_lan() -> None:
    backup = Router().ready()
    for second in range(1, 7):
        assert SendHeartbeat in kinds(backup.input(Introduced(), float(second)))

    assert not backup.election.view(6.0).partner_alive
    assert AskLan in kinds(backup.done)
    assert TakeOver not in kinds(backup.done)


def test_a_flood_of_unproven_datagrams_does_not_make_a_flood_of_answers() -> None:
    backup = Router().ready()
    before = len(backup.done)
    for step in range(1000):
        backup.input(Introduced(), 1.0 + step / 1000)

    assert len(backup.done) - before < 30


def test_own_lateness_is_no_silence_of_the_partner() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    late = backup.election.tick(31.0)  # stood still for 30 s, and nothing waited in the sockets

    assert TakeOver not in kinds(late)
    backup.at = 31.0
    assert TakeOver not in kinds(backup.tick(34.9))
    assert TakeOver in kinds(backup.tick(37.0))  # never more than a full deadtime from now


# boot


def test_after_the_machine_has_booted_initdead_is_waited() -> None:
    backup = Router(start=Start(now=0.0, machine_booted=True)).ready()

    assert TakeOver not in kinds(backup.tick(11.9))
    assert TakeOver in kinds(backup.tick(12.0))


def test_a_restart_of_pulse_alone_waits_deadtime_only() -> None:
    backup = Router(start=Start(now=0.0)).ready()

    assert TakeOver not in kinds(backup.tick(5.9))
    assert TakeOver in kinds(backup.tick(6.0))


def test_a_partner_that_is_heard_ends_the_wait() -> None:
    primary = Router(Place.PRIMARY, start=Start(now=0.0, machine_booted=True)).ready()
    primary.hear(0.5, role=Role.STANDBY, lease_s=0.0, seen_revision=1000)

    assert TakeOver in kinds(primary.done)


def test_the_primary_waits_until_the_backup_has_seen_that_it_is_ready() -> None:
    primary = Router(Place.PRIMARY).ready()
    primary.hear(0.5, role=Role.STANDBY, lease_s=0.0, seen_revision=primary.said().revision - 1)
    assert TakeOver not in kinds(primary.done)

    primary.hear(0.6, seen_revision=primary.said().revision)
    assert TakeOver in kinds(primary.done)


def test_the_backup_leaves_it_to_a_primary_that_is_ready() -> None:
    backup = Router().ready()
    for second in range(1, 6):
        backup.hear(float(second), role=Role.STANDBY, lease_s=0.0)

    assert TakeOver not in kinds(backup.done)


def test_the_backup_steps_in_at_once_when_the_primary_says_that_it_cannot() -> None:
    backup = Router().ready()
    backup.hear(1.0, role=Role.STANDBY, lease_s=0.0, readiness=0, obstacle=Obstacle.LVSD)

    assert TakeOver in kinds(backup.done)
    assert "primary inactive: activating lvs" in backup.messages()


def test_a_primary_that_is_still_starting_gets_its_deadtime() -> None:
    backup = Router().ready()
    for second in range(1, 8):
        backup.hear(float(second), role=Role.STANDBY, lease_s=0.0, readiness=0, obstacle=Obstacle.STARTING)
        assert (TakeOver in kinds(backup.done)) is (second >= 7)


def test_a_lone_router_is_active_as_soon_as_it_is_ready_and_sends_nothing() -> None:
    lone = Router(Place.PRIMARY, settings=replace(SETTINGS, paired=False)).ready(0.2)

    take = next(action for action in lone.done if isinstance(action, TakeOver))
    assert take.valid_s is None
    assert SendHeartbeat not in kinds(lone.done)


def test_forceactive_does_not_ask_who_is_active() -> None:
    backup = Router(start=Start(now=0.0, force_active=True))
    backup.hear(0.5, term=9)
    backup.ready(0.6)

    assert "Forced active on startup: activating lvs" in backup.messages()
    assert [action.term for action in backup.done if isinstance(action, TakeOver)] == [10]


# two active routers


def test_the_later_takeover_wins() -> None:
    primary = active_router()
    primary.hear(2.0, role=Role.ACTIVE, term=2, revision=9, order=True)

    assert StepDown in kinds(primary.done)
    assert "partner active: deactivating LVS" in primary.messages()


def test_of_equal_terms_the_primary_stays_and_announces_anew() -> None:
    primary = active_router()
    primary.tick(5.0)
    actions = primary.hear(5.1, role=Role.ACTIVE, term=1, revision=9)

    assert StepDown not in kinds(primary.done)
    assert Announce in kinds(actions)
    assert "partner active: resending arps" in primary.messages()
    assert primary.said().order


def test_of_equal_terms_the_backup_lets_go() -> None:
    backup = active_router(Place.BACKUP)
    backup.hear(2.0, role=Role.ACTIVE, term=1, revision=9)

    assert StepDown in kinds(backup.done)


def test_when_the_other_one_has_let_go_the_addresses_are_announced_anew() -> None:
    primary = active_router()
    primary.tick(5.0)
    primary.hear(5.1, role=Role.ACTIVE, term=1, revision=9)
    primary.tick(9.0)
    actions = primary.hear(9.1, role=Role.STANDBY, revision=10, lease_s=0.0)

    assert Announce in kinds(actions)


def test_who_can_hear_yields_to_who_cannot_be_told() -> None:
    primary = active_router()
    deaf = replace(primary.partner, role=Role.ACTIVE, term=1, revision=9, seen_revision=0)
    primary.hear(5.0, deaf)
    assert StepDown not in kinds(primary.done)

    primary.hear(7.0, deaf)
    assert StepDown in kinds(primary.done)


def test_after_a_pause_of_its_own_a_router_acts_on_fresh_words_only() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    goodbye = replace(backup.partner, role=Role.STANDBY, goodbye=True, revision=9, lease_s=0.0, readiness=0)
    backup.take(backup.election.receive("public", Accepted(goodbye), 2.0), 60.0)  # it waited for 58 s
    assert TakeOver not in kinds(backup.election.tick(60.0))

    backup.at = 60.0
    assert TakeOver not in kinds(backup.tick(62.9))
    assert TakeOver in kinds(backup.tick(63.0))


def test_a_machine_whose_every_timer_is_late_takes_over_all_the_same() -> None:
    backup = Router().ready()
    backup.hear(1.0)
    actions = [action for step in range(30) for action in backup.election.tick(2.0 + step * 3.5)]

    assert TakeOver in kinds(actions)
