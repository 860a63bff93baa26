"""The proof of an import: the original program fills the table, and the imported file would change nothing in it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import until

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.change.import_ldirectord import import_ldirectord
from piranha.cli.main import main
from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.namespaces import Namespace
from piranha.table.service import AddressMatch
from piranha.table.table import Table

C_TOOL = "/usr/sbin/ipvsadm"
NOTHING = "Nothing to do"
RULES = Path(__file__).parent.parent / "golden" / "import" / "ipvsadm"

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not Path(C_TOOL).exists(), reason="apt-get install ipvsadm"),
]


@pytest.fixture
def router() -> Iterator[Namespace]:
    made = Namespace.create("import")
    made.run(["ip", "link", "set", "lo", "up"])
    yield made
    made.close()


def live(router: Namespace) -> Table:
    plane = IpvsPlane()
    try:
        with router.entered():
            return plane.dump()
    finally:
        plane.close()


def plan(router: Namespace, text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `piranha plan` says of a file where no daemon runs, against the table of this kernel."""
    path = folder / "lvs.cf"
    path.write_text(text)
    with router.entered():
        status = main(["plan", str(path), "--run-dir", str(folder / "run"), "--state-dir", str(folder / "state")])
    told = capsys.readouterr()
    assert status == 0, told.out + told.err
    return told.out


@pytest.mark.parametrize(
    ("name", "mark_addresses"), [("by-hand", ()), ("marks", ("192.0.2.77", "2001:db8::77"))], ids=["by hand", "marks"]
)
def test_rules_that_the_c_tool_saves_become_a_file_that_changes_nothing(
    router: Namespace,
    name: str,
    mark_addresses: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules = (RULES / f"{name}.rules").read_text()
    with router.entered():
        subprocess.run([C_TOOL, "-R"], input=rules, text=True, check=True)
        saved = subprocess.run([C_TOOL, "-Sn"], capture_output=True, text=True, check=True).stdout
    text = import_ipvsadm("-", saved).text
    for address in mark_addresses:  # which no rule knows; the notes ask for it
        text = text.replace("    fwmark", f"    address = {address}\n    FWMARK", 1)
    assert saved
    assert NOTHING in plan(router, text.replace("FWMARK", "fwmark"), tmp_path, capsys)


LDIRECTORD = "/usr/sbin/ldirectord"
LDIRECTORD_CF = """supervised=yes
cleanstop=no
checkinterval=1
checktimeout=1

virtual=192.0.2.10:80
	real=10.0.0.2:80 gate 5
	real=10.0.0.6->10.0.0.8:80 gate
	real=10.0.0.9:8080 masq 2
	scheduler=wlc
	persistent=600
	netmask=255.255.255.0
	checktype=on

virtual=192.0.2.10:5060
	real=10.0.0.2:5060 ipip
	protocol=udp
	scheduler=sh
	schedflags=sh-port
	ops=yes
	checktype=on

virtual6=[2001:db8::10]:443
	real6=[2001:db8::2]:443 gate
	scheduler=rr
	checktype=on

virtual=7
	real=10.0.0.3 gate
	scheduler=rr
	checktype=on

virtual=192.0.2.10:25
	real=10.0.0.2:25 masq
	fallback=127.0.0.1:8080 masq
	checktype=connect

virtual=192.0.2.10:26
	real=10.0.0.2:26 masq
	checktype=off
"""
SERVERS = {7: 1, 25: 1, 26: 0, 80: 5, 443: 1, 5060: 1}


def servers_in(table: Table) -> dict[int, int]:
    """How many servers each port, and the mark, has."""
    return {
        key.match.port if isinstance(key.match, AddressMatch) else key.match.mark: len(service.destinations)
        for key, service in table.items()
    }


@pytest.mark.skipif(not Path(LDIRECTORD).exists(), reason="apt-get install ldirectord")
def test_the_table_that_ldirectord_keeps_is_what_the_imported_file_asks_for(
    router: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ldirectord.cf"
    path.write_text(LDIRECTORD_CF)
    with router.entered():
        process = subprocess.Popen(
            [LDIRECTORD, str(path), "start"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    try:
        # Perl starts a program for each server: slow in the user-mode kernel.
        until(lambda: servers_in(live(router)) == SERVERS, "the whole table", limit_s=120)
    finally:
        process.kill()
        said = process.communicate()[0].decode()
    text = import_ldirectord("ldirectord.cf", LDIRECTORD_CF).text
    text = text.replace("    fwmark = 7", "    address = 192.0.2.77\n    fwmark = 7")  # which ldirectord does not know
    assert NOTHING in plan(router, text, tmp_path, capsys), said
