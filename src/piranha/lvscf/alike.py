"""What blocks that say the same have in common: most of a large file was said before, in it or in another block."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from piranha.dataclass import dataclass, field
from piranha.lvscf.config import Quota, RealServer, Virtual
from piranha.lvscf.copies import copier
from piranha.lvscf.directives import Scope
from piranha.lvscf.elaborate_check import HTTP_PORT
from piranha.lvscf.elaborate_service import scheduler_flags
from piranha.lvscf.numbers import Reader
from piranha.lvscf.settings import Section
from piranha.lvscf.syntax.tokens import Pairs
from piranha.lvscf.syntax.tree import Block
from piranha.terms import ForwardingMethod, Protocol, Scheduler

_OWN = ("address", "active", "weight")
"""What most real servers say, and nothing else."""
_OWN_KEYS = frozenset(_OWN)
_APART = ("address", "port")
"""Keywords of a virtual block that are different in nearly each, while all else is said again and again."""


class Usual:
    """What real servers have in common that say of themselves what `server` does: no more than _OWN.

    Besides that a server depends on what its virtual server says, and on the port of that, which it is told.
    """

    def __init__(self, server: RealServer) -> None:
        self._server, self._family = server, type(server.address)
        self._copy: Callable[..., RealServer] = copier(RealServer, "name", "line", "port", *_OWN)

    def like(self, name: str, line: int, port: int, section: Section) -> RealServer | None:
        """Return such a server; None where it says more, or its address is of another family."""
        # Asked for nearly every server of a large file.
        values = section.values
        if values.keys() != _OWN_KEYS or section.wrong:
            return None
        address, active, weight = values["address"], values["active"], values["weight"]
        if not isinstance(address, self._family) or not int(address):
            return None
        return self._copy(self._server, name, line, port, address, active, weight)

    def all_of(self, pool: "Pool", blocks: Iterable[Block], port: int) -> tuple[RealServer, ...]:
        """Return the servers of `blocks`, which are those of `pool` once more."""
        copy, server = self._copy, self._server
        return tuple(
            [
                copy(server, one.name, block.line, port, one.address, one.active, one.weight)
                for one, block in zip(pool.servers, blocks, strict=True)
            ]
        )


class Pool:
    """The real servers of a virtual block as their texts have them, where nothing was found in them.

    All are such as `Usual.like` makes of the first. fine: as in `BuiltVirtual`.
    """

    __slots__ = ("_values", "fine", "servers")

    def __init__(self, servers: Sequence[RealServer], sections: Iterable[Section]) -> None:
        self.servers = servers
        self._values = [section.values for section in sections]
        used = [server for server in servers if server.active]
        alone = len({int(server.address) for server in used}) == len(used)
        self.fine = alone and any(server.weight for server in used)

    def sections(self, blocks: Iterable[Block]) -> list[Section]:
        """Return the sections of the blocks of this pool, or of those with the same texts."""
        return [self.section(number, block) for number, block in enumerate(blocks)]

    def section(self, number: int, block: Block) -> Section:
        """Return one of `sections`."""
        return Section.right(block, Scope.SERVER, self._values[number], block.pairs() or ())


Texts = tuple[tuple[str, str | None], ...]
"""Names and texts of the server blocks of a virtual block, of which no text may be None."""


class Alike:
    """What virtual servers have in common that say the same apart from address and port."""

    __slots__ = ("_usual", "active", "forwarding", "protocols", "virtual")

    def __init__(self, section: Section, network: ForwardingMethod) -> None:
        self.active = section.value("active", bool)
        self.protocols = tuple(Protocol[word.upper()] for word in section.value("protocol", tuple))
        self.forwarding = ForwardingMethod(section.get("forwarding", str(network)))
        self._usual: dict[bool, Usual] = {}
        self.virtual = partial(
            Virtual,
            active=self.active,
            protocols=self.protocols,
            fwmark=section.value("fwmark", int),
            scheduler=Scheduler(section.value("scheduler", str)),
            scheduler_flags=scheduler_flags(section),
            persistence_s=section.value("persistent", int),
            persistence_engine=section.get("persistence_engine", ""),
            one_packet=section.value("one_packet", bool),
            quiesce_server=section.value("quiesce_server", bool),
            start_up=section.value("start_state", str) == "up",
            keep_active=_quota(section, "keep_active"),
            quorum=_quota(section, "quorum"),
            quorum_margin=section.value("quorum_margin", int),
            drain_time_s=section.value("drain_time", float),
        )

    def usual(self, port: int) -> Usual | None:
        """Return what the usual server of a virtual server at `port` is, if such a one has been there."""
        # A service without a check of its own is asked in HTTP at that port; no other makes a difference.
        return self._usual.get(port == HTTP_PORT)

    def keep(self, port: int, usual: Usual) -> None:
        """Note what `usual` returns from now on."""
        self._usual[port == HTTP_PORT] = usual


def _quota(section: Section, keyword: str) -> Quota:
    value = section.value(keyword, object)
    # A share is read as a float, a number of servers as an int.
    return Quota(percent=value) if isinstance(value, float) else Quota(count=int(str(value)))


@dataclass(frozen=True, slots=True)
class Around:
    """What each virtual block of a file is read with.

    network: of the file. blocks: of checks, by name. pools: those that have been read.
    """

    reader: Reader
    network: ForwardingMethod
    blocks: Mapping[str, Section]
    pools: dict[Texts, Pool] = field(default_factory=dict)
    _alike: dict[Pairs, Alike] = field(default_factory=dict, init=False)

    def alike(self, section: Section) -> Alike:
        """Return what a virtual block has in common with others; nothing with others where not every line is right."""
        if section.pairs is None:
            return Alike(section, self.network)
        said = tuple([pair for pair in section.pairs if pair[0] not in _APART])
        found = self._alike.get(said)
        if found is None:
            found = self._alike[said] = Alike(section, self.network)
        return found


def is_usual(section: Section) -> bool:
    """Whether a server says what most do, and nothing else."""
    return section.values.keys() == _OWN_KEYS
