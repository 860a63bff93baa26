"""How a name of `piranha why` stands now: the first lines of its story, and what comes next."""

from collections.abc import Sequence

from piranha.cli.facts import Facts, booleans, dicts, facts, number, strings, text
from piranha.cli.names import KERNEL, ROUTER, TABLE, VIP
from piranha.cli.status_facts import (
    added,
    by_hand,
    is_by_hand,
    leaving,
    not_forwarded,
    not_marked,
    place_of,
    server_state,
    state_age_s,
    synchronised,
)
from piranha.cli.status_routers import dead_links, is_active, partner_is_active
from piranha.cli.story import Clock
from piranha.cli.words import count, duration, services_words


def stands(name: str, pulse: Facts, lvsd: Facts, clock: Clock, now_s: float) -> list[str]:
    """Return how `name` stands, nothing where no daemon that answers knows it. now_s: wall clock."""
    if name == "partner":
        return _partner(pulse, clock, now_s) if pulse else []
    if name in ROUTER:
        return _router(pulse, clock, now_s) if pulse else []
    if name == VIP or name.startswith(VIP + " "):
        return _vips(name.removeprefix(VIP).strip(), pulse)
    if name == "config":
        return _config(pulse or lvsd)
    if name == TABLE and lvsd:
        return _table(lvsd)
    if name == KERNEL and lvsd:
        return _kernel(facts(lvsd.get("kernel")) or {})
    if name == "lvsd" and lvsd:
        return _lvsd(lvsd)
    if name == "nanny" and lvsd:
        return _nannies(facts(lvsd.get("nannies")) or {})
    return server_now(name, lvsd, clock, now_s)


def _router(pulse: Facts, clock: Clock, now_s: float) -> list[str]:
    since_s = number(pulse.get("since_s")) or 0.0
    lines = [
        f"{text(pulse.get('node')) or 'this router'} (this router) is {text(pulse.get('role')).upper()} "
        f"since {clock(now_s - since_s)}, {duration(since_s)}: {text(pulse.get('why'))}"
    ]
    lines += [f"  not ready: {reason}" for reason in strings(pulse.get("not_ready"))]
    return lines + [f"  {device}: {why}" for device, why in dead_links(pulse).items()]


def _partner(pulse: Facts, clock: Clock, now_s: float) -> list[str]:
    partner = facts(pulse.get("partner"))
    if pulse.get("paired") is False:
        return ["there is no partner (backup_active = 0)"]
    if partner is None:
        return [f"the partner was never heard since pulse started, {duration(number(pulse.get('uptime_s')) or 0)} ago"]
    name, role = f"{text(partner.get('node'))} (the partner)", text(partner.get("role")).upper()
    age_s = number(partner.get("age_s")) or 0.0
    if partner.get("alive") is not True:
        return [f"{name} is UNKNOWN since {clock(now_s - age_s)}, {duration(age_s)}; it was {role}"]
    ready = "ready" if partner.get("ready") is True else f"not ready: {text(partner.get('obstacle'))}"
    heard = []
    for path in dicts(pulse.get("paths")):
        silent_s = number(path.get("age_s"))
        ago = "never" if silent_s is None else f"{duration(silent_s)} ago"
        heard.append(f"{text(path.get('name'))} {ago}")
    return [f"{name} is {role}, {ready}; heard on " + ", ".join(heard)]


def _vips(address: str, pulse: Facts) -> list[str]:
    partner, lines, dead = facts(pulse.get("partner")), [], dead_links(pulse)
    for vip in dicts(pulse.get("vips")):
        if address not in ("", text(vip.get("address"))):
            continue
        where = f"not on this router, which is {text(pulse.get('role'))}"
        device = text(vip.get("device"))
        if vip.get("held") is True:
            where = f"on {text(pulse.get('node'))} (this router), {device}, {_lease(pulse)}"
            where += f"; {why}: nobody can reach it" if (why := dead.get(device.partition(":")[0])) else ""
        elif partner is not None and partner_is_active(partner) and not is_active(pulse):
            where = f"on {text(partner.get('node'))} (the partner, which says that it is active)"
        lines.append(f"{text(vip.get('address'))} is {where}")
    return lines


def _lease(pulse: Facts) -> str:
    lease = facts(pulse.get("lease")) or {}
    left_s, valid_s = number(lease.get("remaining_s")), number(lease.get("valid_s"))
    if lease.get("unlimited") is True or left_s is None or valid_s is None:
        return "without a time limit"
    return f"lease {left_s:.1f} of {valid_s:g} s"


