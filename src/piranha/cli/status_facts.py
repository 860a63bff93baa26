"""What is wrong, and how badly: judged from what `pulse` and `lvsd` answered to `status`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from piranha.cli.words import count, duration
from piranha.lvsd.overdue import STALE_INTERVALS
from piranha.nanny.protocol import SUMMARY_INTERVAL_S

Facts = Mapping[str, object]
Clock = Callable[[float], str]


class Verdict(IntEnum):
    """The first word of `piranha status` and its exit status."""

    OK = 0
    DEGRADED = 1
    OUTAGE = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line under the verdict. mark: `!` counts, `i` is a note. subject: what `piranha why` explains."""

    mark: str
    subject: str
    text: str
    verdict: Verdict = Verdict.DEGRADED


def judge(pulse: Facts | None, lvsd: Facts | None, *, pulse_expected: bool) -> tuple[Verdict, list[Finding]]:
    """Return the verdict and its reasons, the worst first.

    pulse_expected: a `pulse` runs or ran in this run folder; without one, `lvsd` runs alone.
    """
    findings: list[Finding] = []
    if pulse is not None:
        findings += _routers(pulse) + _vips(pulse)
    elif pulse_expected:
        findings.append(Finding("!", "pulse", "pulse on this router does not answer", Verdict.UNKNOWN))
    if lvsd is not None:
        findings += _daemon(lvsd)
        for virtual in dicts(lvsd.get("virtuals")):
            findings += _virtual(virtual)
    elif pulse is None or text(pulse.get("role")) == "active" or not _is_cold(pulse):
        findings.append(Finding("!", "lvsd", "lvsd on this router does not answer", Verdict.UNKNOWN))
    findings.sort(key=lambda finding: (finding.mark == "i", -finding.verdict))
    marked = [finding.verdict for finding in findings if finding.mark == "!"]
    # What cannot be told is said first: the rest may be worse than it looks.
    return max(marked, default=Verdict.OK), findings


def _is_cold(pulse: Facts) -> bool:
    return pulse.get("standby") == "cold"


def _routers(pulse: Facts) -> list[Finding]:
    found = []
    partner = pulse.get("partner")
    reasons = strings(pulse.get("not_ready"))
    if reasons:
        found.append(Finding("!", "router", "this router is not ready: " + "; ".join(reasons)))
    heard_active = isinstance(partner, dict) and partner.get("alive") is True and partner.get("role") == "active"
    if text(pulse.get("role")) != "active" and not heard_active:
        found.append(Finding("!", "router", "no active router is heard", Verdict.OUTAGE))
    if text(pulse.get("role")) == "active" and heard_active:
        found.append(Finding("!", "router", "both routers are active", Verdict.OUTAGE))
    if isinstance(partner, dict):
        found += _partner(pulse, partner)
    elif dicts(pulse.get("paths")) and pulse.get("paired") is not False:
        found.append(Finding("!", "partner", "the partner was never heard"))
    for path in dicts(pulse.get("paths")):
        if path.get("alive") is not True and isinstance(partner, dict) and partner.get("alive") is True:
            age = number(path.get("age_s"))
            since = f"silent for {duration(age)}" if age is not None else "never heard"
            found.append(Finding("!", "partner", f"path {text(path.get('name'))}: {since} {text(path.get('error'))}"))
    found += [Finding("!", "router", warning) for warning in strings(pulse.get("warnings"))]
    return found + _refused_file(pulse)


def _partner(pulse: Facts, partner: Facts) -> list[Finding]:
    age = duration(number(partner.get("age_s")) or 0.0)
    if partner.get("alive") is not True:
        return [Finding("!", "partner", f"the partner is not heard, last heartbeat {age} ago")]
    found = []
    if partner.get("ready") is not True:
        found.append(Finding("!", "partner", f"the partner is not ready: {text(partner.get('obstacle'))}"))
    ours, theirs = text(pulse.get("meaning")), text(partner.get("meaning"))
    if ours and theirs and ours != theirs:
        found.append(Finding("!", "config", "the routers run different configurations"))
    return found


