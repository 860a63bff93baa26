"""The whole of one virtual server: which of its real servers are believed up, and what to check.

Only here is the whole pool in view; rules over it (`keep_active`, `quorum`) belong here. Weights,
removal and the sorry server follow from the verdicts in `table.desired`.
"""

from collections.abc import Collection

from piranha.events.event import Event, Level
from piranha.lvscf.config import RealServer, Virtual
from piranha.lvsd.monitor import Health, Monitor
from piranha.nanny.results import Assignment, ProbeResult
from piranha.table.desired import ServerVerdict

_VERDICTS = {
    Health.UP: ServerVerdict.UP,
    Health.DOWN: ServerVerdict.DOWN,
    Health.UNKNOWN: ServerVerdict.UNKNOWN,
}

ServerKey = tuple[str, str]
"""(virtual name, server name), as in `table.desired.Verdicts`."""


class Pool:
    """Monitors of the active servers of one virtual server.

    Ids of checks are `VIRTUAL/SERVER`; names are unique (`lvscf` sees to it).
    serving: servers that the plane holds with a weight above 0; they start as up and take `fall`
    failures to leave, and with `start_state = up` all do. Otherwise a server starts as unknown.
    """

    def __init__(self, virtual: Virtual, serving: Collection[ServerKey], now: float) -> None:
        self.virtual = virtual
        self.servers: dict[str, RealServer] = {}
        self.monitors: dict[str, Monitor] = {}
        self._deserted = False
        self._was_served = False
        self.reconfigure(virtual, serving, now)

    def reconfigure(self, virtual: Virtual, serving: Collection[ServerKey], now: float) -> None:
        """Take over another reading of the file; a server that stays where it was keeps its health.

        A server that is down and is checked in another way from now on is unknown again: its first
        answer decides, without `reentry`.
        """
        old_servers, old_monitors = self.servers, self.monitors
        self.virtual = virtual
        self.servers = {f"{virtual.name}/{server.name}": server for server in virtual.servers if server.active}
        self.monitors = {}
        for check_id, server in self.servers.items():
            before = old_servers.get(check_id)
            if before is not None and (before.address, before.port) == (server.address, server.port):
                monitor = old_monitors[check_id]
                monitor.retime(server.timing)
                if monitor.health is Health.DOWN and before.check != server.check:
                    monitor.forget(now)
            else:
                monitor = Monitor(check_id, place(server), server.timing, since_s=now)
                if virtual.start_up or (virtual.name, server.name) in serving:
                    monitor.health = Health.UP
            self.monitors[check_id] = monitor
        self._was_served = self._was_served or self.up() > 0

    def assignments(self) -> list[Assignment]:
        """Return what nannies are to check, with what is believed at the moment."""
        return [
            Assignment(
                id=check_id,
                address=server.address,
                port=server.port,
                check=server.check,
                timing=server.timing,
                believed_up=self.monitors[check_id].believed_up,
            )
            for check_id, server in self.servers.items()
        ]

    def observe(self, result: ProbeResult, now: float) -> list[Event]:
        """Take in one result; return the transitions of server and pool. Unknown ids change nothing."""
        monitor = self.monitors.get(result.id)
        if monitor is None:
            return []
        transition = monitor.observe(result, now)
        if transition is None:
            return []
        return [transition, *self._desertion(transition, now)]

    def verdicts(self) -> dict[ServerKey, ServerVerdict]:
        """Return the verdict on each active server."""
        return {
            (self.virtual.name, server.name): _VERDICTS[self.monitors[check_id].health]
            for check_id, server in self.servers.items()
        }

    def up(self) -> int:
        """Return how many servers take new connections: up, with a weight above 0."""
        return sum(
            self.monitors[check_id].health is Health.UP and server.weight > 0
            for check_id, server in self.servers.items()
        )

    def deserted(self) -> bool:
        """Whether nobody takes new connections, and nobody is left whose first answer is still to come."""
        waiting = any(
            self.monitors[check_id].health is Health.UNKNOWN and server.weight > 0
            for check_id, server in self.servers.items()
        )
        return self.up() == 0 and not waiting

    def _desertion(self, transition: Event, now: float) -> list[Event]:
        deserted, was_served = self.deserted(), self._was_served
        self._was_served = was_served or self.up() > 0
        if deserted is self._deserted:
            return []
        self._deserted = deserted
        sorry = self.virtual.sorry_server
        # The sentences of the original: scripts search logs for them.
        what = "No real servers" if deserted else f"{self.up()} real servers"
        if sorry is not None:
            what += f"; {'activate' if deserted else 'deactivate'} sorry_server {sorry.address}"
        return [
            Event(
                when_s=now,
                subject=self.virtual.name,
                message=f"Virtual Server {self.virtual.name}: {what}",
                before="deserted" if not deserted else "served" if was_served else "unknown",
                after="deserted" if deserted else "served",
                rule="sorry_server" if sorry else "no sorry_server",
                cause=f"{transition.subject} {transition.after}: {transition.cause}",
                level=Level.ERROR if deserted else Level.INFO,
            )
        ]


def place(server: RealServer) -> str:
    """Return `10.0.0.3:80` or `[2001:db8::3]:80`."""
    host = f"[{server.address}]" if server.address.version == 6 else str(server.address)
    return f"{host}:{server.port}"
