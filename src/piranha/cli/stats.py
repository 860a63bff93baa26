"""Shell: `piranha stats [NAME…]`: connections, totals and rates of each virtual server and of its servers."""

import json
import time
from collections.abc import Sequence

from piranha.cli.elsewhere import and_elsewhere, elsewhere, run_folders
from piranha.cli.ending import CANNOT_TELL, fail
from piranha.cli.facts import Facts, dicts, number, text
from piranha.cli.names import nearest
from piranha.cli.options import Asked, Parser, ask_daemon, parser, screen_width
from piranha.cli.stats_screen import SORTS, chosen, names_of, screen, sorted_rows
from piranha.cli.words import duration, safe
from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane
from piranha.lvsd.numbers import Numbers, counted
from piranha.lvsd.stats import stats_of_table

ANSWER_S = 10.0
"""How long an answer about thousands of servers may take."""

DESCRIPTION = """Show connections, totals and rates of each virtual server and of its servers. Where lvsd does not
answer, the kernel's own counters are shown.
Exit status 0: shown, 1: no such name, 3: cannot tell, 64: wrong usage, 77: not permitted to look."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    args = _options().parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    asked = ask_daemon("lvsd", "stats", folders, timeout_s=ANSWER_S)
    try:
        found = asked.data if asked.data is not None else _from_plane(folders)
    except PiranhaError as error:
        words = f"{asked.problem}, and the table cannot be read either: {error}"
        return fail(CANNOT_TELL, and_elsewhere(words, folders), as_json=args.json)
    rows = dicts(found.get("virtuals"))
    for name in args.names:
        if not chosen(rows, [name]):
            return fail(1, f"no such name: {name}{nearest(name, names_of(rows))}", as_json=args.json)
    rows = sorted_rows(chosen(rows, args.names) if args.names else rows, args.sort)
    if args.json:
        names = list(map(str, run_folders(folders))) if asked.data is None else []
        print(json.dumps({**found, "at": time.time(), "virtuals": rows, "elsewhere": names}))
        return 0
    print(safe([_head(found, asked), *screen(rows, screen_width(), servers=not args.virtuals)]))
    if asked.data is None and (others := elsewhere(folders)):
        print(safe([others]))
    return 0


def _options() -> Parser:
    options = parser("stats", DESCRIPTION)
    options.add_argument("names", metavar="NAME", nargs="*", help="such as www, www/web3, 10.11.12.23, a VIP")
    options.add_argument(
        "--sort",
        metavar="COLUMN",
        choices=SORTS,
        help=f"the largest first: {', '.join(SORTS)} (default: as in the file)",
    )
    options.add_argument("--virtuals", action="store_true", help="virtual servers only")
    return options


def _from_plane(folders: Folders) -> Facts:
    """Return what the plane itself says: the forwarder of this run folder, else the kernel. Raises PlaneUnavailable."""
    forwarder = folders.run / SOCKET_NAME
    userspace = forwarder.exists()
    plane: Plane = UserspacePlane(forwarder) if userspace else IpvsPlane()
    numbers = Numbers()
    try:
        seen = plane.sample()
    finally:
        plane.close()
    numbers.take(seen.statistics, counted({}, seen.statistics), 0.0)
    return {
        "source": "forwarder" if userspace else "kernel",
        "age_s": 0.0,
        "rates_over_s": None,
        "totals_since": None,
        "virtuals": stats_of_table(seen.table, numbers),
    }


def _head(found: Facts, asked: Asked) -> str:
    if asked.data is None:
        return (
            f"lvsd does not answer: totals of the {text(found.get('source'))} since each was added; no names, no rates"
        )
    age_s, over_s, since_s = (number(found.get(name)) for name in ("age_s", "rates_over_s", "totals_since"))
    words = ["not read yet" if age_s is None else f"read {duration(age_s)} ago"]
    words.append("no rates yet" if over_s is None else f"rates of the last {duration(over_s)}")
    if since_s is not None:
        words.append(f"totals kept since {time.strftime('%d %b %H:%M', time.localtime(since_s))}")
    node = text(found.get("node"))
    return (f"{node}: " if node else "") + ", ".join(words)
