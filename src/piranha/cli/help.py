"""Shell: `piranha help KEYWORD…`: what a keyword of lvs.cf takes and does, from the table of keywords."""

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from piranha.cli.options import Parser
from piranha.cli.words import WIDTH, cut
from piranha.lvscf import directives
from piranha.lvscf.codes import STORIES
from piranha.lvscf.directives import Directive, Scope, Status
from piranha.lvscf.directives.describe import example, takes
from piranha.text import printable

DESCRIPTION = """Tell what a keyword of lvs.cf takes and does; with the name of a block (global, virtual, server,
check) list its keywords. `piranha help VERB` is the help of that verb.
Exit status 0: told, 1: no such name."""

PLACES = {
    Scope.GLOBAL: "outside of all blocks",
    Scope.VIRTUAL: "in a virtual block",
    Scope.SERVER: "in a server block",
    Scope.CHECK: "in a check block",
    Scope.FAILOVER: "in a failover block",
}
_INDENT = 12


def main(argv: Sequence[str], verbs: Iterable[str] = ()) -> int:
    """Run the verb; return its exit status. verbs: names that are near ones, too."""
    options = Parser(prog="piranha help", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument("names", metavar="NAME", nargs="+", help="a keyword such as timeout, or a block")
    options.add_argument("--keyword", action="store_true", help="NAME is a keyword, even if it is a verb, too")
    options.add_argument("--json", action="store_true", help="print JSON")
    args = options.parse_args(argv)
    missing = [name for name in args.names if not named(name) and name not in list(Scope)]
    for name in missing:
        if name.upper() in STORIES:
            print(f"piranha: {name.upper()} is the code of a finding: piranha explain {name.upper()}", file=sys.stderr)
            continue
        known = dict.fromkeys([*verbs, *(directive.name for directive in directives.ALL)])
        near = get_close_matches(name, known, 3, 0.6)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; see piranha help, and piranha help global"
        print(f"piranha: neither verb nor keyword: {printable(name)}{hint}", file=sys.stderr)
    found = [name for name in args.names if name not in missing]
    if args.json:
        print(json.dumps([_facts(directive, name) for name in found for directive in _meant(name)]))
    elif found:
        print("\n\n".join(_told(name) for name in found))
    return 1 if missing else 0


def named(name: str) -> list[Directive]:
    """Return the keywords of that name, one for each meaning; none for an unknown word."""
    found = [directives.find(name, scope) for scope in Scope]
    return list(dict.fromkeys(directive for directive in found if directive is not None))


def _meant(name: str) -> list[Directive]:
    listed = directives.of(Scope(name)).values() if name in list(Scope) else ()
    return list(dict.fromkeys([*named(name), *listed]))


def _told(name: str) -> str:
    parts = ["\n".join(keyword(directive, name)) for directive in named(name)]
    if name in list(Scope):
        parts.append("\n".join(_block(Scope(name))))
    return "\n\n".join(parts)


def keyword(directive: Directive, name: str) -> list[str]:
    """Return the lines about one keyword, at most `WIDTH` columns."""
    where = " or ".join(PLACES[scope] for scope in directive.scopes)
    lines = [f"{name} = {example(directive)}", *_wrapped("", directive.meaning)]
    facts = [
        ("where", where + _inheritance(directive)),
        ("takes", takes(directive)),
        ("default", _default(directive)),
        ("twice", "all of them count" if directive.repeats else "the last one in a block counts"),
        ("since", "the original" if directive.old else "new; the original did not have it"),
        ("status", _status(directive)),
    ]
    return lines + [line for title, text in facts for line in _wrapped(title, text)]


def _wrapped(title: str, text: str) -> list[str]:
    first = f"  {title:<{_INDENT - 2}}" if title else "  "
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * (_INDENT if title else 2))


def _inheritance(directive: Directive) -> str:
    inherited = len(directive.scopes) > 1 and not directive.own
    return "; the inner block inherits it" if inherited else ""


def _default(directive: Directive) -> str:
    if directive.default == "-":
        return "none"
    unit = f" {directive.unit}" if directive.unit and directive.default.isdigit() else ""
    return directive.default + unit


def _status(directive: Directive) -> str:
    match directive.status:
        case Status.ACTED_ON:
            return "acted on"
        case Status.WAITING:
            return "waiting: understood and checked, but this version does nothing with it yet"
        case Status.NO_EFFECT:
            return f"no effect; {directive.instead}"
        case Status.REJECTED:
            return f"no effect and never had; {directive.instead}"


def _block(scope: Scope) -> list[str]:
    known = directives.of(scope)
    width = max(map(len, known))
    return [f"Keywords {PLACES[scope]}:", *(cut(f"  {name:<{width}}  {known[name].meaning}") for name in sorted(known))]


def _facts(directive: Directive, name: str) -> dict[str, object]:
    return {
        "keyword": name,
        "scopes": [str(scope) for scope in directive.scopes],
        "type": str(directive.type),
        "choices": list(directive.choices),
        "takes": takes(directive),
        "unit": directive.unit,
        "low": directive.low,
        "high": directive.high,
        "default": None if directive.default == "-" else directive.default,
        "default_is_computed": directive.computed,
        "meaning": directive.meaning,
        "example": f"{name} = {example(directive)}",
        "adds_up": directive.repeats,
        "old": directive.old,
        "status": directive.status.value,
        "instead": directive.instead,
    }
