"""Shell: what `piranha set` and `unset` share: read lvs.cf, change some settings of it, judge and show the result."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from piranha.cli.blocks import Place, find
from piranha.cli.change_options import Options, add_options, options_of
from piranha.cli.check import STANDARD_INPUT
from piranha.cli.ending import fail, unreadable
from piranha.cli.in_force import Goal, encoded, goal, use, write
from piranha.cli.options import Parser, parser
from piranha.cli.words import safe
from piranha.errors import PiranhaError
from piranha.lvscf.diagnostics import Diagnostic, Severity
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_bytes, resolve_and_load
from piranha.lvscf.syntax.edit import Draft
from piranha.lvscf.syntax.limits import SIZE_LIMIT
from piranha.lvscf.syntax.parser import parse
from piranha.text import printable

DONE, NO, CHANGES, CANNOT_READ = 0, 1, 2, 2

Change = Callable[[Draft, Place], None]
"""Notes one edit of one place. Raises PiranhaError where it cannot be made."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that goes (`-`, number in the old file) or comes (`+`, number in the new one)."""

    number: int
    sign: str
    text: str


def parser_of(verb: str, description: str) -> Parser:
    """Return a parser with what both verbs take."""
    made = parser(verb, description)
    made.add_argument("-c", "--configfile", metavar="FILE", type=Path, help="the lvs.cf to change")
    made.add_argument("--output", metavar="FILE", type=Path, help="write the result there (- is stdout), apply nothing")
    add_options(made)
    made.add_argument("name", metavar="NAME", help="global, www, www/web3, */web3, 10.11.12.23, 10.11.12.23:8443")
    made.add_argument("key", metavar="KEY", help="a keyword of lvs.cf")
    return made


def amend(args: argparse.Namespace, verb: str, change: Change) -> int:
    """Change every place that NAME stands for; return the exit status. Raises PiranhaError."""
    options = options_of(args, verb)
    found = goal(args.configfile, options)
    try:
        data = read_bytes(found.path)
    except ReadError as error:
        return unreadable(error, CANNOT_READ, as_json=args.json)
    before, old = resolve_and_load(data, str(found.path)), data.decode("utf-8", "surrogateescape")
    if len(data) > SIZE_LIMIT:
        print(before.render(), file=sys.stderr)
        return fail(NO, f"refused, nothing was changed: {found.path} is as it was", as_json=args.json)
    if args.key in ("virtual", "server"):
        raise PiranhaError(f"{args.key} opens a block, which {verb} does not: use piranha edit")
    tree, _ = parse(old)
    places = find(args.name, tree, before.config)
    draft = Draft(tree)
    for place in places:
        change(draft, place)
    text, lines = draft.text(), lines_of(draft.changes())
    after = resolve_and_load(encoded(text), f"{found.path} as changed")
    apply = found.running and args.output is None and bool(lines) and after.config is not None
    findings = new_findings(before, after)
    if not args.json:
        for one in findings:
            print(one.render_lines(after.path, text.split("\n")), file=sys.stderr, flush=True)
    if after.config is None:
        words = f"refused, nothing was changed: {found.path} is as it was"
        if args.json:
            print(f"piranha: {printable(words)}", file=sys.stderr)
            told = {"error": words, "status": NO}
            print(json.dumps(_facts(found.path, places, lines, findings) | told))
            return NO
        return fail(NO, words, as_json=False)
    said = shown(found.path, lines) or [f"nothing to do: {found.path} says so already"]
    if apply:
        # Before it is asked about, and before the daemon may refuse it.
        _tell([f"asked for in {found.path}, not done yet:", *said], args)
        return use(found, encoded(text), data, options)
    if args.dry_run:
        status = CHANGES if lines else DONE
    else:
        status = _write(args, found, encoded(text), data, options) if lines or args.output is not None else DONE
    # Last, since what fails before tells of itself; where a daemon puts it in force, `put_in_force` did.
    _tell(said, args)
    if args.json and args.output != STANDARD_INPUT:
        print(json.dumps(_facts(found.path, places, lines, findings) | {"status": status}))
    return status


def _write(args: argparse.Namespace, found: Goal, changed: bytes, data: bytes, options: Options) -> int:
    """Write the result where it is asked for; return the exit status. Raises PiranhaError."""
    if args.output is None:
        return use(found, changed, data, options)
    if args.output == STANDARD_INPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(changed)
    else:
        write(args.output, changed)
    return DONE


def _tell(lines: Sequence[str], args: argparse.Namespace) -> None:
    if not args.json and args.output != STANDARD_INPUT:
        print(safe(lines), flush=True)


def new_findings(before: Loaded, after: Loaded) -> list[Diagnostic]:
    """Return every error, and the warnings that were not there before: those of other lines are known already."""
    known = {(one.code, _line(before, one)) for one in before.warnings}
    return [
        one for one in after.findings if one.severity is Severity.ERROR or (one.code, _line(after, one)) not in known
    ]


def _line(loaded: Loaded, finding: Diagnostic) -> str:
    lines = loaded.text.split("\n")
    return lines[finding.span.line - 1] if finding.span.line <= len(lines) else ""


def lines_of(changes: Sequence[tuple[int, str, str]]) -> list[Line]:
    """Return the lines that differ, from `Draft.changes`."""
    found: list[Line] = []
    longer = 0  # by how many lines the new file is longer so far
    for start, before, after in changes:
        old, new = (text.removesuffix("\n").split("\n") if text else [] for text in (before, after))
        for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if kind != "equal":
                found += [Line(start + at, "-", old[at]) for at in range(i1, i2)]
                found += [Line(start + longer + at, "+", new[at]) for at in range(j1, j2)]
        longer += len(new) - len(old)
    return found


def shown(path: Path, lines: Sequence[Line]) -> list[str]:
    """Return `lvs.cf:41: - weight = 10` and so on."""
    return [f"{path}:{line.number}: {line.sign} {line.text.strip()}" for line in lines]


def _facts(
    path: Path, places: Sequence[Place], lines: Sequence[Line], findings: Sequence[Diagnostic]
) -> dict[str, object]:
    return {
        "path": str(path),
        "names": [place.name for place in places],
        "lines": [{"line": line.number, "sign": line.sign, "text": line.text.rstrip("\r")} for line in lines],
        "findings": [finding.sentence() for finding in findings],
    }
