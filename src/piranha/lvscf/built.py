"""A Config on its way: the values beside the settings they came from, for findings that need both."""

from piranha.dataclass import dataclass, field
from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.lvscf.diagnostics import Span
from piranha.lvscf.settings import Section


@dataclass(frozen=True, slots=True)
class BuiltServer:
    """A real server and its block."""

    server: RealServer
    section: Section


@dataclass(frozen=True, slots=True)
class BuiltVirtual:
    """A virtual server, its block and its real servers.

    places: of its VIPs, as `Virtual.vips`. kinds: those of `servers` that say more than address, weight and whether
    they are active, and the first of those that do not: all others are like that one in all else, and their
    addresses have its family.
    """

    virtual: Virtual
    section: Section
    servers: tuple[BuiltServer, ...]
    places: tuple[Span, ...]
    kinds: tuple[BuiltServer, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The whole file. section: the global settings."""

    config: Config
    section: Section
    virtuals: tuple[BuiltVirtual, ...] = field(default=())
