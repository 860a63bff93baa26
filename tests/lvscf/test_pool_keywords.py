"""Keywords about a pool as a whole and about where its servers are checked."""

from ipaddress import ip_address

import pytest
from tests.lvscf.reading import config, server, virtual

from piranha.lvscf.config import Quota, meaning

SERVED = "virtual web {\nactive = 1\naddress = 192.0.2.10 eth0\n%s\nserver a { active = 1; address = 10.0.0.1 }\n}\n"


@pytest.mark.parametrize(
    ("written", "meant"), [("2", Quota(count=2)), ("50%", Quota(percent=50.0)), ("33.3%", Quota(percent=33.3))]
)
def test_a_number_of_servers_or_a_share_of_the_weight(written: str, meant: Quota) -> None:
    assert virtual(f"keep_active = {written}").keep_active == meant
    assert virtual(f"quorum = {written}").quorum == meant


def test_nobody_is_kept_and_one_server_is_a_quorum_unless_the_file_says_otherwise() -> None:
    web = virtual("")
    assert (web.keep_active, web.quorum, web.quorum_margin) == (Quota(), Quota(count=1), 0)


def test_slow_start_is_inherited() -> None:
    assert server("", "slow_start = 1m").slow_start_s == 60
    assert server("slow_start = 0", "slow_start = 1m").slow_start_s == 0
    assert server("").slow_start_s == 0


def test_a_server_is_checked_where_it_is_unless_the_file_says_otherwise() -> None:
    assert server("port = 8080").checked_at == (ip_address("10.0.0.1"), 8080)
    assert server("check_port = 8081\ncheck_address = 10.9.9.9").checked_at == (ip_address("10.9.9.9"), 8081)


def test_reentry_max_is_reentry_unless_it_is_longer() -> None:
    assert server("", "reentry = 60\nreentry_max = 10m").timing.reentry_max_s == 600
    assert server("", "reentry = 60").timing.reentry_max_s == 0


@pytest.mark.parametrize(
    "line", ["keep_active = 1", "quorum = 2", "quorum_margin = 1", "slow_start = 5", "reentry_max = 500"]
)
def test_each_of_them_is_part_of_the_meaning_of_a_file(line: str) -> None:
    assert meaning(config(SERVED % line)) != meaning(config(SERVED % ""))
