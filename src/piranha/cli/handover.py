"""A planned switchover as `pulse` tells it: what stands against it, what will happen, what came of it."""

from dataclasses import dataclass
from enum import Enum, auto

from piranha.cli.facts import Facts, dicts, facts, number, text
from piranha.cli.status_routers import MOVING, is_active
from piranha.cli.words import count, duration

PEACE_S = 60.0
"""After a change of roles a switchover must be forced: two in a row are mostly a mistake."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why not. cure: what to do about it, empty if that is plain. final: no `--force` helps, the daemon refuses."""

    what: str
    cure: str = ""
    final: bool = True


class Outcome(Enum):
    """What became of a switchover that has begun."""

    DONE = auto()
    UNDER_WAY = auto()
    TAKEN_BACK = auto()


def partner_name(pulse: Facts) -> str:
    """Return the place of the other router."""
    return "backup" if text(pulse.get("node")) == "primary" else "primary"


def obstacles(pulse: Facts) -> list[Obstacle]:
    """Return what stands against a switchover now."""
    them, partner = partner_name(pulse), facts(pulse.get("partner"))
    if pulse.get("paired") is False:
        return [Obstacle("there is no partner (backup_active = 0)")]
    if not is_active(pulse):
        return [Obstacle(f"this router is standby: say it on the {them}")]
    if text(pulse.get("phase")) in MOVING:
        return [Obstacle(f"the VIPs are on the way already ({text(pulse.get('phase'))})")]
    if partner is None or partner.get("alive") is not True:
        age_s = number(partner.get("age_s")) if partner is not None else None
        ago = f"last heartbeat {duration(age_s)} ago" if age_s is not None else "never since pulse started"
        return [Obstacle(f"the {them} is not heard, {ago}", "piranha why partner")]
    found = []
    if text(partner.get("role")) == "active":
        found.append(Obstacle(f"the {them} is active too"))
    if partner.get("ready") is not True:
        cure = f"on the {them}: piranha why router"
        found.append(Obstacle(f"the {them} is not ready: {text(partner.get('obstacle'))}", cure))
    if partner.get("hears_us") is False:
        found.append(Obstacle(f"the {them} does not hear this router", "look for a firewall, or a key that differs"))
    ours, theirs = text(pulse.get("meaning")), text(partner.get("meaning"))
    if ours and theirs and ours != theirs:
        found.append(Obstacle("the routers run different configurations", "bring the same lvs.cf to both", final=False))
    since_s = number(pulse.get("since_s"))
    if since_s is not None and since_s < PEACE_S:
        found.append(Obstacle(f"this router became active only {duration(since_s)} ago", final=False))
    return found


def consequences(pulse: Facts, lvsd: Facts) -> list[str]:
    """Return what a switchover does, in words."""
    vips = [text(vip.get("address")) for vip in dicts(pulse.get("vips"))]
    servers = [server for virtual in dicts(lvsd.get("virtuals")) for server in dicts(virtual.get("servers"))]
    connections = sum(int(number(server.get("active")) or 0) for server in servers)
    lines = [f"{count(len(vips), 'VIP')} move{'s' if len(vips) == 1 else ''}: {', '.join(vips)}"]
    if connections:
        # Connections are not synchronised: the next packet of each meets a router that does not know it.
        lines.append(f"{count(connections, 'connection')} will end: the {partner_name(pulse)} does not know of any")
    return lines


def outcome(before: Facts, after: Facts) -> Outcome:
    """Return what became of the switchover that began at `before`, judged by what `pulse` says now."""
    partner = facts(after.get("partner")) or {}
    held = any(vip.get("held") is True for vip in dicts(after.get("vips")))
    if not is_active(after):
        # Heartbeats say "active" from the decision on; with a lease other than 0 the VIPs are there.
        serves = partner.get("alive") is True and text(partner.get("role")) == "active" and partner.get("lease_s") != 0
        return Outcome.DONE if serves and not held else Outcome.UNDER_WAY
    since_before, since_after = number(before.get("since_s")), number(after.get("since_s"))
    again = since_before is not None and since_after is not None and since_after < since_before
    return Outcome.TAKEN_BACK if again and text(after.get("phase")) == "active" else Outcome.UNDER_WAY
