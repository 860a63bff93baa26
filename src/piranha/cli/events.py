"""Shell: `piranha events [--follow]`: what was decided, newest last."""

import json
import sys
import time
from collections.abc import Sequence

from piranha.cli.elsewhere import where_to_look
from piranha.cli.options import DAEMONS, ask_daemon, parser, records_limit, records_of
from piranha.control.daemon import Folders
from piranha.events.event import Record, read_record
from piranha.events.log import event_line
from piranha.events.order import in_order
from piranha.output import reader_left
from piranha.text import printable

DESCRIPTION = """List what both daemons decided, newest last; from their files when they are dead.
Exit status 0: listed, 3: no record can be read."""

POLL_S = 0.5


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("events", DESCRIPTION)
    options.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    options.add_argument(
        "--limit", metavar="N", type=records_limit, default=50, help="start with the last N (default 50)"
    )
    args = options.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    records = {daemon: records_of(daemon, folders) for daemon in DAEMONS}
    if all(found is None for found in records.values()):
        print(f"piranha: no record can be read: {where_to_look(args, folders)}", file=sys.stderr)
        return 3
    told = in_order({daemon: found or () for daemon, found in records.items()})
    for daemon, record in told[-args.limit :] if args.limit > 0 else ():
        _show(daemon, record, args.json)
    seen = {daemon: found[-1].seq if found else 0 for daemon, found in records.items()}
    while args.follow and not reader_left():
        time.sleep(POLL_S)
        _show_new(folders, seen, args.json)
    return 0


def _show_new(folders: Folders, seen: dict[str, int], as_json: bool) -> None:
    for daemon in DAEMONS:
        answer = ask_daemon(daemon, "events", folders, {"after": seen[daemon], "limit": 1000}).data
        events = answer.get("events") if answer else None
        for message in events if isinstance(events, list) else ():
            record = read_record(message)
            if record is not None:
                seen[daemon] = record.seq
                _show(daemon, record, as_json)


def _show(daemon: str, record: Record, as_json: bool) -> None:
    if as_json:
        print(json.dumps(record.message() | {"daemon": daemon}), flush=True)
        return
    when = time.strftime("%d %b %H:%M:%S", time.localtime(record.at_s))
    line = f"{when}.{int(record.at_s * 10) % 10}  {daemon:<5}  {event_line(record.event)}"
    print(printable(line), flush=True)
