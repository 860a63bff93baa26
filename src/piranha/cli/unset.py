"""Shell: `piranha unset NAME KEY`: take a setting out of lvs.cf, so that its default counts again."""

from collections.abc import Sequence
from difflib import get_close_matches

from piranha.cli import amend
from piranha.cli.blocks import Place
from piranha.errors import PiranhaError
from piranha.lvscf import directives, spelling
from piranha.lvscf.syntax.edit import Draft

DESCRIPTION = """Take a setting out of lvs.cf. NAME as of piranha set. With VALUE only the line that says so goes, of a
keyword that adds up.
The daemon then puts the file in force, as with piranha apply, and with its exit statuses; 2 also when the file
cannot be read, 3 also when it is written, but the daemon that should take it up does not answer."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = amend.parser_of("unset", DESCRIPTION)
    options.add_argument("value", metavar="VALUE", nargs="*", help="only the line with this value")
    args = options.parse_args(argv)

    def change(draft: Draft, place: Place) -> None:
        directive = directives.find(args.key, place.scope)
        words = spelling.words(directive, args.value) if args.value else None
        if draft.unset(place.block, args.key, words) or directive is not None:
            return
        near = get_close_matches(args.key, directives.of(place.scope), 3, 0.6)
        raise PiranhaError(f"{args.key} is no keyword here" + (f"; near: {', '.join(near)}" if near else ""))

    return amend.amend(args, "unset", change)
