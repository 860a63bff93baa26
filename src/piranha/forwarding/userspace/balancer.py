"""The forwarder's table with its connections: what IPVS keeps in the kernel, as a value without I/O.

It answers as IPVS does (same errno values for the same mistakes, linux/net/netfilter/ipvs/ip_vs_ctl.c),
except that the connections of a removed server end at once, as under `expire_nodest_conn = 1`,
and that connections which have ended are not counted as inactive for a while.
"""

import errno
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from piranha.forwarding.plane import NOTHING, Counters, Refusal, ServerStatistics, ServiceStatistics
from piranha.forwarding.userspace.limits import (
    Objection,
    object_to_destination,
    object_to_service,
    object_to_settings,
)
from piranha.forwarding.userspace.live import Connection, LiveService, Phase, Server
from piranha.forwarding.userspace.schedule import PICKERS
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
from piranha.table.service import ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Address


@dataclass(slots=True)
class Balancer:
    """The table, changed by `apply` and asked for a server with each new connection.

    `now` is monotonic seconds.
    """

    _services: dict[ServiceKey, LiveService] = field(default_factory=dict)

    def services(self) -> Collection[ServiceKey]:
        """Return the keys of the services there are."""
        return self._services.keys()

    def dump(self) -> Table:
        """Return the table as it stands."""
        return {
            key: Service(service.settings, {server.key: server.destination for server in service.servers.values()})
            for key, service in self._services.items()
        }

    def apply(self, changes: Sequence[Change]) -> tuple[list[Refusal], set[Server]]:
        """Carry out what can be; return the refusals, and the servers that left with connections to end."""
        refusals: list[Refusal] = []
        removed: set[Server] = set()
        for change in changes:
            objection = self._apply(change, removed)
            if objection is not None:
                code, words = objection
                refusals.append(Refusal(change, code, f"{words} ({_name(code)})"))
        return refusals, removed

    def _apply(self, change: Change, removed: set[Server]) -> Objection | None:
        match change:
            case AddService(key, settings):
                return self._add_service(key, settings)
            case EditService(key, settings):
                return self._edit_service(key, settings)
            case RemoveService(key):
                return self._remove_service(key, removed)
            case AddDestination(key, server, destination):
                return self._add_destination(key, server, destination)
            case EditDestination(key, server, destination):
                return self._edit_destination(key, server, destination)
            case RemoveDestination(key, server):
                return self._remove_destination(key, server, removed)
            case _:
                assert_never(change)

    def _add_service(self, key: ServiceKey, settings: ServiceSettings) -> Objection | None:
        objection = object_to_service(key) or object_to_settings(settings)
        if objection is None and key in self._services:
            objection = errno.EEXIST, "the service exists"
        if objection is None:
            self._services[key] = LiveService(settings, PICKERS[settings.scheduler]())
        return objection

    def _edit_service(self, key: ServiceKey, settings: ServiceSettings) -> Objection | None:
        service = self._services.get(key)
        if service is None:
            return errno.ESRCH, "no such service"
        objection = object_to_settings(settings)
        if objection is not None:
            return objection
        if settings.scheduler != service.settings.scheduler:
            service.picker = PICKERS[settings.scheduler]()
            service.picker.changed(list(service.servers.values()))
        if settings.persistence_mask != service.settings.persistence_mask or not settings.persistence_s:
            service.templates = {}
        service.settings = settings
        return None

    def _remove_service(self, key: ServiceKey, removed: set[Server]) -> Objection | None:
        service = self._services.pop(key, None)
        if service is None:
            return errno.ESRCH, "no such service"
        removed.update(service.servers.values())
        return None

    def _add_destination(self, key: ServiceKey, server: DestinationKey, destination: Destination) -> Objection | None:
        service = self._services.get(key)
        if service is None:
            return errno.ESRCH, "no such service"
        objection = object_to_destination(key, server, destination)
        if objection is None and server in service.servers:
            objection = errno.EEXIST, "the service has this real server"
        if objection is None:
            service.servers[server] = Server(server, destination)
            service.picker.changed(list(service.servers.values()))
        return objection

    def _edit_destination(self, key: ServiceKey, server: DestinationKey, destination: Destination) -> Objection | None:
        service = self._services.get(key)
        if service is None:
            return errno.ESRCH, "no such service"
        live = service.servers.get(server)
        if live is None:
            return errno.ENOENT, "the service has no such real server"
        objection = object_to_destination(key, server, destination)
        if objection is None:
            live.destination = destination
            live.judge_load()
            service.picker.changed(list(service.servers.values()))
        return objection

    def _remove_destination(self, key: ServiceKey, server: DestinationKey, removed: set[Server]) -> Objection | None:
        service = self._services.get(key)
        if service is None:
            return errno.ESRCH, "no such service"
        if server not in service.servers:
            return errno.ENOENT, "the service has no such real server"
        index = list(service.servers).index(server)
        live = service.servers.pop(server)
        service.picker.changed(list(service.servers.values()), removed=index)
        service.forget(live)
        removed.add(live)
        return None

    def open(self, key: ServiceKey, client: Address, now: float) -> Connection | None:
        """Choose a server for a new connection and count it; None: no server may have it."""
        service = self._services.get(key)
        chosen = service.choose(client, now) if service is not None else None
        if service is None or chosen is None:
            return None
        server, template = chosen
        one = Counters(connections=1)
        server.counters, service.counters = server.counters + one, service.counters + one
        server.inactive += 1
        server.judge_load()
        if template is not None:
            template.users += 1
            template.used_s = now
        return Connection(service, server, template)

    def advance(self, connection: Connection, phase: Phase) -> None:
        """Count a connection where it is now."""
        connection.server.active += (phase is Phase.OPEN) - (connection.phase is Phase.OPEN)
        connection.server.inactive += (phase is not Phase.OPEN) - (connection.phase is not Phase.OPEN)
        connection.phase = phase

    def close(self, connection: Connection, traffic: Counters, now: float) -> None:
        """Take a connection that has ended out of the numbers and add what passed on it to the counters."""
        service, server = connection.service, connection.server
        if connection.phase is Phase.OPEN:
            server.active -= 1
        else:
            server.inactive -= 1
        server.judge_load()
        server.counters, service.counters = server.counters + traffic, service.counters + traffic
        if connection.template is not None:
            connection.template.users -= 1
            connection.template.used_s = now

    def statistics(
        self, under_way: Iterable[tuple[Connection, Counters]], now: float
    ) -> Mapping[ServiceKey, ServiceStatistics]:
        """Return counters and numbers; under_way: what has passed on connections that have not ended."""
        passing: dict[Server | LiveService, Counters] = {}
        for connection, counters in under_way:
            for owner in (connection.server, connection.service):
                passing[owner] = passing.get(owner, NOTHING) + counters
        result: dict[ServiceKey, ServiceStatistics] = {}
        for key, service in self._services.items():
            service.expire(now)
            persistent: dict[Server, int] = {}
            for template in service.templates.values():
                persistent[template.server] = persistent.get(template.server, 0) + 1
            result[key] = ServiceStatistics(
                counters=service.counters + passing.get(service, NOTHING),
                servers={
                    server.key: ServerStatistics(
                        counters=server.counters + passing.get(server, NOTHING),
                        active=server.active,
                        inactive=server.inactive,
                        persistent=persistent.get(server, 0),
                    )
                    for server in service.servers.values()
                },
            )
        return result


def _name(code: int) -> str:
    # Linux gives ENOTSUP and EOPNOTSUPP one number; ipvsadm and the kernel say the latter.
    return "EOPNOTSUPP" if code == errno.EOPNOTSUPP else errno.errorcode[code]
