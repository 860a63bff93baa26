"""Weights that people set and servers that they added with ipvsadm: what of it stays (`foreign_edits = adopt`).

*By hand* is what differs from what this `lvsd` wrote last; at its start nothing is, except what was kept.
"""

from collections.abc import Collection, Mapping, Sequence

from piranha.dataclass import dataclass
from piranha.lvscf.config import Config, ForeignEdits, Virtual
from piranha.table.desired import (
    NO_EDITS,
    Edits,
    Place,
    WeightByHand,
    place,
    servers_of,
    service_keys,
    services_of,
    sorry_place,
)
from piranha.table.service import ServiceKey
from piranha.table.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What tells an edit of others from our own writing.

    live: the table now. wrote: what we may have written, empty before the first pass: more than one table where
    nobody knows how far a pass came. former: the services of the file at the last pass. leaving: places of servers
    that leave. now_s: wall clock.
    """

    live: Table
    wrote: Sequence[Table] = ()
    former: Mapping[ServiceKey, Virtual]
    leaving: Collection[Place] = ()
    now_s: float = 0.0


def noticed(edits: Edits, services: Mapping[ServiceKey, Virtual], seen: Seen) -> Edits:
    """Return `edits` with what others have done since the last pass. services: those that are looked at.

    The weight of the file is nobody's edit: who sets it gives the server back to `lvsd`. Where the file has given
    the server another weight since the last pass, its word counts.
    """
    weights, added = dict(edits.weights), dict(edits.added)
    for key, at in edits.added:
        if key in services and (key not in seen.live or at not in seen.live[key].destinations):
            del added[key, at]
    if not seen.wrote:
        for (key, at), one in edits.weights.items():
            held = seen.live[key].destinations.get(at) if key in seen.live else None
            if held is not None and held.weight == one.configured > 0:
                del weights[key, at]  # somebody set it while nobody looked
    for key, virtual in services.items():
        have = seen.live.get(key)
        ours = [table[key] for table in seen.wrote if key in table]
        if have is not None and ours and have not in ours:
            _look(key, virtual, seen, weights, added)
    return edits if weights == edits.weights and added == edits.added else Edits(weights, added, edits.reported)


def _look(
    key: ServiceKey,
    virtual: Virtual,
    seen: Seen,
    weights: dict[Place, WeightByHand],
    added: dict[Place, float],
) -> None:
    """Put what others did in one service into `weights` and `added`."""
    named, ours = servers_of(key, virtual), [table[key].destinations for table in seen.wrote if key in table]
    former = seen.former.get(key, virtual)
    were = named if former is virtual else servers_of(key, former)
    for at, have in seen.live[key].destinations.items():
        wrote = [before for pool in ours if (before := pool.get(at)) is not None]
        server = named.get(at)
        if server is None:
            if not wrote and (key, at) not in seen.leaving and not _is_sorry(key, virtual, at):
                added.setdefault((key, at), seen.now_s)
        elif not wrote or at not in were or were[at].weight != server.weight:
            continue
        elif have.weight not in [before.weight for before in wrote]:
            if have.weight == server.weight:
                weights.pop((key, at), None)
            else:
                weights[key, at] = WeightByHand(have.weight, server.weight, seen.now_s)


def holding(edits: Edits, config: Config) -> Edits:
    """Return those of `edits` that go on once `config` is in force.

    A weight does while the file has the server there with the weight that it had; a server that was added while the
    file has the service and not the server.
    """
    if not edits:
        return edits
    match config.lvsd.foreign_edits:
        case ForeignEdits.REPAIR:
            return NO_EDITS
        case ForeignEdits.REPORT:
            return Edits(reported=edits.reported) if edits.weights or edits.added else edits
        case ForeignEdits.ADOPT:
            return _holding(edits, services_of(config))


def _holding(edits: Edits, services: Mapping[ServiceKey, Virtual]) -> Edits:
    named = {key: servers_of(key, services[key]) for key, _ in (*edits.weights, *edits.added) if key in services}
    weights = {
        (key, at): one
        for (key, at), one in edits.weights.items()
        if key in named and at in named[key] and named[key][at].weight == one.configured
    }
    added = {
        (key, at): since_s
        for (key, at), since_s in edits.added.items()
        if key in named and at not in named[key] and not _is_sorry(key, services[key], at)
    }
    same = weights == edits.weights and added == edits.added and not edits.reported
    return edits if same else Edits(weights, added)


def _is_sorry(key: ServiceKey, virtual: Virtual, at: object) -> bool:
    return virtual.sorry_server is not None and at == sorry_place(key, virtual, virtual.sorry_server)


def weights_by_server(edits: Edits, config: Config) -> dict[tuple[str, str], int]:
    """Return the weight of each server with one that was set by hand, by virtual and own name.

    Of a server with several services the largest, those of the file included: it serves as long as one of them does.
    """
    if not edits.weights:
        return {}
    services = services_of(config)
    touched = {services[key].name: services[key] for key, _ in edits.weights if key in services}
    found: dict[tuple[str, str], int] = {}
    for virtual in touched.values():
        keys = [key for key in service_keys(virtual) if services[key] is virtual]
        for server in virtual.servers:
            places = [(key, place(key, virtual, server)) for key in keys] if server.active else []
            by_hand = [edits.weights[one].weight for one in places if one in edits.weights]
            if by_hand:
                rest = [server.weight] if len(by_hand) < len(places) else []
                found[virtual.name, server.name] = max(by_hand + rest)
    return found
