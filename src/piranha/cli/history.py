"""Shell: `piranha history`: the files that were in force on this router, and who put them there."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from piranha.change.history import Entry, read_all
from piranha.cli.elsewhere import and_elsewhere
from piranha.cli.ending import CANNOT_TELL, NOT_PERMITTED, fail
from piranha.cli.options import parser
from piranha.cli.words import safe, table
from piranha.control.daemon import Folders

DESCRIPTION = """List the files that were in force on this router, newest last.
Exit status 0: listed, 1: some are damaged, 3: cannot be read, 64: wrong usage, 77: not permitted."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    args = parser("history", DESCRIPTION).parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    try:
        found = read_all(folders.state)
    except OSError as error:
        status = NOT_PERMITTED if isinstance(error, PermissionError) else CANNOT_TELL
        return fail(status, f"{error.filename}: {error.strerror}", as_json=args.json)
    if args.json:
        print(json.dumps({"files": [asdict(one) for one in found.entries], "damaged": list(found.damaged)}))
    elif not found.entries:
        print(safe([and_elsewhere(f"no file is kept in {folders.state}", folders)]))
    else:
        head = ("GENERATION", "WHEN", "SERIAL", "HOW", "WHO", "REASON")
        print("\n".join(table(head, map(_row, found.entries), right=("GENERATION", "SERIAL"))))
    for words in () if args.json else found.damaged:
        print(safe([f"piranha: damaged: {words}"]), file=sys.stderr)
    return 1 if found.damaged else 0


def _row(entry: Entry) -> tuple[str, ...]:
    when = time.strftime("%F %T", time.localtime(entry.at_s))
    who = entry.who.partition(",")[0] or "-"
    return str(entry.generation), when, str(entry.serial_no), entry.how, who, entry.reason
