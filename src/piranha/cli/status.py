"""Shell: `piranha status [NAME…]`: is everything as it should be, and if not, what is not."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence

from piranha.change import journal
from piranha.cli.change_options import pending_on_disk
from piranha.cli.elsewhere import run_folders, where_to_look
from piranha.cli.facts import Facts, text
from piranha.cli.names import ALWAYS_KNOWN, PLACES, known_names, nearest, subjects
from piranha.cli.options import Asked, Parser, ask_daemon, parser
from piranha.cli.status_facts import about, judge
from piranha.cli.status_nagios import nagios_line
from piranha.cli.status_screen import Screen, render
from piranha.cli.status_silence import keeper_of_changes, silence
from piranha.cli.verdict import Finding, Verdict, verdict_age_s, verdict_of
from piranha.cli.words import WIDTH, duration, safe
from piranha.control.daemon import Folders
from piranha.text import printable

NARROWEST = 40

DESCRIPTION = """Show routers, VIPs, virtual servers and every server that is not up.
Exit status 0: all well, 1: degraded (anything marked !) or no such name, 2: outage, 3: cannot tell,
77: not permitted to look."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    args = _options().parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    pulse, lvsd = ask_daemon("pulse", "status", folders), ask_daemon("lvsd", "status", folders)
    if args.on and (problem := _elsewhere(args.on, pulse.data or lvsd.data or {})):
        print(f"piranha: {problem}", file=sys.stderr)
        return Verdict.UNKNOWN
    names: list[str] = []
    for name in args.names:
        found = subjects(name, pulse.data or {}, lvsd.data or {})
        if not found and lvsd.data is not None:
            known = [*known_names(lvsd.data), *ALWAYS_KNOWN, *PLACES]
            print(f"piranha: no such name: {printable(name)}{nearest(name, known)}", file=sys.stderr)
            return Verdict.DEGRADED
        names += found or [name]
    verdict, findings = judge(pulse.data, lvsd.data, pulse_expected=pulse.installed)
    if names:
        findings = about(findings, names, lvsd_answers=lvsd.data is not None)
        verdict = verdict_of(findings)
    if args.json:
        print(json.dumps(_as_json(verdict, findings, pulse, lvsd, folders)))
    elif args.nagios:
        print(nagios_line(verdict, findings, lvsd.data, names))
    else:
        print(safe(_screen(verdict, findings, pulse, lvsd, names=names, every_server=args.all)))
        if verdict is Verdict.UNKNOWN:
            print(safe(silence(pulse, lvsd, folders)))
            if pulse.data is None and lvsd.data is None:
                print(where_to_look(args, folders))
    return verdict


def _options() -> Parser:
    options = parser("status", DESCRIPTION)
    options.add_argument("names", metavar="NAME", nargs="*", help="such as www, www/web3, 10.11.12.23, a VIP, backup")
    options.add_argument("--all", action="store_true", help="list servers that are up, too, and all that is alike")
    options.add_argument("--nagios", action="store_true", help="print one line with performance data")
    options.add_argument("--on", metavar="ROUTER", choices=(*PLACES, "partner"), help="what that router says")
    return options


def _elsewhere(router: str, here: Facts) -> str:
    """Return why this router cannot answer for `router`, empty if it is that one."""
    node = text(here.get("node"))
    if router == node:
        return ""
    return f"--on {router}: routers do not answer for each other yet; say it on the {router} itself"


def _screen(
    verdict: Verdict,
    findings: Sequence[Finding],
    pulse: Asked,
    lvsd: Asked,
    *,
    names: Sequence[str],
    every_server: bool,
) -> list[str]:
    age_s = verdict_age_s(verdict, findings) if verdict is not Verdict.OK else None
    since = f"{_moment(time.time() - age_s)} ({duration(age_s)})" if age_s is not None else ""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH
    return render(
        Screen(
            pulse.data,
            lvsd.data,
            verdict,
            findings,
            here=text((pulse.data or lvsd.data or {}).get("node")) or socket.gethostname(),
            now=time.strftime("%d %b %H:%M:%S"),
            every_server=every_server,
            names=tuple(names),
            since=since,
            width=max(NARROWEST, min(WIDTH, columns)),
        )
    )


def _moment(at_s: float) -> str:
    today = time.strftime("%F", time.localtime(at_s)) == time.strftime("%F")
    return time.strftime("%H:%M:%S" if today else "%d %b %H:%M:%S", time.localtime(at_s))


def _as_json(
    verdict: Verdict, findings: Sequence[Finding], pulse: Asked, lvsd: Asked, folders: Folders
) -> dict[str, object]:
    waiting = pending_on_disk(folders) if keeper_of_changes(pulse, lvsd).data is None else None
    return {
        "verdict": verdict.name.lower(),
        "since_s": verdict_age_s(verdict, findings),
        "findings": [
            {"mark": f.mark, "subject": f.subject, "text": f.text, "verdict": f.verdict.name.lower(), "age_s": f.age_s}
            for f in findings
        ],
        "pulse": pulse.data,
        "lvsd": lvsd.data,
        "at": time.time(),
        "silent": {one.name: one.problem for one in (pulse, lvsd) if one.problem},
        "elsewhere": list(map(str, run_folders(folders))) if pulse.data is None and lvsd.data is None else [],
        "unconfirmed_on_disk": waiting.shown(journal.now()) if waiting is not None else None,
    }
