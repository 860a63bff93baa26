"""What is wrong, and how badly: judged from what `pulse` and `lvsd` answered to `status`."""

from collections.abc import Sequence

from piranha.cli.facts import Facts, booleans, dicts, facts, number, strings, text
from piranha.cli.names import KERNEL, ROUTER, VIP, of_routers
from piranha.cli.status_routers import is_active, router_findings
from piranha.cli.verdict import Finding, Verdict, verdict_of
from piranha.cli.words import count, duration, services_words
from piranha.lvsd.overdue import STALE_INTERVALS
from piranha.nanny.results import SUMMARY_INTERVAL_S, Reason

OLD_TABLE_S = 3.0
"""A reading of the table this old was not renewed for the answer: the kernel was too slow."""
NOTES_SHOWN = 5
"""Of one kind; more are counted, or the newest are shown."""


def judge(pulse: Facts | None, lvsd: Facts | None, *, pulse_expected: bool) -> tuple[Verdict, list[Finding]]:
    """Return the verdict and its reasons, the worst first.

    pulse_expected: a `pulse` runs or ran in this run folder; without one, `lvsd` runs alone.
    """
    findings: list[Finding] = []
    if pulse is not None:
        findings += router_findings(pulse) + _common(pulse)
    elif pulse_expected:
        findings.append(Finding("!", "pulse", "pulse on this router does not answer", Verdict.UNKNOWN))
    if lvsd is not None:
        findings += _daemon(lvsd) + _common(lvsd)
        for virtual in dicts(lvsd.get("virtuals")):
            findings += _virtual(virtual, standby=text(lvsd.get("role")) == "standby")
    elif pulse is None or is_active(pulse) or text(pulse.get("standby")) != "cold":
        findings.append(Finding("!", "lvsd", "lvsd on this router does not answer", Verdict.UNKNOWN))
    if pulse is not None and lvsd is not None:
        findings += _out_of_step(pulse, lvsd)
    findings = list(dict.fromkeys(findings))
    findings.sort(key=lambda finding: (finding.mark == "i", -finding.verdict))
    return verdict_of(findings), findings


def about(findings: Sequence[Finding], names: Sequence[str], *, lvsd_answers: bool) -> list[Finding]:
    """Return the findings about subjects in `names`; while lvsd is silent, that is one about each server."""
    kept = [one for one in findings if any(_is_about(one.subject, name) for name in names)]
    if not lvsd_answers and not all(map(of_routers, names)):
        kept += [one for one in findings if one.verdict is Verdict.UNKNOWN and one not in kept]
    return kept


def _is_about(subject: str, name: str) -> bool:
    if subject in ROUTER or subject == VIP:
        return of_routers(name)
    return subject == name or subject.startswith(name + "/")


def _out_of_step(pulse: Facts, lvsd: Facts) -> list[Finding]:
    ours, theirs = number(pulse.get("generation")), number(lvsd.get("generation"))
    if ours is None or theirs is None or ours == theirs:
        return []
    words = f"lvsd runs generation {theirs:.0f} of the configuration, pulse {ours:.0f}"
    return [Finding("!", "config", words)]


def _common(daemon: Facts) -> list[Finding]:
    """Return what both daemons tell in the same way: a refused file, and what is wrong with their records."""
    found = _refused_file(daemon) + _unconfirmed(daemon)
    record = facts(daemon.get("record")) or {}
    if trouble := text(record.get("trouble")):
        found.append(Finding("!", "record", f"events cannot be written: {trouble}"))
    step_s, age_s = number(record.get("clock_step_s")), number(record.get("clock_step_age_s"))
    if step_s is not None and age_s is not None:
        way = "back" if step_s < 0 else "forward"
        words = f"the clock was set {way} by {duration(abs(step_s))}, {duration(age_s)} ago"
        found.append(Finding("i", "clock", f"{words}: times before are of the old one"))
    return found


