"""Shell: `piranha confirm`: keep the change that waits for it."""

import json
from collections.abc import Sequence

from piranha.cli.change_options import NobodyToAsk, find_router
from piranha.cli.ending import CANNOT_TELL, NOT_PERMITTED, fail
from piranha.cli.facts import number
from piranha.cli.options import parser
from piranha.control.actor import login
from piranha.control.client import NoAnswer, NotPermitted, ask
from piranha.control.daemon import Folders
from piranha.control.messages import Refused
from piranha.control.server import NOT_PERMITTED_WORDS

DESCRIPTION = """Keep the change that `piranha apply --confirm` put in force.
Exit status 0: it stays, 1: nothing waits, or too late, 3: cannot tell, 64: wrong usage, 77: not permitted."""

ANSWER_S = 60.0


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    args = parser("confirm", DESCRIPTION).parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    try:
        router = find_router(folders)
        kept = ask(folders.run / f"{router.name}.sock", "confirm", {"who": login()}, ANSWER_S)
    except Refused as error:
        status = NOT_PERMITTED if str(error).startswith(NOT_PERMITTED_WORDS) else 1
        return fail(status, str(error), as_json=args.json)
    except NotPermitted:
        raise
    except (NobodyToAsk, NoAnswer) as error:
        return fail(CANNOT_TELL, str(error), as_json=args.json)
    serial, generation = number(kept.get("serial_no")) or 0, number(kept.get("generation")) or 0
    print(json.dumps(kept) if args.json else f"confirmed: serial {serial:.0f}, generation {generation:.0f}, stays")
    return 0
