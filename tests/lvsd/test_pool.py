"""The servers of one virtual server, judged together."""

from dataclasses import replace
from ipaddress import ip_address

from piranha.events.event import Event
from piranha.lvscf.check_values import CheckTiming, Exchange, Expect
from piranha.lvscf.config import FloatingAddress, RealServer, SorryServer, Virtual
from piranha.lvsd.monitor import Health
from piranha.lvsd.pool import Pool
from piranha.nanny.results import ProbeResult, Reason
from piranha.table.desired import ServerVerdict
from piranha.terms import ForwardingMethod, Protocol

TIMING = CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2, fall=2, reentry_s=10.0)
SORRY = SorryServer(address=ip_address("10.0.0.99"), port=80, forwarding=ForwardingMethod.NAT)


def server(number: int, *, weight: int = 1, active: bool = True) -> RealServer:
    return RealServer(
        name=f"web{number}",
        address=ip_address(f"10.0.0.{number}"),
        port=80,
        forwarding=ForwardingMethod.NAT,
        check=Exchange(),
        timing=TIMING,
        weight=weight,
        active=active,
    )


def virtual(*servers: RealServer, sorry: SorryServer | None = None) -> Virtual:
    return Virtual(
        name="www",
        active=True,
        vip=FloatingAddress(address=ip_address("192.0.2.10"), prefix=32),
        port=80,
        protocols=(Protocol.TCP,),
        servers=servers,
        sorry_server=sorry,
    )


def observe(pool: Pool, name: str, reason: Reason, now: float) -> list[Event]:
    return pool.observe(ProbeResult(id=f"www/{name}", reason=reason, detail="connect: refused", started_s=now), now)


def fail(pool: Pool, name: str) -> list[Event]:
    return observe(pool, name, Reason.REFUSED, 1.0) + observe(pool, name, Reason.REFUSED, 3.0)


def test_a_server_that_starts_as_up_takes_fall_failures_to_leave_all_others_are_unknown() -> None:
    pool = Pool(virtual(server(1), server(2)), {"web1"}, now=0.0)

    assert pool.verdicts(0.0) == {("www", "web1"): ServerVerdict.UP, ("www", "web2"): ServerVerdict.UNKNOWN}
    observe(pool, "web1", Reason.REFUSED, 1.0)
    assert pool.verdicts(0.0)["www", "web1"] is ServerVerdict.UP
    observe(pool, "web1", Reason.REFUSED, 3.0)
    assert pool.verdicts(0.0)["www", "web1"] is ServerVerdict.DOWN


def test_an_inactive_server_is_neither_checked_nor_judged() -> None:
    pool = Pool(virtual(server(1), server(2, active=False)), set(), now=0.0)

    assert [assignment.id for assignment in pool.assignments()] == ["www/web1"]
    assert pool.verdicts(0.0) == {("www", "web1"): ServerVerdict.UNKNOWN}


def test_nannies_learn_what_is_believed() -> None:
    pool = Pool(virtual(server(1), server(2), server(3)), {"web1", "web2"}, now=0.0)
    fail(pool, "web2")

    assert [assignment.believed_up for assignment in pool.assignments()] == [True, False, None]


def test_a_server_that_was_quiesced_in_the_plane_is_decided_by_its_first_answer() -> None:
    pool = Pool(virtual(server(1)), set(), now=0.0)

    observe(pool, "web1", Reason.OK, 1.0)

    assert pool.verdicts(0.0)[("www", "web1")] is ServerVerdict.UP


def test_a_result_for_a_server_of_an_earlier_file_changes_nothing() -> None:
    pool = Pool(virtual(server(1)), set(), now=0.0)

    assert observe(pool, "web7", Reason.REFUSED, 1.0) == []


def test_the_last_server_that_goes_calls_the_sorry_server_and_the_first_that_comes_sends_it_away() -> None:
    pool = Pool(virtual(server(1), server(2), sorry=SORRY), {"web1", "web2"}, now=0.0)

    assert [event.subject for event in fail(pool, "web1")] == ["www/web1"]
    gone = fail(pool, "web2")
    assert gone[-1].message == "Virtual Server www: No real servers; activate sorry_server 10.0.0.99"
    assert gone[-1].cause == "www/web2 down: connect: refused"
    observe(pool, "web1", Reason.OK, 5.0)
    back = observe(pool, "web1", Reason.OK, 16.0)
    assert back[-1].message == "Virtual Server www: 1 real servers; deactivate sorry_server 10.0.0.99"


