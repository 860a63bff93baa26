"""What `lvsd` answers to `status` about its servers."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from tests.lvsd.test_pool import observe, server, virtual

from piranha.forwarding.plane import Counters, ServiceStatistics
from piranha.lvscf.check_values import FurtherCheck, Program
from piranha.lvsd.numbers import Numbers, counted
from piranha.lvsd.pool import Pool
from piranha.lvsd.report import View, virtuals
from piranha.lvsd.sharing import Sharing
from piranha.nanny.results import Reason
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Protocol

WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))


def told(pool: Pool, now: float, numbers: Numbers | None = None) -> dict[str, Any]:
    [found] = virtuals([pool], View({}, numbers or Numbers(), now))
    return found


def test_a_failed_check_is_told_before_it_counts_and_remembered_afterwards() -> None:
    pool = Pool(virtual(server(1)), set(), 0.0)
    observe(pool, "web1", Reason.OK, 1.0)
    observe(pool, "web1", Reason.REFUSED, 2.0)
    [web1] = told(pool, 2.5)["servers"]
    assert (web1["state"], web1["disagreeing"], web1["last_failure"]["age_s"]) == ("falling 1/2", 1, 0.5)
    observe(pool, "web1", Reason.OK, 3.0)
    [web1] = told(pool, 4.0)["servers"]
    assert (web1["state"], web1["disagreeing"], web1["last_failure"]["age_s"]) == ("up", 0, 2.0)
    assert web1["last_check"]["reason"] == "ok"


def test_a_check_that_could_not_be_made_is_no_failure_of_the_server() -> None:
    pool = Pool(virtual(server(1)), set(), 0.0)
    observe(pool, "web1", Reason.ERROR, 1.0)
    [web1] = told(pool, 2.0)["servers"]
    assert (web1["last_failure"], web1["last_check"]["reason"]) == (None, "error")


def test_who_shares_a_check_is_named_once_however_many_checks_they_share() -> None:
    further = FurtherCheck(name="script", check=Program(command=("/bin/probe",)), timing=server(1).timing)
    www = virtual(replace(server(1), more_checks=(further,), checks_needed=2), server(2))
    shop = replace(www, name="shop")
    pools, sharing = [Pool(one, set(), 0.0) for one in (www, shop)], Sharing(on=True)
    sharing.reassign((), [one for pool in pools for one in pool.assignments()], 0.0)

    found: list[dict[str, Any]] = [*virtuals(pools, View({}, Numbers(), 1.0, with_whom=sharing.with_whom))]
    servers = [one for virtual_ in found for one in virtual_["servers"]]
    assert [one["shares_checks_with"] for one in servers] == [["shop/web1"], ["shop/web2"], ["www/web1"], ["www/web2"]]


def test_new_connections_are_those_of_the_last_samples_and_unknown_before_the_second() -> None:
    pool, numbers = Pool(virtual(server(1)), set(), 0.0), Numbers()
    assert told(pool, 1.0, numbers)["new_per_s"] is None
    for now, connections, expected in ((0.0, 100, None), (10.0, 220, 12.0)):
        found = {WWW: ServiceStatistics(counters=Counters(connections=connections))}
        numbers.take(found, counted(numbers.counts, found), now)
        www = told(pool, now, numbers)
        assert (www["new_per_s"], www["connections"]) == (expected, connections)
