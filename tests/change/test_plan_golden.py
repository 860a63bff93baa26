"""Every kind of line that a plan may have, as an operator reads it: two files, the live table, the screen.

Sections of a golden file: `before` (`none` = no daemon of ours runs), `after`, `table` (rules as of
`ipvsadm -S`; left out = what `before` asks for), `ours` (services of earlier files), `held` (addresses of
the machine), `kernel` (a setting and its value each; left out = nobody knows), `left` (`NAME ADDRESS:PORT
SECONDS`: who leaves for so long already), `marked` (mark rules that are there, `PROTOCOL ADDRESS PORT MARK`), `hand`
(`ADDRESS:PORT` and what others did there: `weight N CONFIGURED`, `added` or `reported`), `plan`. HEAD stands before
both files. Each server of the table has 10 connections, 3 of them inactive.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.change.configs import all_up, table_of

from piranha.change.plan import About, Plan, plan
from piranha.cli.plan_screen import screen
from piranha.cli.words import WIDTH
from piranha.forwarding.plane import Counters, ServerStatistics, ServiceStatistics
from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook
from piranha.table.desired import Edits, Place, WeightByHand
from piranha.table.leaving import Leaver
from piranha.table.mark_rules import Marked, MarkRule
from piranha.table.rules import parse_rules
from piranha.table.table import Table
from piranha.terms import Protocol

FOLDER = Path(__file__).parents[1] / "golden" / "plan"
HEAD = """primary = 192.0.2.2
primary_private = 10.0.0.2
backup_active = 1
backup = 192.0.2.3
backup_private = 10.0.0.3
heartbeat_auth = none
"""

KINDS = [about for about in About if about is not About.OTHER]
"""OTHER is for settings that no line knows yet: see test_plan_settings."""


def sections(text: str) -> dict[str, str]:
    """Return what stands under each `---- NAME` line."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("---- "):
            name = line.removeprefix("---- ").strip()
            found[name] = ""
        elif name:
            found[name] += line
    return found


def config(text: str) -> Config:
    loaded = load((HEAD + text).encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


def planned(parts: Mapping[str, str]) -> Plan:
    before = None if parts["before"].strip() == "none" else config(parts["before"])
    after = config(parts["after"])
    live = parse_rules(parts["table"]) if "table" in parts or before is None else table_of(before)
    up = all_up(before) if before is not None else {}
    edits = by_hand(parts.get("hand", "").splitlines(), live)
    beliefs = Beliefs(servers=dict.fromkeys(up, Belief(Health.UP)), edits=edits)
    seen = outlook(before, after, live, beliefs, 0.0)
    numbers = ServerStatistics(counters=Counters(), active=7, inactive=3)
    return plan(
        before,
        after,
        live,
        statistics={
            key: ServiceStatistics(counters=Counters(), servers=dict.fromkeys(service.destinations, numbers))
            for key, service in live.items()
        },
        verdicts=seen.now,
        believed=seen.then,
        ours=parse_rules(parts.get("ours", "")),
        leavers=[leaver(line, live) for line in parts.get("left", "").splitlines()],
        kernel=dict(line.split(" ", 1) for line in parts["kernel"].splitlines()) if "kernel" in parts else None,
        marked=Marked(frozenset(map(mark_rule, parts["marked"].splitlines()))) if "marked" in parts else None,
        edits=edits,
        held=[ip_address(word) for word in parts["held"].split()] if "held" in parts else None,
    )


def by_hand(lines: list[str], live: Table) -> Edits:
    rows = [(place, words) for where, *words in map(str.split, lines) for place in places(where, live)]
    weights = {place: WeightByHand(int(words[1]), int(words[2])) for place, words in rows if words[0] == "weight"}
    added = {place: 0.0 for place, words in rows if words == ["added"]}
    return Edits(weights, added, {place: "" for place, words in rows if words == ["reported"]})


def places(where: str, live: Table) -> tuple[Place, ...]:
    return tuple((key, at) for key, service in live.items() for at in service.destinations if str(at) == where)


def leaver(line: str, live: Table) -> Leaver:
    name, where, since_s = line.split()
    virtual, _, server = name.partition("/")
    return Leaver(virtual=virtual, server=server, places=places(where, live), drain_s=300, began_s=-float(since_s))


def mark_rule(line: str) -> MarkRule:
    protocol, address, port, mark = line.split()
    return MarkRule(ip_address(address), Protocol[protocol.upper()], int(port), int(port), int(mark))


def test_there_is_a_golden_file_for_every_kind_of_line_and_no_other() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {str(about) for about in KINDS}


@pytest.mark.parametrize("about", KINDS)
def test_a_line_of_each_kind_reads_as_in_its_golden_file(about: About) -> None:
    parts = sections((FOLDER / f"{about}.txt").read_text())
    made = planned(parts)
    apart = (*made.drift, *made.waiting, *made.leaving, *made.ended, *made.by_hand)
    assert about in [line.about for line in (*made.lines, *apart)]
    assert "\n".join(screen(made, "serial 0 against the live table")) + "\n" == parts["plan"]


@pytest.mark.parametrize("about", KINDS)
def test_no_line_is_wider_than_a_screen(about: About) -> None:
    parts = sections((FOLDER / f"{about}.txt").read_text())
    assert max(map(len, parts["plan"].splitlines())) <= WIDTH
