"""Shell: `piranha show NAME…`: every setting in force, with its line in lvs.cf or where else it comes from."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piranha.cli.blocks import NoSuchName, find
from piranha.cli.change_options import running_file
from piranha.cli.ending import fail, unreadable
from piranha.cli.options import parser
from piranha.cli.words import WIDTH, count, cut, safe
from piranha.control.client import NotPermitted
from piranha.control.daemon import Folders, config_file
from piranha.control.state_files import StateFiles
from piranha.lvscf.directives import Status
from piranha.lvscf.in_force import NONE, InForce, Origin, in_force
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block
from piranha.lvsd.accepted import FILE, read_accepted
from piranha.text import printable

DESCRIPTION = """Show every setting in force of the file (global), a virtual server (www), a server (www/web3, */web3,
10.11.12.23) or a check block (check/healthz): its value, and its line, *default*, or the block it is inherited from.
The file is the one that the daemons accepted last; without such a one lvs.cf itself.
Exit status 0: shown, 1: no such name, or the file has errors, 2: no file can be read."""

VALUE_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Shown:
    """One block by its name and its settings."""

    name: str
    settings: tuple[InForce, ...]


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("show", DESCRIPTION)
    options.add_argument("names", metavar="NAME", nargs="+", help="global, or such as www, www/web3, 10.11.12.23")
    options.add_argument("-c", "--configfile", metavar="FILE", type=Path, help="this file, not the accepted one")
    options.add_argument("--all", action="store_true", help="list keywords without a value, too")
    args = options.parse_args(argv)
    try:
        path, title = _source(args.configfile, Folders.of(args.run_dir, args.state_dir))
        loaded = read_and_load(path)
    except ReadError as error:
        return unreadable(error, 2, as_json=args.json)
    if loaded.config is None:
        number = count(len(loaded.errors), "error")
        return fail(1, f"{path}: {number}, so that nothing of it is in force", as_json=args.json)
    found, missing = _blocks(loaded, args.names)
    if missing and not found:
        return fail(1, "; ".join(missing), as_json=args.json)
    for problem in missing:
        print(f"piranha: {printable(problem)}", file=sys.stderr)
    if not args.all:
        found = [Shown(one.name, tuple(s for s in one.settings if s.value != NONE or s.told)) for one in found]
    if args.json:
        print(json.dumps([_facts(one, path) for one in found]))
    elif found:
        print(safe([title, *(line for one in found for line in _screen(one))]))
    return 1 if missing else 0


def _source(given: Path | None, folders: Folders) -> tuple[Path, str]:
    """Return the file to read, and a line that says which one it is."""
    if given is not None:
        return given, f"{given}"
    kept = StateFiles(folders.state, folders.run)
    try:
        accepted = read_accepted(kept) if kept.path(FILE).exists() else None
    except PermissionError:
        raise NotPermitted(
            f"{folders.state}: the accepted file is for the group piranha; or name a file with -c"
        ) from None
    except OSError:
        accepted = None
    if accepted is not None:
        path = kept.path(FILE)
        return path, f"accepted file, generation {accepted.generation}, serial {accepted.serial_no} ({path})"
    if (theirs := running_file(folders)) is not None:
        return theirs, f"{theirs}, the file of the daemon that runs here"
    return config_file(None), f"{config_file(None)}; no daemon has accepted a file here"


def _blocks(loaded: Loaded, names: Sequence[str]) -> tuple[list[Shown], list[str]]:
    tree, _ = parse(loaded.text)
    found: dict[str, Block | None] = {}
    missing = []
    for name in names:
        try:
            found |= {place.name: place.block for place in find(name, tree, loaded.config)}
        except NoSuchName as problem:
            missing.append(str(problem))
    return [Shown(name, in_force(tree, block)) for name, block in found.items()], missing


def _screen(shown: Shown) -> list[str]:
    names = [setting.keyword for setting in shown.settings]
    values = [cut(setting.value, VALUE_WIDTH) for setting in shown.settings]
    width, value_width = max(map(len, names), default=0), max(map(len, values), default=0)
    lines = ["", shown.name]
    for setting, value in zip(shown.settings, values, strict=True):
        lines.append(cut(f"  {setting.keyword:<{width}}  {value:<{value_width}}  {_origin(setting)}".rstrip(), WIDTH))
    return lines


def _origin(setting: InForce) -> str:
    note = "" if setting.status is Status.ACTED_ON else f", {setting.status.value}"
    match setting.origin:
        case Origin.FILE:
            return f"line {setting.line}{note}"
        case Origin.INHERITED:
            return f"inherited from {setting.told}, line {setting.line}{note}"
        case Origin.DEFAULT:
            return f"default: {setting.told}" if setting.told else "default"


def _facts(shown: Shown, path: Path) -> dict[str, object]:
    return {
        "name": shown.name,
        "path": str(path),
        "settings": [
            {
                "keyword": setting.keyword,
                "value": None if setting.value == NONE else setting.value,
                "origin": str(setting.origin),
                "line": setting.line,
                "default_is": setting.told if setting.origin is Origin.DEFAULT else "",
                "status": setting.status.value,
            }
            for setting in shown.settings
        ],
    }
