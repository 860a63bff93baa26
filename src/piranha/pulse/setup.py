"""Shell: how one `pulse` was started, and what it was given to touch the world with."""

from dataclasses import dataclass
from pathlib import Path

from piranha.control.daemon import Folders
from piranha.lvscf.config import PlaneKind
from piranha.pulse.announce import Announcer
from piranha.pulse.endpoint import Endpoint
from piranha.pulse.heartbeat import Place
from piranha.pulse.helpers import Reader, Runner
from piranha.pulse.leases import Leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How this process was started. lvsd_command: words that start the lvs daemon."""

    path: Path
    folders: Folders
    place: Place
    plane: PlaneKind
    lvsd_command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that was not accepted; what was in force before stays."""

    path: str
    problems: tuple[str, ...]
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What touches the world, made before the loop."""

    endpoint: Endpoint
    leases: Leases
    announcer: Announcer
    reader: Reader
    runner: Runner
