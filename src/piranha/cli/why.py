"""Shell: `piranha why NAME`: what happened to it, by which rule and because of what."""

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from functools import partial
from math import inf
from typing import NamedTuple

from piranha.cli.elsewhere import run_folders, where_to_look
from piranha.cli.facts import Facts
from piranha.cli.names import ALWAYS_KNOWN, known_names, nearest, of_routers, subjects
from piranha.cli.options import DAEMONS, ask_daemon, parser, records_limit, records_of
from piranha.cli.standing import outlook, stands
from piranha.cli.story import belongs, story, without_clock_alone
from piranha.cli.words import count, safe
from piranha.control.daemon import Folders
from piranha.events.order import Told, in_order
from piranha.text import printable

DESCRIPTION = """Tell the story of a server (www/web3), a virtual server (www), `vip` or one VIP, a router
(router, partner, or its name), `config`, `kernel`, `lvsd`, `nanny` or `table`, from what the daemons recorded; their
files are read when they are dead.
Exit status 0: explained, 1: no such name, 3: no record can be read."""


class Now(NamedTuple):
    """What the daemons answer at the moment, empty where they do not."""

    pulse: Facts
    lvsd: Facts


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("why", DESCRIPTION)
    options.add_argument("name", metavar="NAME")
    options.add_argument(
        "--at",
        metavar="TIME",
        type=_time,
        dest="until_s",
        default=inf,
        help="the story up to then: 14:02, 14:02:51 or '2026-11-22 14:02'",
    )
    options.add_argument(
        "--limit", metavar="N", type=records_limit, default=20, help="at most so many records (default 20)"
    )
    args = options.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    records = {daemon: records_of(daemon, folders) for daemon in DAEMONS}
    if all(found is None for found in records.values()):
        print(f"piranha: no record can be read: {where_to_look(args, folders)}", file=sys.stderr)
        return 3
    lvsd = ask_daemon("lvsd", "status", folders).data or {}
    pulse = ask_daemon("pulse", "status", folders).data or {}
    if not lvsd and not pulse and run_folders(folders):
        print(f"piranha: no daemon answers, these are old records: {where_to_look(args, folders)}", file=sys.stderr)
    names = subjects(args.name, pulse, lvsd) or [args.name]
    told = without_clock_alone(
        [
            (daemon, record)
            for daemon, record in in_order({daemon: found or () for daemon, found in records.items()})
            if record.at_s <= args.until_s and belongs(record.event, names)
        ]
    )
    if not told and not subjects(args.name, pulse, lvsd):
        recorded = {record.event.subject for found in records.values() for record in found or ()}
        known = [*known_names(lvsd), *sorted(recorded), *sorted(ALWAYS_KNOWN)]
        print(f"piranha: no such name: {printable(args.name)}{nearest(args.name, known)}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps([record.message() | {"daemon": daemon} for daemon, record in told]))
        return 0
    now = Now(pulse, lvsd) if args.until_s == inf else None
    print(safe(_tell(names, told, now, args.limit)))
    return 0


def _tell(names: Sequence[str], told: Sequence[Told], now: Now | None, limit: int) -> list[str]:
    now_s = time.time()
    today = time.strftime("%F")
    same_day = all(time.strftime("%F", time.localtime(record.at_s)) == today for _, record in told)
    clock = partial(_clock, with_day=not same_day)
    lines = []
    if now is not None:
        lines = [line for name in names for line in stands(name, now.pulse, now.lvsd, clock, now_s)]
        lines += [""] if lines else []
    lines += story(told, clock, limit) if told else ["  nothing is recorded"]
    if len(told) > limit:
        lines.append(f"  {count(len(told) - limit, 'earlier record')} (--limit shows more)")
    if any(map(of_routers, names)) and _is_paired(now):
        lines.append("  These are the records of this router; the partner keeps its own: ask there, too.")
    return lines + [line for name in names for line in (outlook(name, now.lvsd) if now else [])]


def _is_paired(now: Now | None) -> bool:
    return now is None or now.pulse.get("paired") is not False


def _clock(at_s: float, with_day: bool) -> str:
    moment = time.localtime(at_s)
    tenth = int(at_s * 10) % 10
    return time.strftime("%d %b %H:%M:%S" if with_day else "%H:%M:%S", moment) + f".{tenth}"


def _time(words: str) -> float:
    """Return the last such time before now, wall clock. Raises ArgumentTypeError, which is wrong usage."""
    short = re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words)
    text_of = f"{time.strftime('%Y-%m-%d')} {words}" if short else words
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            at_s = time.mktime(time.strptime(text_of.replace("T", " "), form))
        except (ValueError, OverflowError):
            continue
        at_s += 59 if form.endswith("%M") else 0  # the whole of that minute
        return at_s - 86400 if short and at_s > time.time() + 60 else at_s
    raise ArgumentTypeError(f"{words}: not a time; write 14:02, 14:02:51 or '2026-11-22 14:02'")
