"""What `ipvsadm -L` prints of services and servers, in the C tool's columns: text of the kernel's rows.

Rows are taken as `kernel.ipvs_reading` lays them out: to make an object of each of 90,000 servers would take longer
than all else. What cannot be understood raises WireError.
"""

from __future__ import annotations

from piranha import TYPE_CHECKING
from piranha.cli.ipvsadm.rows import GUE, IPIP, IPV6, TUNNELLED, address_bytes, forwarding, place, settings, tunnel
from piranha.dataclass import dataclass
from piranha.kernel.ipvs_reading import SERVER_COUNTERS, SERVER_FAMILY, SERVICE_COUNTERS, KernelInfo
from piranha.kernel.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from piranha.cli.ipvsadm.rows import Names
    from piranha.kernel.layout import Row


_SERVICE_WIDTH = 33
# By the kernel's numbers.
_PROTOCOL = {6: "TCP", 17: "UDP", 132: "SCTP"}
_FORWARDING = ("Masq", "Local", "Tunnel", "Route", "Bypass")
_CHECKSUM = ("-c", "+c", "r+c")

STATS, RATE, THRESHOLDS, PERSISTENCE, TUNNELS, PLAIN = (
    "stats",
    "rate",
    "thresholds",
    "persistent-conn",
    "tun-info",
    "plain",
)
MODES = (STATS, RATE, THRESHOLDS, PERSISTENCE, TUNNELS, PLAIN)
"""What is shown of each server: names of options. If several are asked for, the first one here wins."""
COUNTING = (STATS, RATE)
"""The modes whose rows must have counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How to show it. names: how addresses are written; mode: one of MODES; exact: numbers in full."""

    names: Names
    mode: str = PLAIN
    exact: bool = False


def version_line(info: KernelInfo) -> str:
    """Return the first line of a full listing."""
    return f"IP Virtual Server version {'.'.join(map(str, info.version))} (size={info.table_size})"


def title(mode: str) -> str:
    """Return the two lines above the services."""
    local, remote = "Prot LocalAddress:Port", "  -> RemoteAddress:Port"
    columns = {
        STATS: f"{local:<33} {'Conns':>8} {'InPkts':>8} {'OutPkts':>8} {'InBytes':>8} {'OutBytes':>8}",
        RATE: f"{local:<33} {'CPS':>8} {'InPPS':>8} {'OutPPS':>8} {'InBPS':>8} {'OutBPS':>8}",
        THRESHOLDS: f"{local:<33} {'Uthreshold':<10} {'Lthreshold':<10} {'ActiveConn':<10} {'InActConn':<10}",
        PERSISTENCE: f"{local:<33} {'Weight':<9} {'PersistConn':<11} {'ActiveConn':<10} {'InActConn':<10}",
    }.get(mode, f"{local} Scheduler Flags")
    if mode == TUNNELS:
        remote += "           Forward TunnelInfo    Weight ActiveConn InActConn"
    elif mode == PLAIN:
        remote += "           Forward Weight ActiveConn InActConn"
    return f"{columns}\n{remote}"


def service_lines(service: Row, servers: Iterable[Row], style: Style) -> list[str]:
    """Return the lines of a service and its servers, in the order given."""
    lines = [_service_line(service, style)]
    family, protocol = service[0], service[1] if service[4] is None else None
    names, values = style.names, _VALUES[style.mode]
    alike: Row | None = None
    size, text = 0, ""
    for server in servers:
        if server[2:] != alike:  # as a rule many servers of a service differ by their address alone
            alike = server[2:]
            size, text = address_bytes(server[SERVER_FAMILY] or family), values(server, style)
        name = place(server[0], size, server[1], protocol, names)
        lines.append(f"  -> {name:<28.28}{text}" if size == 4 else f"  -> {name:<28}{text}")
    return lines


def _service_line(service: Row, style: Style) -> str:
    family, protocol, address, port, mark = service[:5]
    size = address_bytes(family)
    if mark is not None:
        where = f"FWM  {mark}" + (" IPv6" if family == IPV6 else "")
    elif protocol in _PROTOCOL and address is not None and port is not None:
        where = f"{_PROTOCOL[protocol]:<4} {place(address, size, port, protocol, style.names)}"
    else:
        raise WireError(f"a service without a firewall mark, of protocol {protocol}, address {address} and port {port}")
    where = where if family == IPV6 else where[:_SERVICE_WIDTH]
    if style.mode in COUNTING:
        return f"{where:<{_SERVICE_WIDTH}}{_counters(service[SERVICE_COUNTERS:], style)}"
    return f"{where} {_settings_words(service)}"


def _settings_words(service: Row) -> str:
    scheduler, flags, persistence_s, mask, engine, one_packet = settings(service)
    words = f"{scheduler} ({flags})" if flags else scheduler
    if persistence_s:
        words += (
            f" persistent {persistence_s}" + (f" mask {mask}" if mask else "") + (f" pe {engine}" if engine else "")
        )
    return words + (" ops" if one_packet else "")


def _counters(counters: Row, style: Style) -> str:
    exact = style.exact
    if style.mode == STATS:
        return "".join(large_number(number, exact=exact) for number in counters[:5])
    rates = counters[5:10]
    counts = "".join(f" {count:8}" for count in rates[:3])
    return counts + "".join(large_number(amount, exact=exact) for amount in rates[3:])


def large_number(value: int, *, exact: bool) -> str:
    """Write a counter in nine columns: in full up to eight digits, then cut to K, M, G or T."""
    if exact or value < 10**8:
        return f" {value:8}"
    for limit, divisor, unit in ((10**9, 10**3, "K"), (10**11, 10**6, "M"), (10**14, 10**9, "G")):
        if value < limit:
            return f"{value // divisor:8}{unit}"
    return f"{value // 10**12:8}T"


def _plain(server: Row, _style: Style) -> str:
    return f" {_FORWARDING[forwarding(server)]:<7} {server[3]:<6} {server[9]:<10} {server[10]:<10}"


def _thresholds(server: Row, _style: Style) -> str:
    return f" {server[7]:<10} {server[8]:<10} {server[9]:<10} {server[10]:<10}"


def _persistent(server: Row, _style: Style) -> str:
    return f" {server[3]:<9} {server[11]:<11} {server[9]:<10} {server[10]:<10}"


def _tunnels(server: Row, _style: Style) -> str:
    method = forwarding(server)
    words = _tunnel_words(server) if method == TUNNELLED else "n/a"
    return f" {_FORWARDING[method]:<7} {words:<13} {server[3]:<6} {server[9]:<10} {server[10]:<10}"


def _tunnel_words(server: Row) -> str:
    kind, port, checksum = tunnel(server)
    if kind == IPIP:
        return "ipip"
    return f"gue:{port}:{_CHECKSUM[checksum]}" if kind == GUE else f"gre:{_CHECKSUM[checksum]}"


def _counted(server: Row, style: Style) -> str:
    return _counters(server[SERVER_COUNTERS:], style)


_VALUES: dict[str, Callable[[Row, Style], str]] = {
    STATS: _counted,
    RATE: _counted,
    THRESHOLDS: _thresholds,
    PERSISTENCE: _persistent,
    TUNNELS: _tunnels,
    PLAIN: _plain,
}
