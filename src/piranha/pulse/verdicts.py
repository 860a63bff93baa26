"""What became of one datagram (or of its absence): the inputs that `session` makes for `election`."""

from dataclasses import dataclass
from enum import StrEnum

from piranha.pulse.heartbeat import Heartbeat


class Evidence(StrEnum):
    """Why something from the partner's address is no heartbeat that can be used."""

    NOT_A_HEARTBEAT = "not a heartbeat"
    UNSIGNED = "not signed"
    UNKNOWN_KEY = "signed with a key that is not in our key file"
    BAD_SIGNATURE = "its signature is wrong"
    OTHER_CLUSTER = "it belongs to another cluster"
    SAME_PLACE = "its sender has our own place in lvs.cf"
    OTHER_PATH = "it was sent on another path"
    OTHER_VERSION = "its version is not spoken here"
    REPLAYED = "it is a repetition or came too late"
    UNREACHABLE = "port unreachable: nothing listens there"  # ICMP; the shell reports it


SIGNATURE_FAILURES = frozenset({Evidence.UNSIGNED, Evidence.UNKNOWN_KEY, Evidence.BAD_SIGNATURE})


@dataclass(frozen=True, slots=True)
class Accepted:
    """A heartbeat that is authentic, fresh and understood.

    newest: False when a later one has already come over another path: the path is alive, the
    contents are old news. opened: the first of a new session of the partner (it was restarted).
    """

    heartbeat: Heartbeat
    newest: bool = True
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Alive:
    """Authentic and fresh, but its contents cannot be used: the partner is alive (deaf must not mean active)."""

    evidence: Evidence
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Introduced:
    """Authentic, from a session that has not yet echoed our nonce: it counts for nothing but an answer."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Counts for nothing as a heartbeat; from the partner's address it is evidence (alarm)."""

    evidence: Evidence
    detail: str = ""


Verdict = Accepted | Alive | Introduced | Rejected
