"""Shell: `piranha explain CODE…`: what a finding means, an example of it, why it matters and what to do."""

import json
import sys
import textwrap
from collections.abc import Sequence
from difflib import get_close_matches

from piranha.cli.ending import fail
from piranha.cli.options import Parser
from piranha.cli.words import WIDTH, cut
from piranha.lvscf import directives
from piranha.lvscf.codes import STORIES, Story, Within
from piranha.lvscf.diagnostics import Severity
from piranha.text import printable

DESCRIPTION = """Tell what a finding of `piranha check` means, show it wrong and right, say why it matters and
what to do. Without CODE: the list of all codes. Exit status 0: explained, 1: no such code."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = Parser(prog="piranha explain", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument("codes", metavar="CODE", nargs="*", help="such as W011 or w011")
    options.add_argument("--all", action="store_true", help="tell everything of every code")
    options.add_argument("--json", action="store_true", help="print JSON")
    args = options.parse_args(argv)
    asked = list(dict.fromkeys(code.upper() for code in args.codes))
    unknown = [code for code in asked if code not in STORIES]
    problems = []
    for code in unknown:
        near = get_close_matches(code, STORIES, 3, 0.6)
        hint = f"; near: {', '.join(near)}" if near else "; piranha explain lists all"
        if code.lower() in directives.NAMES:
            hint = f"; a keyword: piranha help {code.lower()}"
        problems.append(f"no such code: {code}{hint}")
    if problems and len(problems) == len(asked):
        return fail(1, "; ".join(problems), as_json=args.json)
    for problem in problems:
        print(f"piranha: {printable(problem)}", file=sys.stderr)
    wanted = list(STORIES) if args.all or not asked else [code for code in asked if code in STORIES]
    if args.json:
        print(json.dumps([_facts(code, STORIES[code]) for code in wanted]))
    elif args.all or asked:
        print("\n\n".join(told(code, STORIES[code]) for code in wanted))
    else:
        print("\n".join(cut(f"{code}  {STORIES[code].means}") for code in wanted))
    return 1 if unknown else 0


def told(code: str, story: Story) -> str:
    """Return the story of one code as it stands on the screen, at most `WIDTH` columns."""
    lines = textwrap.wrap(f"{code} ({Severity.of(code)}): {story.means}", WIDTH, subsequent_indent="    ")
    if story.bad:
        where = "" if story.within is Within.FILE else f" {story.within}"
        wrong, right = ("with", "without") if Severity.of(code) is Severity.NOTE else ("wrong", "right")
        lines += ["", f"  {wrong}{where}:", *_example(story.bad)]
        lines += [f"  {right}:", *_example(story.good)] if story.good else []
    for title, words in (("Why it matters:", story.why), ("What to do:", story.cure)):
        lines += ["", f"  {title}", *textwrap.wrap(words, WIDTH, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join(lines)


def _example(text: str) -> list[str]:
    return [cut(f"    | {line}") for line in text.split("\n")]


def _facts(code: str, story: Story) -> dict[str, str]:
    return {
        "code": code,
        "severity": str(Severity.of(code)),
        "means": story.means,
        "within": str(story.within),
        "wrong": story.bad,
        "right": story.good,
        "why": story.why,
        "cure": story.cure,
    }
