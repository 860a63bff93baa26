"""The whole of one virtual server: which of its real servers are believed up, and what to check.

Only here is the whole pool in view; rules over it (`keep_active`, `quorum`) belong here. Weights,
removal and the sorry server follow from the verdicts in `table.desired`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from piranha.events.event import Event
from piranha.lvscf.config import NO_QUOTA, RealServer, Virtual
from piranha.lvsd.combined import Combined
from piranha.lvsd.drain import Drain, drained, undrained
from piranha.lvsd.monitor import Health, Monitor
from piranha.lvsd.pool_events import Where, desertion, keeping_rule, kept_no_more, kept_now, weighed_by_hand, weight_set
from piranha.lvsd.quota import Member, below_quorum, kept
from piranha.nanny.results import Assignment, ProbeResult
from piranha.table.desired import ServerVerdict, Verdict, Weighed
from piranha.terms import WEIGHTLESS

STEPS = 10
"""In so many steps a weight grows."""
SOONEST_S = 0.1
"""Time between two steps at least; what is due meanwhile is done with the next one."""

_VERDICTS = {
    Health.UP: ServerVerdict.UP,
    Health.DOWN: ServerVerdict.DOWN,
    Health.UNKNOWN: ServerVerdict.UNKNOWN,
}

APART = "\0"
"""Between the id of a server and the number of a further check."""

ServerKey = tuple[str, str]
"""(virtual name, server name), as in `table.desired.Verdicts`."""


class Pool:
    """Monitors of the active servers of one virtual server.

    Ids of servers and of their first checks are `VIRTUAL/SERVER`; names are unique (`lvscf` sees to it).
    Further checks of a server have a zero byte and a number behind it, which no name of a file holds.
    believed_up: names of servers that start as up (`table.adopted`) and take `fall` failures to leave. All others
    start as unknown.

    What it holds of each server is made when somebody asks for it: at a start the table comes first, and without
    rules over the whole pool that needs the verdicts alone.
    """

    def __init__(self, virtual: Virtual, believed_up: Collection[str], now: float) -> None:
        self.virtual = virtual
        self.kept: frozenset[str] = frozenset()
        self.drained: Mapping[str, Drain] = {}
        self.by_hand: Mapping[str, int] = {}
        self._begins = believed_up, now
        up = frozenset(believed_up)
        self._below_quorum = False
        self._deserted = False
        self._was_served = any(server.active and server.weight and server.name in up for server in virtual.servers)
        self._settled: Mapping[ServerKey, Verdict] | None = {  # while only the next result can change them
            (virtual.name, server.name): ServerVerdict.UP if server.name in up else ServerVerdict.UNKNOWN
            for server in virtual.servers
            if server.active
        }
        if self._has_rules():
            self._judge()

    @cached_property
    def servers(self) -> dict[str, RealServer]:
        """The active servers by their ids."""
        return _by_id(self.virtual)

    @cached_property
    def monitors(self) -> dict[str, Monitor | Combined]:
        """What is known of each of them, by their ids."""
        (believed_up, now), self._begins = self._begins, ((), 0.0)
        up = frozenset(believed_up)
        return {
            check_id: self._begun(check_id, server, Health.UP if server.name in up else Health.UNKNOWN, now)
            for check_id, server in self.servers.items()
        }

    @cached_property
    def _parts(self) -> dict[str, tuple[str, str, Monitor]]:
        """By the id of each check: the id of its server, its name, what is known by it."""
        return dict(self._all_parts())

    def reconfigure(self, virtual: Virtual, believed_up: Collection[str], now: float) -> None:
        """Take over another reading of the file; a server that stays where it was keeps its health.

        A server that is down and is checked in another way from now on is unknown again: its first
        answer decides, without `reentry`.
        """
        if self.servers and virtual is self.virtual:
            return
        goes_on = bool(self.servers) and self.virtual.meaning == virtual.meaning
        old_servers, old_monitors = self.servers, self.monitors
        self.virtual = virtual
        self.servers = _by_id(virtual)
        if goes_on:
            return  # its block may stand on other lines
        self.monitors = {}
        for check_id, server in self.servers.items():
            before = old_servers.get(check_id)
            if before is not None and (before.address, before.port) == (server.address, server.port):
                self.monitors[check_id] = self._retimed(check_id, before, server, old_monitors[check_id], now)
            else:
                up = server.name in believed_up
                self.monitors[check_id] = self._begun(check_id, server, Health.UP if up else Health.UNKNOWN, now)
        self.drained = {check_id: one for check_id, one in self.drained.items() if check_id in self.servers}
        self.by_hand = {check_id: one for check_id, one in self.by_hand.items() if check_id in self.servers}
        self._parts = dict(self._all_parts())
        self._was_served = self._was_served or any(map(self._serves, self.servers))
        self._judge()

    def assignments(self) -> list[Assignment]:
        """Return what nannies are to check, with what is believed at the moment."""
        found = []
        for part_id, (check_id, _, monitor) in self._parts.items():
            server = self.servers[check_id]
            one = server.all_checks()[int(part_id.partition(APART)[2] or 0)]
            found.append(
                Assignment(
                    id=part_id,
                    address=one.address or server.address,
                    port=one.port or server.port,
                    check=one.check,
                    timing=one.timing,
                    believed_up=monitor.believed_up,
                )
            )
        return found

    @property
    def check_ids(self) -> Collection[str]:
        """The ids of all checks."""
        return self._parts.keys()

    def checks_of(self, check_id: str) -> list[str]:
        """Return the ids of all checks of one server."""
        others = range(1, len(self.servers[check_id].all_checks()))
        return [check_id, *(f"{check_id}{APART}{number}" for number in others)]

    def parts(self) -> list[Monitor]:
        """Return what is known by each check; of several for one server each has a name of its own."""
        return [part for _, _, part in self._parts.values()]

    def believed_up(self, check_id: str) -> bool | None:
        """Return what nannies are told of one check."""
        return self._parts[check_id][2].believed_up

    def observe(self, result: ProbeResult, now: float) -> list[Event]:
        """Take in one result; return the transitions of server and pool. Unknown ids change nothing."""
        if result.id not in self._parts:
            return []
        check_id, name, part = self._parts[result.id]
        monitor = self.monitors[check_id]
        before, were_kept = self.weight_by_check(check_id), self.kept
        transition = monitor.observe(name, result, now) if isinstance(monitor, Combined) else part.observe(result, now)
        if transition is None:
            transition = self._weighed(check_id, before, result, now)
        if transition is None:
            return []
        self._judge()
        keeping = [*self._keeping(were_kept, now)]
        return [transition, *keeping, *self._desertion(transition, now)]

    def drain(self, causes: Mapping[ServerKey, str], now: float) -> list[Event]:
        """Take over which servers get no new connections, and why; return what began and ended."""
        if not causes and not self.drained:
            return []
        ids = {check_id: (self.virtual.name, server.name) for check_id, server in self.servers.items()}
        before = self.drained
        self.drained = {
            check_id: Drain(causes[key], before[check_id].since_s if check_id in before else now)
            for check_id, key in ids.items()
            if key in causes
        }
        if before.keys() == self.drained.keys():
            return []
        were_kept = self.kept
        self._judge()
        changed = [
            drained(check_id, one.cause, now) for check_id, one in self.drained.items() if check_id not in before
        ]
        changed += [
            undrained(check_id, before[check_id].cause, now) for check_id in before.keys() - self.drained.keys()
        ]
        return [*changed, *self._keeping(were_kept, now), *self._desertion(changed[0], now)]

    def weigh(self, by_hand: Mapping[ServerKey, int], now: float) -> list[Event]:
        """Take over which servers have a weight that was set by hand; return what comes of it."""
        if not by_hand and not self.by_hand:
            return []
        ids = {check_id: (self.virtual.name, server.name) for check_id, server in self.servers.items()}
        before = self.by_hand
        self.by_hand = {check_id: by_hand[key] for check_id, key in ids.items() if key in by_hand}
        changed = sorted(check_id for check_id in ids if before.get(check_id) != self.by_hand.get(check_id))
        if not changed:
            return []
        were_kept = self.kept
        self._judge()
        cause = weighed_by_hand(changed[0], self.by_hand.get(changed[0]), now)
        return [*self._keeping(were_kept, now), *self._desertion(cause, now)]

    def weight(self, check_id: str) -> int:
        """Return the weight that a server has while it is up."""
        return 0 if check_id in self.drained else self.by_hand.get(check_id, self.servers[check_id].weight)

    def rests(self, check_id: str) -> bool:
        """Whether its checks give a server no weight; one that was set by hand counts instead."""
        return check_id not in self.by_hand and self.weight_by_check(check_id) == 0

    def _begun(self, check_id: str, server: RealServer, health: Health, now: float) -> Monitor | Combined:
        where = Where(server)
        if not server.more_checks:
            return Monitor(check_id, where, server.timing, health=health, since_s=now)
        parts = [
            (one.name, Monitor(f"{check_id} check {one.name}", where, one.timing, health=health, since_s=now))
            for one in server.all_checks()
        ]
        return Combined(check_id, where, parts, server.checks_needed, since_s=now)

    def _retimed(
        self, check_id: str, before: RealServer, server: RealServer, monitor: Monitor | Combined, now: float
    ) -> Monitor | Combined:
        """Return the monitor of a server that stays where it was, after a reload."""
        if before.checked_how != server.checked_how:
            if len(server.all_checks()) > 1 or isinstance(monitor, Combined):
                health = Health.UP if monitor.health is Health.UP else Health.UNKNOWN
                return self._begun(check_id, server, health, now)
            monitor.advise(())
            if monitor.health is Health.DOWN:
                monitor.forget(now)
        parts = [part for _, part in monitor.parts] if isinstance(monitor, Combined) else [monitor]
        for part, one in zip(parts, server.all_checks(), strict=True):
            part.retime(one.timing)
        return monitor

    def _all_parts(self) -> Iterator[tuple[str, tuple[str, str, Monitor]]]:
        for check_id, monitor in self.monitors.items():
            if isinstance(monitor, Monitor):
                yield check_id, (check_id, "", monitor)
                continue
            for number, (name, part) in enumerate(monitor.parts):
                yield f"{check_id}{APART}{number}" if number else check_id, (check_id, name, part)

    def verdicts(self, now: float) -> Mapping[ServerKey, Verdict]:
        """Return the verdict on each active server. now: monotonic seconds."""
        if self._settled is not None:
            return self._settled
        found = {
            (self.virtual.name, server.name): self._verdict(check_id, server, now)
            for check_id, server in self.servers.items()
        }
        if self.grows_in_s(now) is None:
            self._settled = found
        return found

    def share(self, check_id: str, now: float) -> float | None:
        """Return how much of its weight a server that came back has reached, None where it has all of it."""
        server, monitor = self.servers[check_id], self.monitors[check_id]
        if monitor.recovered_s is None or not server.slow_start_s or self.virtual.scheduler in WEIGHTLESS:
            return None
        steps = int((now - monitor.recovered_s) * STEPS / server.slow_start_s + 1e-9)
        return (steps + 1) / STEPS if steps + 1 < STEPS else None

    def grows_in_s(self, now: float) -> float | None:
        """Return the seconds until the weight of some server grows by a step, None where none grows."""
        soonest: float | None = None
        for check_id, server in self.servers.items():
            recovered_s = self.monitors[check_id].recovered_s
            if recovered_s is not None and self.share(check_id, now) is not None:
                step_s = server.slow_start_s / STEPS
                left_s = max(SOONEST_S, step_s - (now - recovered_s) % step_s)
                soonest = left_s if soonest is None else min(soonest, left_s)
        return soonest

    def weight_by_check(self, check_id: str) -> int | None:
        """Return the weight that checks give a server, of several the smallest; None where none has said one."""
        advices = self.monitors[check_id].advices()
        return min(advice.of(self.servers[check_id].weight) for advice in advices) if advices else None

    def _weighed(self, check_id: str, before: int | None, result: ProbeResult, now: float) -> Event | None:
        """Return the event of a weight that a check changed, of a server that stays up."""
        after = self.weight_by_check(check_id)
        if after is None or after == before or self.monitors[check_id].health is not Health.UP:
            return None
        return weight_set(check_id, self.servers[check_id], (before, after), result.detail, now)

    def _serves(self, check_id: str) -> bool:
        """Whether a server takes new connections by its health and its weight."""
        up = self.monitors[check_id].health is Health.UP
        return up and self.weight(check_id) > 0 and not self.rests(check_id)

    def _verdict(self, check_id: str, server: RealServer, now: float) -> Verdict:
        health = self.monitors[check_id].health
        if check_id in self.drained and health is not Health.DOWN:
            return ServerVerdict.DRAINED
        if self._below_quorum and health is not Health.DOWN and self.up():
            return ServerVerdict.RELIEVED
        if check_id in self.kept:
            return Weighed(server.weight) if server.weighed else ServerVerdict.UP
        if health is not Health.UP:
            return _VERDICTS[health]
        share, weight = self.share(check_id, now), self.weight_by_check(check_id)
        if share is None:
            return Weighed(weight) if weight is not None else ServerVerdict.UP
        full = server.weight if weight is None else weight
        return Weighed(max(1, round(full * share)) if full else 0)

    def taken_out(self) -> set[str]:
        """Return the servers that people gave no new connections, whatever their health."""
        return {*self.drained, *(check_id for check_id, weight in self.by_hand.items() if not weight)}

    @property
    def below_quorum(self) -> bool:
        """Whether the sorry server takes the new connections although servers are up."""
        return self._below_quorum

    def judge_again(self, *, below_quorum: bool) -> None:
        """Apply the rules anew after somebody set what the monitors believe (see `outlook`)."""
        self._below_quorum = below_quorum
        self._judge()

    def _judge(self) -> None:
        """Apply the rules that see the whole pool; called whenever the health of a server has changed."""
        self._settled = None
        virtual = self.virtual
        sorry = virtual.sorry_server is not None
        if not self._has_rules():
            self._below_quorum, self.kept = False, frozenset()
            return
        members = [
            Member(
                check_id,
                self.weight(check_id),
                self.monitors[check_id].health,
                self.monitors[check_id].since_s,
                resting=self.rests(check_id),
            )
            for check_id in self.servers
        ]
        below, margin = self._below_quorum, virtual.quorum_margin
        self._below_quorum = sorry and below_quorum(members, virtual.quorum, margin, below=below)
        self.kept = frozenset() if self._below_quorum else kept(members, virtual.keep_active)

    def _has_rules(self) -> bool:
        """Whether what becomes of a server depends on the others."""
        return self.virtual.sorry_server is not None or self.virtual.keep_active != NO_QUOTA

    def _keeping(self, before: Iterable[str], now: float) -> Iterator[Event]:
        rule = keeping_rule(self.virtual)
        for check_id in sorted(self.kept.difference(before)):
            yield kept_now(check_id, self.monitors[check_id].health, rule, now)
        for check_id in sorted(set(before).difference(self.kept)):
            if self.monitors[check_id].health is Health.DOWN:
                yield kept_no_more(check_id, rule, now)

    def up(self) -> int:
        """Return how many servers take new connections: up, with a weight above 0."""
        return sum(self._serves(check_id) for check_id in self.servers)

    def deserted(self) -> bool:
        """Whether no real server takes new connections, and no first answer that could change it is still to come."""
        waiting = any(
            self.monitors[check_id].health is Health.UNKNOWN and self.weight(check_id) > 0 for check_id in self.servers
        )
        return self._below_quorum if self.up() else not waiting and not self.kept

    def _desertion(self, transition: Event, now: float) -> list[Event]:
        deserted, was_served = self.deserted(), self._was_served
        self._was_served = was_served or self.up() > 0
        if deserted is self._deserted:
            return []
        self._deserted = deserted
        return [desertion(self.virtual, self.up(), transition, now, deserted=deserted, was_served=was_served)]


def _by_id(virtual: Virtual) -> dict[str, RealServer]:
    return {f"{virtual.name}/{server.name}": server for server in virtual.servers if server.active}


def standings(pools: Iterable[Pool]) -> dict[str, tuple[int, int, bool]]:
    """Return of each virtual server how many servers are up, how many there are, and whether it is deserted.

    It is not while a server that is up is drained, or has weight 0 by hand: no change of the file has taken its
    servers away.
    """
    return {
        pool.virtual.name: (
            pool.up(),
            len(pool.servers),
            pool.deserted() and all(pool.monitors[one].health is not Health.UP for one in pool.taken_out()),
        )
        for pool in pools
    }
