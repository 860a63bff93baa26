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
from piranha.pulse.startup import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How this process was started. place, plane: what `admit` made of `said`. lvsd_command: starts the lvs daemon."""

    path: Path
    folders: Folders
    said: Said
    place: Place
    plane: PlaneKind
    lvsd_command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What touches the world, made before the loop."""

    endpoint: Endpoint
    leases: Leases
    announcer: Announcer
    reader: Reader
    runner: Runner
