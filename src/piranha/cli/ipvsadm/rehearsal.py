"""A table of the mind: what commands would leave of it, without a kernel.

It knows what a table itself decides: what is there already and what is not, and that a lower threshold is not
above the upper one. It does not know which schedulers the kernel has, nor which addresses it refuses.
"""

import errno
from collections.abc import Sequence

from piranha.dataclass import dataclass
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.rules import service_words
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.table import Service, Table


@dataclass(slots=True)
class _Held:
    settings: ServiceSettings
    servers: dict[DestinationKey, Destination]


class Rehearsal:
    """Takes the commands that change something; each answers 0, or the errno value with which the kernel would refuse.

    orders: those beside the table that would change something, as rules, in their order.
    """

    def __init__(
        self, table: Table | None = None, timeouts: Timeouts | None = None, daemons: Sequence[SyncDaemon] = ()
    ) -> None:
        self.orders: list[str] = []
        self._services = {key: _Held(one.settings, dict(one.destinations)) for key, one in (table or {}).items()}
        self._timeouts = timeouts or Timeouts()
        self._daemons = {daemon.sender: daemon for daemon in daemons}

    def table(self) -> Table:
        """Return the table as it would be."""
        return {key: Service(held.settings, dict(held.servers)) for key, held in self._services.items()}

    def flush(self) -> None:
        """Remove every service."""
        self._services.clear()

    def zero(self, key: ServiceKey | None = None) -> int:
        """Note that counters would be set to zero."""
        if key is not None and key not in self._services:
            return errno.ESRCH
        self.orders.append("-Z" if key is None else f"-Z {service_words(key)}")
        return 0

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Note the timeouts, if they differ."""
        old = self._timeouts
        new = Timeouts(timeouts.tcp_s or old.tcp_s, timeouts.tcpfin_s or old.tcpfin_s, timeouts.udp_s or old.udp_s)
        if new != old:
            self._timeouts = new
            self.orders.append(f"--set {new.tcp_s} {new.tcpfin_s} {new.udp_s}")

    def start_daemon(self, daemon: SyncDaemon) -> int:
        """Note a sync daemon that does not run yet."""
        if daemon.sender in self._daemons:
            return errno.EEXIST
        self._daemons[daemon.sender] = daemon
        self.orders.append(_start(daemon))
        return 0

    def stop_daemon(self, daemon: SyncDaemon) -> int:
        """Note that a sync daemon would end."""
        if daemon.sender not in self._daemons:
            return errno.ESRCH
        del self._daemons[daemon.sender]
        self.orders.append(f"--stop-daemon {_role(daemon)}")
        return 0

    def carry_out(self, change: Change) -> int:
        """Carry out a change of the table."""
        held = self._services.get(change.service)
        if isinstance(change, AddService):
            if held is not None:
                return errno.EEXIST
            self._services[change.service] = _Held(change.settings, {})
            return 0
        if held is None:
            return errno.ESRCH
        match change:
            case EditService():
                held.settings = change.settings
            case RemoveService():
                del self._services[change.service]
            case AddDestination() | EditDestination():
                return _put(held.servers, change)
            case RemoveDestination():
                return 0 if held.servers.pop(change.server, None) is not None else errno.ENOENT
        return 0


def _put(servers: dict[DestinationKey, Destination], change: AddDestination | EditDestination) -> int:
    if change.destination.lower_threshold > change.destination.upper_threshold:
        return errno.ERANGE
    adds = isinstance(change, AddDestination)
    if adds is (change.server in servers):
        return errno.EEXIST if adds else errno.ENOENT
    servers[change.server] = change.destination
    return 0


def _role(daemon: SyncDaemon) -> str:
    return "master" if daemon.sender else "backup"


def _start(daemon: SyncDaemon) -> str:
    words = f"--start-daemon {_role(daemon)} --mcast-interface {daemon.interface} --syncid {daemon.sync_id}"
    options = {"sync-maxlen": daemon.max_length, "mcast-group": daemon.group}
    options |= {"mcast-port": daemon.port, "mcast-ttl": daemon.ttl}
    return words + "".join(f" --{name} {value}" for name, value in options.items() if value is not None)
