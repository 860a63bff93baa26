"""What `lvsd` answers to the control verb `status`."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from piranha.dataclass import dataclass, field
from piranha.forwarding.plane import ServerStatistics
from piranha.lvscf.config import Virtual
from piranha.lvscf.patience import out_by_s
from piranha.lvsd.leaving import left_at
from piranha.lvsd.monitor import Health
from piranha.lvsd.numbers import Numbers
from piranha.lvsd.pool import APART, Pool
from piranha.lvsd.unforwarded import Cut
from piranha.nanny.results import ProbeResult
from piranha.table.desired import NO_EDITS, Edits, WeightByHand, place, servers_of, service_keys
from piranha.table.destination import DestinationKey
from piranha.table.leaving import Leaver
from piranha.table.service import ServiceKey
from piranha.table.table import Table


@dataclass(frozen=True, slots=True)
class View:
    """What the plane shows at `now`, monotonic seconds.

    cut: see `Unforwarded`. leaving: who leaves. cold: virtual servers that are left out, see `cold`. with_whom: see
    `Nannies`. edits: what others changed, and wall_s: the wall clock now, in which that began.
    """

    live: Table
    numbers: Numbers
    now: float
    cut: Mapping[str, Cut] = field(default_factory=dict)
    leaving: Sequence[Leaver] = ()
    cold: frozenset[str] = frozenset()
    edits: Edits = NO_EDITS
    wall_s: float = 0.0
    with_whom: Callable[[str], Sequence[str]] = lambda _check_id: ()


def virtuals(pools: Iterable[Pool], view: View) -> list[dict[str, object]]:
    """Return the virtual servers in the order of the file, each with its servers."""
    return [_virtual(pool, view) for pool in pools]


def _virtual(pool: Pool, view: View) -> dict[str, object]:
    virtual, live, numbers = pool.virtual, view.live, view.numbers
    keys, cut = service_keys(virtual), view.cut.get(virtual.name)
    servers = [_server(pool, check, view) for check in pool.servers]
    serving = sum(isinstance(s["weight"], int) and s["weight"] > 0 for s in servers)
    return {
        "name": virtual.name,
        "vips": [str(vip.address) for vip in virtual.vips],
        "services": [str(key) for key in keys],
        "in_table": [key in live for key in keys],
        "how": _how(virtual),
        "cold": virtual.name in view.cold,
        "serving": serving,
        "up": pool.up(),
        "deserted": pool.deserted(),
        "sorry": _sorry_serves(virtual, live),
        "not_forwarded": {"setting": cut.setting, "whole": cut.whole} if cut is not None else None,
        "out_by_s": max((out_by_s(server) for server in virtual.servers if server.active), default=0.0),
        "connections": sum(numbers.total(key).connections for key in keys),
        "new_per_s": _new_per_s(numbers, keys),
        "servers": servers,
        "leaving": [_leaver(leaver, view) for leaver in view.leaving if leaver.virtual == virtual.name],
        "added_by_hand": [_added(key, at, view) for key, at in view.edits.added if key in keys],
    }


def _added(key: ServiceKey, at: DestinationKey, view: View) -> dict[str, object]:
    held = view.live[key].destinations.get(at) if key in view.live else None
    found = _found(view.numbers, key, at)
    return {
        "name": str(at),
        "service": str(key),
        "address": str(at.address),
        "port": at.port,
        "weight": held.weight if held is not None else None,
        "since_s": _age_s(view, view.edits.added[key, at]),
        "active": found.active if found is not None else 0,
        "inactive": found.inactive if found is not None else 0,
    }


def _age_s(view: View, since_s: float) -> float:
    """Return how long ago it was by the wall clock, which may have been set since."""
    return round(max(0.0, view.wall_s - since_s), 3)


def _leaver(leaver: Leaver, view: View) -> dict[str, object]:
    left, left_s = left_at(leaver.places, view.numbers.statistics), leaver.left_s(view.now)
    held = [view.live[key].destinations.get(at) for key, at in leaver.places if key in view.live]
    return {
        "name": leaver.server,
        "address": str(leaver.where.address),
        "port": leaver.where.port,
        "weight": max((one.weight for one in held if one is not None), default=None),
        "since_s": None if leaver.began_s is None else round(view.now - leaver.began_s, 3),
        "left_s": None if left_s is None else round(left_s, 3),
        "drain_time_s": leaver.drain_s,
        "active": left.active,
        "inactive": left.inactive,
        "persistent": left.persistent,
    }


def _new_per_s(numbers: Numbers, keys: Sequence[ServiceKey]) -> float | None:
    known = [rates.connections for key in keys if (rates := numbers.rates(key)) is not None]
    return round(sum(known), 1) if known else None


def _server(pool: Pool, check: str, view: View) -> dict[str, object]:
    virtual, server, monitor = pool.virtual, pool.servers[check], pool.monitors[check]
    live, now, drain = view.live, view.now, pool.drained.get(check)
    by_hand = dict[str, WeightByHand]()
    weight = None
    active = inactive = connections = 0
    for key in service_keys(virtual):
        where = place(key, virtual, server)
        if (key, where) in view.edits.weights:
            by_hand[str(key)] = view.edits.weights[key, where]
        if key in live and where in live[key].destinations:
            weight = live[key].destinations[where].weight
        connections += view.numbers.total(key, where).connections
        if (found := _found(view.numbers, key, where)) is not None:
            active, inactive = active + found.active, inactive + found.inactive
    return {
        "name": server.name,
        "address": str(server.address),
        "port": server.port,
        "line": server.line,
        "state": _state(pool, check, now),
        "weight": weight,
        "configured_weight": server.weight,
        "drained_by": drain.cause if drain is not None else "",
        "drained_s": round(now - drain.since_s, 3) if drain is not None else None,
        "services": len(service_keys(virtual)),
        "by_hand": {name: one.weight for name, one in by_hand.items()},
        "by_hand_s": max((_age_s(view, one.since_s) for one in by_hand.values()), default=None),
        "weight_by_check": pool.weight_by_check(check),
        "since_s": round(now - monitor.since_s, 3),
        "shares_checks_with": _partners(pool, check, view),
        "last_check": _check(monitor.last, now),
        "last_failure": _check(monitor.last_failure, now),
        "disagreeing": monitor.disagreeing,
        "interval_s": server.timing.interval_s,
        "check_timeout_s": server.timing.check_timeout_s,
        "fall": server.timing.fall,
        "rise": server.timing.rise,
        "reentry_s": monitor.reentry_s,
        "active": active,
        "inactive": inactive,
        "connections": connections,
    }


def _partners(pool: Pool, check: str, view: View) -> list[str]:
    """Return the other servers for which a check of this one counts, too, as `VIRTUAL/SERVER`."""
    others = [other for part_id in pool.checks_of(check) for other in view.with_whom(part_id)]
    return [*dict.fromkeys(other.partition(APART)[0] for other in others)]


def _state(pool: Pool, check: str, now: float) -> str:
    monitor, share = pool.monitors[check], pool.share(check, now)
    if pool.weight(check) == 0 and monitor.health is Health.UP:
        return "drain"
    if check in pool.kept:
        return "kept"
    if pool.rests(check) and monitor.health is Health.UP:
        return "drain"
    state = monitor.state(now)
    growing = share is not None and state == Health.UP and check not in pool.by_hand
    return f"slow start {share:.0%}" if growing else state


def _check(last: ProbeResult | None, now: float) -> dict[str, object] | None:
    if last is None:
        return None
    return {
        "reason": str(last.reason),
        "detail": last.detail,
        "age_s": round(now - last.started_s, 3),
        "phases_ms": {name: round(took_ms, 3) for name, took_ms in last.phases_ms},
    }


def _found(numbers: Numbers, key: ServiceKey, where: DestinationKey) -> ServerStatistics | None:
    return numbers.statistics[key].servers.get(where) if key in numbers.statistics else None


def _sorry_serves(virtual: Virtual, live: Table) -> bool:
    if virtual.sorry_server is None:
        return False
    sorry = virtual.sorry_server
    for key in service_keys(virtual):
        servers = servers_of(key, virtual)
        for where, destination in live[key].destinations.items() if key in live else ():
            if where.address == sorry.address and where not in servers and destination.weight > 0:
                return True
    return False


def _how(virtual: Virtual) -> str:
    methods = sorted({str(server.forwarding) for server in virtual.servers if server.active}) or ["nat"]
    words = ["/".join(methods), str(virtual.scheduler)]
    if virtual.persistence_s:
        words.append(f"{virtual.persistence_s}s")
    return " ".join(words)
