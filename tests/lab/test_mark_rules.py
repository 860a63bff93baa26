"""Ports of one virtual server as one service of the real IPVS, by marks that rules of lvsd's own set.

The kernel of the lab has no nftables for IPv4: it is iptables that marks. nftables: tests/kernel/test_firewalls.py.
"""

import json
import shlex
import socket
import sys
from collections.abc import Iterator

import pytest

from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Router
from piranha.lab.topology import CLIENT, PRIMARY, VIP, ClusterFile, VirtualFile
from piranha.lab.traffic import REQUEST

pytestmark = pytest.mark.lab

CLIENTS = [f"192.0.2.{host}" for host in range(101, 107)]
MANGLE = ("iptables-legacy", "-t", "mangle")
THEIRS = "-A PREROUTING -p tcp -m tcp --dport 99 -j MARK --set-xmark 0x63/0xffffffff"


@pytest.fixture(scope="module")
def cluster(nat_lab: Lab) -> Iterator[Cluster]:
    """One router; ports 80 and 443 of its VIP are one service, 8080 is none; an operator has a rule of his own."""
    for client in CLIENTS:
        nat_lab.run(CLIENT, "ip", "address", "add", f"{client}/24", "dev", "eth0")
    nat_lab.run(PRIMARY, *MANGLE, *THEIRS.split())
    shop = VirtualFile(extra=("ports = 80 443", "fwmark = 20", "persistent = 300"))
    running = Cluster(nat_lab, ClusterFile(pair=False, virtuals=(shop,)), ports=(80, 443, 8080))
    running.start_router(PRIMARY, 60)
    wait_for(lambda: running.routers[PRIMARY].table().count("-a -f 20") == 3, "every server is up", 60, every_s=0.25)
    yield running


def server_of(cluster: Cluster, client: str, port: int) -> str:
    """The real server that answers `client`. Raises OSError when none does."""
    with (
        cluster.lab.namespace(CLIENT).entered(),
        socket.create_connection((str(VIP), port), timeout=3, source_address=(client, 0)) as connection,
    ):
        connection.sendall(REQUEST)
        return connection.makefile().read().split()[-1]


def rules(router: Router, cluster: Cluster) -> list[str]:
    """The lines of the table mangle that say anything."""
    saved = cluster.lab.run(router.name, "iptables-legacy-save", "-t", "mangle")
    return [line for line in saved.splitlines() if line.startswith("-A ")]


def facts(router: Router) -> dict[str, object]:
    found = router.status("lvsd").get("mark_rules")
    return found if isinstance(found, dict) else {}


def test_a_client_meets_the_same_server_on_both_ports_and_clients_are_spread(cluster: Cluster) -> None:
    met = {client: {server_of(cluster, client, port) for port in (443, 80, 443)} for client in CLIENTS}

    assert {len(servers) for servers in met.values()} == {1}
    assert len(set.union(*met.values())) == 3
    assert cluster.routers[PRIMARY].table().splitlines()[0].startswith("-A -f 20 ")


def test_a_port_that_the_file_does_not_name_is_not_balanced(cluster: Cluster) -> None:
    with pytest.raises(ConnectionRefusedError):
        server_of(cluster, CLIENTS[0], 8080)


def test_a_connection_of_the_router_itself_goes_to_a_real_server(cluster: Cluster) -> None:
    with (
        cluster.lab.namespace(PRIMARY).entered(),
        socket.create_connection((str(VIP), 443), timeout=3) as connection,
    ):
        connection.sendall(REQUEST)
        assert connection.makefile().read().split()[-1] in cluster.lab.topology.servers


def test_status_says_who_marks(cluster: Cluster) -> None:
    found = facts(cluster.routers[PRIMARY])
    assert {name: found[name] for name in ("firewall", "rules", "virtuals", "trouble")} == {
        "firewall": "iptables",
        "rules": 2,
        "virtuals": ["web"],
        "trouble": "",
    }


def test_rules_that_somebody_deletes_come_back_and_are_named_and_his_own_stay(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    before = rules(router, cluster)
    assert THEIRS in before
    cluster.lab.run(PRIMARY, *MANGLE, "-F", "PIRANHA")
    cluster.lab.run(PRIMARY, *MANGLE, "-D", "PREROUTING", "-j", "PIRANHA")
    wait_for(lambda: bool(facts(router).get("repaired")), "the rules are read back", 20)

    assert rules(router, cluster) == before
    assert "mark rules repaired: tcp 192.0.2.10:80,443 gets mark 20 put back" in router.log()
    assert server_of(cluster, CLIENTS[0], 443) in cluster.lab.topology.servers


def test_a_plan_says_what_somebody_has_done_to_the_rules_and_repairs_nothing(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    before = rules(router, cluster)
    cluster.lab.run(PRIMARY, *MANGLE, "-D", "PIRANHA", "1")
    deleted = rules(router, cluster)
    plan = cluster.lab.run(PRIMARY, sys.executable, "-m", "piranha.cli.main", "plan", "--run-dir", str(router.run_dir))

    assert "tcp 192.0.2.10:80 gets mark 20" in plan
    assert "removed by somebody else" in plan
    assert len(rules(router, cluster)) == len(deleted) == len(before) - 1
    wait_for(lambda: bool(router.status("lvsd")) and rules(router, cluster) == before, "the rules are back", 20)


def test_another_file_changes_the_rules_without_a_gap(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    before = server_of(cluster, CLIENTS[0], 80)
    more = VirtualFile(extra=("ports = 80 443 8080", "fwmark = 20", "persistent = 300"))
    cluster.write(ClusterFile(pair=False, virtuals=(more,), serial_no=2))
    router.hang_up()
    wait_for(lambda: facts(router).get("rules") == 3, "the file is in force", 10)
    wait_for(lambda: len(rules(router, cluster)) == 6, "the rules are there", 10)

    assert server_of(cluster, CLIENTS[0], 8080) == before


def test_a_clean_stop_takes_the_rules_away_and_leaves_those_of_others(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    router.stop()
    wait_for(lambda: rules(router, cluster) == [THEIRS], "only the rule of the operator is left", 15)


def test_where_no_daemon_runs_a_plan_and_a_test_start_say_which_rules_are_missing(cluster: Cluster) -> None:
    router = cluster.routers[PRIMARY]
    folders = ("--run-dir", str(router.run_dir), "--state-dir", str(router.state_dir))
    program, verb = (sys.executable, "-m", "piranha.lvsd.main"), (sys.executable, "-m", "piranha.cli.main", "plan")
    started = cluster.lab.run(PRIMARY, *program, "-t", "-c", str(cluster.config), *folders)
    assert "add mark rule: tcp 192.0.2.10:8080 gets mark 20" in started.splitlines()

    # Exit status 2: there are changes.
    words = shlex.join([*verb, "--json", str(cluster.config), *folders])
    plan = json.loads(cluster.lab.run(PRIMARY, "sh", "-c", f"{words} || test $? = 2"))
    assert plan["against"] == "this machine's kernel"
    assert [line["what"] for line in plan["lines"] if line["about"] == "mark-rules"] == [
        "tcp 192.0.2.10:80,443,8080 gets mark 20"
    ]
    assert rules(router, cluster) == [THEIRS]
