"""How few servers a pool may be left with: `keep_active` and `quorum`, over the whole pool at once."""

from collections.abc import Iterable, Sequence

from piranha.dataclass import dataclass
from piranha.lvscf.config import Quota
from piranha.lvsd.monitor import Health

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Member:
    """One server of a pool.

    weight: of the file. since_s: when its health last changed, monotonic seconds. resting: its check gives it weight
    0, so that it takes no new connections whatever its health.
    """

    id: str
    weight: int
    health: Health
    since_s: float
    resting: bool = False

    @property
    def serves(self) -> bool:
        """Whether it takes new connections."""
        return self.health is Health.UP and not self.resting


def kept(members: Sequence[Member], keep: Quota) -> frozenset[str]:
    """Return the servers that are down or rest but have to stay, so that no less than `keep` takes new connections.

    Those that rest first, then those that failed last: they are in the pool at the moment, and the likeliest to work.
    """
    pool = [one for one in members if one.weight > 0]
    serving = [one for one in pool if one.serves]
    rest = [one for one in pool if one.resting and one.health is Health.UP]
    failed = [one for one in pool if one.health is Health.DOWN]
    down = rest + sorted(failed, key=lambda one: one.since_s, reverse=True)
    found: list[Member] = []
    while down and not _enough(serving, pool, keep.count, keep.percent):
        found.append(down[0])
        serving.append(down.pop(0))
    return frozenset(one.id for one in found)


def below_quorum(members: Sequence[Member], quorum: Quota, margin: int, *, below: bool) -> bool:
    """Return whether too few servers are up for them to serve. below: whether it was so before.

    A server whose first answer is still to come may be the one that is missing: nothing is decided
    to the pool's disadvantage without it.
    """
    pool = [one for one in members if one.weight > 0]
    up = [one for one in pool if one.serves]
    if not below:
        hopeful = [one for one in pool if one.health is not Health.DOWN and not one.resting]
        return bool(pool) and not _enough(hopeful, pool, quorum.count, quorum.percent)
    if quorum.percent:
        return not _enough(up, pool, 0, max(quorum.percent, min(quorum.percent + margin, 100.0)))
    return not _enough(up, pool, max(quorum.count, min(quorum.count + margin, len(pool))), 0.0)


def _enough(serving: Iterable[Member], pool: Sequence[Member], count: int, percent: float) -> bool:
    chosen = list(serving)
    share = sum(one.weight for one in pool) * percent / 100
    return len(chosen) >= count and sum(one.weight for one in chosen) + _ROUNDING >= share
