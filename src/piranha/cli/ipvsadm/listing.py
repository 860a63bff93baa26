"""What `ipvsadm -L` prints, in the C tool's columns."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from piranha.dataclass import dataclass
from piranha.kernel.ipvs_answers import DestinationEntry, KernelInfo, ServiceEntry, Statistics
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.words import Names, flag_names, mask_words, protocol_of, server_order, service_order
from piranha.terms import Address, Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

Pools = Sequence[tuple[ServiceEntry, Sequence[DestinationEntry]]]

_SERVICE_WIDTH = 33
_SERVER_WIDTH = 28

FORWARDING_WORD = {
    ForwardingMethod.NAT: "Masq",
    ForwardingMethod.LOCAL: "Local",
    ForwardingMethod.TUNNEL: "Tunnel",
    ForwardingMethod.DIRECT: "Route",
    ForwardingMethod.BYPASS: "Bypass",
}
_CHECKSUM_WORD = {TunnelChecksum.NONE: "-c", TunnelChecksum.CSUM: "+c", TunnelChecksum.REMCSUM: "r+c"}


class Mode(StrEnum):
    """What is shown of each server. If several are asked for, the first one here wins."""

    STATS = "stats"
    RATE = "rate"
    THRESHOLDS = "thresholds"
    PERSISTENT = "persistent-conn"
    TUNNELS = "tun-info"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How to show it. names: how addresses are written; exact: numbers in full."""

    names: Names
    mode: Mode = Mode.PLAIN
    exact: bool = False


def version_line(info: KernelInfo) -> str:
    """Return the first line of a full listing."""
    return f"IP Virtual Server version {'.'.join(map(str, info.version))} (size={info.table_size})"


def in_order(pools: Pools) -> Pools:
    """Return services and servers sorted as a listing has them."""
    services = sorted(pools, key=lambda pool: service_order(pool[0].key))
    return [(service, sorted(servers, key=lambda server: server_order(server.key))) for service, servers in services]


def listing(pools: Pools, style: Style) -> list[str]:
    """Return title and rows for services with their servers, as they are given."""
    lines = _title(style.mode)
    row: Callable[[Statistics, Style], str] = _stats if style.mode is Mode.STATS else _rates
    counting = style.mode in (Mode.STATS, Mode.RATE)
    for service, servers in pools:
        where = _service_words(service.key, style.names)
        if counting:
            lines.append(f"{where:<{_SERVICE_WIDTH}}{row(service.statistics(), style)}")
        else:
            lines.append(f"{where} {_settings_words(service.key, service.settings)}")
        for server in servers:
            name = _server_words(server.key.address, server.key.port, protocol_of(service.key), style.names)
            values = row(server.statistics(), style) if counting else _server_values(server, style.mode)
            lines.append(f"  -> {name:<{_SERVER_WIDTH}}{values}")
    return lines


def _title(mode: Mode) -> list[str]:
    local, remote = "Prot LocalAddress:Port", "  -> RemoteAddress:Port"
    match mode:
        case Mode.STATS:
            return [f"{local:<33} {'Conns':>8} {'InPkts':>8} {'OutPkts':>8} {'InBytes':>8} {'OutBytes':>8}", remote]
        case Mode.RATE:
            return [f"{local:<33} {'CPS':>8} {'InPPS':>8} {'OutPPS':>8} {'InBPS':>8} {'OutBPS':>8}", remote]
        case Mode.THRESHOLDS:
            return [f"{local:<33} {'Uthreshold':<10} {'Lthreshold':<10} {'ActiveConn':<10} {'InActConn':<10}", remote]
        case Mode.PERSISTENT:
            return [f"{local:<33} {'Weight':<9} {'PersistConn':<11} {'ActiveConn':<10} {'InActConn':<10}", remote]
        case Mode.TUNNELS:
            return [f"{local} Scheduler Flags", f"{remote}           Forward TunnelInfo    Weight ActiveConn InActConn"]
        case Mode.PLAIN:
            return [f"{local} Scheduler Flags", f"{remote}           Forward Weight ActiveConn InActConn"]


def _service_words(key: ServiceKey, names: Names) -> str:
    match key.match:
        case FirewallMark(mark, family):
            words = f"FWM  {mark}" + (" IPv6" if family is Family.IPV6 else "")
        case AddressMatch(protocol, address, port):
            words = f"{protocol.name:<4} {names(address, port, protocol)}"
    return words if key.family is Family.IPV6 else words[:_SERVICE_WIDTH]


def _server_words(address: Address, port: int, protocol: Protocol | None, names: Names) -> str:
    words = names(address, port, protocol)
    return words if address.version == 6 else words[:_SERVER_WIDTH]


def _settings_words(key: ServiceKey, settings: ServiceSettings) -> str:
    words = settings.scheduler
    flags = flag_names(settings.scheduler, settings.scheduler_flags)
    words += f" ({flags})" if flags else ""
    if settings.persistence_s:
        mask = mask_words(key, settings)
        words += f" persistent {settings.persistence_s}" + (f" mask {mask}" if mask else "")
        words += f" pe {settings.persistence_engine}" if settings.persistence_engine else ""
    return words + (" ops" if settings.one_packet else "")


def _server_values(server: DestinationEntry, mode: Mode) -> str:
    destination = server.destination
    connections = f"{server.active:<10} {server.inactive:<10}"
    forwarding = f" {FORWARDING_WORD[destination.forwarding]:<7}"
    match mode:
        case Mode.THRESHOLDS:
            return f" {destination.upper_threshold:<10} {destination.lower_threshold:<10} {connections}"
        case Mode.PERSISTENT:
            return f" {destination.weight:<9} {server.persistent:<11} {connections}"
        case Mode.TUNNELS:
            tunnelled = destination.forwarding is ForwardingMethod.TUNNEL
            tunnel = _tunnel_words(destination.tunnel) if tunnelled else "n/a"
            return f"{forwarding} {tunnel:<13} {destination.weight:<6} {connections}"
        case _:
            return f"{forwarding} {destination.weight:<6} {connections}"


def _tunnel_words(tunnel: Tunnel) -> str:
    match tunnel.type:
        case TunnelType.IPIP:
            return "ipip"
        case TunnelType.GUE:
            return f"gue:{tunnel.port}:{_CHECKSUM_WORD[tunnel.checksum]}"
        case TunnelType.GRE:
            return f"gre:{_CHECKSUM_WORD[tunnel.checksum]}"


def _stats(statistics: Statistics, style: Style) -> str:
    numbers = (
        statistics.connections,
        statistics.packets_in,
        statistics.packets_out,
        statistics.bytes_in,
        statistics.bytes_out,
    )
    return "".join(large_number(number, exact=style.exact) for number in numbers)


def _rates(statistics: Statistics, style: Style) -> str:
    counts = (statistics.connections_per_s, statistics.packets_in_per_s, statistics.packets_out_per_s)
    amounts = (statistics.bytes_in_per_s, statistics.bytes_out_per_s)
    return "".join(f" {count:8}" for count in counts) + "".join(
        large_number(amount, exact=style.exact) for amount in amounts
    )


def large_number(value: int, *, exact: bool) -> str:
    """Write a counter in nine columns: in full up to eight digits, then cut to K, M, G or T."""
    if exact or value < 10**8:
        return f"{value:>8}".rjust(9) if len(str(value)) <= 8 else f" {value}"
    for limit, divisor, unit in ((10**9, 10**3, "K"), (10**11, 10**6, "M"), (10**14, 10**9, "G")):
        if value < limit:
            return f"{value // divisor:8}{unit}"
    return f"{value // 10**12:8}T"
