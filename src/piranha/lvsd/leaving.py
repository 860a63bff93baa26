"""When servers that leave are gone: at the end of their time, or as soon as nobody has a connection to them."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from piranha.dataclass import dataclass, replace
from piranha.events.event import Event, Level
from piranha.forwarding.plane import ServiceStatistics
from piranha.lvscf.config import Config
from piranha.table.desired import Place, servers_of, services_of
from piranha.table.key_data import server_data, server_from, service_data, service_from
from piranha.table.leaving import Leaver
from piranha.table.service import AddressMatch, ServiceKey
from piranha.table.table import Table
from piranha.terms import Protocol

Statistics = Mapping[ServiceKey, ServiceStatistics]

SETTLE_S = 5.0
"""A connection that is being opened counts as inactive for so long at most."""

LOOK_S = 2.0
"""Seconds between two looks at their connections, at least."""
SOON_S = 0.3
SOONEST_S = 0.1
PATIENCE = 20.0
"""A large table is read for one part of the time in so many at most."""

LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Connections that servers which leave still have, over all of their places. persistent: clients bound to them."""

    active: int = 0
    inactive: int = 0
    persistent: int = 0

    def __str__(self) -> str:
        words = f"{self.active} active, {self.inactive} inactive"
        return words + (f", {self.persistent} persistent" if self.persistent else "")


def left_at(places: Sequence[Place], statistics: Statistics) -> Left:
    """Return the connections at `places`."""
    found = [statistics[key].servers.get(where) for key, where in places if key in statistics]
    there = [one for one in found if one is not None]
    return Left(
        active=sum(one.active for one in there),
        inactive=sum(one.inactive for one in there),
        persistent=sum(one.persistent for one in there),
    )


def look(
    leavers: Sequence[Leaver], live: Table, statistics: Statistics | None, now: float
) -> tuple[tuple[Leaver, ...], list[Event]]:
    """Return who leaves still and what there is to say. now: monotonic seconds.

    live: the table before `statistics` were read; None: they cannot be read. A server is empty when it has no
    active connection and no client is bound to it by persistence. An inactive connection counts where it may
    live on: of UDP, behind a firewall mark, and in the first seconds, when it may be one that is being opened.
    One that is over stays among those that leave until the table does not have it any more.
    """
    staying: list[Leaver] = []
    events: list[Event] = []
    for leaver in leavers:
        held = [live[key].destinations[at] for key, at in leaver.places if key in live and at in live[key].destinations]
        if not held:
            events += [] if leaver.over else [_gone(leaver, None, "somebody else took it out", now)]
            continue
        if any(one.weight > 0 for one in held) and not leaver.over:
            staying.append(replace(leaver, began_s=None))
            continue
        left = left_at(leaver.places, statistics) if statistics is not None else None
        one = leaver
        # A beginning that is still to come is none: damaged state must not keep a server for ever.
        if one.began_s is None or one.began_s > now:
            one = replace(one, began_s=now)
            events.append(_begins(one, left, now))
        if not one.over and (why := _why_over(one, left, now)):
            one = replace(one, over=True)
            events.append(_gone(one, left, why, now))
        staying.append(one)
    return tuple(staying), events


def pause_s(leavers: Sequence[Leaver], took_s: float, now: float, *, fresh: bool) -> float:
    """Return the seconds until `look` is due.

    took_s: how long the last reading of the table took. fresh: a reload has just found some; they are looked at soon,
    so that their time begins, and is kept, when their connections cease to come.
    """
    if fresh:
        return max(SOON_S, took_s)
    ends = [left_s for leaver in leavers if not leaver.over and (left_s := leaver.left_s(now)) is not None]
    return max(SOONEST_S, min([max(LOOK_S, PATIENCE * took_s), *ends]))


def reloaded(before: Sequence[Leaver], after: Sequence[Leaver], config: Config, now: float) -> list[Event]:
    """Return what a reload has made of those who were leaving. config: the file in force now."""
    left = {place for leaver in after for place in leaver.places}
    ended = [leaver for leaver in before if not leaver.over and not left.intersection(leaver.places)]
    services = services_of(config) if ended else {}
    events = []
    for leaver in ended:
        there = [(key, at) for key, at in leaver.places if key in services]
        if any(at in servers_of(key, services[key]) for key, at in there):
            events.append(_event(leaver, "stays: lvs.cf names it again", now, before=LEAVING, after="back"))
        elif there:
            events.append(_gone(leaver, None, "drain_time is 0 now", now))
    return events


def leaver_data(leaver: Leaver) -> dict[str, object]:
    """Return it as JSON has it."""
    return {
        "virtual": leaver.virtual,
        "server": leaver.server,
        "places": [[service_data(key), server_data(where)] for key, where in leaver.places],
        "drain_s": leaver.drain_s,
        "own": leaver.own,
        "began_s": leaver.began_s,
        "over": leaver.over,
    }


def leaver_from(data: Mapping[str, Any]) -> Leaver:
    """Read what `leaver_data` made. Raises one of MISSHAPEN for anything else."""
    places = tuple((service_from(key), server_from(where)) for key, where in data["places"])
    drain_s, began_s = float(data["drain_s"]), data["began_s"]
    if not places or not isfinite(drain_s) or (began_s is not None and not isfinite(float(began_s))):
        raise ValueError("no server that leaves")
    return Leaver(
        virtual=str(data["virtual"]),
        server=str(data["server"]),
        places=places,
        drain_s=drain_s,
        own=bool(data["own"]),
        began_s=None if began_s is None else float(began_s),
        over=bool(data["over"]),
    )


def _why_over(leaver: Leaver, left: Left | None, now: float) -> str:
    if left is not None and _empty(leaver, left, now):
        return "it has no connections any more"
    return "its time is over" if leaver.left_s(now) == 0 else ""


def _empty(leaver: Leaver, left: Left, now: float) -> bool:
    if left.active or left.persistent:
        return False
    settled = leaver.began_s is not None and now - leaver.began_s >= SETTLE_S
    return left.inactive == 0 or (settled and all(_closes(key) for key, _ in leaver.places))


def _closes(key: ServiceKey) -> bool:
    """Whether an inactive connection of a service is one that closes."""
    return isinstance(key.match, AddressMatch) and key.match.protocol is not Protocol.UDP


def _begins(leaver: Leaver, left: Left | None, now: float) -> Event:
    message = "leaves: it gets no new connections and keeps those that it has"
    return _event(leaver, message, now, left=left, after=LEAVING, cause="lvs.cf does not name it")


def _gone(leaver: Leaver, left: Left | None, why: str, now: float) -> Event:
    level = Level.WARNING if left is not None and left.active else Level.INFO
    return _event(leaver, f"has left: {why}", now, left=left, before=LEAVING, after="gone", level=level)


def _event(
    leaver: Leaver,
    message: str,
    now: float,
    *,
    left: Left | None = None,
    before: str = "",
    after: str = "",
    cause: str = "",
    level: Level = Level.INFO,
) -> Event:
    facts = (("server", str(leaver.where)), *((("connections", str(left)),) if left is not None else ()))
    return Event(
        when_s=now,
        subject=leaver.name,
        message=message,
        before=before,
        after=after,
        rule=f"drain_time = {leaver.drain_s:g}",
        cause=cause,
        facts=facts,
        level=level,
    )
