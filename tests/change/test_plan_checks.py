"""A check that asks something else judges its servers anew: the plan says who may stop serving."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from tests.change.configs import DIRECT, all_up, busy, config, server, table_of, virtual

from piranha.change.plan import Kind, Line, plan
from piranha.change.plan_words import check_words
from piranha.lvscf.check_values import Exchange, Expect, FurtherCheck, HttpExpect
from piranha.lvscf.config import LvsdSettings, Quota, RealServer, Virtual
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook
from piranha.table.desired import ServerVerdict

ONE = server("web1", 1)
TWO = (ONE, server("web2", 2))


def line_of(before: Virtual, after: Virtual, *, down: tuple[str, ...] = ()) -> Line:
    """The only line of the plan."""
    old, new = config(before), config(after)
    verdicts = {key: ServerVerdict.DOWN if key[1] in down else ServerVerdict.UP for key in all_up(old)}
    live = table_of(old, verdicts)
    beliefs = {key: Belief(Health.DOWN if key[1] in down else Health.UP) for key in all_up(old)}
    seen = outlook(old, new, live, Beliefs(servers=beliefs), 0.0)
    [line] = plan(old, new, live, statistics=busy(live), verdicts=seen.now, believed=seen.then).lines
    return line


def asked(one: RealServer, **changes: Any) -> RealServer:
    """The same server, checked in another way."""
    return replace(one, **changes)


@pytest.mark.parametrize(
    "changed",
    [
        asked(ONE, check_port=81),
        asked(ONE, check=replace(ONE.check, expect=Expect(text=b"200"))),
        asked(ONE, check_address=server("x", 9).address),
        asked(ONE, more_checks=(FurtherCheck(name="b", check=ONE.check, timing=ONE.timing, port=81),), checks_needed=2),
    ],
    ids=["port", "expect", "address", "a further check"],
)
def test_another_check_of_the_only_server_is_disruptive(changed: RealServer) -> None:
    line = line_of(virtual("app", 10, ONE), virtual("app", 10, changed))
    assert line.kind is Kind.DISRUPTIVE
    assert line.effect == "judged anew: one that fails is out by 6s; if all fail, app serves nobody"


def test_another_check_of_all_servers_is_disruptive() -> None:
    line = line_of(virtual("app", 10, *TWO), virtual("app", 10, *(asked(one, check_port=81) for one in TWO)))
    assert (line.kind, line.subject) == (Kind.DISRUPTIVE, "app")


def test_another_check_of_one_of_two_may_only_drain_it() -> None:
    line = line_of(virtual("app", 10, *TWO), virtual("app", 10, asked(TWO[0], check_port=81), TWO[1]))
    assert (line.kind, line.effect) == (Kind.DRAINS, "judged anew: one that fails is out by 6s")


def test_another_check_of_the_only_one_that_is_up_is_disruptive() -> None:
    after = virtual("app", 10, asked(TWO[0], check_port=81), TWO[1])
    assert line_of(virtual("app", 10, *TWO), after, down=("web2",)).kind is Kind.DISRUPTIVE


def test_another_check_of_a_server_that_is_down_costs_nothing() -> None:
    after = virtual("app", 10, asked(TWO[0], check_port=81), TWO[1])
    line = line_of(virtual("app", 10, *TWO), after, down=("web1",))
    assert (line.kind, line.effect) == (Kind.SAFE, "checked so from now on; the first answer decides on 1 server")


def test_keep_active_keeps_servers_whatever_the_new_check_says() -> None:
    kept = {"keep_active": Quota(count=1)}
    line = line_of(virtual("app", 10, ONE, **kept), virtual("app", 10, asked(ONE, check_port=81), **kept))
    assert line.kind is Kind.DRAINS


def test_a_check_that_only_sees_another_port_of_the_server_is_another_check() -> None:
    before = virtual("app", 10, server("web1", 1, forwarding=DIRECT))
    line = line_of(before, virtual("app", 10, server("web1", 1, port=81, forwarding=DIRECT)))
    assert line.kind is Kind.DISRUPTIVE
    assert line.effect.startswith("only its check goes there: direct leaves the port as it is; judged anew")


def test_a_check_that_asks_less_costs_nothing() -> None:
    both = asked(ONE, more_checks=(FurtherCheck(name="b", check=ONE.check, timing=ONE.timing, port=81),))
    every, either = asked(both, checks_needed=2), asked(both, checks_needed=1)
    for was, new in ((every, either), (every, ONE)):
        assert line_of(virtual("app", 10, was), virtual("app", 10, new)).kind is Kind.SAFE
    assert line_of(virtual("app", 10, either), virtual("app", 10, ONE)).kind is Kind.DISRUPTIVE


def test_another_name_of_the_same_check_changes_nothing_that_is_asked() -> None:
    line = line_of(virtual("app", 10, ONE), virtual("app", 10, asked(ONE, check_name="tcp")))
    assert line.kind is Kind.SAFE


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (
            Exchange(send=b"\x16\x03", expect=Expect(text=b"\x15\0", mask=b"\xff\x0f")),
            "tcp send hex 16 03 expect hex 15 x0",
        ),
        (Exchange(send=b"PING\n", expect=Expect(text=b"+")), 'tcp send "PING\\n" expect "+"'),
        (
            Exchange(send=b"GET /up HTTP/1.1\r\n", http=HttpExpect(statuses=((200, 399),), body=Expect(text=b"OK"))),
            'http GET /up status 200-399 body "OK"',
        ),
        (Exchange(sources=(ip_address("10.0.9.2"), ip_address("10.0.9.3"))), "tcp connect from 10.0.9.2 or 10.0.9.3"),
    ],
)
def test_a_check_is_told_in_the_words_of_the_file(check: Exchange, words: str) -> None:
    assert check_words(check) == words


@pytest.mark.parametrize(("shared", "counts"), [(True, (1, 1, 1)), (False, (3, 1, 1))])
def test_a_plan_counts_what_runs(shared: bool, counts: tuple[int, int, int]) -> None:
    lvsd = LvsdSettings(share_checks=shared)
    other = replace(TWO[1], check_port=81)
    before = config(virtual("www", 1, *TWO), lvsd=lvsd)
    after = config(virtual("www", 1, ONE, other), virtual("shop", 2, ONE, other), lvsd=lvsd)
    daemons = plan(before, after, table_of(before)).daemons
    assert daemons is not None
    assert (daemons.checks_start, daemons.checks_stop, daemons.checks_go_on) == counts
