"""The table before and after a new file: what a plan asks of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum

from piranha.dataclass import dataclass, field
from piranha.forwarding.plane import ServiceStatistics
from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.table.by_hand import holding
from piranha.table.changes import Change
from piranha.table.desired import (
    NO_EDITS,
    Edits,
    Place,
    ServerVerdict,
    Verdicts,
    desired,
    place,
    serves,
    service_keys,
    services_of,
)
from piranha.table.destination import DestinationKey
from piranha.table.diff import diff
from piranha.table.leaving import Leaver, by_place, leaving
from piranha.table.left_alone import left_alone
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.table.targets import Target, target_of


class Fate(Enum):
    """What becomes of one entry of the table."""

    ABSENT = "it is not there, before or after"
    STAYS = "it stays as it is"
    ADDED = "it is added now"
    EDITED = "it is edited in place"
    QUIESCED = "it gets no new connections from now on"
    GONE = "it is removed now"
    LATER = "it stays until another server is up: those that come or stay have not answered yet"


Places = tuple[Place, ...]
"""Where a server is in the table: once in each service of its virtual server."""


@dataclass(frozen=True, slots=True)
class World:
    """The live table, the one the new file asks for, and the steps between.

    before: the file in force, None when there is none. wanted: the table after the first pass;
    eventual: once every server that is still to answer has done so. had, has: which virtual server has
    a service, by the file in force and by the new one; without those left out by `only_changed`. leaving:
    who leaves then, left: who leaves already, by place. statistics: None = nobody can count connections.
    edits: what others have changed and stays now; staying: what of it stays then. asked: `wanted` without what others
    changed and nobody puts back.
    """

    before: Config | None
    after: Config
    live: Table
    wanted: Table
    eventual: Table
    changes: tuple[Change, ...]
    verdicts: Verdicts
    leaving: Mapping[Place, Leaver]
    left: Mapping[Place, Leaver]
    statistics: Mapping[ServiceKey, ServiceStatistics] | None
    had: Mapping[ServiceKey, Virtual]
    has: Mapping[ServiceKey, Virtual]
    edits: Edits = NO_EDITS
    staying: Edits = NO_EDITS
    asked: Table = field(default_factory=dict)
    _of_service: dict[ServiceKey, list[Change]] = field(default_factory=dict, repr=False)
    _of_target: dict[Target, list[Change]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for change in self.changes:
            self._of_service.setdefault(change.service, []).append(change)
            self._of_target.setdefault(target_of(change), []).append(change)

    def keys_before(self, virtual: Virtual | None) -> tuple[ServiceKey, ...]:
        """Return the services that `virtual` of the file in force has in the table."""
        return _keys(virtual, self.had)

    def keys_after(self, virtual: Virtual | None) -> tuple[ServiceKey, ...]:
        """Return the services that `virtual` of the new file has in the table."""
        return _keys(virtual, self.has)

    def of_services(self, keys: Iterable[ServiceKey]) -> tuple[Change, ...]:
        """Return the steps that are about these services, their servers included."""
        return tuple(change for key in keys for change in self._of_service.get(key, ()))

    def of_settings(self, keys: Iterable[ServiceKey]) -> tuple[Change, ...]:
        """Return the steps that are about the services themselves."""
        return tuple(change for key in keys for change in self._of_target.get((key, None), ()))

    def of_places(self, places: Places) -> tuple[Change, ...]:
        """Return the steps that are about one server."""
        return tuple(change for target in places for change in self._of_target.get(target, ()))

    def connections(self, keys: Iterable[ServiceKey]) -> int | None:
        """Return the connections of services; None where nobody can count them."""
        if self.statistics is None:
            return None
        found = (self.statistics[key].servers.values() for key in keys if key in self.statistics)
        return sum(one.active + one.inactive for servers in found for one in servers)

    def connections_at(self, places: Places) -> int | None:
        """Return the connections of one server; None where nobody can count them."""
        if self.statistics is None:
            return None
        found = (self.statistics[key].servers.get(where) for key, where in places if key in self.statistics)
        return sum(one.active + one.inactive for one in found if one is not None)

    def fate(self, places: Places) -> Fate:
        """Return what becomes of a server; the worst where its services differ."""
        fates = [self._fate(key, where) for key, where in places]
        order = (Fate.GONE, Fate.QUIESCED, Fate.LATER, Fate.ADDED, Fate.EDITED, Fate.STAYS)
        return next((fate for fate in order if fate in fates), Fate.ABSENT)

    def leaver(self, places: Places) -> Leaver | None:
        """Return who leaves these places, None when nobody does."""
        return next((self.leaving[place] for place in places if place in self.leaving), None)

    def deserted(self, keys: Collection[ServiceKey]) -> bool:
        """Whether one of these services serves now, will be there, and nobody will serve."""
        return any(
            key in self.live and key in self.wanted and _served(self.live, key) and not _served(self.wanted, key)
            for key in keys
        )

    def _fate(self, key: ServiceKey, where: DestinationKey) -> Fate:
        had = self.live[key].destinations.get(where) if key in self.live else None
        has = self.wanted[key].destinations.get(where) if key in self.wanted else None
        if had is None:
            return Fate.ABSENT if has is None else Fate.ADDED
        if has is None:
            return Fate.GONE
        if key in self.eventual and serves(has) and not serves(self.eventual[key].destinations.get(where)):
            return Fate.LATER
        if had == has:
            return Fate.STAYS
        return Fate.QUIESCED if serves(had) and not serves(has) else Fate.EDITED


def world(
    before: Config | None,
    after: Config,
    live: Table,
    *,
    statistics: Mapping[ServiceKey, ServiceStatistics] | None,
    verdicts: Verdicts,
    believed: Verdicts,
    ours: Collection[ServiceKey],
    leavers: Sequence[Leaver],
    edits: Edits,
    parts: tuple[Config | None, Config],
) -> World:
    """Return the table before and after; the arguments are those of `plan`. parts: of both files what is looked at."""
    old, new = parts
    had, has = services_of(old) if old is not None else {}, services_of(new)
    mine = frozenset(ours) | had.keys()
    places = by_place(leaving(old, new, live, verdicts, leavers, added=edits.added))
    staying = holding(edits, new)
    wanted = asked = desired(new, believed, live, mine, places, edits=staying)
    if staying.reported and old is not None:
        before_now = desired(old, verdicts, live, mine, by_place(leavers))
        wanted = left_alone(live, before_now, asked, staying.reported)
    servers = [(virtual.name, server.name) for virtual in has.values() for server in virtual.servers]
    believed = {server: believed.get(server, ServerVerdict.UNKNOWN) for server in servers}
    answered = {key: ServerVerdict.UP if one is ServerVerdict.UNKNOWN else one for key, one in believed.items()}
    eventual = wanted
    if answered != believed:
        later = desired(new, answered, wanted, mine, places, edits=staying)
        eventual = left_alone(wanted, asked, later, staying.reported) if staying.reported else later
    changes = tuple(diff(live, wanted))
    return World(
        before=before,
        after=after,
        live=live,
        wanted=wanted,
        eventual=eventual,
        changes=changes,
        verdicts=believed,
        leaving=places,
        left=by_place(leavers),
        statistics=statistics,
        had=had,
        has=has,
        edits=edits,
        staying=staying,
        asked=asked,
    )


def drifted(
    before: Config,
    live: Table,
    verdicts: Verdicts,
    ours: Collection[ServiceKey],
    leavers: Sequence[Leaver],
    *,
    edits: Edits,
) -> list[Change]:
    """Return the steps that the file in force asks for already: what somebody else has changed."""
    mine = frozenset(ours) | set(services_of(before))
    wanted = desired(before, verdicts, live, mine, by_place(leavers), edits=edits)
    return diff(live, left_alone(live, wanted, wanted, edits.reported))


def places_of(keys: Iterable[ServiceKey], virtual: Virtual, server: RealServer) -> Places:
    """Return where these services of `virtual` have `server`."""
    return tuple((key, place(key, virtual, server)) for key in keys)


def _served(table: Table, key: ServiceKey) -> bool:
    return any(serves(destination) for destination in table[key].destinations.values())


def _keys(virtual: Virtual | None, services: Mapping[ServiceKey, Virtual]) -> tuple[ServiceKey, ...]:
    if virtual is None or not virtual.active:
        return ()
    # Of two virtual servers with one service the first in the file has it.
    return tuple(key for key in service_keys(virtual) if services.get(key) is virtual)
