"""Silence, and datagrams that cannot be verified: the LAN is asked who has the VIPs."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from tests.pulse.router import SETTINGS, Router, active_router, kinds

from piranha.pulse.actions import AskLan, StepDown, TakeOver
from piranha.pulse.heartbeat import Obstacle, Place, Role
from piranha.pulse.inquiry import Claim
from piranha.pulse.settings import Start
from piranha.pulse.verdicts import Accepted, Evidence, Introduced, Rejected, Verdict

FORGED = Rejected(Evidence.BAD_SIGNATURE, "key 'k1'")
ANSWER = Claim(address=IPv4Address("192.0.2.10"), mac="02:00:5e:00:53:01", device="eth0")
PROBE = replace(ANSWER, holds=False)


def live(
    router: Router, begin: float, end: float, *, forged: bool = True, answer: Claim | None = None, trouble: str = ""
) -> None:
    """Let time pass: a forged datagram every second, and each question answered like this within 10 ms."""
    election, step = router.election, 0.05
    for number in range(round((end - begin) / step)):
        now = begin + number * step
        if forged and number % 20 == 0:
            router.input(FORGED, now)
        router.tick(now)
        while router.questions:
            router.take(election.lan_asked(router.questions.pop(), now, trouble), now)
            if answer is not None and not trouble:
                router.take(election.lan_heard(answer, now + 0.01), now + 0.01)
            router.tick(now + 0.01)


def standby_in_doubt(place: Place = Place.BACKUP, *, answer: Claim | None = None, trouble: str = "") -> Router:
    """A standby whose active partner was last understood at 1.0; datagrams that fail their check go on."""
    router = Router(place).ready()
    router.hear(1.0)
    live(router, 1.1, 12.0, answer=answer, trouble=trouble)
    return router


def questions(router: Router) -> int:
    return sum(isinstance(action, AskLan) for action in router.done)


def test_forged_datagrams_of_a_dead_partner_delay_a_takeover_by_three_questions() -> None:
    router = standby_in_doubt()
    taken = next(event for event in router.events() if event.message == "partner dead: activating lvs")
    assert questions(router) >= 3
    assert 8.4 <= taken.when_s <= 8.7
    assert taken.rule == "nobody answers for the VIPs"
    assert "3 questions to the LAN" in taken.cause


def test_a_deadtime_that_a_reload_lengthens_meanwhile_is_waited_for() -> None:
    router = Router().ready()
    router.hear(1.0)
    live(router, 1.1, 8.0)
    longer = replace(SETTINGS, heartbeat=replace(SETTINGS.heartbeat, deadtime_s=12))
    router.take(router.election.reconfigure(replace(longer, place=Place.BACKUP), 8.0), 8.0)
    live(router, 8.05, 12.9)
    assert router.election.phase == "standby"
    live(router, 12.9, 20.0)
    assert router.election.phase == "active"


def test_a_partner_that_answers_for_its_vips_is_not_dead() -> None:
    router = standby_in_doubt(answer=ANSWER)
    assert TakeOver not in kinds(router.done)
    causes = [event.cause for event in router.events() if event.message == "takeover held back"]
    assert causes[-1].startswith("02:00:5e:00:53:01 on eth0 answers for 192.0.2.10;")
    assert len(causes) == 2  # said once when it is asked, once when it is known; not with each question


def test_a_holder_that_ceases_to_answer_is_dead_after_a_deadtime_without_an_answer() -> None:
    router = standby_in_doubt(answer=ANSWER)
    live(router, 12.0, 17.0)
    assert TakeOver not in kinds(router.done)
    live(router, 17.0, 20.5)
    assert TakeOver in kinds(router.done)


def test_a_silence_without_such_datagrams_asks_nobody() -> None:
    router = Router().ready()
    router.hear(1.0)
    router.tick(7.0)
    assert TakeOver in kinds(router.done)
    assert AskLan not in kinds(router.done)


def test_where_the_lan_cannot_be_asked_the_takeover_stays_held_back() -> None:
    router = standby_in_doubt(trouble="eth0 has no carrier")
    assert TakeOver not in kinds(router.done)
    assert "the LAN cannot be asked who has the VIPs: eth0 has no carrier" in router.events()[-1].cause


def test_a_primary_that_never_understood_its_partner_serves_where_the_lan_cannot_be_asked() -> None:
    router = Router(Place.PRIMARY).ready()
    live(router, 0.1, 8.0, trouble="no hardware address")
    assert TakeOver in kinds(router.done)


def test_a_primary_that_never_understood_its_partner_does_not_take_what_another_router_has() -> None:
    router = Router(Place.PRIMARY).ready()
    live(router, 0.1, 12.0, answer=ANSWER)
    assert TakeOver not in kinds(router.done)


@pytest.mark.parametrize(("place", "goes_on"), [(Place.PRIMARY, True), (Place.BACKUP, False)])
def test_of_two_that_ask_at_the_same_time_the_primary_goes_on(place: Place, goes_on: bool) -> None:
    router = Router(place).ready()
    live(router, 0.1, 9.0, answer=PROBE)
    assert (TakeOver in kinds(router.done)) is goes_on


def test_a_pause_of_its_own_begins_the_questions_anew() -> None:
    router = Router().ready()
    router.hear(1.0)
    live(router, 1.1, 8.3)
    before = questions(router)
    assert before == 3
    router.at = 40.0  # it stood still
    live(router, 40.0, 50.0)
    taken = next(event for event in router.events() if event.message == "partner dead: activating lvs")
    assert taken.when_s >= 40 + 3 + 1.5  # wary for 1.5 keepalive, then all questions again
    assert questions(router) >= before + 3


def test_a_pause_of_its_own_does_not_make_it_forget_that_it_was_in_doubt() -> None:
    router = Router().ready()
    router.hear(1.0)
    live(router, 1.1, 6.0)
    router.at = 17.0  # it stood still, and heard nothing
    live(router, 17.0, 20.8, forged=False, answer=ANSWER)
    assert questions(router) > 0
    assert TakeOver not in kinds(router.done)


def test_a_backup_that_took_over_from_silence_yields_when_the_lan_answers() -> None:
    router = standby_in_doubt()
    assert router.election.phase == "active"
    live(router, 12.0, 15.0, answer=ANSWER)
    assert router.election.phase == "standby"
    assert "partner active: deactivating LVS" in router.messages()


def test_a_primary_that_took_over_from_silence_gives_the_backup_time_to_yield() -> None:
    router = standby_in_doubt(Place.PRIMARY)
    live(router, 12.0, 12.8, answer=ANSWER)
    live(router, 12.8, 20.0)
    assert StepDown not in kinds(router.done)
    live(router, 20.0, 24.0, answer=ANSWER)
    assert StepDown in kinds(router.done)


def test_a_holder_of_old_only_says_that_another_router_has_the_vips_too_and_announces_when_it_is_gone() -> None:
    router = active_router()
    assert router.partner.role is Role.STANDBY
    live(router, 1.1, 12.0, answer=ANSWER)
    assert StepDown not in kinds(router.done)
    assert router.messages().count("another router has the VIPs too") == 1
    announced = router.messages().count("gratuitous lvs arps finished")
    live(router, 12.0, 20.0)
    assert router.messages().count("gratuitous lvs arps finished") == announced + 1


def test_a_partner_that_is_heard_again_ends_the_questions() -> None:
    router = standby_in_doubt(answer=ANSWER)
    router.hear(12.1)
    before = questions(router)
    live(router, 12.2, 17.0, forged=False)
    assert questions(router) == before


def test_a_closed_port_does_not_make_what_cannot_be_verified_forgotten() -> None:
    router = Router().ready()
    router.hear(1.0)
    for second in range(2, 9):
        router.input(FORGED, float(second))
        router.input(Rejected(Evidence.UNREACHABLE), second + 0.1)
    assert "takeover held back" in router.messages()
    assert router.messages().count("heartbeat with a wrong signature from the partner's address") == 1


def test_a_partner_that_does_not_hear_us_is_not_dead_when_the_lan_answers() -> None:
    router = Router(start=Start(now=0.0)).ready()
    for second in range(1, 20):
        router.input(Introduced(), float(second))
        live(router, second + 0.1, second + 1.0, forged=False, answer=ANSWER)
    assert TakeOver not in kinds(router.done)
    (asking, answered) = [event.cause for event in router.events() if event.message == "takeover held back"]
    assert asking.startswith("heartbeats from the partner's address are not proven to be new: does it hear us?")
    assert answered.startswith("02:00:5e:00:53:01 on eth0 answers")
    assert not router.said().bad_signatures


@pytest.mark.parametrize(
    "words",
    [{"goodbye": True}, {"readiness": 0, "obstacle": Obstacle.STOPPING}],
    ids=["goodbye", "not ready"],
)
def test_words_of_a_partner_that_has_begun_a_new_session_since_are_no_reason_to_take_over(
    words: dict[str, Any],
) -> None:
    router = Router(start=Start(now=0.0)).ready()
    router.hear(1.0)
    router.at = 20.0  # it stood still; the partner was stopped and started again, and does not hear us
    last = replace(router.partner, role=Role.STANDBY, revision=9, **words)
    waited: list[tuple[Verdict, float]] = [(Accepted(last), 5.0)]
    waited += [(Introduced(), float(second)) for second in range(8, 20, 2)]
    for verdict, at in waited:
        router.take(router.election.receive("public", verdict, at), at)
    for second in range(20, 30):
        router.input(Introduced(), float(second))
        live(router, second + 0.1, second + 1.0, forged=False, answer=ANSWER)
    assert TakeOver not in kinds(router.done)


def test_a_lone_router_asks_nobody() -> None:
    router = Router(settings=replace(SETTINGS, paired=False)).ready()
    live(router, 0.1, 12.0)
    assert questions(router) == 0
