"""Shell: what `piranha set` and `unset` share: read lvs.cf, change some settings of it, judge and show the result."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from piranha.cli.blocks import Place, find
from piranha.cli.check import STANDARD_INPUT
from piranha.cli.options import Parser, parser
from piranha.cli.replacing import encoded, replace_file
from piranha.cli.words import safe
from piranha.control.daemon import config_file
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


def options(verb: str, description: str) -> Parser:
    """Return a parser with what both verbs take."""
    made = parser(verb, description)
    made.add_argument("-c", "--configfile", metavar="FILE", type=Path, help="the lvs.cf to change")
    made.add_argument("--output", metavar="FILE", type=Path, help="write the result there (- is stdout), apply nothing")
    made.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    made.add_argument("name", metavar="NAME", help="global, www, www/web3, */web3, 10.11.12.23, 10.11.12.23:8443")
    made.add_argument("key", metavar="KEY", help="a keyword of lvs.cf")
    return made


def amend(args: argparse.Namespace, change: Change) -> int:
    """Change every place that NAME stands for; return the exit status. Raises PiranhaError."""
    path = config_file(args.configfile)
    try:
        data = read_bytes(path)
    except ReadError as error:
        print(f"piranha: {printable(str(error))}", file=sys.stderr)
        return CANNOT_READ
    before, old = resolve_and_load(data, str(path)), data.decode("utf-8", "surrogateescape")
    if len(data) > SIZE_LIMIT:
        print(before.render(), file=sys.stderr)
        return NO
    tree, _ = parse(old)
    places = find(args.name, tree, before.config)
    draft = Draft(tree)
    for place in places:
        change(draft, place)
    text = draft.text()
    after = resolve_and_load(encoded(text), f"{path} as changed")
    findings, lines = new_findings(before, after), changed_lines(old, text)
    if args.json:
        print(json.dumps(_facts(path, places, lines, findings)))
    elif args.output != STANDARD_INPUT:
        print(safe(shown(path, lines)) if lines else f"nothing to do: {path} says so already")
    if findings and not args.json:
        words = "\n".join(one.render_lines(after.path, text.split("\n")) for one in findings)
        print(words, file=sys.stderr, flush=True)
    if after.config is None:
        print(f"piranha: refused: {printable(str(path))} is as it was", file=sys.stderr)
        return NO
    if args.dry_run:
        return CHANGES if lines else DONE
    return _write(path, args.output, old, text)


def _write(path: Path, output: Path | None, old: str, text: str) -> int:
    data = encoded(text)
    if output == STANDARD_INPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    elif output is not None or text != old:
        try:
            replace_file(output or path, data)
        except OSError as error:
            raise PiranhaError(f"{output or path}: {error.strerror}: nothing was written") from error
    return DONE


def new_findings(before: Loaded, after: Loaded) -> list[Diagnostic]:
    """Return every error, and the warnings that were not there before: those of other lines are known already."""
    known = {(one.code, _line(before, one)) for one in before.warnings}
    return [
        one for one in after.findings if one.severity is Severity.ERROR or (one.code, _line(after, one)) not in known
    ]


def _line(loaded: Loaded, finding: Diagnostic) -> str:
    lines = loaded.text.split("\n")
    return lines[finding.span.line - 1] if finding.span.line <= len(lines) else ""


def changed_lines(before: str, after: str) -> list[Line]:
    """Return the lines that differ."""
    old, new = before.split("\n"), after.split("\n")
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old_part, new_part = old[start : len(old) - end], new[start : len(new) - end]
    found: list[Line] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old_part, new_part, autojunk=False).get_opcodes():
        if kind != "equal":
            found += [Line(start + at + 1, "-", old_part[at]) for at in range(i1, i2)]
            found += [Line(start + at + 1, "+", new_part[at]) for at in range(j1, j2)]
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
