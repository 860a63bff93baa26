"""A plan whose outcome rests on servers that have not answered yet says so."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.change.configs import NAT, all_up, busy, config, server, table_of, virtual

from piranha.change.plan import Kind, Line, plan
from piranha.change.plan_settings import setting_lines
from piranha.lvscf.config import Config, RealServer, Router, SorryServer
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook

OLD = config(virtual("app", 10, server("web1", 1)))


def costly(before: Config, *servers: RealServer, sorry: SorryServer | None = None, known: bool = True) -> Line:
    after = config(virtual("app", 10, *servers, sorry_server=sorry))
    live = table_of(before)
    beliefs = Beliefs(servers=dict.fromkeys(all_up(before), Belief(Health.UP)))
    seen = outlook(before, after, live, beliefs, 0.0)
    verdicts = {"verdicts": seen.now, "believed": seen.then} if known else {}
    made = plan(before, after, live, statistics=busy(live), **verdicts)  # type: ignore[arg-type]  # one or the other
    [line] = [line for line in made.lines if line.kind is not Kind.SAFE]
    return line


@pytest.mark.parametrize("known", [True, False], ids=["beside lvsd", "by the table alone"])
@pytest.mark.parametrize(
    "only",
    [
        server("web1", 1, port=8080),
        server("web1", 7),
        server("web2", 2),
    ],
    ids=["port", "address", "another server"],
)
def test_the_only_server_replaced_by_one_that_has_not_answered_is_disruptive(only: RealServer, *, known: bool) -> None:
    line = costly(OLD, only, known=known)
    assert line.kind is Kind.DISRUPTIVE
    assert "stays until another server is up" in line.effect
    assert "if none answers, app serves nobody" in line.effect


def test_a_sorry_server_is_all_that_serves_if_none_answers() -> None:
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)
    line = costly(OLD, server("web1", 7), sorry=sorry)
    assert (line.kind, "only the sorry server of app serves" in line.effect) == (Kind.DISRUPTIVE, True)


def test_a_server_of_weight_0_that_stays_only_until_another_answers_is_disruptive() -> None:
    line = costly(OLD, server("web1", 1, weight=0), server("web2", 2))
    assert (line.kind, line.subject) == (Kind.DISRUPTIVE, "app/web1")
    assert line.effect == "gets new connections until another server is up; if none answers, app serves nobody"


def test_one_of_two_that_leaves_while_the_other_is_up_only_drains() -> None:
    before = config(virtual("app", 10, server("web1", 1), server("web2", 2)))
    assert costly(before, server("web2", 2), server("web3", 3)).kind is Kind.DRAINS


def test_a_lone_router_has_no_partner_to_lose() -> None:
    lone = replace(OLD, backup=Router(public=ip_address("192.0.2.3")))
    pair = replace(lone, backup_active=True)
    for before, kind in ((lone, Kind.SAFE), (pair, Kind.DISRUPTIVE)):
        [line] = setting_lines(before, replace(before, cluster="north"))
        assert line.kind is kind
        [line] = setting_lines(before, replace(before, heartbeat=replace(before.heartbeat, port=1539)))
        assert line.kind is kind