def _daemon(lvsd: Facts) -> list[Finding]:
    reasons = strings(lvsd.get("not_ready"))
    found = []
    if lvsd.get("serving") is False:
        # The first reason is why the table is not known; what is said of services below is old then.
        found.append(Finding("!", "table", reasons[0] if reasons else "the table is not known", Verdict.UNKNOWN))
        reasons = reasons[1:]
    elif (age_s := number(lvsd.get("table_age_s")) or 0.0) > OLD_TABLE_S:
        found.append(Finding("i", "table", f"read {duration(age_s)} ago: the kernel is slow to show it"))
    found += [Finding("!", "lvsd", reason) for reason in reasons]
    if trouble := text(lvsd.get("state_trouble")):
        found.append(Finding("!", "lvsd", f"state cannot be written: {trouble}"))
    found += [Finding("!", "table", f"refused: {change}") for change in strings(lvsd.get("refused_changes"))]
    for repair in dicts(lvsd.get("overruled"))[-NOTES_SHOWN:]:
        age = duration(number(repair.get("age_s")) or 0.0)
        found.append(Finding("i", "table", f"repaired {age} ago: {text(repair.get('what'))}"))
    changed = strings(lvsd.get("left_alone"))
    found += [Finding("i", "table", f"left as it is: {words}") for words in changed[:NOTES_SHOWN]]
    if len(changed) > NOTES_SHOWN:
        words = f"{len(changed) - NOTES_SHOWN} more changed by others and left (piranha repair --dry-run)"
        found.append(Finding("i", "table", words))
    found += _kernel(facts(lvsd.get("kernel")) or {})
    found += _mark_rules(facts(lvsd.get("mark_rules")) or {}, standby=text(lvsd.get("role")) == "standby")
    if (observing := facts(lvsd.get("observing"))) is not None:
        found += _observing(observing)
    found += _maintenance(facts(lvsd.get("maintenance")) or {})
    waiting = strings(lvsd.get("waiting"))
    found += [Finding("i", "config", sentence) for sentence in waiting[:NOTES_SHOWN]]
    if len(waiting) > NOTES_SHOWN:
        found.append(Finding("i", "config", f"{len(waiting) - NOTES_SHOWN} more such settings (piranha check)"))
    return found


def _kernel(kernel: Facts) -> list[Finding]:
    found = [
        Finding("!", KERNEL, f"{text(one.get('setting'))} cannot be set: {text(one.get('why'))}")
        for one in dicts(kernel.get("refused"))
    ]
    for repair in dicts(kernel.get("overruled"))[-NOTES_SHOWN:]:
        age = duration(number(repair.get("age_s")) or 0.0)
        found.append(Finding("i", KERNEL, f"put right {age} ago: {text(repair.get('what'))}"))
    if (sync := facts(kernel.get("sync"))) is not None:
        found += _sync(sync)
    if idle := strings(kernel.get("without_effect")):
        found.append(Finding("i", KERNEL, f"not written, {text(kernel.get('why_without_effect'))}: {', '.join(idle)}"))
    return found


def _mark_rules(rules: Facts, *, standby: bool) -> list[Finding]:
    """Return what is wrong with the firewall rules of `mark_rules`; without them nobody is served by mark."""
    found, trouble = [], text(rules.get("trouble"))
    # A standby serves nobody yet: there is time to mend it.
    worst = Verdict.DEGRADED if standby or rules.get("set") is True else Verdict.OUTAGE
    for name in strings(rules.get("virtuals")) if trouble else ():
        found.append(Finding("!", name, f"{not_marked(rules)}: {trouble}", worst))
    if trouble and not found:
        found.append(Finding("!", "table", trouble))
    for repair in dicts(rules.get("repaired"))[-NOTES_SHOWN:]:
        age = duration(number(repair.get("age_s")) or 0.0)
        found.append(Finding("i", "table", f"mark rules repaired {age} ago: {text(repair.get('what'))}"))
    return found


