"""Shell: what a start of `lvsd` would change in the table (`-t`), and nothing is changed."""

import sys
from collections.abc import Iterator

from piranha.control.daemon import Folders
from piranha.control.state_files import StateFiles
from piranha.events.record import boot_id
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.foreign import read_edits
from piranha.lvsd.leavers import read_leavers
from piranha.lvsd.mark_rules import firewalls, marked
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import look
from piranha.lvsd.reconcile import Reconciler
from piranha.table.by_hand import holding
from piranha.table.changes import describe
from piranha.table.leaving import by_place, leaving
from piranha.table.mark_rules import wanted_rules


def test_start(kind: PlaneKind, config: Config, folders: Folders) -> int:
    """Say what a start would change in the table, and change nothing."""
    live, kept = look(kind, folders.run), StateFiles(folders.state, folders.run)
    edits, ours = read_edits(kept), Ours(kept).services
    left = by_place(leaving(None, config, live, {}, read_leavers(kept, boot_id()), added=edits.added))
    plan = Reconciler().prepare(config, {}, live, ours, leaving=left, edits=holding(edits, config))
    for words in (changes := [*map(describe, plan.changes), *_mark_changes(kind, config)]):
        print(words)
    print(f"{len(changes)} changes before the first checks. Nothing has been changed.")
    return 0


def _mark_changes(kind: PlaneKind, config: Config) -> Iterator[str]:
    """Yield what a start would change of the mark rules, in words."""
    if kind is PlaneKind.IPVS and (wanted := wanted_rules(config)):
        found = marked(firewalls())
        yield from (f"add mark rule: {rule}" for rule in wanted if rule not in found.rules)
        yield from sorted(f"remove mark rule: {rule}" for rule in found.rules if rule not in wanted)
        if found.trouble:
            print(f"lvsd: mark rules cannot be set: {found.trouble}", file=sys.stderr)
