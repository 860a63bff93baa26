"""Why a router changes its role: the sentence for the log (the original's where it has one), the rule, the fact."""

from dataclasses import dataclass
from enum import StrEnum

from piranha.pulse.heartbeat import Place


class Phase(StrEnum):
    """Where a router stands between standby and active. Its heartbeats say active in all but the first."""

    STANDBY = "standby"
    TAKING_OVER = "taking over"
    ACTIVE = "active"
    STEPPING_DOWN = "stepping down"


@dataclass(frozen=True, slots=True)
class Reason:
    """message: what an operator searches for. rule: what decided. cause: the fact behind it."""

    message: str
    rule: str
    cause: str


def forced() -> Reason:
    """`--forceactive`."""
    return Reason("Forced active on startup: activating lvs", "--forceactive", "asked for on the command line")


def alone() -> Reason:
    """A lone router does not wait."""
    return Reason("no partner is configured: activating lvs", "backup_active = 0", "there is nobody to wait for")


def resumed(term: int) -> Reason:
    """A prepared restart goes on where it was."""
    return Reason("restarted: lvs stays active", "prepare restart", f"active with term {term} before the restart")


def partner_dead(rule: str, cause: str) -> Reason:
    """Silence on every path."""
    return Reason("partner dead: activating lvs", rule, cause)


def partner_inactive(partner: Place, rule: str, cause: str) -> Reason:
    """The partner lives and is standby."""
    return Reason(f"{partner} inactive: activating lvs", rule, cause)


def outranked(ours: int, theirs: int) -> Reason:
    """Two active routers, and the partner's takeover is the later one."""
    if ours == theirs:
        return Reason(
            "partner active: deactivating LVS", "primary before backup", f"two active routers, both with term {ours}"
        )
    return Reason(
        "partner active: deactivating LVS",
        "the later takeover wins",
        f"two active routers, the partner took over later (term {theirs}, here {ours})",
    )


def rival(claim: str) -> Reason:
    """It took over from a partner that seemed dead, and somebody has the addresses after all."""
    return Reason("partner active: deactivating LVS", "deaf must not mean active", claim)


def deaf_partner() -> Reason:
    """Two active routers, and the other one cannot be told."""
    return Reason(
        "partner active: deactivating LVS",
        "who can hear yields",
        "two active routers, the partner does not hear that it should step down",
    )


def not_ready(rule: str, reasons: tuple[str, ...]) -> Reason:
    """The partner can do what this router cannot."""
    return Reason("not ready: deactivating LVS, the partner is ready", rule, ", ".join(reasons))


def switchover() -> Reason:
    """Asked for by a person."""
    return Reason("switchover: deactivating LVS", "switchover", "asked for by command")


def failback(wait_s: float, ready_s: float) -> Reason:
    """The primary is back, and the file wants it to serve."""
    rule = f"failback = {wait_s:g}" if wait_s else "failback = always"
    return Reason("failback: deactivating LVS", rule, f"the primary has been ready for {ready_s:.1f} s")


def terminating() -> Reason:
    """A clean stop."""
    return Reason("Terminating: deactivating LVS", "stop", "asked to end")


def lapsed(lease_s: float, age_s: float) -> Reason:
    """Our own stall was longer than the lease."""
    return Reason(
        "lease lapsed: deactivating LVS",
        f"vip_lease = {lease_s:g}",
        f"the last renewal was {age_s:.1f} s ago, so the kernel may have taken the addresses away",
    )


def stuck(limit_s: float) -> Reason:
    """The addresses did not come in time."""
    return Reason(
        "takeover not finished in time: deactivating LVS", f"deadtime = {limit_s:g}", "no result of adding addresses"
    )


def too_late(detail: str) -> Reason:
    """The takeover was not begun or not finished before its time was up."""
    return Reason("takeover not finished in time", "deadtime", detail or "addresses were not added in time")


def lost(detail: str) -> Reason:
    """What this router held it cannot hold any more; the partner may be able to."""
    return Reason("addresses lost: deactivating LVS", "addresses failed", detail)


def failed(detail: str) -> Reason:
    """The partner may be able to add what this router could not."""
    return Reason("takeover failed: deactivating LVS", "addresses failed", detail)
