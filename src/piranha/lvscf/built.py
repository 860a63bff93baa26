"""A Config on its way: the values beside the settings they came from, for findings that need both."""

from collections.abc import Callable, Iterable

from piranha.dataclass import dataclass, field
from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.lvscf.diagnostics import Span
from piranha.lvscf.settings import Section


@dataclass(frozen=True, slots=True)
class BuiltServer:
    """A real server and its block."""

    server: RealServer
    section: Section


class BuiltVirtual:
    """A virtual server, its block and its real servers.

    kinds: those of `servers` that say more than address, weight and whether they are active, and the first of those
    that do not: all others are like that one in all else, and their addresses have its family. fine: some server is
    in use and takes connections, no two in use have one address, and none says more than that; where it is false
    that may be so nevertheless.
    """

    __slots__ = ("_extra_places", "_sections", "_servers", "fine", "kinds", "section", "virtual")

    def __init__(
        self,
        virtual: Virtual,
        section: Section,
        sections: Callable[[], Iterable[Section]],
        kinds: tuple[BuiltServer, ...],
        extra_places: tuple[Span, ...],
        *,
        fine: bool,
    ) -> None:
        self.virtual, self.section, self.kinds, self.fine = virtual, section, kinds, fine
        self._sections, self._extra_places = sections, extra_places
        self._servers: tuple[BuiltServer, ...] | None = None

    @property
    def servers(self) -> tuple[BuiltServer, ...]:
        """Each real server with its block, which nobody asks for in most files."""
        if self._servers is None:
            pairs = zip(self.virtual.servers, self._sections(), strict=True)
            self._servers = tuple([BuiltServer(server, section) for server, section in pairs])
        return self._servers

    @property
    def places(self) -> tuple[Span, ...]:
        """The places of its VIPs, as `Virtual.vips`."""
        return self.section.place("address"), *self._extra_places


@dataclass(frozen=True, slots=True)
class Built:
    """The whole file. section: the global settings."""

    config: Config
    section: Section
    virtuals: tuple[BuiltVirtual, ...] = field(default=())