def _observing(observing: Facts) -> list[Finding]:
    """Return that nothing is written, and what differs: a fault once it has lasted longer than a matter of timing."""
    began, brief = (_total(facts(observing.get(name)) or {}) for name in ("began", "brief"))
    now, since = int(number(observing.get("now")) or 0), duration(number(observing.get("since_s")) or 0.0)
    words = f"observing for {since}, nothing is written: {count(began, 'difference')} from the table, {brief} brief"
    found = [Finding("i", "lvsd", f"{words}; {now} now")]
    shown = dicts(observing.get("differences"))[:NOTES_SHOWN]
    for one in shown:
        age_s = number(one.get("age_s")) or 0.0
        words = f"{text(one.get('kind'))} for {duration(age_s)}: {text(one.get('what'))}"
        lasting = one.get("lasting") is True
        found.append(
            Finding("!" if lasting else "i", text(one.get("subject")), words, age_s=age_s if lasting else None)
        )
    if now > len(shown):
        found.append(Finding("i", "table", f"{now - len(shown)} more differences (piranha events)"))
    return found


def _total(counts: Facts) -> int:
    return sum(int(number(one) or 0) for one in counts.values())


def _sync(sync: Facts) -> list[Finding]:
    if trouble := text(sync.get("trouble")):
        if sync.get("unknown") is True:
            return [Finding("!", KERNEL, f"whether connections are synchronised is unknown: {trouble}")]
        by = text(sync.get("goes_on"))
        how = f"synchronised, but not as they should be: by {by}" if by else "not synchronised"
        return [Finding("!", KERNEL, f"connections are {how}: {trouble}")]
    found = []
    if lacking := strings(sync.get("lacking")):
        found.append(Finding("!", KERNEL, f"this kernel knows no {', '.join(lacking)}: Linux 4.3 does"))
    if otherwise := text(sync.get("otherwise")):
        found.append(Finding("!", KERNEL, f"the kernel has made the sync daemon otherwise: {otherwise}"))
    return found


def _maintenance(folder: Facts) -> list[Finding]:
    found = []
    if trouble := text(folder.get("trouble")):
        words = f"{text(folder.get('folder'))} cannot be read, who is drained stays so: {trouble}"
        found.append(Finding("!", "maintenance_dir", words))
    if odd := strings(folder.get("odd")):
        more = int(number(folder.get("odd_count")) or 0) - len(odd)
        words = ", ".join(odd) + (f" and {more} more" if more > 0 else "")
        found.append(Finding("i", "maintenance_dir", f"no file that is named like a server: {words}"))
    return found


def _refused_file(daemon: Facts) -> list[Finding]:
    refused = facts(daemon.get("refused_file"))
    if refused is None:
        return []
    findings = strings(refused.get("findings"))
    more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
    age_s = number(refused.get("age_s")) or 0.0
    first = findings[0] if findings else "it cannot be used"
    words = f"{text(refused.get('path'))} refused {duration(age_s)} ago: {first}{more}"
    return [Finding("!", "config", words, age_s=age_s)]


def _unconfirmed(daemon: Facts) -> list[Finding]:
    """Return the change that goes back by itself: a note while it waits, a fault when it cannot go back."""
    waiting = facts(daemon.get("unconfirmed"))
    if waiting is None:
        return []
    age_s, left_s = number(waiting.get("age_s")) or 0.0, number(waiting.get("left_s")) or 0.0
    new, old = number(waiting.get("serial_no")) or 0, number(waiting.get("back_to_serial_no")) or 0
    if (trouble := text(waiting.get("trouble"))) or text(waiting.get("going_back")):
        words = f"serial {new:.0f} is being taken back: {text(waiting.get('going_back'))}"
        return [Finding("!", "config", f"{words}; {trouble}" if trouble else words)]
    who = text(waiting.get("who")).partition(",")[0]
    words = f"serial {new:.0f}, applied by {who} {duration(age_s)} ago, goes back to serial {old:.0f} in {left_s:.0f}s"
    return [Finding("i", "config", f"{words} (piranha confirm)")]


