"""Which VIPs this forwarder holds, and until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from piranha.terms import Address


@dataclass(slots=True)
class _Hold:
    since_s: float
    until_s: float | None  # None = without limit


@dataclass(slots=True)
class Holds:
    """VIPs with a time to live that runs out by itself. `now` is monotonic seconds.

    A frozen process keeps its listening sockets, so the one that holds them lets go unless it is
    told again in time.
    """

    _holds: dict[Address, _Hold] = field(default_factory=dict)

    def hold(self, vips: Mapping[Address, float | None], now: float, *, only_held: bool = False) -> None:
        """Acquire or renew; with only_held, what has lapsed by `now` stays away.

        Raises ValueError, and changes nothing, if a time to live is not above 0.
        """
        for vip, ttl_s in vips.items():
            if ttl_s is not None and not 0 < ttl_s < float("inf"):
                raise ValueError(f"{vip}: a time to live must be above 0 s, not {ttl_s}")
        self.lapse(now)
        for vip, ttl_s in vips.items():
            before = self._holds.get(vip)
            if before is None and only_held:
                continue
            until_s = None if ttl_s is None else now + ttl_s
            self._holds[vip] = _Hold(before.since_s if before else now, until_s)

    def release(self, vips: Iterable[Address]) -> None:
        """Let go; a VIP that is not held is no error."""
        for vip in vips:
            self._holds.pop(vip, None)

    def lapse(self, now: float) -> list[Address]:
        """Drop and return what was not renewed in time."""
        gone = [vip for vip, hold in self._holds.items() if hold.until_s is not None and hold.until_s <= now]
        self.release(gone)
        return gone

    def deadline(self) -> float | None:
        """Return when the next hold lapses, None if none will."""
        return min((hold.until_s for hold in self._holds.values() if hold.until_s is not None), default=None)

    def held(self, now: float) -> dict[Address, tuple[float | None, float]]:
        """Return for each VIP the seconds that remain (None = without limit) and the seconds since it was acquired."""
        return {
            vip: (None if hold.until_s is None else hold.until_s - now, now - hold.since_s)
            for vip, hold in self._holds.items()
        }

    def __contains__(self, vip: object) -> bool:
        return vip in self._holds
