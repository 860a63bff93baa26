"""Shell: `piranha why NAME`: what happened to it, by which rule and because of what."""

import json
import re
import sys
import time
from collections.abc import Sequence
from functools import partial

from piranha.cli.names import known_names, nearest, resolve
from piranha.cli.options import DAEMONS, ask_daemon, parser, records_of
from piranha.cli.status_facts import Facts, dicts, text
from piranha.cli.story import ROUTER, VIP, Told, belongs, outlook, server_now, story
from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.events.record import Record

DESCRIPTION = """Tell the story of a server (www/web3), a virtual server (www), `vip` or one VIP, a router
(router, partner, or its name), `config`, `lvsd`, `nanny` or `table`, from what the daemons recorded; their
files are read when they are dead.
Exit status 0: explained, 1: no such name, 3: no record can be read."""

ALWAYS_KNOWN = frozenset({"config", "lvsd", "nanny", "table", VIP}) | ROUTER


class BadTime(PiranhaError):
    """`--at` is no time."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("why", DESCRIPTION)
    options.add_argument("name", metavar="NAME")
    options.add_argument("--at", metavar="TIME", help="the story up to then: 14:02, 14:02:51 or '2026-11-22 14:02'")
    options.add_argument("--limit", metavar="N", type=int, default=20, help="at most so many records (default 20)")
    args = options.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    records = {daemon: records_of(daemon, folders) for daemon in DAEMONS}
    if all(found is None for found in records.values()):
        print(f"piranha: no record can be read in {folders.run} and {folders.state}", file=sys.stderr)
        return 3
    lvsd = ask_daemon("lvsd", "status", folders).data or {}
    pulse = ask_daemon("pulse", "status", folders).data or {}
    names = _meaning(args.name, lvsd, pulse)
    until_s = time.time() if args.at is None else _time(args.at)
    told = [
        (record.at_s, daemon, record.event)
        for daemon, found in records.items()
        for record in found or ()
        if record.at_s <= until_s and belongs(record.event.subject, names)
    ]
    if not told and not any(name in known_names(lvsd) or name in ALWAYS_KNOWN for name in names):
        subjects = {record.event.subject for found in records.values() for record in found or ()}
        known = [*known_names(lvsd), *sorted(subjects), *sorted(ALWAYS_KNOWN)]
        print(f"piranha: no such name: {args.name}{nearest(args.name, known)}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps([Record(0, at_s, event).message() | {"daemon": daemon} for at_s, daemon, event in told]))
        return 0
    print("\n".join(_tell(names, told, lvsd if args.at is None else {}, args.limit)))
    return 0


def _tell(names: Sequence[str], told: Sequence[Told], lvsd: Facts, limit: int) -> list[str]:
    now_s = time.time()
    today = time.strftime("%F")
    same_day = all(time.strftime("%F", time.localtime(at_s)) == today for at_s, _, _ in told)
    clock = partial(_clock, with_day=not same_day)
    lines = [line for name in names for line in server_now(name, lvsd, clock, now_s)]
    lines += [""] if lines else []
    lines += story(told, clock, limit) or ["  nothing is recorded"]
    if len(told) > limit:
        lines.append(f"  {len(told) - limit} earlier records (--limit shows more)")
    return lines + [line for name in names for line in outlook(name, lvsd)]


def _meaning(name: str, lvsd: Facts, pulse: Facts) -> list[str]:
    """Return the subjects that `name` stands for."""
    if name in ALWAYS_KNOWN:
        return [name]
    if found := resolve(name, lvsd):
        return found
    if name in [text(vip.get("address")) for vip in dicts(pulse.get("vips"))]:
        return [f"vip {name}", "router"]
    partner = pulse.get("partner")
    if name == text(pulse.get("node")) or (isinstance(partner, dict) and name == text(partner.get("node"))):
        return ["router"]
    return [name]


def _clock(at_s: float, with_day: bool) -> str:
    moment = time.localtime(at_s)
    tenth = int(at_s * 10) % 10
    return time.strftime("%d %b %H:%M:%S" if with_day else "%H:%M:%S", moment) + f".{tenth}"


def _time(words: str) -> float:
    """Return the last such time before now, wall clock. Raises BadTime."""
    short = re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words)
    text_of = f"{time.strftime('%Y-%m-%d')} {words}" if short else words
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            at_s = time.mktime(time.strptime(text_of.replace("T", " "), form))
        except (ValueError, OverflowError):
            continue
        at_s += 59 if form.endswith("%M") else 0  # the whole of that minute
        return at_s - 86400 if short and at_s > time.time() + 60 else at_s
    raise BadTime(f"--at {words}: not a time; write 14:02, 14:02:51 or '2026-11-22 14:02'")
