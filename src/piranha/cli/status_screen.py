"""The screen of `piranha status`, at most 96 columns wide, narrower where the terminal is."""

from collections.abc import Sequence
from dataclasses import dataclass

from piranha.cli.facts import Facts, dicts, facts, number, strings, text
from piranha.cli.names import of_routers
from piranha.cli.status_facts import is_by_hand, place_of, server_state, state_age_s, synchronised
from piranha.cli.verdict import Finding, Verdict
from piranha.cli.words import WIDTH, count, cut, duration, few, fitting, services_words

NARROW = 72
"""Where the last check of a server would not be readable beside everything else."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What to show.

    here: this router's name. now, since: the wall clock, and since when the verdict holds, ready to
    print. names: subjects that are asked for, empty = all. every_server: also those that are up, and all that is alike.
    """

    pulse: Facts | None
    lvsd: Facts | None
    verdict: Verdict
    findings: Sequence[Finding]
    here: str
    now: str
    every_server: bool = False
    names: tuple[str, ...] = ()
    since: str = ""
    width: int = WIDTH


def render(screen: Screen) -> list[str]:
    """Return the lines."""
    lines = _title(screen)
    findings = few(screen.findings, _says, every=_every(screen))
    width = max((len(finding.subject) for finding, _ in findings), default=0)
    for finding, more in findings:
        line = f"  {finding.mark} {finding.subject.ljust(width)}  {finding.text}".rstrip()
        lines.append(cut(line, screen.width))
        if more:
            words = f"{more} more like these (--all lists them)"
            lines.append(cut(f"  {finding.mark} {'…'.ljust(width)}  {words}", screen.width))
    if screen.pulse is not None and (not screen.names or any(map(of_routers, screen.names))):
        lines += ["", *_routers(screen, screen.pulse)]
        lines += _vips(screen, screen.pulse)
    if screen.lvsd is not None:
        lines += _sync(screen, screen.lvsd)
        lines += _virtuals(screen, screen.lvsd)
    return lines


def _says(finding: Finding) -> tuple[str, ...]:
    of_server = "/" if "/" in finding.subject else finding.subject.partition(" ")[0]
    return finding.mark, finding.verdict.name, of_server, finding.text


def _every(screen: Screen) -> bool:
    """Whether each finding and server is shown: --all says so, and who asks for names does."""
    return screen.every_server or bool(screen.names)


def _title(screen: Screen) -> list[str]:
    facts = screen.lvsd or screen.pulse or {}
    serial = number(facts.get("serial_no"))
    right = f"{screen.here}, {screen.now}" + (f", serial {serial:.0f}" if serial is not None else "")
    left = f"{text(facts.get('cluster')) or 'lvs'}: {screen.verdict.name}"
    if screen.since:
        left += f" since {screen.since}"
    if len(left) + 2 + len(right) > screen.width:
        return [cut(left, screen.width), cut(right, screen.width)]
    return [left + right.rjust(screen.width - len(left))]


def _routers(screen: Screen, pulse: Facts) -> list[str]:
    paths = dicts(pulse.get("paths"))
    head = ["ROUTER", "ROLE", "FOR", "READY", *(text(path.get("name")).upper() for path in paths), "GENERATION"]
    here = [
        f"{text(pulse.get('node')) or screen.here} *",
        text(pulse.get("role")),
        duration(number(pulse.get("since_s")) or 0.0),
        "yes" if pulse.get("ready") is True else "no !",
        *("-" for _ in paths),
        _whole(pulse.get("generation")),
    ]
    rows = [here]
    partner = pulse.get("partner")
    if isinstance(partner, dict):
        alive = partner.get("alive") is True
        ages = [number(path.get("age_s")) for path in paths]
        silent_s = duration(number(partner.get("age_s")) or 0.0)
        rows.append(
            [
                text(partner.get("node")),
                text(partner.get("role")) if alive else f"unknown since {silent_s} ago",
                "-",
                ("yes" if partner.get("ready") is True else "no !") if alive else "?",
                *("never !" if age is None else duration(age) for age in ages),
                _whole(partner.get("generation")),
            ]
        )
    spare = ("GENERATION", *reversed(head[4:-1]), "FOR")
    return fitting(head, rows, screen.width, ("FOR", "READY", "GENERATION"), spare)


def _vips(screen: Screen, pulse: Facts) -> list[str]:
    vips = dicts(pulse.get("vips"))
    if not vips:
        return []
    partner = pulse.get("partner")
    partner_active = isinstance(partner, dict) and partner.get("alive") is True and partner.get("role") == "active"
    other = text(partner.get("node")) if isinstance(partner, dict) and partner_active else "?"
    rows = []
    for vip in vips:
        held = vip.get("held") is True
        on = (text(pulse.get("node")) or screen.here) if held else other
        rows.append([text(vip.get("address")), on, text(vip.get("device")), _lease(pulse) if held else "-"])
    return ["", *fitting(["VIP", "ON", "DEVICE", "LEASE"], rows, screen.width, (), ("LEASE", "DEVICE"))]


def _sync(screen: Screen, lvsd: Facts) -> list[str]:
    sync = facts((facts(lvsd.get("kernel")) or {}).get("sync"))
    if sync is None or (screen.names and not any(map(of_routers, screen.names))):
        return []
    return ["", cut(f"SYNC  {synchronised(sync)}", screen.width)]


