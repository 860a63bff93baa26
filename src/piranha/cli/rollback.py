"""Shell: `piranha rollback [N]`: take back the change that waits, or put an earlier file in force again."""

import json
from collections.abc import Sequence
from dataclasses import replace

from piranha.change.history import before, read_all, read_one
from piranha.change.kept import Damaged
from piranha.cli.apply import put_in_force
from piranha.cli.change_options import NobodyToAsk, Options, Router, add_options, find_router, options_of, unconfirmed
from piranha.cli.ending import CANNOT_TELL, NOT_PERMITTED, fail
from piranha.cli.facts import number, text
from piranha.cli.options import parser
from piranha.cli.words import safe
from piranha.control.actor import login
from piranha.control.client import NoAnswer, NotPermitted, ask
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS

DESCRIPTION = """Put generation N of `piranha history` in force again; without N the one before that means something
else. A change that waits for its confirmation is taken back at once instead.
Exit status as of `piranha apply`."""

ANSWER_S = 120.0
REFUSED = 1


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    made = parser("rollback", DESCRIPTION)
    made.add_argument("generation", metavar="N", nargs="?", type=int)
    add_options(made)
    args = made.parse_args(argv)
    options = options_of(args, "rollback")
    try:
        router = find_router(options.folders)
        if args.generation is None and unconfirmed(router.status) is not None and not options.dry_run:
            return _take_back(router, options)
        generation = _before(router, options) if args.generation is None else args.generation
        entry, data = read_one(options.folders.state, generation)
    except NobodyToAsk as error:
        return fail(CANNOT_TELL, str(error), as_json=options.json)
    except FileNotFoundError:
        return fail(REFUSED, f"generation {args.generation} is not kept: see piranha history", as_json=options.json)
    except Damaged as error:
        return fail(REFUSED, f"generation {args.generation} cannot be used: {error}", as_json=options.json)
    except OSError as error:
        status = NOT_PERMITTED if isinstance(error, PermissionError) else CANNOT_TELL
        return fail(status, f"{error.filename}: {error.strerror}", as_json=options.json)
    reason = options.reason or f"back to generation {entry.generation}"
    return put_in_force(data, f"generation {entry.generation}", replace(options, reason=reason))


def _before(router: Router, options: Options) -> int:
    """Return the generation that a rollback leads to. Raises FileNotFoundError-like refusal as Damaged, OSError."""
    found = before(read_all(options.folders.state).entries, text(router.status.get("meaning")))
    if found is None:
        raise Damaged("no earlier file that means something else is kept: see piranha history")
    return found.generation


def _take_back(router: Router, options: Options) -> int:
    try:
        done = ask(options.folders.run / f"{router.name}.sock", "take_back", {"who": login()}, ANSWER_S)
    except Refused as error:
        permitted = not str(error).startswith(NOT_PERMITTED_WORDS)
        return fail(REFUSED if permitted else NOT_PERMITTED, str(error), as_json=options.json)
    except NotPermitted:
        raise
    except NoAnswer as error:
        return fail(CANNOT_TELL, f"it is not known what came of it: {error}", as_json=options.json)
    serial = number(done.get("serial_no")) or 0
    if (aside := text(done.get("set_aside"))) and not options.json:
        print(safe([f"{router.file} held changes that were never put in force: they are kept as {aside}"]))
    print(json.dumps(done) if options.json else f"taken back: serial {serial:.0f} is in force again")
    return 0