def _virtual(virtual: Facts, *, standby: bool) -> list[Finding]:
    name, servers = text(virtual.get("name")), dicts(virtual.get("servers"))
    states = [server_state(server) for server in servers]
    found = []
    in_table = booleans(virtual.get("in_table"))
    if virtual.get("cold") is True and not any(in_table):
        found.append(Finding("i", name, "not in the table of this standby: it is a real server, without backup_only"))
    elif not any(in_table):
        found.append(Finding("!", name, "not in the table: clients are refused", Verdict.OUTAGE))
    elif not number(virtual.get("serving")):
        found.append(_deserted(name, virtual, servers))
    elif states and all(state.startswith("unknown since") for state in states):
        found.append(Finding("!", name, "nobody knows whether it serves: checks have stopped", Verdict.UNKNOWN))
    if any(in_table) and not all(in_table):
        services = strings(virtual.get("services"))
        missing = [service for service, there in zip(services, in_table, strict=False) if not there]
        found.append(Finding("!", name, f"{services_words(missing)} not in the table: clients are refused"))
    if (cut := facts(virtual.get("not_forwarded"))) is not None:
        # A standby serves nobody yet: there is time to switch it on.
        outage = cut.get("whole") is True and not standby
        found.append(Finding("!", name, not_forwarded(cut), Verdict.OUTAGE if outage else Verdict.DEGRADED))
    for server in servers:
        found += _server(f"{name}/{text(server.get('name'))}", server)
    unchecked = [(one, leaving(one)) for one in dicts(virtual.get("leaving"))]
    unchecked += [(one, added(one)) for one in dicts(virtual.get("added_by_hand"))]
    found += [Finding("i", f"{name}/{text(one.get('name'))}", words) for one, words in unchecked]
    return found


def _deserted(name: str, virtual: Facts, servers: list[Facts]) -> Finding:
    if virtual.get("sorry") is True:
        return Finding("!", name, "only the sorry server serves")
    if any(number(one.get("weight")) for one in dicts(virtual.get("added_by_hand"))):
        return Finding("!", name, "only what was added by hand serves, and nobody checks it")
    if servers and all(text(server.get("state")) == "unknown" for server in servers):
        return Finding("!", name, "serves nobody yet: no check has been answered", Verdict.OUTAGE)
    # The last one to go made it an outage.
    age_s = min(map(state_age_s, servers), default=None)
    drained = servers and all(text(server.get("state")) == "drain" for server in servers)
    why = "every real server is drained" if drained else "no real server is up"
    return Finding("!", name, f"serves nobody: {why}", Verdict.OUTAGE, age_s)


def _server(name: str, server: Facts) -> list[Finding]:
    return _health(name, server) + ([Finding("i", name, by_hand(server))] if is_by_hand(server) else [])


def _health(name: str, server: Facts) -> list[Finding]:
    state = server_state(server)
    since_s = number(server.get("since_s")) or 0.0
    check = facts(server.get("last_check")) or {}
    detail = text(check.get("detail"))
    if state.startswith(("down", "rising")):
        words = f"{state} {duration(since_s)}"
        return [Finding("!", name, f"{words}: {detail}" if detail else words, age_s=since_s)]
    if state.startswith("unknown"):
        age_s = number(check.get("age_s")) or since_s
        return [Finding("!", name, f"{state}: " + (detail or "no check has been answered"), age_s=age_s)]
    if text(check.get("reason")) == Reason.ERROR:
        return [Finding("!", name, f"cannot be checked, believed {state}: {detail}")]
    rests = number(server.get("weight_by_check")) == 0
    if state == "kept" and rests and text(check.get("reason")) == Reason.OK:
        return [Finding("!", name, f"given weight 0 by its check, kept by keep_active: {detail}")]
    if state == "kept":
        words = f"failing for {duration(since_s)}, kept by keep_active"
        return [Finding("!", name, f"{words}: {detail}" if detail else words, age_s=since_s)]
    if state.startswith("falling"):
        return [Finding("i", name, f"{state}: {detail}")]
    if state == "drain" and (text(server.get("drained_by")) or not is_by_hand(server)):
        left = count(int(number(server.get("active")) or 0), "connection")
        return [Finding("i", name, f"{drained(server)}, {left}")]
    return []


