"""A live service: its real servers, its scheduler's memory, its templates and its connections as numbers."""

from dataclasses import dataclass, field
from enum import Enum

from piranha.forwarding.plane import NOTHING, Counters
from piranha.forwarding.userspace.schedule import Picker
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceSettings
from piranha.terms import Address


class Phase(Enum):
    """Where a connection is; all but OPEN count as inactive."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"  # one side has sent everything


@dataclass(slots=True, eq=False)
class Server:
    """A real server of one service with its connections now and its counters so far."""

    key: DestinationKey
    destination: Destination
    active: int = 0
    inactive: int = 0
    overloaded: bool = False
    counters: Counters = NOTHING

    @property
    def weight(self) -> int:
        """The configured weight."""
        return self.destination.weight

    @property
    def overhead(self) -> int:
        """256 * active + inactive (ip_vs_dest_conn_overhead)."""
        return self.active * 256 + self.inactive

    def judge_load(self) -> None:
        """Set or clear `overloaded` after a change (ip_vs_bind_dest, ip_vs_unbind_dest)."""
        upper, lower = self.destination.upper_threshold, self.destination.lower_threshold
        connections = self.active + self.inactive
        if upper and connections >= upper:
            self.overloaded = True
        elif not upper or connections < (lower or upper * 3 / 4):
            self.overloaded = False


@dataclass(slots=True, eq=False)
class Template:
    """Ties the clients of one network to one real server for as long as persistence lasts."""

    server: Server
    used_s: float
    users: int = 0


@dataclass(slots=True, eq=False)
class LiveService:
    """A service with its scheduler's memory and its templates."""

    settings: ServiceSettings
    picker: Picker
    servers: dict[DestinationKey, Server] = field(default_factory=dict)
    templates: dict[int, Template] = field(default_factory=dict)
    counters: Counters = NOTHING

    def choose(self, client: Address, now: float) -> tuple[Server, Template | None] | None:
        """Return the server for a new connection of `client`, by template or by the scheduler."""
        if not self.settings.persistence_s:
            server = self._schedule()
            return None if server is None else (server, None)
        network = _network(client, self.settings.persistence_mask)
        template = self.templates.get(network)
        if template is None or self._expired(template, now):
            server = self._schedule()
            if server is None:
                return None
            template = self.templates[network] = Template(server, now)
        return template.server, template

    def expire(self, now: float) -> None:
        """Forget the templates that have no connection and were not used for the persistence time."""
        self.templates = {n: t for n, t in self.templates.items() if not self._expired(t, now)}

    def forget(self, server: Server) -> None:
        """Drop the templates of a removed server."""
        self.templates = {n: t for n, t in self.templates.items() if t.server is not server}

    def _expired(self, template: Template, now: float) -> bool:
        return not template.users and now - template.used_s >= self.settings.persistence_s

    def _schedule(self) -> Server | None:
        servers = list(self.servers.values())
        index = self.picker.pick(servers)
        return None if index is None else servers[index]


@dataclass(slots=True, eq=False)
class Connection:
    """One connection as the table counts it."""

    service: LiveService
    server: Server
    template: Template | None
    phase: Phase = Phase.CONNECTING


def _network(client: Address, mask: int | None) -> int:
    """Return the part of an address that persistence looks at: IPv4 by netmask, IPv6 by prefix length."""
    if mask is None:
        return int(client)
    if client.version == 4:
        return int(client) & mask
    return int(client) >> (client.max_prefixlen - mask)
