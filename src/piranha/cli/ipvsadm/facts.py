"""What the listings of ipvsadm say as values for JSON: the fields that ipvsadm(8) names, units in their names.

Addresses and ports are always numbers, counters always in full; what does not apply is None.
"""

from collections.abc import Iterable, Iterator

from piranha.cli.ipvsadm.connections import connections
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import DestinationEntry, ServiceEntry, Statistics
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import flag_names
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.words import mask_words
from piranha.terms import Address, Family, ForwardingMethod, TunnelType

Facts = dict[str, object]


def service_facts(service: ServiceEntry, servers: Iterable[DestinationEntry]) -> Facts:
    """Return a service with its servers as the kernel told them."""
    return {
        **_key_facts(service.key),
        **settings_facts(service.key, service.settings),
        **_statistics(service.statistics()),
        "servers": [_server_facts(server) for server in servers],
    }


def _key_facts(key: ServiceKey) -> Facts:
    """Return what packets a service is for."""
    named = {"service": str(key), "family": "ipv6" if key.family is Family.IPV6 else "ipv4"}
    match key.match:
        case AddressMatch(protocol, address, port):
            return {**named, "protocol": protocol.word, "address": str(address), "port": port, "mark": None}
        case FirewallMark(mark):
            return {**named, "protocol": None, "address": None, "port": None, "mark": mark}


def settings_facts(key: ServiceKey, settings: ServiceSettings) -> Facts:
    """Return what may be edited of a service."""
    flags = flag_names(settings.scheduler, settings.scheduler_flags)
    return {
        "scheduler": settings.scheduler,
        "scheduler_flags": flags.split(",") if flags else [],
        "persistence_s": settings.persistence_s,
        "persistence_mask": (mask_words(key, settings) or None) if settings.persistence_s else None,
        "persistence_engine": settings.persistence_engine or None,
        "one_packet": settings.one_packet,
    }


def _server_key_facts(server: DestinationKey) -> Facts:
    """Return where a server listens."""
    return {"server": str(server), "address": str(server.address), "port": server.port}


def destination_facts(destination: Destination) -> Facts:
    """Return what may be edited of a server."""
    tunnel: Facts | None = None
    if destination.forwarding is ForwardingMethod.TUNNEL:
        kind = destination.tunnel.type
        tunnel = {
            "type": str(kind),
            "port": destination.tunnel.port if kind is TunnelType.GUE else None,
            "checksum": None if kind is TunnelType.IPIP else str(destination.tunnel.checksum),
        }
    return {
        "forwarding": str(destination.forwarding),
        "weight": destination.weight,
        "upper_threshold": destination.upper_threshold,
        "lower_threshold": destination.lower_threshold,
        "tunnel": tunnel,
    }


def timeout_facts(timeouts: Timeouts) -> Facts:
    """Return the connection timeouts."""
    return {"tcp_s": timeouts.tcp_s, "tcpfin_s": timeouts.tcpfin_s, "udp_s": timeouts.udp_s}


def daemon_facts(daemon: SyncDaemon) -> Facts:
    """Return a sync daemon."""
    return {
        "role": "master" if daemon.sender else "backup",
        "interface": daemon.interface,
        "sync_id": daemon.sync_id,
        "max_length_bytes": daemon.max_length,
        "group": None if daemon.group is None else str(daemon.group),
        "port": daemon.port,
        "ttl": daemon.ttl,
    }


def connection_facts(lines: Iterable[str]) -> Iterator[Facts]:
    """Yield the connections in the kernel's list, one at a time."""
    for one in connections(lines, _place):
        yield {
            "protocol": one.protocol.lower(),
            "client": one.client,
            "virtual": one.virtual,
            "server": one.server,
            "state": one.state,
            "expires_s": one.expires_s,
            "persistence_engine": one.engine or None,
            "persistence_data": one.data or None,
        }


def _place(address: Address, port: int, _protocol: str) -> Facts:
    return {"address": str(address), "port": port}


def _server_facts(server: DestinationEntry) -> Facts:
    return {
        **_server_key_facts(server.key),
        **destination_facts(server.destination),
        "active_connections": server.active,
        "inactive_connections": server.inactive,
        "persistent_connections": server.persistent,
        **_statistics(server.statistics()),
    }


def _statistics(statistics: Statistics) -> Facts:
    return {
        "connections": statistics.connections,
        "packets_in": statistics.packets_in,
        "packets_out": statistics.packets_out,
        "bytes_in": statistics.bytes_in,
        "bytes_out": statistics.bytes_out,
        "connections_per_s": statistics.connections_per_s,
        "packets_in_per_s": statistics.packets_in_per_s,
        "packets_out_per_s": statistics.packets_out_per_s,
        "bytes_in_per_s": statistics.bytes_in_per_s,
        "bytes_out_per_s": statistics.bytes_out_per_s,
    }
