"""The election as `status` shows it; all ages in seconds."""

from dataclasses import dataclass

from piranha.pulse.heartbeat import Heartbeat, Place, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PathView:
    """One heartbeat path. age_s: of its last good heartbeat, None = never; late: heartbeats after `warntime`."""

    name: str
    age_s: float | None
    alive: bool
    late: int
    evidence: str  # what else came from there lately, empty = nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of one router.

    phase: standby, taking over, active, stepping down. lease_s: confirmed lifetime, `NO_LIMIT`, 0 =
    holds none. partner: its last heartbeat, None = never heard; partner_alive: it counts as alive.
    why: the sentence of the last change of role. held_back: a takeover waits, since the silent partner
    sends what cannot be verified.
    """

    place: Place
    role: Role
    phase: str
    since_s: float
    term: int
    ready: bool
    reasons: tuple[str, ...]
    holding: bool
    lease_s: float
    partner: Heartbeat | None
    partner_alive: bool
    partner_age_s: float | None
    paths: tuple[PathView, ...]
    why: str
    held_back: bool = False
