"""Rules over a pool in the running daemon, on the userspace plane: real nannies, real servers."""

import pytest
from tests.lvsd.running import Lvsd, RealServer, until, virtual
from tests.userspace.processes import free_vip

pytestmark = pytest.mark.slow


def weights(lvsd: Lvsd) -> dict[str, int | None]:
    """The weight of each server in the table."""
    return {one["name"]: one["weight"] for one in lvsd.status()["virtuals"][0]["servers"]}


def test_a_failing_server_is_kept_and_one_that_is_back_gets_its_weight_little_by_little(
    lvsd: Lvsd, servers: list[RealServer]
) -> None:
    pool = [(f"web{n}", one.port, 100) for n, one in enumerate(servers, 1)]
    www = virtual("www", *pool, vip=str(free_vip()))
    lvsd.write(www.replace("    scheduler", "    keep_active = 1\n    slow_start = 3\n    scheduler"))
    lvsd.start()
    lvsd.until_states(web1="up", web2="up")
    until(lambda: weights(lvsd) == {"web1": 100, "web2": 100}, "both in the table")

    servers[0].stop()
    lvsd.until_states(web1="down")
    servers[1].stop()
    lvsd.until_states(web2="kept")
    until(lambda: weights(lvsd) == {"web1": None, "web2": 100}, "web1 out of the table, web2 kept")

    servers[0].start()
    seen: set[int | None] = set()

    def whole() -> bool:
        seen.add(weights(lvsd)["web1"])
        return lvsd.states()["www/web1"] == "up"

    until(whole, "the whole weight of web1")
    assert seen & set(range(10, 100, 10)), "it came back with its whole weight at once"
    until(lambda: weights(lvsd)["web1"] == 100, "the whole weight of web1 in the table")
    servers[1].start()
    until(lambda: lvsd.states()["www/web2"] not in ("kept", "down"), "web2 to be back")


def test_a_server_needs_both_of_its_checks(lvsd: Lvsd, servers: list[RealServer]) -> None:
    www = virtual("www", ("web1", servers[0].port, 1), vip=str(free_vip()))
    www = www.replace("    scheduler", "    check = tcp other\n    scheduler")
    lvsd.write(www, f"check other {{\n    kind = tcp\n    port = {servers[1].port}\n}}\n")
    lvsd.start()
    lvsd.until_states(web1="up")
    servers[1].stop()
    lvsd.until_states(web1="down")
    lvsd.until_logged("check other: connect: refused")
    servers[1].start()
    lvsd.until_states(web1="up")
