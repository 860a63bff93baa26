"""Shell: `piranha repair [NAME…]`: put back what others changed in the services of lvs.cf."""

import json
import sys
from collections.abc import Sequence

from piranha.cli.change_options import on_a_terminal
from piranha.cli.elsewhere import and_elsewhere
from piranha.cli.ending import CANNOT_TELL, INTERRUPTED, NOT_PERMITTED, fail
from piranha.cli.facts import Facts, strings
from piranha.cli.names import known_names, nearest, resolve
from piranha.cli.options import ask_daemon, parser
from piranha.cli.words import count, safe
from piranha.control.actor import login
from piranha.control.client import NoAnswer, NobodyListens, NotPermitted, ask
from piranha.control.daemon import Folders
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS
from piranha.text import printable

DESCRIPTION = """Put back what others changed with ipvsadm in the services of lvs.cf, and what foreign_edits leaves:
weights that were set and servers that were added by hand, with report everything. NAME: a virtual server (www), a
server (www/web1, */web1) or an address; default: everything. On a terminal it shows what goes, and asks.
Exit status 0: done, or nothing to do, 1: refused, or no such name, 2: --dry-run, there is something to put back,
3: cannot tell, 64: wrong usage, 77: not permitted."""

DONE, NO, CHANGES = 0, 1, 2
ANSWER_S = 30.0


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    made = parser("repair", DESCRIPTION)
    made.add_argument("names", metavar="NAME", nargs="*")
    made.add_argument("--dry-run", action="store_true", help="say what would be put back, and change nothing")
    made.add_argument("--yes", action="store_true", help="do not ask")
    args = made.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    try:
        names = _names(args.names, folders)
        found = _ask(folders, names, dry_run=True)
        if args.dry_run:
            return _tell(found, as_json=args.json, dry_run=True)
        if on_a_terminal() and not args.yes and not args.json and strings(found.get("put_back")):
            print(safe(strings(found.get("put_back"))), flush=True)
            if not _yes():
                return fail(NO, "nothing was changed", as_json=args.json)
        return _tell(_ask(folders, names, dry_run=False), as_json=args.json, dry_run=False)
    except NoSuchName as error:
        return fail(NO, str(error), as_json=args.json)
    except Refused as error:
        status = NOT_PERMITTED if str(error).startswith(NOT_PERMITTED_WORDS) else NO
        return fail(status, str(error), as_json=args.json)
    except NotPermitted:
        raise
    except NobodyListens as error:
        return fail(CANNOT_TELL, and_elsewhere(str(error), folders), as_json=args.json)
    except NoAnswer as error:
        return fail(CANNOT_TELL, str(error), as_json=args.json)
    except KeyboardInterrupt:
        return fail(INTERRUPTED, "nothing was changed", as_json=args.json)


class NoSuchName(Exception):
    """A name stands for nothing in the file in force."""


def _names(given: Sequence[str], folders: Folders) -> list[str]:
    """Return the virtual servers and servers that are meant, none for all of them."""
    if not given:
        return []
    asked = ask_daemon("lvsd", "status", folders)
    if asked.data is None:
        raise NoAnswer(asked.problem)
    names = []
    for name in given:
        found = resolve(name, asked.data)
        if not found:
            raise NoSuchName(f"no such name: {printable(name)}{nearest(name, known_names(asked.data))}")
        names += found
    return names


def _ask(folders: Folders, names: Sequence[str], *, dry_run: bool) -> Facts:
    args = {"names": list(names), "dry_run": dry_run, "who": login()}
    return ask(folders.run / "lvsd.sock", "repair", args, ANSWER_S)


def _yes() -> bool:
    try:
        return input("Put it back? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _tell(found: Facts, *, as_json: bool, dry_run: bool) -> int:
    words, refused = strings(found.get("put_back")), strings(found.get("refused"))
    status = CHANGES if dry_run and words else NO if refused and not dry_run else DONE
    if as_json:
        print(json.dumps({**found, "status": status}))
        return status
    print(safe([*words, _outcome(len(words), dry_run=dry_run)]))
    for change in refused if not dry_run else ():
        print(f"piranha: refused: {printable(change)}", file=sys.stderr)
    return status


def _outcome(number: int, *, dry_run: bool) -> str:
    if not number:
        return "Nothing to put back: nothing that others changed is left."
    return f"{count(number, 'change')} by others would be put back." if dry_run else "Put back."
