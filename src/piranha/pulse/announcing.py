"""When to announce the addresses: at once, repeated, once more after the former holder's lease, then refreshed."""

from dataclasses import dataclass, field
from math import inf

from piranha.lvscf.config import VipSettings


@dataclass(slots=True)
class AnnouncePlan:
    """The times of the announcements of an active router; empty while it is not.

    number: of the last announcement in this role. A round lasts from `begin` to its last repetition;
    one that is begun before the last round ended goes on with it.
    """

    number: int = 0
    _in_round: int = 0
    _times: list[float] = field(default_factory=list)
    _refresh_at: float = inf

    def begin(self, now: float, settings: VipSettings, former_gone_at: float) -> None:
        """Begin a round at `now`. former_gone_at: when the former holder's addresses are gone for certain."""
        if not self._times:
            self._in_round = 0
        self._times = [now + index * settings.arp_interval_s for index in range(settings.arp_count)]
        if self._times and now < former_gone_at < inf:
            # Repeated past the bound, and the last one after it: what it announced late must not stay.
            while self._times[-1] < former_gone_at and settings.arp_interval_s > 0:
                self._times.append(self._times[-1] + settings.arp_interval_s)
            self._times.append(self._times[-1] + settings.arp_interval_s)
        self._refresh_at = inf

    def stop(self) -> None:
        """Plan nothing any more."""
        self._times, self._refresh_at = [], inf
        self.number = self._in_round = 0

    def due_at(self) -> float:
        """Return when the next announcement is due."""
        return self._times[0] if self._times else self._refresh_at

    def take(self, now: float, settings: VipSettings) -> int:
        """Note that one is made now; those missed meanwhile are made up by it.

        Return how many the round had if this was its last one, else 0.
        """
        self.number += 1
        self._in_round += 1
        had = bool(self._times)
        while self._times and self._times[0] <= now:
            self._times.pop(0)
        if self._times:
            return 0
        self._refresh_at = now + settings.arp_refresh_s if settings.arp_refresh_s > 0 else inf
        return self._in_round if had else 0
