"""Marks on a real kernel: nftables and iptables in network namespaces of the test's own, with real connections.

Where this machine's kernel has no nftables (the user-mode one), or nobody may make a namespace, these are skipped.
"""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from shutil import which

import pytest

from piranha.forwarding.firewall import Firewall, FirewallMissing
from piranha.forwarding.iptables import Iptables
from piranha.forwarding.nftables import Nftables
from piranha.kernel.nftables import Found, FoundRule, steps
from piranha.kernel.nftables_socket import NftablesSocket
from piranha.kernel.socket import NetlinkError
from piranha.lab.namespaces import LabError, Namespace
from piranha.table.mark_rules import Difference, Hook, MarkRule
from piranha.terms import Address, Family, Protocol

VIP, VIP6 = ip_address("192.0.2.20"), ip_address("2001:db8::20")
SO_MARK = 36

pytestmark = pytest.mark.slow  # programs are started


def rule(first: int, last: int = 0, address: Address = VIP, mark: int = 20) -> MarkRule:
    return MarkRule(address, Protocol.TCP, first, last or first, mark, "shop")


SIX = rule(80, address=VIP6, mark=0xFFFFFFFE)
DATAGRAMS = MarkRule(VIP, Protocol.UDP, 53, 53, 20, "shop")
STREAMS = MarkRule(VIP6, Protocol.SCTP, 99, 99, 21, "other")
WANTED = [rule(80), rule(443), rule(8000, 8010), SIX, DATAGRAMS, STREAMS]


@pytest.fixture
def here() -> Iterator[Namespace]:
    """A namespace that holds the VIPs; an accepted connection has the mark of its first packet there."""
    try:
        made = Namespace.create("marks")
    except LabError as error:
        pytest.skip(str(error))
    made.run(("ip", "link", "set", "lo", "up"))
    for address in (VIP, VIP6, "192.0.2.21"):
        made.run(("ip", "address", "add", str(address), "dev", "lo", *(("nodad",) if ":" in str(address) else ())))
    made.set(ipv4__tcp_fwmark_accept=1)
    yield made
    made.close()


@pytest.fixture(params=[Nftables, Iptables], ids=["nftables", "iptables"])
def firewall(request: pytest.FixtureRequest, here: Namespace) -> Iterator[Firewall]:
    """A firewall of this kernel, with the calling thread inside of the namespace."""
    with here.entered():
        yield usable(request.param())


def usable(made: Firewall) -> Firewall:
    try:
        made.bring([rule(1)])
        made.bring([])
    except FirewallMissing as error:
        pytest.skip(str(error))
    return made


