"""`lvsd --observe` beside a keepalived that keeps the table: they agree, and where they do not, that is told."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.lab.test_import_keepalived import PIRANHA, router, start

from piranha.change.import_keepalived import import_keepalived
from piranha.lab.build import SOURCE, wait_for
from piranha.lab.namespaces import Namespace

__all__ = ["router"]

pytestmark = pytest.mark.lab

CONF = """
virtual_server 192.0.2.10 443 {
    delay_loop 1
    lb_algo wlc
    lb_kind NAT
    protocol TCP
    real_server 10.11.12.21 8443 {
        weight 10
        TCP_CHECK {
            connect_timeout 10
            retry 0
        }
    }
    real_server 10.11.12.22 8443 {
        weight 20
        TCP_CHECK {
            connect_timeout 10
            retry 0
        }
    }
}
"""
SERVICE = ("-t", "192.0.2.10:443")
WEB2 = "10.11.12.22"


@dataclass
class Beside:
    router: Namespace
    folder: Path

    def piranha(self, *words: str) -> str:
        """Run a verb; return what it prints, whatever its status is."""
        command = (*PIRANHA, *words, "--run-dir", str(self.folder / "run"))
        shell = 'export PYTHONPATH=$1; shift; "$@" || :'
        return self.router.run(("sh", "-c", shell, "sh", str(SOURCE), *command))

    def observing(self) -> dict[str, Any]:
        lvsd = json.loads(self.piranha("status", "--json"))["lvsd"]
        found: dict[str, Any] = lvsd["observing"] if lvsd is not None else {}
        return found

    def states(self) -> list[str]:
        [virtual] = json.loads(self.piranha("status", "--json"))["lvsd"]["virtuals"]
        return [one["state"] for one in virtual["servers"]]

    def rules(self) -> str:
        return self.router.run(("ipvsadm", "-Sn"))

    def until(self, what: str, **facts: object) -> None:
        """Wait until `observing` has these."""
        wait_for(lambda: facts.items() <= self.observing().items(), f"{what}: {facts}", 60, every_s=0.5)


@pytest.fixture
def beside(router: Namespace, tmp_path: Path) -> Iterator[Beside]:
    """keepalived with its table, and lvsd beside it with the imported file."""
    source, file = tmp_path / "keepalived.conf", tmp_path / "lvs.cf"
    source.write_text(CONF)
    file.write_text(import_keepalived([(source.name, CONF)], lambda _pattern, _above: []).text)
    made = Beside(router, tmp_path)
    keepalived = start(router, source, tmp_path)
    wait_for(lambda: made.rules().count("-r ") == 2, "keepalived's table", 40, every_s=0.5)
    words = ("-c", str(file), "--run-dir", str(tmp_path / "run"), "-n", "--observe")
    command = (sys.executable, "-m", "piranha.lvsd.main", *words)
    lvsd = router.spawn(("env", f"PYTHONPATH={SOURCE}", *command), tmp_path / "log")
    try:
        made.until("the first look", now=0)
        yield made
    except BaseException:
        sys.stderr.write((tmp_path / "log").read_text())
        raise
    finally:
        for one in (lvsd, keepalived):
            one.terminate()
            one.wait(20)


def test_both_see_a_death_and_a_return_and_a_weight_set_by_hand_is_told(beside: Beside) -> None:
    beside.router.run(("ip", "route", "add", "unreachable", WEB2))
    try:
        wait_for(lambda: WEB2 not in beside.rules(), "keepalived takes it out", 30)
        wait_for(lambda: beside.states() == ["up", "down"], "lvsd sees it, too", 30, every_s=0.5)
        beside.until("lvsd agrees", now=0)
    finally:
        beside.router.run(("ip", "route", "del", "unreachable", WEB2))
    wait_for(lambda: WEB2 in beside.rules(), "keepalived puts it back", 30)
    wait_for(lambda: beside.states() == ["up", "up"], "lvsd sees it, too", 30, every_s=0.5)
    beside.until("lvsd agrees", now=0)
    agreed = beside.observing()
    assert agreed["began"] == agreed["brief"], "differences of timing alone"

    before = beside.rules()
    beside.router.run(("ipvsadm", "-e", *SERVICE, "-r", f"{WEB2}:8443", "-m", "-w", "7"))
    beside.until("the weight", now=1)
    [one] = beside.observing()["differences"]
    assert (one["kind"], one["what"]) == ("weight", f"{WEB2}:8443: weight is 7, lvsd would have 20")
    assert "-w 7" in beside.rules()
    said = beside.piranha("status")
    assert "observing for" in said
    assert "nothing is written" in said
    assert "weight is 7" in beside.piranha("events")
    beside.router.run(("ipvsadm", "-e", *SERVICE, "-r", f"{WEB2}:8443", "-m", "-w", "20"))
    beside.until("lvsd agrees", now=0)
    assert beside.rules() == before