def _lease(pulse: Facts) -> str:
    lease = pulse.get("lease")
    if not isinstance(lease, dict):
        return "-"
    left, valid = number(lease.get("remaining_s")), number(lease.get("valid_s"))
    if lease.get("unlimited") is True or left is None or valid is None:
        return "no limit"
    return f"{left:.1f} of {valid:g}"


def _virtuals(screen: Screen, lvsd: Facts) -> list[str]:
    virtuals = [virtual for virtual in dicts(lvsd.get("virtuals")) if _wanted(screen, text(virtual.get("name")))]
    if not virtuals:
        return []
    marks = {finding.subject: finding.verdict for finding in screen.findings if finding.mark == "!"}
    rows, servers, hidden = [], [], 0
    for virtual in virtuals:
        own = dicts(virtual.get("servers"))
        name = text(virtual.get("name"))
        rows.append(_virtual_row(virtual, own, _worst(name, own, marks)))
        for server in own:
            if server_state(server) == "up" and not is_by_hand(server) and not _every(screen):
                hidden += 1
            else:
                servers.append(_server_row(name, server))
        servers += [_unchecked_row(name, server, "leaving") for server in dicts(virtual.get("leaving"))]
        servers += [_unchecked_row(name, server, "by hand") for server in dicts(virtual.get("added_by_hand"))]
    head = ["VIRTUAL", "SERVICE", "HOW", "UP", "CONNS", "NEW/S", "OUT BY", "STATE"]
    if all(row[5] == "-" for row in rows):  # a plane that does not estimate
        head, rows = _without(head, 5), [_without(row, 5) for row in rows]
    numbers = ("UP", "CONNS", "NEW/S", "OUT BY")
    lines = ["", *fitting(head, rows, screen.width, numbers, ("HOW", "OUT BY", "NEW/S", "SERVICE", "CONNS"))]
    kept = few(servers, lambda row: (row[2], row[6]), every=_every(screen))
    if servers:
        head = ["SERVER", "ADDRESS", "STATE", "WEIGHT", "CONNS", "FOR", "LAST CHECK"]
        spare: Sequence[str] = () if screen.width > NARROW else ("CONNS", "WEIGHT", "ADDRESS")
        rows = [row for row, _ in kept]
        lines += ["", *fitting(head, rows, screen.width, ("WEIGHT", "CONNS", "FOR"), spare)]
    if alike := len(servers) - len(kept):
        lines.append(cut(f"{count(alike, 'more server')} like these (--all lists them)", screen.width))
    if hidden:
        rest = "none otherwise" if not servers else "see above for the others"
        lines.append(cut(f"{count(hidden, 'server')} up, {rest} (--all lists them)", screen.width))
    return lines


def _without(row: Sequence[str], place: int) -> list[str]:
    return [*row[:place], *row[place + 1 :]]


def _wanted(screen: Screen, virtual: str) -> bool:
    return not screen.names or any(name.partition("/")[0] == virtual for name in screen.names)


def _worst(name: str, servers: Sequence[Facts], marks: dict[str, Verdict]) -> str:
    subjects = [name, *(f"{name}/{text(server.get('name'))}" for server in servers)]
    worst = max((marks.get(subject, Verdict.OK) for subject in subjects), default=Verdict.OK)
    return "ok" if worst is Verdict.OK else f"{worst.name.lower()} !"


def _virtual_row(virtual: Facts, servers: Sequence[Facts], state: str) -> list[str]:
    everybody = (*servers, *dicts(virtual.get("leaving")), *dicts(virtual.get("added_by_hand")))
    conns = sum(int(number(server.get("active")) or 0) for server in everybody)
    return [
        text(virtual.get("name")),
        services_words(strings(virtual.get("services"))),
        text(virtual.get("how")),
        f"{int(number(virtual.get('up')) or 0)}/{len(servers)}",
        str(conns),
        _rate(virtual.get("new_per_s")),
        f"{number(virtual.get('out_by_s')) or 0.0:g}s",
        state,
    ]


def _server_row(virtual: str, server: Facts) -> list[str]:
    weight, wanted = number(server.get("weight")), number(server.get("configured_weight"))
    shown = "-" if weight is None else f"{weight:.0f}" if weight == wanted else f"{weight:.0f}/{wanted or 0:.0f}"
    check = server.get("last_check")
    last = "none yet"
    if isinstance(check, dict):
        detail = text(check.get("detail")) or text(check.get("reason"))
        last = f"{detail}, {duration(number(check.get('age_s')) or 0.0)} ago"
    return [
        f"{virtual}/{text(server.get('name'))}",
        place_of(server),
        "by hand" if server_state(server) == "up" and is_by_hand(server) else server_state(server),
        shown,
        "-" if weight is None else _whole(server.get("active")),
        duration(state_age_s(server)),
        last,
    ]


def _unchecked_row(virtual: str, server: Facts, state: str) -> list[str]:
    since_s = number(server.get("since_s"))
    return [
        f"{virtual}/{text(server.get('name'))}",
        place_of(server),
        state,
        _whole(server.get("weight")),
        _whole(server.get("active")),
        "-" if since_s is None else duration(since_s),
        "not checked any more" if state == "leaving" else "not checked",
    ]


def _rate(value: object) -> str:
    """Return a rate; a little is not nothing."""
    found = number(value)
    return f"{found:.1f}" if found is not None and 0.05 <= found < 0.95 else _whole(value)


def _whole(value: object) -> str:
    found = number(value)
    return "-" if found is None else f"{found:.0f}"
