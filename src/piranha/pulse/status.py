"""What `pulse` answers to the control verb `status`: plain values, every fact with its age.

Times are seconds; `None` stands for never or without limit, as said at each place below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from piranha.lvscf.config import Config, HeartbeatAuth
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat
from piranha.pulse.hosts import Hosts
from piranha.pulse.view import PathView, View
from piranha.pulse.watched import Seen
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """held: what this router holds; devices: where; remaining_s: None without limit."""

    held: frozenset[Address]
    devices: Mapping[Address, str]
    valid_s: int | None
    remaining_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFacts:
    """One path: its ends, and the last thing this kernel had against sending on it (empty = nothing)."""

    own: Address
    partner: Address
    error: str = ""


def election_data(view: View) -> dict[str, object]:
    """Return role and partner as the election sees them."""
    return {
        "role": str(view.role),
        "phase": view.phase,
        "since_s": round(view.since_s, 3),
        "why": view.why,
        "term": view.term,
        "ready": view.ready,
        "not_ready": list(view.reasons),
        "held_back": view.held_back,
        "partner": _partner(view),
    }


def paths_data(paths: Sequence[PathView], facts: Mapping[str, PathFacts]) -> list[dict[str, object]]:
    """Return each path with the age of the last good heartbeat (None = never)."""
    found: list[dict[str, object]] = []
    for path in paths:
        ends = facts.get(path.name)
        found.append(
            {
                "name": path.name,
                "own": str(ends.own) if ends else "",
                "partner": str(ends.partner) if ends else "",
                "age_s": _rounded(path.age_s),
                "alive": path.alive,
                "late": path.late,
                "evidence": path.evidence,
                "error": ends.error if ends else "",
            }
        )
    return found


def links_data(seen: Sequence[Seen], now: float) -> list[dict[str, object]]:
    """Return each watched link: `{device, present, up, carrier, since_s}`, whatever `monitor_links` says.

    present: the device exists; up: it is switched on; carrier: cable, or parts of a bond, work. A link
    carries something only when all three are true. since_s: for how long it has been like this.
    """
    return [
        {
            "device": one.state.device,
            "present": one.state.present,
            "up": one.state.up,
            "carrier": one.state.carrier,
            "since_s": round(now - one.since_s, 3),
        }
        for one in seen
    ]


def hosts_data(hosts: Hosts, now: float) -> list[dict[str, object]]:
    """Return each line of `monitor_hosts`: `{answers, hosts: [{address, age_s, silent, error}]}`.

    answers: yes, no (this router counts as cut off), unknown (it has just begun to ask). age_s: of the
    last answer, None = never. silent: for longer than `deadtime`. error: what this machine has against
    asking, empty = nothing.
    """
    return [
        {
            "answers": str(line.answers),
            "hosts": [
                {
                    "address": str(address),
                    "age_s": None if (heard_at := hosts.hosts[address].heard_at) is None else round(now - heard_at, 3),
                    "silent": hosts.silent(address, now),
                    "error": hosts.hosts[address].why,
                }
                for address in line.addresses
            ],
        }
        for line in hosts.states
    ]


def vips_data(config: Config, lease: LeaseView) -> dict[str, object]:
    """Return the lease and each floating address of the file, with whether this router holds it."""
    floating = config.floating_addresses()
    return {
        "lease": {
            "valid_s": lease.valid_s,
            "remaining_s": _rounded(lease.remaining_s),
            "unlimited": bool(lease.held) and lease.valid_s is None,
        },
        "vips": [
            {
                "address": str(vip.address),
                "prefix": vip.prefix,
                "device": lease.devices.get(vip.address) or vip.device or "",
                "held": vip.address in lease.held,
            }
            for vip in floating
        ],
    }


def warnings(config: Config, view: View, state_trouble: str = "") -> list[str]:
    """Return what an operator should know although nothing is broken. state_trouble: see `StateFiles.write`."""
    found = [f"state cannot be written: {state_trouble}"] if state_trouble else []
    if config.backup_active and config.heartbeat.auth is HeartbeatAuth.NONE:
        found.append("heartbeats are not authenticated (heartbeat_auth = none)")
    if config.backup_active and config.heartbeat.auth is HeartbeatAuth.MIGRATE:
        found.append("unsigned heartbeats of the partner are accepted (heartbeat_auth = migrate)")
    found += [f"{path.name} path: {path.evidence}" for path in view.paths if path.evidence]
    partner = view.partner
    if partner is not None and partner.bad_signatures:
        found.append("the partner cannot verify our heartbeats: the key files differ")
    return found


def _partner(view: View) -> dict[str, object] | None:
    heard: Heartbeat | None = view.partner
    if heard is None:
        return None
    return {
        "node": str(heard.place),
        "alive": view.partner_alive,
        "age_s": _rounded(view.partner_age_s),
        "role": str(heard.role),
        "ready": heard.ready,
        "obstacle": heard.obstacle.name.lower(),
        "term": heard.term,
        "hears_us": heard.hears,
        "lease_s": None if heard.lease_s == NO_LIMIT else heard.lease_s,
        "generation": heard.generation,
        "meaning": heard.meaning,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