def _config(daemon: Facts) -> list[str]:
    if not daemon:
        return []
    line = f"generation {number(daemon.get('generation')) or 0:.0f}, serial {number(daemon.get('serial_no')) or 0:.0f}"
    lines = [f"{line}, of {text(daemon.get('file'))}"]
    if (refused := facts(daemon.get("refused_file"))) is not None:
        lines.append(f"  the file as it is now was refused {duration(number(refused.get('age_s')) or 0.0)} ago:")
        lines += [f"  {finding}" for finding in strings(refused.get("findings"))]
    return lines


def _lvsd(lvsd: Facts) -> list[str]:
    pid, uptime_s = number(lvsd.get("pid")) or 0, number(lvsd.get("uptime_s")) or 0.0
    reasons = strings(lvsd.get("not_ready"))
    line = f"lvsd is process {pid:.0f}, runs for {duration(uptime_s)}, {'ready' if not reasons else 'not ready:'}"
    return [line, *(f"  {reason}" for reason in reasons)]


def _nannies(nannies: Facts) -> list[str]:
    processes, checks = int(number(nannies.get("processes")) or 0), int(number(nannies.get("checks")) or 0)
    asked = int(number(nannies.get("asked")) or 0)
    age_s = number(nannies.get("age_s"))
    heard = "never heard" if age_s is None else f"heard {duration(age_s)} ago"
    shared = f"{count(checks, 'check')} in {processes} process" + ("" if processes == 1 else "es")
    shared += f" for {asked} that are asked for (share_checks = 1)" if asked > checks else ""
    trouble = text(nannies.get("trouble"))
    return [f"{shared}, {heard}", *([f"  {trouble}"] if trouble else [])]


def _table(lvsd: Facts) -> list[str]:
    age_s = number(lvsd.get("table_age_s"))
    read = "not read yet" if age_s is None else f"read {duration(age_s)} ago"
    refused = strings(lvsd.get("refused_changes"))
    if (observing := facts(lvsd.get("observing"))) is not None:
        differences = dicts(observing.get("differences"))
        now = count(int(number(observing.get("now")) or 0), "difference")
        lines = [f"  {text(one.get('subject'))}: {text(one.get('what'))}" for one in differences]
        return [f"the table is only observed, {read}: {now} from what lvsd would have", *lines]
    if lvsd.get("table_equal") is True:
        return [f"the table is what file and health ask for, {read}"]
    if not refused:
        return [f"the table is not known: {(strings(lvsd.get('not_ready')) or [read])[0]}"]
    return [f"the table is not what the file asks for, {read}: {count(len(refused), 'change')} refused", *refused]


def _kernel(kernel: Facts) -> list[str]:
    settings = facts(kernel.get("settings")) or {}
    lines = [f"{setting} is {text(value)}, lvs.cf names it" for setting, value in settings.items()]
    lines += [f"{text(one.get('setting'))} is refused: {text(one.get('why'))}" for one in dicts(kernel.get("refused"))]
    if (sync := facts(kernel.get("sync"))) is not None:
        lines.append(f"synchronisation of connections: {synchronised(sync)}")
    return lines or ["lvs.cf names no setting of the kernel"]


def server_now(name: str, lvsd: Facts, clock: Clock, now_s: float) -> list[str]:
    """Return how a server or virtual server stands. now_s: wall clock."""
    virtual_name, _, server_name = name.partition("/")
    for virtual in dicts(lvsd.get("virtuals")):
        if text(virtual.get("name")) != virtual_name:
            continue
        if not server_name:
            up, all_servers = number(virtual.get("up")) or 0, len(dicts(virtual.get("servers")))
            services = services_words(strings(virtual.get("services")))
            cut = facts(virtual.get("not_forwarded"))
            reasons = _away(virtual, strings(lvsd.get("refused_changes")))
            reasons += [f"  {not_forwarded(cut)}"] if cut is not None else []
            reasons += _marked(name, facts(lvsd.get("mark_rules")) or {})
            return [f"{name} ({services}): {up:.0f} of {all_servers} servers up", *reasons]
        found = [server for server in dicts(virtual.get("servers")) if text(server.get("name")) == server_name]
        left = [server for server in dicts(virtual.get("leaving")) if text(server.get("name")) == server_name]
        lines = [_server_line(name, server, clock, now_s) for server in found]
        lines += [f"{name} ({place_of(server)}) is LEAVING: {leaving(server)}" for server in left]
        others = [server for server in dicts(virtual.get("added_by_hand")) if text(server.get("name")) == server_name]
        return lines + [f"{name} is not in lvs.cf: {added(server)}" for server in others]
    return []


