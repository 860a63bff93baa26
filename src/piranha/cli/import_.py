"""Shell: `piranha import KIND FILE…`: makes an lvs.cf out of the configuration of another program."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from piranha.change.imported import Imported
from piranha.cli.check import STANDARD_INPUT
from piranha.cli.ending import unreadable
from piranha.cli.import_keepalived import keepalived
from piranha.cli.import_others import ipvsadm, ldirectord, piranha
from piranha.cli.options import Parser
from piranha.lvscf.read import ReadError
from piranha.text import printable

DESCRIPTION = """Make an lvs.cf out of the configuration of another program. It goes to stdout or to OUT, what changed
its meaning or has no counterpart to stderr, with the lines of both files.
Exit status 0: done, 1: done, but some notes are errors, or nothing could be made of it, 2: a file cannot be read."""

KINDS: dict[str, Callable[[argparse.Namespace], Imported]] = {
    "piranha": piranha,
    "keepalived": keepalived,
    "ldirectord": ldirectord,
    "ipvsadm": ipvsadm,
}


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = Parser(prog="piranha import", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument("kind", metavar="KIND", choices=tuple(KINDS), help=", ".join(KINDS))
    options.add_argument("files", metavar="FILE", nargs="+", type=Path, help="- reads standard input")
    options.add_argument("-o", dest="out", metavar="OUT", type=Path, help="write here, a new file; - is stdout")
    options.add_argument(
        "--router",
        choices=("primary", "backup"),
        action="append",
        help="keepalived: which router FILE is of, once for each; default: state and priority tell",
    )
    options.add_argument("--json", action="store_true", help="print result and notes as JSON")
    args = options.parse_args(argv)
    if args.out == STANDARD_INPUT:
        args.out = None
    if args.router and sorted(set(args.router)) != sorted(args.router):
        options.error(f"--router {args.router[0]} is given twice")
    if args.router and len(args.router) > len(args.files):
        options.error("--router is given more often than FILE")
    try:
        imported = KINDS[args.kind](args)
    except ReadError as error:
        return unreadable(error, 2, as_json=args.json)
    return _deliver(imported, args)


def _deliver(imported: Imported, args: argparse.Namespace) -> int:
    name = str(args.out or "lvs.cf")
    written = True
    if args.out is not None and imported.text:
        written = _write(args.out, imported.text)
    if args.json:
        print(json.dumps(facts(imported)))
    else:
        for note in imported.notes:
            print(note.render(name), file=sys.stderr)
        sys.stderr.flush()
        if args.out is None:
            print(imported.text, end="")
        elif written and imported.text and imported.has_errors:
            warning = "written, but not to be used before these errors are mended"
            print(f"piranha: {printable(name)}: {warning}", file=sys.stderr)
    return 1 if imported.has_errors or not imported.text or not written else 0


def _write(path: Path, text: str) -> bool:
    """Write a new file, whole or not at all; say why if it cannot be."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        hint = ": remove it, or give another name, or -o - for stdout" if isinstance(error, FileExistsError) else ""
        print(f"piranha: {printable(str(path))}: {error.strerror}; nothing is written{hint}", file=sys.stderr)
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        path.unlink(missing_ok=True)
        print(f"piranha: {printable(str(path))}: {error.strerror}; nothing is written", file=sys.stderr)
        return False
    return True


def facts(imported: Imported) -> dict[str, object]:
    """Return what `--json` prints. source_line: 0 = the file as a whole. line: of `text`, null = none."""
    return {
        "text": imported.text,
        "errors": imported.has_errors,
        "notes": [
            {
                "severity": str(note.severity),
                "source": note.origin.file,
                "source_line": note.origin.line,
                "line": note.line,
                "message": note.message,
            }
            for note in imported.notes
        ],
    }
