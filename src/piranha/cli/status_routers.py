"""What is wrong between the routers, judged from what `pulse` answered to `status`."""

from piranha.cli.facts import Facts, dicts, facts, number, strings, text
from piranha.cli.verdict import Finding, Verdict
from piranha.cli.words import duration

MOVING = ("taking over", "stepping down")
"""Phases in which a VIP is on its way: for a moment both routers call themselves active."""


def router_findings(pulse: Facts) -> list[Finding]:
    """Return what counts and what is worth a note, in no particular order."""
    partner = facts(pulse.get("partner"))
    found = _roles(pulse, partner) + _vips(pulse, partner) + _links(pulse) + _hosts(pulse)
    if reasons := strings(pulse.get("not_ready")):
        found.append(Finding("!", "router", "this router is not ready: " + "; ".join(reasons)))
    if partner is not None:
        found += _partner(pulse, partner)
    elif dicts(pulse.get("paths")) and pulse.get("paired") is not False:
        found.append(Finding("!", "partner", "the partner was never heard", age_s=number(pulse.get("uptime_s"))))
    found += _paths(pulse, partner)
    return found + [Finding("!", "router", warning) for warning in strings(pulse.get("warnings"))]


def is_active(pulse: Facts) -> bool:
    """Whether this router says that it is active."""
    return text(pulse.get("role")) == "active"


def partner_is_active(partner: Facts | None) -> bool:
    """Whether the partner is heard and says that it is active."""
    return partner is not None and partner.get("alive") is True and text(partner.get("role")) == "active"


def dead_links(pulse: Facts) -> dict[str, str]:
    """Return the devices that carry nothing at the moment, and why."""
    return {text(link.get("device")): _why_dead(link) for link in dicts(pulse.get("links")) if _why_dead(link)}


def _why_dead(link: Facts) -> str:
    if link.get("present") is False:
        return "the device is gone"
    if link.get("up") is False:
        return "the device is down"
    return "no carrier" if link.get("carrier") is False else ""


def _roles(pulse: Facts, partner: Facts | None) -> list[Finding]:
    if is_active(pulse):
        both = partner_is_active(partner) and text(pulse.get("phase")) not in MOVING
        return [Finding("!", "router", "both routers are active", Verdict.OUTAGE)] if both else []
    if partner_is_active(partner):
        return []
    held_back = ""
    if pulse.get("held_back") is True:
        held_back = ": takeover held back, the partner sends what cannot be verified"
    return [Finding("!", "router", "no active router is heard" + held_back, Verdict.OUTAGE)]


def _partner(pulse: Facts, partner: Facts) -> list[Finding]:
    age_s = number(partner.get("age_s")) or 0.0
    if partner.get("alive") is not True:
        words = f"the partner is not heard, last heartbeat {duration(age_s)} ago"
        if text(partner.get("role")) == "active" and partner.get("lease_s", 0) is None:
            words += ": its VIPs had no time limit, it may hold them still"
        return [Finding("!", "partner", words, age_s=age_s)]
    found = []
    if partner.get("ready") is not True:
        found.append(Finding("!", "partner", f"the partner is not ready: {text(partner.get('obstacle'))}"))
    if partner.get("hears_us") is False:
        found.append(Finding("!", "partner", "the partner does not hear this router"))
    ours, theirs = text(pulse.get("meaning")), text(partner.get("meaning"))
    if ours and theirs and ours != theirs:
        found.append(Finding("!", "config", "the routers run different configurations: apply one file on both"))
    return found


def _paths(pulse: Facts, partner: Facts | None) -> list[Finding]:
    if partner is None or partner.get("alive") is not True:
        return []  # said of the partner as a whole
    found = []
    for path in dicts(pulse.get("paths")):
        if path.get("alive") is not True:
            age_s = number(path.get("age_s"))
            since = f"silent for {duration(age_s)}" if age_s is not None else "never heard"
            words = f"path {text(path.get('name'))}: {since} {text(path.get('error'))}".rstrip()
            found.append(Finding("!", "partner", words, age_s=age_s))
    return found


def _vips(pulse: Facts, partner: Facts | None) -> list[Finding]:
    vips = dicts(pulse.get("vips"))
    held = [text(vip.get("address")) for vip in vips if vip.get("held") is True]
    if not is_active(pulse):
        if not held:
            return []
        if partner_is_active(partner):
            return [Finding("!", "vip", f"{_some(held)} held here and by the active partner", Verdict.OUTAGE)]
        return [Finding("!", "vip", f"{_some(held)} still here on a standby router")]
    found = []
    if missing := [text(vip.get("address")) for vip in vips if vip.get("held") is not True]:
        moving = text(pulse.get("phase")) in MOVING
        words = f"on the way ({text(pulse.get('phase'))})" if moving else "not held by the active router"
        found.append(Finding("!", "vip", f"{_some(missing)} {words}", Verdict.OUTAGE))
    lease = facts(pulse.get("lease")) or {}
    left_s = number(lease.get("remaining_s"))
    if held and left_s is not None and left_s <= 0:
        words = f"{_some(held)}: the lease has run out, the kernel takes the address away"
        found.append(Finding("!", "vip", words, Verdict.OUTAGE))
    return found


def _links(pulse: Facts) -> list[Finding]:
    """A VIP on a dead link is as good as held by nobody; any other dead link, and one of a standby, degrades."""
    found = []
    for device, why in dead_links(pulse).items():
        carried = [
            text(vip.get("address"))
            for vip in dicts(pulse.get("vips"))
            if vip.get("held") is True and text(vip.get("device")).partition(":")[0] == device
        ]
        if carried and is_active(pulse):
            words = f"{_some(carried)} cannot be reached, {device}: {why}"
            found.append(Finding("!", "vip", words, Verdict.OUTAGE))
        else:
            found.append(Finding("!", "router", f"{device}: {why}"))
    return found


def _hosts(pulse: Facts) -> list[Finding]:
    """Note hosts that do not answer while their line passes: the next one makes this router count as cut off."""
    lines = [dicts(line.get("hosts")) for line in dicts(pulse.get("monitor_hosts")) if line.get("answers") == "yes"]
    silent = [host for line in lines for host in line if host.get("silent") is True]
    return [Finding("i", "monitor_hosts", f"{text(host.get('address'))} does not answer ping") for host in silent]


def _some(addresses: list[str]) -> str:
    more = f" and {len(addresses) - 3} more" if len(addresses) > 4 else ""
    return ", ".join(addresses[:3] if more else addresses) + more
