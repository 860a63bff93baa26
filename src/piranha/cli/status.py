"""Shell: `piranha status [NAME…]`: is everything as it should be, and if not, what is not."""

import json
import socket
import sys
import time
from collections.abc import Sequence

from piranha.cli.facts import text
from piranha.cli.names import known_names, nearest, resolve
from piranha.cli.options import Asked, ask_daemon, parser
from piranha.cli.status_facts import judge
from piranha.cli.status_screen import Screen, render
from piranha.cli.verdict import Verdict
from piranha.cli.words import count
from piranha.control.daemon import Folders
from piranha.errors import PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane

DESCRIPTION = """Show routers, VIPs, virtual servers and every server that is not up.
Exit status 0: all well, 1: degraded (anything marked !) or no such name, 2: outage, 3: cannot tell."""


def main(argv: Sequence[str]) -> int:
    """Run the verb; return its exit status."""
    options = parser("status", DESCRIPTION)
    options.add_argument("names", metavar="NAME", nargs="*", help="virtual servers or servers, such as www or www/web3")
    options.add_argument("--all", action="store_true", help="list servers that are up, too")
    args = options.parse_args(argv)
    folders = Folders.of(args.run_dir, args.state_dir)
    pulse, lvsd = ask_daemon("pulse", "status", folders), ask_daemon("lvsd", "status", folders)
    names: list[str] = []
    known = lvsd.data or {}
    for name in args.names if lvsd.data is not None else ():
        if not (found := resolve(name, known)):
            print(f"piranha: no such name: {name}{nearest(name, known_names(known))}", file=sys.stderr)
            return 1
        names += found
    verdict, findings = judge(pulse.data, lvsd.data, pulse_expected=pulse.installed)
    if args.names:
        findings = [one for one in findings if any(_about(one.subject, name) for name in names)]
        well = Verdict.OK if lvsd.data is not None else Verdict.UNKNOWN
        verdict = max((f.verdict for f in findings if f.mark == "!"), default=well)
    if args.json:
        marks = [
            {"mark": f.mark, "subject": f.subject, "text": f.text, "verdict": f.verdict.name.lower()} for f in findings
        ]
        facts = {"verdict": verdict.name.lower(), "findings": marks, "pulse": pulse.data, "lvsd": lvsd.data}
        print(
            json.dumps(
                facts | {"at": time.time(), "silent": {one.name: one.problem for one in (pulse, lvsd) if one.problem}}
            )
        )
        return verdict
    here = text((pulse.data or lvsd.data or {}).get("node")) or socket.gethostname()
    now = time.strftime("%d %b %H:%M:%S")
    screen = Screen(pulse.data, lvsd.data, verdict, findings, here, now, args.all, tuple(names))
    print("\n".join(render(screen)))
    if verdict is Verdict.UNKNOWN:
        print("\n".join(_silence(pulse, lvsd, folders)))
    return verdict


def _about(subject: str, name: str) -> bool:
    return subject == name or subject.startswith(name + "/")


def _silence(pulse: Asked, lvsd: Asked, folders: Folders) -> list[str]:
    """Say since when a daemon is silent, and what the table itself shows while `lvsd` is."""
    lines = [""]
    for daemon in (pulse, lvsd):
        if daemon.data is None and daemon.installed:
            since = "ever, it has left no record"
            if daemon.last_at_s is not None:
                since = time.strftime("%d %b %H:%M:%S", time.localtime(daemon.last_at_s)) + ", its last record"
            lines.append(f"{daemon.name}: unknown since {since}: {daemon.problem}")
        elif daemon.data is None:
            lines.append(f"{daemon.name}: never ran here: {daemon.problem}")
    if lvsd.data is None:
        forwarder = folders.run / SOCKET_NAME
        lines += _table(UserspacePlane(forwarder) if forwarder.exists() else IpvsPlane())
    return lines


def _table(plane: Plane) -> list[str]:
    try:
        found = plane.dump()
    except PiranhaError as error:
        return [f"the table cannot be read either: {error}"]
    finally:
        plane.close()
    lines = [f"the table itself has {count(len(found), 'service')}:"]
    for key, service in found.items():
        serving = sum(destination.weight > 0 for destination in service.destinations.values())
        lines.append(
            f"  {key}  {service.settings.scheduler}  {serving} of {len(service.destinations)} servers with weight"
        )
    return lines
