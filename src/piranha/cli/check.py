"""Shell: `piranha check [FILE]`: is this lvs.cf right, and if not, where and why."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from piranha.cli.ending import unreadable
from piranha.cli.options import Parser
from piranha.cli.stdin import standard_input
from piranha.cli.words import count
from piranha.control.daemon import CONFIG_FILES
from piranha.lvscf.codes import CODES
from piranha.lvscf.config import meaning
from piranha.lvscf.diagnostics import Diagnostic, Severity
from piranha.lvscf.from_original import from_original
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load, resolve_and_load
from piranha.lvscf.syntax.limits import SIZE_LIMIT
from piranha.text import printable

STANDARD_INPUT = Path("-")
CODES_NAMED = 8
WAITING = "W004"
DESCRIPTION = """Check an lvs.cf. Findings go to stderr, a summary to stdout.
Exit status 0: valid, 1: has errors, 2: cannot be read."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = Parser(prog="piranha check", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help=f"- reads standard input; default: {CONFIG_FILES[0]}"
    )
    options.add_argument(
        "--from-original",
        action="store_true",
        help="tell also what a file of the original notices without being edited",
    )
    options.add_argument("--json", action="store_true", help="print JSON")
    args = options.parse_args(argv)
    path = args.file or next((file for file in CONFIG_FILES if file.exists()), CONFIG_FILES[0])
    try:
        loaded = read(path)
    except ReadError as error:
        return unreadable(error, 2, as_json=args.json)
    if args.from_original:
        loaded = with_notes(loaded)
    if args.json:
        print(json.dumps(facts(loaded)))
    else:
        if loaded.findings:
            print(f"{loaded.render()}\n{more(loaded)}", file=sys.stderr, flush=True)
        print(f"{printable(loaded.path.rpartition('/')[2])}: {summary(loaded)}")
    return 1 if loaded.config is None else 0


def read(path: Path) -> Loaded:
    """Read a file, or what is piped in where `path` is `-`. Raises ReadError."""
    if path != STANDARD_INPUT:
        return read_and_load(path)
    name = "standard input"
    try:
        data = standard_input().read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ReadError(f"{name}: {error.strerror}") from error
    return resolve_and_load(data, name)


def with_notes(loaded: Loaded) -> Loaded:
    """Return `loaded` with the notes about a file of the original among its findings."""
    told = sorted((*loaded.findings, *from_original(loaded)), key=lambda one: (one.span.line, one.span.column))
    return replace(loaded, findings=tuple(told))


def more(loaded: Loaded) -> str:
    """Return which command tells more of the findings; of many codes it names the first."""
    codes = dict.fromkeys(finding.code for finding in loaded.findings)
    return f"more: piranha explain {' '.join(list(codes)[:CODES_NAMED])}"


def summary(loaded: Loaded) -> str:
    """Return `valid, 2 virtual servers, 5 real servers, 1 warning`, or how many errors there are."""
    words = [count(_number(loaded.errors), "error")] if loaded.errors else []
    if loaded.config is not None:
        virtuals = loaded.config.virtuals
        servers = sum(len(virtual.servers) for virtual in virtuals)
        words = ["valid", count(len(virtuals), "virtual server"), count(servers, "real server")]
    if loaded.warnings:
        words.append(count(_number(loaded.warnings), "warning"))
    if notes := [finding for finding in loaded.findings if finding.severity is Severity.NOTE]:
        words.append(count(_number(notes), "note"))
    return ", ".join(words)


def facts(loaded: Loaded) -> dict[str, object]:
    """Return what `--json` prints.

    meaning: the hash that equal configurations share, null with errors. codes: what those of the findings mean.
    waiting: what this version does nothing with yet.
    """
    config = loaded.config
    return {
        "path": loaded.path,
        "valid": config is not None,
        "meaning": meaning(config) if config else None,
        "serial_no": config.serial_no if config else None,
        "virtual_servers": len(config.virtuals) if config else None,
        "real_servers": sum(len(virtual.servers) for virtual in config.virtuals) if config else None,
        "findings": [
            {
                "severity": str(finding.severity),
                "code": finding.code,
                "line": finding.span.line,
                "column": finding.span.column,
                "length": finding.span.length,
                "message": finding.message,
                "hint": finding.hint,
                "more": finding.more,
            }
            for finding in loaded.findings
        ],
        "codes": {finding.code: CODES[finding.code] for finding in loaded.findings},
        "waiting": _waiting(loaded),
    }


def _number(findings: Sequence[Diagnostic]) -> int:
    return sum(1 + finding.more for finding in findings)


def _waiting(loaded: Loaded) -> list[dict[str, object]]:
    """Return the keywords and blocks that this version does nothing with, as they stand in the file."""
    lines = loaded.text.split("\n")
    return [
        {"keyword": lines[place.line - 1][place.column - 1 :][: place.length], "line": place.line}
        for place in (finding.span for finding in loaded.findings if finding.code == WAITING)
    ]
