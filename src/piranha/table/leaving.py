"""Servers that leave: the file does not name them any more, their connections go on for a while (`drain_time`).

What leaves is a place in the kernel: a server that moves to another address leaves the old one, and a server that
only gets another name leaves nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from piranha.dataclass import dataclass, replace
from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.table.desired import Place, ServerVerdict, Verdicts, servers_of, services_of, sorry_place
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey
from piranha.table.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """One server that leaves.

    virtual: the virtual server that it leaves. server: its name in the file that had it, or where it is, if that file
    is not known. places: where the kernel has it. drain_s: how long it may take, above 0; own: by the server's own
    `drain_time`, not by that of the virtual server. began_s: when it stopped getting new connections, monotonic
    seconds; None while it goes on until another server answers. over: it is to be removed now.
    """

    virtual: str
    server: str
    places: tuple[Place, ...]
    drain_s: float
    own: bool = False
    began_s: float | None = None
    over: bool = False

    @property
    def name(self) -> str:
        """What events and screens call it: `www/web2`."""
        return f"{self.virtual}/{self.server}"

    @property
    def where(self) -> DestinationKey:
        """Where it listens; of several ports the first."""
        return self.places[0][1]

    def left_s(self, now: float) -> float | None:
        """Return the seconds until it goes whatever it has, at least 0; None while they do not count yet."""
        return None if self.began_s is None else max(0.0, self.began_s + self.drain_s - now)


def by_place(leavers: Iterable[Leaver]) -> dict[Place, Leaver]:
    """Return who leaves each place."""
    return {place: leaver for leaver in leavers for place in leaver.places}


def leaving(
    before: Config | None,
    after: Config,
    live: Table,
    verdicts: Verdicts,
    known: Sequence[Leaver] = (),
    *,
    added: Collection[Place] = (),
) -> tuple[Leaver, ...]:
    """Return who leaves once `after` is in force.

    before: the file in force until then, None at a start. live: what the kernel holds. verdicts: what is believed of
    the servers of `before`. known: who leaves already; their time goes on, by the `drain_time` that counts now.
    added: servers that somebody added by hand, and that stay.

    A server leaves if the kernel has it in a service that stays, `before` names it and `after` does not, unless it
    is down or its time is 0. Where nobody knows who put it there, at a start and in a service that is new to the
    file, it leaves as well: an earlier file may have had it. The sorry server of the file never leaves.
    """
    had = services_of(before) if before is not None else {}
    left = by_place(known)
    busy = {key for key, _ in left}
    found: dict[tuple[str, str, int], Leaver] = {}
    for key, virtual in services_of(after).items():
        old = had.get(key)
        if key not in live or (old is virtual and key not in busy):
            continue
        former = servers_of(key, old) if old is not None else None
        for place in _unnamed(key, virtual, live):
            if place in added:
                continue
            leaver = left.get(place) or _deleted(place, virtual, old, former, verdicts)
            if leaver is None:
                continue
            drain_s = leaver.drain_s if leaver.own else virtual.drain_time_s
            one = (leaver.virtual, leaver.server, id(left.get(place)))
            places = (*(found[one].places if one in found else ()), place)
            if drain_s > 0:
                found[one] = replace(leaver, virtual=virtual.name, drain_s=drain_s, places=places)
    return tuple(found.values())


def _unnamed(key: ServiceKey, virtual: Virtual, live: Table) -> list[Place]:
    """Return what a service has in the kernel and not in the file."""
    named = servers_of(key, virtual)
    sorry = sorry_place(key, virtual, virtual.sorry_server) if virtual.sorry_server is not None else None
    return [(key, where) for where in live[key].destinations if where not in named and where != sorry]


def _deleted(
    place: Place,
    virtual: Virtual,
    old: Virtual | None,
    former: Mapping[DestinationKey, RealServer] | None,
    verdicts: Verdicts,
) -> Leaver | None:
    """Return who leaves `place` from now on, None where nobody does. former: the servers of `old` in the service."""
    if old is None or former is None:
        return Leaver(virtual=virtual.name, server=str(place[1]), places=(place,), drain_s=virtual.drain_time_s)
    server = former.get(place[1])
    if server is None or verdicts.get((old.name, server.name)) is ServerVerdict.DOWN:
        return None
    own = server.drain_time_s != old.drain_time_s
    return Leaver(virtual=old.name, server=server.name, places=(place,), drain_s=server.drain_time_s, own=own)
