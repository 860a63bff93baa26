"""Who plays in a demo, by name, and the times in its lvs.cf that everything is judged by."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Two routers, the primary first, and the real servers; times in seconds, as in lvs.cf(5).

    lease_bound_s: how long after the last renewal a VIP may stay with a frozen router. refresh_s:
    between two looks at the cluster. slack_s: allowed for the lateness of machine and picture.
    patience_s: added to what a step usually takes before the tour gives up. settle_s: how long what
    follows a step is watched. switch_s: for how long a planned switchover may be felt on a machine that
    keeps up. start_s, tour_s: usual for the start, most for the whole tour.
    """

    routers: tuple[str, str]
    servers: tuple[str, ...]
    keepalive_s: float
    deadtime_s: float
    timeout_s: float
    reentry_s: float
    lease_bound_s: float
    refresh_s: float
    slack_s: float
    patience_s: float
    settle_s: float
    switch_s: float
    start_s: float
    tour_s: float

    @property
    def fresh_s(self) -> float:
        """A daemon that has not answered for this long does not answer."""
        return 0.4 + 3 * self.refresh_s

    def partner(self, router: str) -> str:
        """Return the other router."""
        return self.routers[1 - self.routers.index(router)]


class Theatre(Protocol):
    """What can be done to the cluster of a demo."""

    @property
    def cast(self) -> Cast:
        """Who plays."""

    def start_server(self, name: str) -> None:
        """Start a real server, again if it was killed."""

    def kill_server(self, name: str) -> None:
        """SIGKILL a real server: its port refuses from then on."""

    def server_runs(self, name: str) -> bool:
        """Whether the process of a real server is there."""

    def start_pulse(self, name: str) -> None:
        """Start the controlling process of a router, which starts or adopts the rest."""

    def kill_pulse(self, name: str) -> None:
        """SIGKILL the pulse of a router; its lvs daemon, nannies and plane go on."""

    def freeze_pulse(self, name: str) -> None:
        """SIGSTOP the pulse of a router."""

    def thaw_pulse(self, name: str) -> None:
        """SIGCONT the pulse of a router, which goes on as if no time had passed."""

    def pulse_state(self, name: str) -> str:
        """Return `runs`, `frozen` or how it ended."""

    def last_words(self, name: str) -> str:
        """Return the last line that the pulse of a router wrote, empty if there is none."""

    async def switch_over(self, name: str) -> None:
        """Ask the pulse of a router to hand over. Raises NoAnswer, Refused."""
