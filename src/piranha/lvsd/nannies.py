"""Shell: the nanny parent as the lvs daemon sees it: assignments go out, results come in.

The nanny parent is started by a fresh exec, the first time as after each death: one path, and it
starts without the loop, threads, sockets and privilege of `lvsd`.
"""

from collections.abc import Callable, Sequence

from piranha.events.event import Event
from piranha.lvscf.config import LvsdSettings
from piranha.nanny.results import Assignment, ProbeResult


class Nannies:
    """Starts the nanny parent and keeps it running; runs in the thread of the event loop.

    on_results: called with results in the order in which they came, from the loop; must not wait.
    on_event: called with each event worth a log line.
    """

    def __init__(
        self,
        settings: LvsdSettings,
        *,
        on_results: Callable[[Sequence[ProbeResult]], None],
        on_event: Callable[[Event], None],
    ) -> None: ...

    async def start(self) -> None:
        """Start the nanny parent; raises nothing: what fails is an event and is tried again."""

    def assign(self, assignments: Sequence[Assignment]) -> None:
        """Replace everything to check. What did not change goes on undisturbed."""

    def believe(self, check_id: str, up: bool | None) -> None:
        """Tell the nannies what is believed of one server from now on."""

    async def reconfigure(self, settings: LvsdSettings) -> None:
        """Take over other settings; restarts the nannies when they need it. Health stays."""

    @property
    def trouble(self) -> str | None:
        """Why this router is not ready: nannies failed 3 times within 60 s and `hard_shutdown = 1`."""

    def status(self) -> dict[str, object]:
        """Return what the control verb `status` shows under `nannies`."""

    async def close(self) -> None:
        """End the nanny parent and everything it started."""
