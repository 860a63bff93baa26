"""Shell: `piranha fmt [FILE]`: write lvs.cf in the one layout; it means the same as before."""

import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from piranha.cli.check import STANDARD_INPUT, read
from piranha.cli.ending import fail, unreadable
from piranha.cli.in_force import encoded, write
from piranha.cli.options import Parser
from piranha.cli.words import count
from piranha.control.daemon import CONFIG_FILES, config_file
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError
from piranha.lvscf.syntax.layout import formatted
from piranha.lvscf.syntax.parser import parse
from piranha.text import printable

DESCRIPTION = """Write an lvs.cf in the one layout. Words, comments and their order stay, and so do mode and owner.
A file with errors is left as it is. Exit status 0: it has the layout; 1: it has errors, or with --check or
--diff: it would be changed; 2: cannot be read."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = Parser(prog="piranha fmt", description=DESCRIPTION, allow_abbrev=False)
    options.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help=f"- reads stdin, writes stdout; default: {CONFIG_FILES[0]}"
    )
    options.add_argument("--check", action="store_true", help="write nothing, only say whether it would be changed")
    options.add_argument("--diff", action="store_true", help="write nothing, print what would be changed")
    options.add_argument("--json", action="store_true", help="print JSON")
    args = options.parse_args(argv)
    path = args.file or config_file(None)
    if path == STANDARD_INPUT and args.json:
        options.error("with - the file itself is printed: no --json")
    try:
        loaded = read(path)
    except ReadError as error:
        return unreadable(error, 2, as_json=args.json)
    if loaded.config is None:
        print(loaded.render(), file=sys.stderr, flush=True)
        return fail(1, f"{loaded.path}: has {count(len(loaded.errors), 'error')}, is as it was", as_json=args.json)
    text = formatted(parse(loaded.text)[0])
    only_look = args.check or args.diff
    if args.diff and not args.json:
        print("\n".join(printable(line) for line in differences(loaded, text)))
    if path == STANDARD_INPUT and not only_look:
        sys.stdout.flush()
        sys.stdout.buffer.write(encoded(text))
        return 0
    if text != loaded.text and not only_look:
        write(path, encoded(text))
    if args.json:
        diff = {"diff": differences(loaded, text)} if args.diff else {}
        written = text != loaded.text and not only_look
        print(json.dumps({"path": loaded.path, "changed": text != loaded.text, "written": written, **diff}))
    else:
        _tell(loaded, text, only_look=only_look)
    return 1 if only_look and text != loaded.text else 0


def differences(loaded: Loaded, text: str) -> list[str]:
    """Return what changes, as diff(1) shows it."""
    old, new = loaded.text.split("\n"), text.split("\n")
    return list(difflib.unified_diff(old, new, loaded.path, f"{loaded.path} in the one layout", lineterm=""))


def _tell(loaded: Loaded, text: str, *, only_look: bool) -> None:
    said = "has the layout already"
    if text != loaded.text:
        said = "would be changed" if only_look else "written in the one layout"
    print(f"{printable(loaded.path)}: {said}", file=sys.stderr)