def _away(virtual: Facts, refused: Sequence[str]) -> list[str]:
    """Return which services of a virtual server the table lacks, and what of it is refused."""
    services = strings(virtual.get("services"))
    away = [one for one, there in zip(services, booleans(virtual.get("in_table")), strict=False) if not there]
    lines = []
    if away and virtual.get("cold") is not True:
        lines = [f"  {services_words(away)} {'is' if len(away) == 1 else 'are'} not in the table: clients are refused"]
    found = (words for words in refused if any(f" {service}: " in words for service in services))
    return lines + [f"  refused by the kernel: {words}" for words in found]


def _marked(name: str, rules: Facts) -> list[str]:
    """Return who marks the packets of a virtual server, where that is ours to do."""
    if name not in strings(rules.get("virtuals")):
        return []
    if trouble := text(rules.get("trouble")):
        return [f"  {not_marked(rules)}: {trouble} (mark_rules = 1)"]
    age_s = number(rules.get("age_s"))
    read = "not read yet" if age_s is None else f"read {duration(age_s)} ago"
    return [f"  lvsd marks its packets: {text(rules.get('place'))} of {text(rules.get('firewall'))}, {read}"]


NAMED = 3
"""Servers that share a check with the one that is asked about; of more only the number is told."""


def outlook(name: str, lvsd: Facts) -> list[str]:
    """Return what happens next to a server that is not up, last line of its story."""
    virtual_name, _, server_name = name.partition("/")
    for virtual in dicts(lvsd.get("virtuals")):
        for server in dicts(virtual.get("servers")):
            if (text(virtual.get("name")), text(server.get("name"))) == (virtual_name, server_name):
                return _outlook(server)
    return []


def _server_line(name: str, server: Facts, clock: Clock, now_s: float) -> str:
    age_s = state_age_s(server)
    line = number(server.get("line")) or 0
    state = server_state(server)
    believed = text(server.get("state")) or "unknown"
    stale = f"{state.upper()}; it was " if state != believed else ""
    return (
        f"{name} ({place_of(server)}) is {stale}{believed.upper()} since {clock(now_s - age_s)}, {duration(age_s)} "
        f"(lvs.cf line {line:.0f})"
    )


def _outlook(server: Facts) -> list[str]:
    lines = []
    if (check := facts(server.get("last_check"))) is not None:
        phases = facts(check.get("phases_ms")) or {}
        took = ", ".join(f"{name} {took_ms:g} ms" for name, took_ms in phases.items())
        lines.append(f"  last check {_seen(check)}" + (f" ({took})" if took else ""))
    if others := strings(server.get("shares_checks_with")):
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        lines.append(f"  that check is run once, also for {', '.join(others[:NAMED])}{more} (share_checks = 1)")
    failed = facts(server.get("last_failure"))
    if failed is not None and failed != check:
        lines.append(f"  last failed check {_seen(failed)}")
    state = text(server.get("state"))
    if path := text(server.get("drained_by")):
        lines.append(f"Gets no new connections for as long as {path} is there (maintenance_dir).")
    if is_by_hand(server):
        lines.append(f"{by_hand(server)[0].upper()}{by_hand(server)[1:]}: foreign_edits = adopt keeps it.")
        lines.append("It ends when the weight of lvs.cf is set with ipvsadm, or with: piranha repair")
    if (weight := number(server.get("weight_by_check"))) is not None:
        configured = number(server.get("configured_weight")) or 0.0
        lines.append(f"Weight {weight:.0f} by its check (weight_from); weight = {configured:.0f} in lvs.cf.")
    if state.startswith(("down", "rising", "kept")):
        reentry, rise = number(server.get("reentry_s")) or 0.0, number(server.get("rise")) or 1
        lines.append(f"Back in after {reentry:g} s of good checks (reentry = {reentry:g}, rise = {rise:.0f}).")
    if state.startswith(("up", "falling", "slow start")):
        fall = number(server.get("fall")) or 1
        so_far = number(server.get("disagreeing")) or 0
        words = f"Out after {fall:.0f} failed checks in a row (fall = {fall:.0f})"
        lines.append(f"{words}; {so_far:.0f} of {fall:.0f} so far." if so_far else f"{words}.")
    return lines


def _seen(check: Facts) -> str:
    ago = duration(number(check.get("age_s")) or 0.0)
    return f"{ago} ago: {text(check.get('detail')) or text(check.get('reason'))}"
