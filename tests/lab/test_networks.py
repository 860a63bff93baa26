"""The lab itself: traffic over hand-made IPVS tables, faults, and what its instruments see."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Traffic
from piranha.lab.namespaces import LabError, Namespace
from piranha.lab.timeline import Outcome, outage_after, overlaps
from piranha.lab.topology import NAT_ROUTER, PRIMARY, VIP, VIP6, Bridge, nat_cluster
from piranha.lab.watch import Watch, holders

pytestmark = pytest.mark.lab


def table(lab: Lab, vip: str, letter: str, version: int = 4) -> str:
    """Return rules for `ipvsadm -R`: one virtual server, all real servers."""
    rules = [f"-A -t {vip} -s rr"]
    for name in lab.topology.servers:
        address = lab.topology.server_address(name, version)
        host = f"[{address}]" if version == 6 else str(address)
        rules.append(f"-a -t {vip} -r {host}:80 -{letter} -w 1")
    return "\n".join(rules) + "\n"


def serve(lab: Lab) -> None:
    """Start a server on each real server."""
    for name in lab.topology.servers:
        lab.python(name, "piranha.lab.server", "--name", name, "80", log=name)


@pytest.fixture(scope="module")
def nat_by_hand(nat_lab: Lab) -> Iterator[Lab]:
    """A NAT lab whose primary forwards by a table made with the C tool."""
    serve(nat_lab)
    nat_lab.run(PRIMARY, "ip", "addr", "add", f"{VIP}/32", "dev", "eth0")
    nat_lab.run(PRIMARY, "ip", "addr", "add", f"{NAT_ROUTER}/32", "dev", "eth1")
    nat_lab.run(PRIMARY, "ipvsadm", "-R", text_input=table(nat_lab, f"{VIP}:80", "m"))
    yield nat_lab


@pytest.fixture(scope="module")
def direct_by_hand(direct_lab: Lab) -> Iterator[Lab]:
    """A direct-routing lab, both families, by the C tool."""
    serve(direct_lab)
    direct_lab.run(PRIMARY, "ip", "addr", "add", f"{VIP}/32", "dev", "eth0")
    direct_lab.run(PRIMARY, "ip", "addr", "add", f"{VIP6}/128", "dev", "eth0", "nodad")
    rules = table(direct_lab, f"{VIP}:80", "g") + table(direct_lab, f"[{VIP6}]:80", "g", 6)
    direct_lab.run(PRIMARY, "ipvsadm", "-R", text_input=rules)
    yield direct_lab


def test_two_hundred_requests_a_second_reach_all_servers_behind_nat(nat_by_hand: Lab) -> None:
    traffic = Traffic(nat_by_hand, f"{VIP}:80", rate_hz=200)
    time.sleep(2)
    record = traffic.stop()

    assert record.failures == ()
    assert len(record.requests) >= 300
    counts = record.by_server()
    assert set(counts) == set(nat_by_hand.topology.servers)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_direct_routing_carries_both_families(direct_by_hand: Lab) -> None:
    traffic = Traffic(direct_by_hand, f"{VIP}:80", f"[{VIP6}]:80", rate_hz=100)
    time.sleep(1)
    record = traffic.stop()

    for target in (f"{VIP}:80", f"[{VIP6}]:80"):
        assert record.to(target).failures == ()
        assert set(record.to(target).by_server()) == set(direct_by_hand.topology.servers)


def test_real_servers_under_direct_routing_do_not_answer_for_the_vip(direct_by_hand: Lab) -> None:
    direct_by_hand.run("client", "ip", "neigh", "flush", "dev", "eth0")
    traffic = Traffic(direct_by_hand, f"{VIP}:80", f"[{VIP6}]:80", rate_hz=20)
    traffic.stop()

    router = json.loads(direct_by_hand.run(PRIMARY, "ip", "-j", "link", "show", "eth0"))[0]["address"]
    for vip in (VIP, VIP6):
        entries = json.loads(direct_by_hand.run("client", "ip", "-j", "neigh", "show", "to", str(vip)))
        assert [entry["lladdr"] for entry in entries] == [router]


def test_a_cut_cable_takes_the_carrier_and_its_outage_is_measured(nat_by_hand: Lab) -> None:
    traffic = Traffic(nat_by_hand, f"{VIP}:80", rate_hz=200, limit_s=0.1)
    cut_at = time.monotonic()
    faults.cut(nat_by_hand, PRIMARY)
    link = json.loads(nat_by_hand.run(PRIMARY, "ip", "-j", "link", "show", "eth0"))[0]
    assert "NO-CARRIER" in link["flags"]
    time.sleep(0.5)
    faults.heal(nat_by_hand, PRIMARY)
    healed_at = time.monotonic()
    time.sleep(0.5)
    record = traffic.stop()

    assert set(record.by_outcome()) == {Outcome.OK, Outcome.TIMEOUT}
    assert healed_at - cut_at - 0.05 <= outage_after(record, cut_at) <= healed_at - cut_at + 0.3


def test_one_cable_can_be_cut_alone(nat_by_hand: Lab) -> None:
    faults.cut(nat_by_hand, PRIMARY, Bridge.PRIVATE)
    links = json.loads(nat_by_hand.run(PRIMARY, "ip", "-j", "link", "show"))
    faults.heal(nat_by_hand, PRIMARY, Bridge.PRIVATE)

    assert {link["ifname"] for link in links if "NO-CARRIER" in link["flags"]} == {"eth1"}


def test_a_killed_server_refuses_and_a_frozen_one_hangs(nat_by_hand: Lab) -> None:
    server = nat_by_hand.python("rs1", "piranha.lab.server", "--name", "rs1", "81", log="rs1")
    target = f"{nat_by_hand.topology.server_address('rs1')}:81"
    # The client reaches the private side through the router here.
    nat_by_hand.run("client", "ip", "route", "add", "10.11.12.0/24", "via", "192.0.2.2")
    wait_for(lambda: bool(nat_by_hand.run("rs1", "ss", "-Hltn", "sport = 81").strip()), "the server listens")
    traffic = Traffic(nat_by_hand, target, rate_hz=50, limit_s=0.2)
    faults.freeze(server.pid)
    frozen_at = time.monotonic()
    time.sleep(0.3)
    faults.thaw(server.pid)
    thawed_at = time.monotonic()
    time.sleep(0.3)
    faults.kill(server.pid)
    server.wait()
    killed_at = time.monotonic()
    time.sleep(0.3)
    record = traffic.stop()

    assert Outcome.TIMEOUT in record.between(frozen_at, thawed_at).by_outcome()
    assert record.between(thawed_at + 0.1, killed_at - 0.1).failures == ()
    assert set(record.between(killed_at).by_outcome()) == {Outcome.REFUSED}


def test_the_watch_sees_who_holds_an_address_and_for_how_long(nat_by_hand: Lab) -> None:
    vip = "192.0.2.77"
    watch = Watch(nat_by_hand, "lvs1", "lvs2")
    nat_by_hand.run("lvs1", "ip", "addr", "add", f"{vip}/32", "dev", "eth0", "valid_lft", "1", "preferred_lft", "0")
    assert holders(nat_by_hand, vip) == ("lvs1",)
    nat_by_hand.run("lvs2", "ip", "addr", "add", f"{vip}/32", "dev", "eth0")
    wait_for(lambda: holders(nat_by_hand, vip) == ("lvs2",), "the lease of lvs1 ends", limit_s=4)
    nat_by_hand.run("lvs2", "ip", "addr", "del", f"{vip}/32", "dev", "eth0")
    watch.close()

    first, second = watch.holdings(vip)
    assert (first.holder, second.holder) == ("lvs1", "lvs2")
    assert 1.0 <= first.until_s - first.from_s <= 2.6
    assert second.until_s < float("inf")
    assert len(overlaps([first, second])) == 1


def test_a_closed_lab_leaves_no_process_and_no_folder() -> None:
    with Lab(nat_cluster(1)) as lab:
        # One that has left its session and lost its parent, as lvsd may.
        lab.run("lvs1", "sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &")
        (left,) = lab.namespace("lvs1").processes()
        folder = lab.folder
    assert faults.state_of(left) in ("", "Z")
    assert not folder.exists()


def test_a_program_that_fails_says_what_it_was_told() -> None:
    namespace = Namespace.create("alone")
    try:
        with pytest.raises(LabError, match=r"alone: ip link show dev nothing: exit status 1: .*does not exist"):
            namespace.run(("ip", "link", "show", "dev", "nothing"))
    finally:
        namespace.close()


def test_entering_a_namespace_and_leaving_it_returns_home() -> None:
    def inode() -> int:
        return Path("/proc/thread-self/ns/net").stat().st_ino

    home = inode()
    namespace = Namespace.create("alone")
    with namespace.entered():
        assert inode() == namespace.inode != home
    assert inode() == home
    namespace.close()


def test_the_recording_client_ends_on_sigterm_with_a_whole_record(nat_by_hand: Lab) -> None:
    path = nat_by_hand.folder / "record-sigterm"
    process = nat_by_hand.python(
        "client", "piranha.lab.traffic", "--record", str(path), "--rate", "50", f"{VIP}:80", log="client"
    )
    wait_for(lambda: path.exists() and path.stat().st_size > 0, "the first requests")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(5) == 0
    assert path.read_text().endswith("\n")
