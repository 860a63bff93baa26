"""Shell: `piranha VERB`: finds the verb's module, runs it, and never shows a traceback."""

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

import piranha
from piranha import output
from piranha.cli.ending import INTERRUPTED, fail, status_of
from piranha.cli.options import USAGE, WrongUsage
from piranha.errors import PiranhaError

DEFECT = 70  # EX_SOFTWARE

VERBS = {
    "check": "judge an lvs.cf: every error and warning with its line",
    "explain": "tell what a finding means, with an example, and what to do",
    "set": "change a setting of lvs.cf",
    "unset": "take a setting out of lvs.cf",
    "edit": "edit lvs.cf in a copy that is checked before it is used",
    "fmt": "write an lvs.cf in the one layout",
    "show": "show every setting in force, with its line or default",
    "plan": "show what a new lvs.cf would change, and what each change costs",
    "status": "show routers, VIPs, virtual servers and every server that is not up",
    "stats": "show connections, totals and rates of virtual servers and servers",
    "why": "tell the story of a server, virtual server, VIP, router or of the configuration",
    "events": "list what was decided, newest last",
    "apply": "put a file in force, and take it back if it is not confirmed",
    "confirm": "keep the change that waits for it",
    "rollback": "put an earlier file in force again",
    "repair": "put back what others changed in the table and what was left",
    "history": "list the files that were in force, and who put them there",
    "diff": "compare two files, as text and in meaning",
    "switchover": "have the partner take over now, and wait until it has",
    "import": "make an lvs.cf out of the configuration of another program",
    "keygen": "write a key for signed heartbeats",
    "demo": "run a whole cluster on this machine, without privilege, and break it",
}


HELP = (
    "`piranha help VERB` says what a verb takes, `piranha help KEYWORD` what a keyword of lvs.cf does,",
    "`piranha explain CODE` what a finding means.",
)
MODULES = {"demo": "demo.main", "import": "import_"}  # those that are not named like their verb


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit status: 64 wrong usage, 70 a defect of Piranha, 74 output could not be written."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if words[:1] == ["demo"] and not {"-h", "--help"} & {*words}:
        return _guarded(words, debug)  # a show ends when nobody looks
    return output.steadily("piranha", lambda: _guarded(words, debug))


def _guarded(words: Sequence[str], debug: bool) -> int:
    try:
        return _run(words)
    except WrongUsage as end:
        if "--json" in words:
            print(json.dumps({"error": end.words, "status": USAGE}))
        raise
    except PiranhaError as error:
        if debug:
            traceback.print_exc()
        return fail(status_of(error), str(error), as_json="--json" in words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        if debug:
            traceback.print_exc()
        said = f"defect: {type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        fail(DEFECT, said, as_json="--json" in words)
        if not debug:
            print("piranha: say it again with --debug and report what it prints", file=sys.stderr)
        return DEFECT


def _run(words: Sequence[str]) -> int:
    if words[:1] == ["help"] and words[1:] and words[1] not in ("help", "version"):
        if words[1] not in VERBS:
            help_on: Callable[[Sequence[str], Iterable[str]], int] = importlib.import_module("piranha.cli.help").main
            return help_on(words[1:], VERBS)
        words = [words[1], "--help"]
    if not words or words[0] in ("help", "-h", "--help", "-?"):
        print(_help())
        return 0 if words else USAGE
    if words[0] in ("version", "--version"):
        print(f"piranha {piranha.__version__}")
        return 0
    verb = words[0]
    if verb not in VERBS:
        near = get_close_matches(verb, [*VERBS, "help", "version"], 3, 0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; see piranha help"
        return fail(USAGE, f"unknown verb {verb!r}{hint}", as_json="--json" in words)
    # Only the verb that runs is loaded: `check` need not wait for the rest.
    module = importlib.import_module(f"piranha.cli.{MODULES.get(verb, verb)}")
    run: Callable[[Sequence[str]], int] = module.main
    return run(words[1:])


def _help() -> str:
    lines = [f"  {verb:10} {what}" for verb, what in VERBS.items()]
    return "\n".join(["usage: piranha VERB [ARGUMENT…] [--debug]", "", *lines, "", *HELP])


if __name__ == "__main__":
    sys.exit(main())
