"""The proof of an import: the original program fills the table, and the imported file would change nothing in it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.namespaces import Namespace
from piranha.lvscf.load import load
from piranha.table.desired import desired
from piranha.table.diff import diff
from piranha.table.table import Table

C_TOOL = "/usr/sbin/ipvsadm"
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


def changes_of(text: str, table: Table) -> list[str]:
    """What a daemon that reads `text` would do before its first checks."""
    config = load(text.encode(), "lvs.cf").config
    assert config is not None
    return [str(change) for change in diff(table, desired(config, {}, table, ()))]


@pytest.mark.parametrize(
    ("name", "mark_addresses"), [("by-hand", ()), ("marks", ("192.0.2.77", "2001:db8::77"))], ids=["by hand", "marks"]
)
def test_rules_that_the_c_tool_saves_become_a_file_that_changes_nothing(
    router: Namespace, name: str, mark_addresses: tuple[str, ...]
) -> None:
    rules = (RULES / f"{name}.rules").read_text()
    with router.entered():
        subprocess.run([C_TOOL, "-R"], input=rules, text=True, check=True)
        saved = subprocess.run([C_TOOL, "-Sn"], capture_output=True, text=True, check=True).stdout
    text = import_ipvsadm("-", saved).text
    for address in mark_addresses:  # which no rule knows; the notes ask for it
        text = text.replace("    fwmark", f"    address = {address}\n    FWMARK", 1)
    table = live(router)
    assert table
    assert changes_of(text.replace("FWMARK", "fwmark"), table) == []
