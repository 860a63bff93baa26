"""What `lvsd` would believe of the servers if another file came into force: pools that nobody serves from."""

from collections.abc import Collection, Iterable, Mapping

from piranha.dataclass import dataclass, replace
from piranha.lvscf.changed import apart
from piranha.lvscf.config import Config, Virtual
from piranha.lvsd.maintenance import NO_MARKS, Marks
from piranha.lvsd.monitor import Health
from piranha.lvsd.pool import Pool, ServerKey
from piranha.nanny.results import Advice
from piranha.table.adopted import starting_up
from piranha.table.by_hand import holding, weights_by_server
from piranha.table.desired import NO_EDITS, Edits, Verdict, services_of
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.terms import Address


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one server. since_s, recovered_s, advices: see `Monitor`."""

    health: Health
    since_s: float = 0.0
    recovered_s: float | None = None
    advices: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """What is believed of all servers, which virtual servers have fallen below their quorum, and who is drained.

    edits: what others have changed, which goes on as far as a file lets it.
    """

    servers: Mapping[ServerKey, Belief]
    below_quorum: frozenset[str] = frozenset()
    marks: Marks = NO_MARKS
    edits: Edits = NO_EDITS


@dataclass(frozen=True, slots=True)
class Outlook:
    """now: the verdicts by the file in force. then: those by the other file, as soon as it is in force."""

    now: Mapping[ServerKey, Verdict]
    then: Mapping[ServerKey, Verdict]


NOTHING_BELIEVED = Beliefs(servers={})


def beliefs_of(pools: Iterable[Pool], marks: Marks = NO_MARKS, edits: Edits = NO_EDITS) -> Beliefs:
    """Return what `pools` believe. marks: who is drained. edits: what others have changed."""
    held = tuple(pools)
    servers = {
        (pool.virtual.name, server.name): Belief(
            monitor.health, monitor.since_s, monitor.recovered_s, tuple(monitor.advices())
        )
        for pool in held
        for check_id, server in pool.servers.items()
        for monitor in (pool.monitors[check_id],)
    }
    below = frozenset(pool.virtual.name for pool in held if pool.below_quorum)
    return Beliefs(servers=servers, below_quorum=below, marks=marks, edits=edits)


def outlook(before: Config | None, after: Config, live: Table, beliefs: Beliefs, now: float) -> Outlook:
    """Return the verdicts before and after a reload. before: None while no daemon of ours runs."""
    pools: dict[str, Pool] = {}
    drained = beliefs.marks.drained(before) if before is not None else {}
    weights = weights_by_server(beliefs.edits, before) if before is not None else {}
    for virtual in before.active_virtuals() if before is not None else ():
        pool = pools[virtual.name] = Pool(virtual, (), now)
        for check_id, server in pool.servers.items():
            if (belief := beliefs.servers.get((virtual.name, server.name))) is not None:
                monitor = pool.monitors[check_id]
                monitor.health, monitor.since_s = belief.health, belief.since_s
                monitor.recovered_s = belief.recovered_s
                monitor.advise(belief.advices)
        pool.drain(drained, now)
        pool.weigh(weights, now)
        pool.judge_again(below_quorum=virtual.name in beliefs.below_quorum)
    verdicts = _verdicts(pools.values(), now)
    later, drained = pools_for(after, live, pools, now), beliefs.marks.drained(after)
    weights = weights_by_server(holding(beliefs.edits, after), after)
    for pool in later.values():
        pool.drain(drained, now)
        pool.weigh(weights, now)
    return Outlook(verdicts, _verdicts(later.values(), now))


def pools_for(config: Config, live: Table, pools: Mapping[str, Pool], now: float) -> dict[str, Pool]:
    """Return the pools of `config`: those of `pools` that go on, by their names, take over its settings."""
    others = tuple(one for one in config.virtuals if not _goes_on(one, pools.get(one.name)))
    up = starting_up(replace(config, virtuals=others), live, pools)
    found: dict[str, Pool] = {}
    for virtual in config.active_virtuals():
        pool = pools.get(virtual.name)
        if pool is None:
            pool = Pool(virtual, up.get(virtual.name, ()), now)
        else:
            pool.reconfigure(virtual, up.get(virtual.name, ()), now)
        found[virtual.name] = pool
    return found


def _goes_on(virtual: Virtual, pool: Pool | None) -> bool:
    return pool is not None and (pool.virtual is virtual or pool.virtual.meaning == virtual.meaning)


def _verdicts(pools: Iterable[Pool], now: float) -> dict[ServerKey, Verdict]:
    return {key: verdict for pool in pools for key, verdict in pool.verdicts(now).items()}


def news_of(
    before: Mapping[str, tuple[str, Collection[str]]], pools: Mapping[str, Pool], pool_of: Mapping[str, Pool]
) -> tuple[Collection[str], list[Pool], dict[str, Pool]]:
    """Return which checks are gone, the pools that are new or mean something else, and the pool of each check.

    before: by the name of a pool the meaning of its virtual server and the ids of its checks. pool_of: the pool of
    each check before: ids are looked up, not taken apart, since names of servers may hold a slash.
    """
    changed = [one for name, one in pools.items() if name not in before or before[name][0] != one.virtual.meaning]
    names = {one.virtual.name for one in changed}
    old = {one for name, (_, ids) in before.items() if name in names or name not in pools for one in ids}
    new = {check_id: pool for pool in changed for check_id in pool.check_ids}
    if any(one.count("/") > 1 for one in (*old, *new)):
        # `a` / `b/c` and `a/b` / `c` have one id: what one of them leaves may be the other's.
        new = {check_id: pool for pool in pools.values() for check_id in pool.check_ids}
        return pool_of.keys() - new.keys(), changed, new
    gone = old - new.keys()
    found = dict(pool_of)
    for check_id in gone:
        found.pop(check_id, None)
    return gone, changed, found | new


def newcomers(before: Config, after: Config) -> set[ServiceKey]:
    """Return the services in which a server is checked that was not, or elsewhere."""
    old, new = apart(before, after)
    known = {place for virtual in old.active_virtuals() for place in _places(virtual)}
    return {key for key, virtual in services_of(new).items() if not _places(virtual) <= known}


def _places(virtual: Virtual) -> set[tuple[str, str, Address, int]]:
    """Return each server that is checked, and where it is."""
    return {(virtual.name, server.name, server.address, server.port) for server in virtual.servers if server.active}