def test_a_pool_whose_last_server_goes_says_so_without_a_sorry_server_too() -> None:
    pool = Pool(virtual(server(1)), {"web1"}, now=0.0)

    assert fail(pool, "web1")[-1].message == "Virtual Server www: No real servers"


def test_a_pool_that_was_never_served_does_not_claim_to_have_been() -> None:
    pool = Pool(virtual(server(1)), set(), now=0.0)

    gone = observe(pool, "web1", Reason.REFUSED, 1.0)[-1]

    assert (gone.message, gone.before, gone.after) == ("Virtual Server www: No real servers", "unknown", "deserted")
    back = [observe(pool, "web1", Reason.OK, now) for now in (2.0, 13.0)][-1][-1]
    assert (back.before, back.after) == ("deserted", "served")


def test_a_pool_that_was_served_by_somebody_who_left_before_the_last_answer_was_served() -> None:
    pool = Pool(virtual(server(1), server(2)), {"web1"}, now=0.0)
    fail(pool, "web1")

    gone = observe(pool, "web2", Reason.REFUSED, 4.0)[-1]

    assert (gone.before, gone.after) == ("served", "deserted")


def test_a_pool_that_a_reload_brought_a_serving_server_was_served() -> None:
    pool = Pool(virtual(server(1)), set(), now=0.0)
    pool.reconfigure(virtual(server(2)), {"web2"}, now=1.0)

    assert [(event.before, event.after) for event in fail(pool, "web2")[-1:]] == [("served", "deserted")]


def test_a_pool_of_weight_0_serves_nobody() -> None:
    pool = Pool(virtual(server(1, weight=0)), set(), now=0.0)

    observe(pool, "web1", Reason.OK, 1.0)

    assert pool.deserted()


def test_a_pool_is_not_deserted_while_a_first_answer_is_still_to_come() -> None:
    """The original added the sorry server before its first checks had finished (reference 3.4)."""
    pool = Pool(virtual(server(1), server(2)), set(), now=0.0)

    observe(pool, "web1", Reason.REFUSED, 1.0)

    assert not pool.deserted()


def test_a_reload_keeps_the_health_of_servers_that_stay() -> None:
    pool = Pool(virtual(server(1), server(2)), {"web1", "web2"}, now=0.0)
    fail(pool, "web2")

    pool.reconfigure(virtual(replace(server(1), weight=7), server(2), server(3)), set(), now=5.0)

    assert list(pool.verdicts(0.0).values()) == [ServerVerdict.UP, ServerVerdict.DOWN, ServerVerdict.UNKNOWN]


def test_a_server_that_moved_to_another_address_is_another_server() -> None:
    pool = Pool(virtual(server(1)), {"web1"}, now=0.0)

    pool.reconfigure(virtual(replace(server(1), address=ip_address("10.0.0.77"))), set(), now=5.0)

    assert pool.monitors["www/web1"].health is Health.UNKNOWN


def test_a_down_server_with_another_check_need_not_wait_for_reentry() -> None:
    pool = Pool(virtual(server(1)), {"web1"}, now=0.0)
    fail(pool, "web1")

    repaired = replace(server(1), check=Exchange(send=b"PING\r\n", expect=Expect(text=b"+PONG")))
    pool.reconfigure(virtual(repaired), set(), now=5.0)

    assert pool.monitors["www/web1"].health is Health.UNKNOWN
    assert observe(pool, "web1", Reason.OK, 6.0)[0].after == "up"


def test_an_up_server_with_another_check_stays_up_until_fall() -> None:
    pool = Pool(virtual(server(1)), {"web1"}, now=0.0)

    pool.reconfigure(virtual(replace(server(1), check=Exchange(send=b"x"))), set(), now=5.0)

    assert observe(pool, "web1", Reason.REFUSED, 6.0) == []
    assert pool.monitors["www/web1"].state(6.0) == "falling 1/2"
