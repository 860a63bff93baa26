"""Shell: `piranha set NAME KEY VALUE…`: change one setting of lvs.cf; nothing else in the file is touched."""

from collections.abc import Sequence

from piranha.cli import amend
from piranha.cli.blocks import Place
from piranha.errors import PiranhaError
from piranha.lvscf import directives, spelling
from piranha.lvscf.syntax.edit import Draft

DESCRIPTION = """Change a setting of lvs.cf. NAME is global (the file itself), a virtual server (www), a server
(www/web3, */web3) or a machine (10.11.12.23, 10.11.12.23:8443). Comments and all other lines stay as they are.
The daemon then puts the file in force, as with piranha apply, and with its exit statuses; 2 also when the file
cannot be read, 3 also when it is written, but the daemon that should take it up does not answer."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = amend.parser_of("set", DESCRIPTION)
    options.add_argument("value", metavar="VALUE", nargs="+", help="its value; quotes are added where needed")
    options.add_argument("--add", action="store_true", help="write one more line of a keyword that adds up")
    args = options.parse_args(argv)

    def change(draft: Draft, place: Place) -> None:
        directive = directives.find(args.key, place.scope)
        words = spelling.words(directive, args.value)
        if not args.add:
            draft.set(place.block, args.key, words)
        elif directive is None or not directive.repeats:
            raise PiranhaError(f"{args.key} does not add up: of several the last one counts")
        else:
            draft.add(place.block, args.key, words)

    return amend.amend(args, "set", change)
