"""Shell: `piranha plan [FILE]`: what a new lvs.cf would do to what is there now. Changes nothing."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from piranha.change.limit import removal
from piranha.change.plan import Line, Plan
from piranha.cli.change_options import NobodyToAsk, default_file, find_router
from piranha.cli.check import STANDARD_INPUT, more, read
from piranha.cli.elsewhere import elsewhere, run_folders
from piranha.cli.ending import CANNOT_TELL, fail, unreadable
from piranha.cli.options import folder_words, parser, screen_width
from piranha.cli.plan_facts import Ground, ground
from piranha.cli.plan_screen import hint, screen
from piranha.cli.words import count, safe
from piranha.control.client import NotPermitted
from piranha.control.daemon import CONFIG_FILES, Folders, config_file
from piranha.errors import PiranhaError
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError
from piranha.text import printable

NOTHING_TO_DO, BAD_FILE, CHANGES = 0, 1, 2

DESCRIPTION = """Show what an lvs.cf would change, and what each change costs. Changes nothing.
It asks the daemons of this router; where none runs, it reads the kernel, and the plan is about its table alone:
an empty one proves that an imported file says what is there.
Exit status 0: nothing to do, 1: the file has errors or cannot be read, 2: there are changes, 3: cannot tell."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("plan", DESCRIPTION)
    options.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help=f"- reads standard input; default: {CONFIG_FILES[0]}"
    )
    options.add_argument("--plane", choices=[str(kind) for kind in PlaneKind], help="whose table, when no daemon runs")
    options.add_argument("--all", action="store_true", help="list all of what is not changed by the file, too")
    args = options.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    try:
        loaded = read(_file(args.file, folders))
    except ReadError as error:
        return unreadable(error, BAD_FILE, as_json=args.json)
    if loaded.config is None:
        print(f"{loaded.render()}\n{more(loaded)}", file=sys.stderr)
        return fail(BAD_FILE, f"{loaded.path} has {count(len(loaded.errors), 'error')}", as_json=args.json)
    try:
        found = ground(loaded.config, folders, PlaneKind(args.plane) if args.plane else None)
    except NotPermitted:
        raise
    except PiranhaError as error:
        return fail(CANNOT_TELL, str(error), as_json=args.json)
    made = found.standing.plan(found.before, loaded.config)
    nobody = found.before is None
    if args.json:
        others = list(map(str, run_folders(folders))) if nobody else []
        print(json.dumps(_as_json(made, found, loaded) | {"elsewhere": others}))
    else:
        lines = _lines(made, found, loaded, loaded.config, args)
        if nobody and (words := elsewhere(folders)):
            lines.append(f"No daemon answers here; {words}")
        print(safe(lines))
    return NOTHING_TO_DO if made.empty else CHANGES


def _file(given: Path | None, folders: Folders) -> Path:
    """Return the file that is meant: the one that is named, else that of the daemon, else the first default file."""
    if given is not None:
        return given if given == STANDARD_INPUT else config_file(given)
    try:
        return Path(find_router(folders).file)
    except NobodyToAsk as error:
        return default_file(folders, error)


def _lines(made: Plan, found: Ground, loaded: Loaded, after: Config, args: Namespace) -> list[str]:
    serial = f"serial {after.serial_no}"
    if found.before is not None and found.before.serial_no != after.serial_no:
        serial = f"serial {found.before.serial_no} -> {after.serial_no}"
    lines = screen(made, f"{serial} against {found.against}", screen_width(), every=args.all)
    if loaded.warnings:
        lines.append(f"{count(len(loaded.warnings), 'warning')} about the file: piranha check {printable(loaded.path)}")
    if not made.empty and found.before is not None:
        lines.append(f"    {hint(made, loaded.path, mass=_over_limit(found.before, after), where=folder_words(args))}")
    return lines


def _over_limit(before: Config, after: Config) -> bool:
    return removal(before, after).over(before.change.limit_percent)


def _as_json(made: Plan, found: Ground, loaded: Loaded) -> dict[str, object]:
    before, after, daemons = found.before, loaded.config, made.daemons
    return {
        "against": found.against,
        "serial_no": {"before": before.serial_no if before else None, "after": after.serial_no if after else None},
        "nothing_to_do": made.empty,
        "counts": {str(kind): number for kind, number in made.counts.items()},
        "allow": made.highest,
        "over_change_limit": before is not None and after is not None and _over_limit(before, after),
        "lines": [_line(line) for line in made.lines],
        "drift": [_line(line) for line in made.drift],
        "refused": [_line(line) for line in made.refused],
        "waiting": [_line(line) for line in made.waiting],
        "leaving": [_line(line) for line in made.leaving],
        "ended": [_line(line) for line in made.ended],
        "by_hand": [_line(line) for line in made.by_hand],
        "left_alone": [str(key) for key in made.left_alone],
        "daemons": daemons
        and {
            "checks_start": daemons.checks_start,
            "checks_stop": daemons.checks_stop,
            "checks_go_on": daemons.checks_go_on,
            "restart": list(daemons.restart),
            "heartbeat_changes": daemons.heartbeat_changes,
        },
        "warnings": len(loaded.warnings),
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "kind": line.kind,
        "sign": line.sign,
        "about": line.about,
        "subject": line.subject,
        "what": line.what,
        "effect": line.effect,
        "connections_end": line.ends,
    }
