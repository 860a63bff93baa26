"""NAT on a machine that does not route: said once, by rule and cause, and told of the virtual servers it hurts."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from piranha.events.event import Event, Level
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvscf.config import Config, FloatingAddress, RealServer, Router, SorryServer, Virtual
from piranha.lvsd.unforwarded import Cut, Unforwarded
from piranha.terms import Family, ForwardingMethod, Protocol

NAT, DIRECT = ForwardingMethod.NAT, ForwardingMethod.DIRECT
IPV4, IPV6 = Family.IPV4, Family.IPV6
TIMING = CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2)
ROUTER = Router(public=ip_address("192.0.2.2"), private=ip_address("10.0.0.2"))


def real(address: str, forwarding: ForwardingMethod = NAT, *, active: bool = True) -> RealServer:
    return RealServer(
        name=f"at {address}",
        address=ip_address(address),
        port=80,
        forwarding=forwarding,
        check=Exchange(),
        timing=TIMING,
        active=active,
    )


def virtual(*servers: RealServer, vip: str = "192.0.2.10", name: str = "www") -> Virtual:
    address = ip_address(vip)
    return Virtual(
        name=name,
        active=True,
        vip=FloatingAddress(address=address, prefix=32 if address.version == 4 else 128),
        port=80,
        protocols=(Protocol.TCP,),
        servers=servers,
    )


def config(*virtuals: Virtual) -> Config:
    return Config(primary=ROUTER, virtuals=virtuals)


NAT_WWW = config(virtual(real("10.0.0.3"), real("10.0.0.4")))


def told(events: list[Event]) -> list[tuple[Level, str, str, str]]:
    return [(event.level, event.message, event.rule, event.cause) for event in events]


def test_nat_without_forwarding_is_one_warning_with_rule_and_cause() -> None:
    unforwarded = Unforwarded()

    assert told(unforwarded.look(NAT_WWW, {IPV4}, 1.0)) == [
        (
            Level.WARNING,
            "connections through NAT fail: this machine does not forward",
            "NAT needs net.ipv4.ip_forward = 1",
            "net.ipv4.ip_forward is 0",
        )
    ]
    assert unforwarded.look(NAT_WWW, {IPV4}, 31.0) == []
    assert unforwarded.cut == {"www": Cut("net.ipv4.ip_forward", whole=True)}


def test_forwarding_that_is_switched_on_is_told_once() -> None:
    unforwarded = Unforwarded()
    unforwarded.look(NAT_WWW, {IPV4}, 1.0)

    assert told(unforwarded.look(NAT_WWW, set(), 31.0)) == [
        (
            Level.INFO,
            "connections through NAT are forwarded",
            "NAT needs net.ipv4.ip_forward = 1",
            "net.ipv4.ip_forward is 1",
        )
    ]
    assert unforwarded.look(NAT_WWW, set(), 61.0) == []
    assert unforwarded.cut == {}


def test_a_file_without_nat_ends_it_too_and_does_not_claim_a_switch() -> None:
    unforwarded = Unforwarded()
    unforwarded.look(NAT_WWW, {IPV4}, 1.0)

    (ended,) = unforwarded.look(config(virtual(real("10.0.0.3", DIRECT))), {IPV4}, 31.0)

    assert (ended.message, ended.cause) == (
        "no virtual server needs forwarding any more",
        "another file is in force",
    )


def test_each_family_counts_on_its_own() -> None:
    unforwarded = Unforwarded()
    both = config(virtual(real("10.0.0.3")), virtual(real("2001:db8::3"), vip="2001:db8::10", name="six"))

    (only,) = unforwarded.look(both, {IPV6}, 1.0)

    assert only.cause == "net.ipv6.conf.all.forwarding is 0"
    assert unforwarded.cut == {"six": Cut("net.ipv6.conf.all.forwarding", whole=True)}


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(real("10.0.0.3", DIRECT), id="direct routing"),
        pytest.param(real("10.0.0.3", ForwardingMethod.TUNNEL), id="tunnel"),
        pytest.param(real("10.0.0.3", active=False), id="switched off"),
        pytest.param(real("127.0.0.1"), id="this machine itself"),
        pytest.param(real("10.0.0.2"), id="a router"),
    ],
)
def test_whose_answers_are_not_routed_here_needs_no_forwarding(server: RealServer) -> None:
    unforwarded = Unforwarded()

    assert unforwarded.look(config(virtual(server)), {IPV4, IPV6}, 1.0) == []
    assert unforwarded.cut == {}


def test_a_virtual_server_with_other_servers_besides_is_cut_in_part() -> None:
    unforwarded = Unforwarded()

    unforwarded.look(config(virtual(real("10.0.0.3"), real("10.0.0.4", DIRECT))), {IPV4}, 1.0)

    assert not unforwarded.cut["www"].whole


def test_a_sorry_server_behind_nat_counts_in_part() -> None:
    unforwarded = Unforwarded()
    sorry = SorryServer(address=ip_address("10.0.0.99"), port=80, forwarding=NAT)

    unforwarded.look(config(replace(virtual(real("10.0.0.3", DIRECT)), sorry_server=sorry)), {IPV4}, 1.0)

    assert unforwarded.cut == {"www": Cut("net.ipv4.ip_forward", whole=False)}
