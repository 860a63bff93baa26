"""Shell: `piranha switchover`: have the partner take over now, as planned, and wait until it has."""

import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from piranha.cli.ending import CANNOT_TELL, INTERRUPTED, NOT_PERMITTED, fail
from piranha.cli.facts import Facts, dicts, text
from piranha.cli.handover import Obstacle, Outcome, consequences, obstacles, outcome, partner_name
from piranha.cli.options import USAGE, Parser, ask_daemon, parser
from piranha.cli.stdin import is_terminal
from piranha.cli.words import safe
from piranha.control.actor import login
from piranha.control.client import NoAnswer, ask
from piranha.control.daemon import Folders
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS

DESCRIPTION = """Hand over to the partner: every VIP moves there. Says first what will happen, asks for the name of the
router that takes over, and waits until it serves.
Exit status 0: the partner serves (--dry-run: it would), 1: refused, nothing was changed, 3: cannot tell, 4: begun but
not finished in time, or taken back, 64: wrong usage, 77: not permitted."""

DONE, REFUSED, UNFINISHED = 0, 1, 4
WAIT_S = 30.0
POLL_S = 0.05


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    args = _options().parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    pulse, lvsd = ask_daemon("pulse", "status", folders), ask_daemon("lvsd", "status", folders)
    if pulse.data is None:
        return fail(CANNOT_TELL, pulse.problem, as_json=args.json)
    found = obstacles(pulse.data)
    hindering = [one for one in found if one.final or not args.force]
    plan = _plan(pulse.data, lvsd.data or {}, hindering, dry_run=args.dry_run)
    facts = _as_json(pulse.data, found, would_go=not hindering)
    if not args.json:
        print(safe(plan), flush=True)
    if hindering or args.dry_run:
        status, words = (REFUSED if hindering else DONE), ""
    elif not args.yes and (args.json or not is_terminal()):
        status, words = USAGE, "a switchover moves every VIP: where nobody can be asked, say --yes"
    elif not args.yes and not _confirmed(partner_name(pulse.data)):
        status, words = REFUSED, "not confirmed; nothing was changed"
    else:
        try:
            status, words = _carry_out(folders.run / "pulse.sock", pulse.data, args.wait)
        except KeyboardInterrupt:
            status, words = INTERRUPTED, "no longer waiting; the switchover goes on: see piranha status"
    if args.json:
        print(json.dumps(facts | {"outcome": words}))
    elif words and status == DONE:
        print(safe([words]))
    elif words:
        _complain(words)
    return status


def _options() -> Parser:
    options = parser("switchover", DESCRIPTION)
    options.add_argument("--dry-run", action="store_true", help="only say what would happen, or why it would not")
    options.add_argument("--yes", action="store_true", help="do not ask")
    options.add_argument("--force", action="store_true", help="also shortly after another one, or between two files")
    options.add_argument(
        "--wait", metavar="S", type=float, default=WAIT_S, help=f"seconds to wait (default {WAIT_S:g})"
    )
    return options


def _plan(pulse: Facts, lvsd: Facts, hindering: Sequence[Obstacle], *, dry_run: bool) -> list[str]:
    moves = f"{text(pulse.get('node'))} -> {partner_name(pulse)}"
    if not hindering:
        return [f"{moves}:", *(f"   {line}" for line in consequences(pulse, lvsd))]
    lines = [f"{moves} would be refused:" if dry_run else "refused:"]
    for one in hindering:
        lines.append(f"   {one.what}")
        lines += [f"     {one.cure}"] if one.cure else []
    if not any(one.final for one in hindering):
        lines.append("   --force says it anyway")
    return lines


def _as_json(pulse: Facts, found: Sequence[Obstacle], *, would_go: bool) -> dict[str, object]:
    return {
        "from": text(pulse.get("node")),
        "to": partner_name(pulse),
        "vips": [text(vip.get("address")) for vip in dicts(pulse.get("vips"))],
        "obstacles": [{"what": one.what, "cure": one.cure, "final": one.final} for one in found],
        "would_go": would_go,
    }


def _confirmed(name: str) -> bool:
    try:
        return input(f"Type the name of the router that takes over ({name}): ").strip() == name
    except EOFError:
        return False
    except KeyboardInterrupt:
        print(flush=True)  # what follows is a line of its own
        return False


def _carry_out(path: Path, before: Facts, wait_s: float) -> tuple[int, str]:
    """Do it; return the exit status and what came of it."""
    begun, them = time.monotonic(), partner_name(before)
    try:
        ask(path, "switchover", {"who": login()})
    except Refused as error:
        permitted = not str(error).startswith(NOT_PERMITTED_WORDS)
        return (REFUSED if permitted else NOT_PERMITTED), f"refused: {error}"
    except NoAnswer as error:
        return CANNOT_TELL, f"it is not known whether it has begun: {error}"
    while True:
        seconds = time.monotonic() - begun
        with contextlib.suppress(NoAnswer, Refused):
            came = outcome(before, ask(path, "status"))
            if came is Outcome.DONE:
                return DONE, f"{them} serves, {seconds:.1f} s later"
            if came is Outcome.TAKEN_BACK:
                return UNFINISHED, f"{them} did not take over; {text(before.get('node'))} serves on"
        if seconds >= wait_s:
            return UNFINISHED, f"not finished after {wait_s:g} s: see piranha status"
        time.sleep(POLL_S)


def _complain(words: str) -> None:
    print(safe([f"piranha: {words}"]), file=sys.stderr)
