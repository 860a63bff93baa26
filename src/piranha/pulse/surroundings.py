"""Shell: what tells a router whether it is cut off: its links, and the hosts of `monitor_hosts`."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf.config import Config, PlaneKind, Router
from piranha.pulse.actions import Action
from piranha.pulse.election import Election
from piranha.pulse.hosts import Hosts
from piranha.pulse.linkwatch import LinkWatch
from piranha.pulse.pinger import Pinger
from piranha.pulse.placement import asking_address
from piranha.pulse.watched import watched_devices
from piranha.terms import Address


class Surroundings:
    """Watches for one router.

    tell: called in the loop with what hands the state of all to the election, at first and when one has
    changed. now: monotonic seconds.
    """

    def __init__(
        self,
        election: Election,
        tell: Callable[[Callable[[float], Sequence[Action]]], None],
        config: Config,
        router: Router,
        *,
        plane: PlaneKind,
        now: float,
    ) -> None:
        self._config = config
        self._router = router
        self._plane = plane
        beat = config.heartbeat
        self.hosts = Hosts(config.monitor_hosts, beat.keepalive_s, beat.deadtime_s, now)
        self.links = LinkWatch(self._devices, lambda links: tell(partial(election.links, links)))
        self.pinger = Pinger(self.hosts, lambda lines: tell(partial(election.hosts, lines)), self._source)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as watching:
            watching.create_task(self.links.run())
            watching.create_task(self.pinger.run())

    def reconfigure(self, config: Config, router: Router, now: float) -> None:
        """Take in a reloaded file."""
        self._config, self._router = config, router
        beat = config.heartbeat
        self.hosts.reconfigure(config.monitor_hosts, beat.keepalive_s, beat.deadtime_s, now)
        self.pinger.wake()
        self.links.reconfigure()

    def _devices(
        self, links: Sequence[Link], addresses: Sequence[InterfaceAddress], before: Sequence[str]
    ) -> tuple[str, ...]:
        return watched_devices(self._config, self._router, links, addresses, plane=self._plane, before=before)

    def _source(self, host: Address, usual: Address) -> Address | None:
        return asking_address(host, usual, self._router, self._config)