@contextmanager
def listening(address: Address | str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in str(address) else socket.AF_INET
    with socket.create_server((str(address), port), family=family) as server:
        server.settimeout(5)
        yield server


def mark_of(address: Address | str, port: int) -> int:
    """The mark that a connection to `address` and `port` has when it arrives."""
    with listening(address, port) as server, socket.create_connection((str(address), port), timeout=5):
        accepted, _ = server.accept()
        with accepted:
            return accepted.getsockopt(socket.SOL_SOCKET, SO_MARK) & 0xFFFFFFFF


def test_connections_that_the_rules_are_about_arrive_with_the_mark_and_no_others(firewall: Firewall) -> None:
    assert firewall.bring(WANTED).missing == tuple(WANTED)

    marks = {port: mark_of(VIP, port) for port in (80, 443, 7999, 8000, 8005, 8010, 8011, 22)}
    assert marks == {80: 20, 443: 20, 7999: 0, 8000: 20, 8005: 20, 8010: 20, 8011: 0, 22: 0}
    assert mark_of(VIP6, 80) == 0xFFFFFFFE
    assert mark_of(VIP6, 443) == 0
    assert mark_of("192.0.2.21", 80) == 0


def test_rules_that_are_there_are_found_and_left_alone(firewall: Firewall) -> None:
    firewall.bring(WANTED)
    assert firewall.bring(WANTED) == Difference()
    assert firewall.look().at_work() == set(WANTED)


def test_rules_change_and_go_as_they_are_asked_for(firewall: Firewall) -> None:
    firewall.bring(WANTED)
    found = firewall.bring([rule(80), rule(8080)])
    assert found.missing == (rule(8080),)
    assert set(found.surplus) == set(WANTED[1:])
    assert (mark_of(VIP, 443), mark_of(VIP, 8080)) == (0, 20)

    firewall.bring([])
    assert firewall.look().empty
    assert mark_of(VIP, 80) == 0


def test_packets_of_other_machines_are_marked_as_they_arrive(firewall: Firewall, here: Namespace) -> None:
    client = Namespace.create("client")
    here.run(("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", client.path))
    here.run(("ip", "address", "add", "198.51.100.1/24", "dev", "eth0"))
    here.run(("ip", "link", "set", "eth0", "up"))
    for words in (("address", "add", "198.51.100.2/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
        client.run(("ip", *words))
    client.run(("ip", "route", "add", "192.0.2.20", "via", "198.51.100.1"))
    firewall.bring([rule(80)])
    with listening(VIP, 80) as server, client.entered(), socket.create_connection((str(VIP), 80), timeout=5):
        accepted, _ = server.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, SO_MARK) == 20
    client.close()


def program(name: str) -> str:
    found = which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*words: str, given: str = "") -> str:
    return subprocess.run(words, input=given, capture_output=True, text=True, timeout=20, check=True).stdout


def test_nft_prints_the_table_in_the_words_of_its_own_language(here: Namespace) -> None:
    nft = program("nft")
    with here.entered():
        usable(Nftables()).bring(WANTED)
        printed = run(nft, "list", "ruleset")
    golden = Path(__file__).resolve().parent.parent / "golden" / "firewall" / "nft-list.txt"
    assert printed == golden.read_text()


def test_what_others_do_in_the_table_of_nftables_is_undone_and_their_own_tables_stay(here: Namespace) -> None:
    nft, of_four = program("nft"), tuple(one for one in WANTED if one.address == VIP)
    with here.entered():
        nftables = usable(Nftables())
        nftables.bring(WANTED)
        chain = "chain prerouting {\n\t\ttype filter hook prerouting priority mangle; policy accept;"
        run(nft, "-f", "-", given=f"table inet theirs {{\n\t{chain}\n\t\ttcp dport 99 meta mark set 99\n\t}}\n}}\n")
        before = run(nft, "list", "table", "inet", "theirs")

        run(nft, "flush", "chain", "ip", "piranha", "prerouting")
        run(nft, "add", "rule", "ip", "piranha", "output", "tcp", "dport", "22", "drop")
        found = nftables.bring(WANTED)
        assert (found.missing, found.strange) == (of_four, True)
        run(nft, "delete", "chain", "ip", "piranha", "output")
        assert nftables.bring(WANTED).missing == of_four
        run(nft, "add", "table", "ip", "piranha", "{ flags dormant; }")
        assert nftables.look().at_work() == frozenset()
        assert "dormant" in nftables.bring(WANTED).broken
        run(nft, "delete", "table", "ip", "piranha")
        assert nftables.bring(WANTED).missing == of_four

        assert nftables.bring(WANTED) == Difference()
        assert mark_of(VIP, 80) == 20
        nftables.bring([])
        assert run(nft, "list", "ruleset") == before


def test_what_others_do_in_the_chain_of_iptables_is_undone_and_their_own_rules_stay(here: Namespace) -> None:
    iptables = program("iptables-legacy")
    mangle = (iptables, "-t", "mangle")
    with here.entered():
        ours = usable(Iptables())
        ours.bring(WANTED)
        run(*mangle, "-A", "PREROUTING", "-p", "tcp", "--dport", "99", "-j", "MARK", "--set-mark", "99")
        run(*mangle, "-N", "THEIRS")

        run(*mangle, "-F", "PIRANHA")
        run(*mangle, "-A", "PIRANHA", "-p", "tcp", "--dport", "22", "-j", "DROP")
        run(*mangle, "-D", "PREROUTING", "-j", "PIRANHA")
        found = ours.bring(WANTED)
        assert set(found.missing) == {one for one in WANTED if one.address == VIP}
        assert found.strange
        assert ours.bring(WANTED) == Difference()
        assert mark_of(VIP, 80) == 20

        ours.bring([])
        left = [line for line in run(f"{iptables}-save", "-t", "mangle").splitlines() if line[0] in ":-"]
    assert [line for line in left if "PIRANHA" in line] == []
    assert "-A PREROUTING -p tcp -m tcp --dport 99 -j MARK --set-xmark 0x63/0xffffffff" in left
    assert any(line.startswith(":THEIRS ") for line in left)


def test_a_transaction_that_is_refused_changes_nothing_and_names_the_step(here: Namespace) -> None:
    with here.entered():
        usable(Nftables()).bring(WANTED)
        with NftablesSocket() as kernel:
            tables = kernel.read()
            unknown = FoundRule(Hook.OUTPUT, 99999, rule(80))
            found = tables[Family.IPV4]
            wrong = Found(True, found.chains, (*found.rules, unknown))
            todo = steps({**tables, Family.IPV4: wrong}, WANTED[:1])
            with pytest.raises(NetlinkError, match=r"^remove rule output: tcp 192\.0\.2\.20:80 gets mark 20: ENOENT"):
                kernel.apply(todo)
            assert kernel.read() == tables


def test_a_thousand_rules_are_one_transaction(here: Namespace) -> None:
    with here.entered():
        nftables = usable(Nftables())
        many = [rule(port) for port in range(1, 2048, 2)]
        nftables.bring(many)
        assert nftables.bring(many) == Difference()


def test_a_machine_without_the_programs_says_which_one_is_missing(tmp_path: Path, here: Namespace) -> None:
    missing = f"iptables is not installed: no iptables-save in {tmp_path}"
    with here.entered(), pytest.raises(FirewallMissing, match=missing):
        Iptables(folders=[str(tmp_path)]).bring([rule(80)])


def test_a_program_that_fails_is_told_with_its_own_words(tmp_path: Path, here: Namespace) -> None:
    script = tmp_path / "iptables-save"
    script.write_text("#!/bin/sh\necho 'iptables-save: Table does not exist (do you need to insmod?)' >&2\nexit 1\n")
    script.chmod(0o755)
    with here.entered(), pytest.raises(FirewallMissing, match="no table mangle: modprobe iptable_mangle"):
        Iptables(folders=[str(tmp_path)]).bring([rule(80)])