def _vips(pulse: Facts) -> list[Finding]:
    if text(pulse.get("role")) != "active":
        held = [text(vip.get("address")) for vip in dicts(pulse.get("vips")) if vip.get("held") is True]
        return [Finding("!", "vip", f"{', '.join(held)} still here on a standby router")] if held else []
    missing = [text(vip.get("address")) for vip in dicts(pulse.get("vips")) if vip.get("held") is not True]
    return (
        [Finding("!", "vip", f"{', '.join(missing)} not held by the active router", Verdict.OUTAGE)] if missing else []
    )


def _daemon(lvsd: Facts) -> list[Finding]:
    found = [Finding("!", "lvsd", reason) for reason in strings(lvsd.get("not_ready"))]
    found += [Finding("!", "table", f"refused: {change}") for change in strings(lvsd.get("refused_changes"))]
    found += [Finding("i", "table", f"repaired: {words}") for words in strings(lvsd.get("overruled"))[-5:]]
    return found + _refused_file(lvsd)


def _refused_file(daemon: Facts) -> list[Finding]:
    refused = daemon.get("refused_file")
    if not isinstance(refused, dict):
        return []
    findings = strings(refused.get("findings"))
    more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
    age = duration(number(refused.get("age_s")) or 0.0)
    first = findings[0] if findings else "it cannot be used"
    return [Finding("!", "config", f"{text(refused.get('path'))} refused {age} ago: {first}{more}")]


def _virtual(virtual: Facts) -> list[Finding]:
    name = text(virtual.get("name"))
    found = []
    servers = dicts(virtual.get("servers"))
    if not any(booleans(virtual.get("in_table"))):
        found.append(Finding("!", name, "not in the table: clients are refused", Verdict.OUTAGE))
    elif not number(virtual.get("serving")):
        if virtual.get("sorry") is True:
            found.append(Finding("!", name, "only the sorry server serves"))
        elif all(text(server.get("state")) == "unknown" for server in servers) and servers:
            found.append(Finding("!", name, "serves nobody yet: no check has been answered", Verdict.OUTAGE))
        else:
            found.append(Finding("!", name, "serves nobody: no real server is up", Verdict.OUTAGE))
    for server in servers:
        found += _server(f"{name}/{text(server.get('name'))}", server)
    return found


def _server(name: str, server: Facts) -> list[Finding]:
    state = server_state(server)
    since = duration(number(server.get("since_s")) or 0.0)
    check = server.get("last_check")
    detail = text(check.get("detail")) if isinstance(check, dict) else ""
    if state.startswith(("down", "rising")):
        return [Finding("!", name, f"{state} {since}: {detail}" if detail else f"{state} {since}")]
    if state.startswith("unknown"):
        return [Finding("!", name, f"{state}: " + (detail or "no check has been answered"))]
    if state == "drain":
        return [
            Finding("i", name, f"weight 0 in lvs.cf, {count(int(number(server.get('active')) or 0), 'connection')}")
        ]
    return []


def server_state(server: Facts) -> str:
    """Return the state of a server, `unknown since …` when its last check is too old to tell."""
    state = text(server.get("state")) or "unknown"
    check, interval = server.get("last_check"), number(server.get("interval_s"))
    if not isinstance(check, dict) or not interval:
        return state
    age = number(check.get("age_s")) or 0.0
    if age > STALE_INTERVALS * max(interval, SUMMARY_INTERVAL_S) + (number(server.get("check_timeout_s")) or 0.0):
        return f"unknown since {duration(age)} ago"
    return state


def dicts(value: object) -> list[Facts]:
    """Return the objects of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """Return the texts of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def booleans(value: object) -> Sequence[bool]:
    """Return the truth values of a list, nothing for anything else."""
    return [one for one in value if isinstance(one, bool)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a text, empty for anything else."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return a number, None for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