def place_of(server: Facts) -> str:
    """Return `10.0.0.1:80`, `[2001:db8::1]:80`."""
    address, port = text(server.get("address")), number(server.get("port"))
    where = f"[{address}]" if ":" in address else address
    return f"{where}:{'-' if port is None else f'{port:.0f}'}"


def state_age_s(server: Facts) -> float:
    """Return for how long a server is what it is: up, down, drained."""
    drained_s = None
    if text(server.get("state")) == "drain":
        drained_s = number(server.get("drained_s" if text(server.get("drained_by")) else "by_hand_s"))
    return number(server.get("since_s")) or 0.0 if drained_s is None else drained_s


def synchronised(sync: Facts) -> str:
    """Return `master on eth1, id 7`: the sync daemons that run. sync: what `lvsd` told of them."""
    states = " and ".join(strings(sync.get("states")))
    if sync.get("unknown") is True:
        return f"unknown: {text(sync.get('trouble'))}"
    if not states:
        return text(sync.get("trouble")) or "nothing runs yet"
    where = f" on {text(sync.get('interface'))}, id {number(sync.get('id')) or 0:.0f}" if sync.get("interface") else ""
    guard = ", backup_only" if "backup" in states and text(sync.get("backup_only")) == "1" else ""
    return f"{states}{where}{guard}"


def drained(server: Facts) -> str:
    """Say why a server gets no new connections although it is up."""
    if path := text(server.get("drained_by")):
        return f"drained by {path} for {duration(number(server.get('drained_s')) or 0.0)}"
    by_check = number(server.get("weight_by_check")) == 0 and number(server.get("configured_weight")) != 0
    return f"weight 0 {'by its check' if by_check else 'in lvs.cf'}"


def is_by_hand(server: Facts) -> bool:
    """Whether somebody has set the weight of a server with ipvsadm."""
    return bool(facts(server.get("by_hand")))


def by_hand(server: Facts) -> str:
    """Say which weight somebody has set, where, and since when: `weight 3 by hand for 4m (10 in lvs.cf)`."""
    found = facts(server.get("by_hand")) or {}
    weights = {int(number(one) or 0) for one in found.values()}
    words = "drained by hand" if weights == {0} else f"weight {'/'.join(map(str, sorted(weights)))} by hand"
    if (services := number(server.get("services"))) is not None and len(found) < services:
        words += f" in {services_words(found)}"
    configured, left = number(server.get("configured_weight")) or 0, int(number(server.get("active")) or 0)
    age = duration(number(server.get("by_hand_s")) or 0.0)
    return f"{words} for {age} ({configured:.0f} in lvs.cf), {count(left, 'connection')}"


def added(server: Facts) -> str:
    """Say what is known of a server that somebody has added with ipvsadm."""
    age, left = duration(number(server.get("since_s")) or 0.0), int(number(server.get("active")) or 0)
    weight = number(server.get("weight"))
    shown = "" if weight is None else f" with weight {weight:.0f}"
    return f"added by hand {age} ago{shown}, not checked, {count(left, 'connection')}"


def leaving(server: Facts) -> str:
    """Say until when a server that the file does not name any more stays. server: what `lvsd` told of it."""
    left_s, left = number(server.get("left_s")), count(int(number(server.get("active")) or 0), "connection")
    if left_s is None:
        return f"not in lvs.cf; leaves when another server is up, {left}"
    if bound := int(number(server.get("persistent")) or 0):
        left += f", {count(bound, 'bound client')}"
    return f"not in lvs.cf; leaves within {duration(left_s)}, {left}"


def not_forwarded(cut: Facts) -> str:
    """Say why a virtual server behind NAT does not work. cut: what `lvsd` told of it."""
    return f"{text(cut.get('setting'))} is 0: nothing comes through from real servers behind NAT (ip_forward = 1)"


def not_marked(rules: Facts) -> str:
    """Say what a firewall in trouble means for packets. rules: what `lvsd` told of them."""
    return "its mark rules cannot be read back" if rules.get("set") is True else "its packets are not marked"


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
