"""What one router tells the other: the contents of a heartbeat, as a value.

`packet` puts it into a datagram, `session` proves that it is fresh, `election` judges it.
Source: docs/heartbeat-protocol.md.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf


class Place(StrEnum):
    """Place of a router in lvs.cf; it never changes while `pulse` runs."""

    PRIMARY = "primary"
    BACKUP = "backup"

    @property
    def other(self) -> "Place":
        """The partner's place."""
        return Place.BACKUP if self is Place.PRIMARY else Place.PRIMARY


class Role(StrEnum):
    """What a router does now. Active: it holds the VIPs, is about to, or has not yet let them go."""

    ACTIVE = "active"
    STANDBY = "standby"


class Obstacle(IntEnum):
    """Why a router is not ready, as a code on the wire; the words travel over the control socket."""

    NONE = 0
    STARTING = 1  # the lvs daemon has not been ready yet
    LVSD = 2  # the lvs daemon says that it is not ready
    ADDRESSES = 3  # the addresses could not be added here a short while ago
    STOPPING = 4  # this router is being stopped
    LINK = 5  # a watched link carries nothing
    HOSTS = 6  # of a line of monitor_hosts no host answers
    OTHER = 255  # a code of a later version


NO_LIMIT = inf  # lease_s of a router whose addresses stay until somebody removes them
READY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The contents of one heartbeat.

    term: number of the takeover by which the sender is or was active, grows with each takeover of
    the pair; the later takeover wins. revision: grows with each change of the sender's role, term,
    readiness or flags; seen_revision: the highest revision of the receiver that the sender has
    seen, 0 = none: so each router knows what the other knew.
    readiness: 0 to 100, at 100 (`READY`) the sender can take over; obstacle: what is missing.
    keepalive_s, deadtime_s: the sender's timers; who listens waits at least this deadtime.
    lease_s: lifetime that the kernel has confirmed for the sender's addresses, `NO_LIMIT`, or 0 =
    holds none. hears: the sender hears the receiver. order: step down. handover: take over now, I
    have let go. goodbye: I have let go and end. back_within_s: I restart; wait so long,
    unless I said goodbye; 0 = no.
    bad_signatures: the sender gets datagrams from the receiver's address that fail their signature.
    generation, meaning: accepted configuration of the sender (`lvscf.config.meaning`, 16 hex digits
    or empty).
    """

    place: Place
    role: Role = Role.STANDBY
    term: int = 0
    revision: int = 1
    seen_revision: int = 0
    readiness: int = READY
    obstacle: Obstacle = Obstacle.NONE
    keepalive_s: float = 2.0
    deadtime_s: float = 5.0
    lease_s: float = 0.0
    hears: bool = False
    order: bool = False
    handover: bool = False
    goodbye: bool = False
    back_within_s: int = 0
    bad_signatures: bool = False
    generation: int = 0
    meaning: str = ""

    @property
    def ready(self) -> bool:
        """Whether the sender can take over."""
        return self.readiness >= READY

    def farewell(self) -> str:
        """Return why it said goodbye, for people."""
        return f"it restarts, back within {self.back_within_s} s" if self.back_within_s else "it was stopped"
