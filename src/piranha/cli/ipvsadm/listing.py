"""What `ipvsadm -L` prints of services and servers, in the C tool's columns: text of the kernel's rows.

Rows are taken as `kernel.ipvs_reading` lays them out: to make an object of each of 90,000 servers would take longer
than all else. What cannot be understood raises WireError.
"""

from __future__ import annotations

from piranha import TYPE_CHECKING
from piranha.dataclass import dataclass
from piranha.kernel.ipvs_numbers import FORWARDING_MASK, SCHEDULER_FLAGS_SHIFT, WHOLE_IPV6
from piranha.kernel.ipvs_reading import SERVER_COUNTERS, SERVER_FAMILY, SERVICE_COUNTERS, KernelInfo
from piranha.kernel.wire import HOST_ORDER, WireError, terminated
from piranha.table.flags import ONE_PACKET, PERSISTENT, flag_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from piranha.kernel.layout import Row

    Names = Callable[[bytes, int, int | None], str]
    """How an address (4 or 16 bytes) and a port are written; protocol: its number, None where ports have no names."""

_SERVICE_WIDTH = 33
_SERVER_WIDTH = 28
_ADDRESS_BYTES = {2: 4, 10: 16}  # by address family
_IPV6 = 10

# By the kernel's numbers.
_PROTOCOL = {6: "TCP", 17: "UDP", 132: "SCTP"}
_FORWARDING = ("Masq", "Local", "Tunnel", "Route", "Bypass")
_TUNNELLED = 2
_IPIP, _GUE, _GRE = 0, 1, 2
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


def service_order(service: Row) -> tuple[int, int, int, bytes, bytes]:
    """Sort key of listings: TCP, UDP, SCTP by address and port, then IPv6, then marks."""
    family, protocol, address, port, mark = service[:5]
    return (mark, family, 0, b"", b"") if mark else (0, family, protocol or 0, address or b"", port or b"")


def in_order(servers: Sequence[Row], family: int) -> Sequence[Row]:
    """Return servers of a service of that family as a listing has them: by address, then by port."""
    return sorted(servers, key=lambda server: (server[SERVER_FAMILY] or family, server[0], server[1]))


def service_text(service: Row, servers: Iterable[Row], style: Style) -> str:
    """Return the lines of a service and its servers, in the order given."""
    return "\n".join([_service_line(service, style), *_server_lines(service, servers, style)])


def _service_line(service: Row, style: Style) -> str:
    family, protocol, address, port, mark = service[:5]
    size = _address_bytes(family)
    if mark is not None:
        where = f"FWM  {mark}" + (" IPv6" if family == _IPV6 else "")
    elif protocol in _PROTOCOL and address is not None and port is not None:
        where = f"{_PROTOCOL[protocol]:<4} {_place(address, size, port, protocol, style.names)}"
    else:
        raise WireError(f"a service without a firewall mark, of protocol {protocol}, address {address} and port {port}")
    where = where if family == _IPV6 else where[:_SERVICE_WIDTH]
    if style.mode in COUNTING:
        return f"{where:<{_SERVICE_WIDTH}}{_counters(service[SERVICE_COUNTERS:], style)}"
    return f"{where} {_settings_words(service)}"


def _settings_words(service: Row) -> str:
    family, (name, engine, raw_flags, timeout, raw_mask) = service[0], service[5:SERVICE_COUNTERS]
    if len(raw_flags) < 4 or (raw_mask is not None and len(raw_mask) != 4):
        raise WireError(f"a service with flags {raw_flags!r} and netmask {raw_mask!r}")
    flags = int.from_bytes(raw_flags[:4], HOST_ORDER)
    scheduler = words = terminated(name)
    named = flag_names(scheduler, flags >> SCHEDULER_FLAGS_SHIFT & 7)
    words += f" ({named})" if named else ""
    if flags & PERSISTENT and timeout:
        words += f" persistent {timeout}" + _mask_words(family, raw_mask)
        words += f" pe {terminated(engine)}" if terminated(engine) else ""
    return words + (" ops" if flags & ONE_PACKET else "")


def _mask_words(family: int, raw: bytes | None) -> str:
    """Return the persistence mask: nothing where it is the whole address."""
    if family == _IPV6:
        length = WHOLE_IPV6 if raw is None else int.from_bytes(raw, HOST_ORDER)
        return "" if length == WHOLE_IPV6 else f" mask {length}"
    return "" if raw in (None, b"\xff\xff\xff\xff") else f" mask {'.'.join(map(str, raw or b''))}"


def _server_lines(service: Row, servers: Iterable[Row], style: Style) -> Iterator[str]:
    family, protocol = service[0], service[1] if service[4] is None else None
    names, values = style.names, _VALUES[style.mode]
    alike: Row | None = None
    size, text = 0, ""
    for server in servers:
        if server[2:] != alike:  # as a rule many servers of a service differ by their address alone
            alike = server[2:]
            size, text = _address_bytes(server[SERVER_FAMILY] or family), values(server, style)
        name = _place(server[0], size, server[1], protocol, names)
        yield f"  -> {name if size != 4 else name[:_SERVER_WIDTH]:<{_SERVER_WIDTH}}{text}"


def _place(address: bytes, size: int, port: bytes, protocol: int | None, names: Names) -> str:
    """Write an address of `size` bytes and a port."""
    if len(address) < size or len(port) != 2:
        raise WireError(f"an address of {len(address)} bytes, a port of {len(port)} bytes")
    return names(address[:size], int.from_bytes(port, "big"), protocol)


def _address_bytes(family: int) -> int:
    size = _ADDRESS_BYTES.get(family)
    if size is None:
        raise WireError(f"unknown address family {family}")
    return size


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


def _forwarding(server: Row) -> int:
    method: int = server[2] & FORWARDING_MASK
    if method >= len(_FORWARDING):
        raise WireError(f"unknown forwarding method {server[2]}")
    return method


def _plain(server: Row, _style: Style) -> str:
    return f" {_FORWARDING[_forwarding(server)]:<7} {server[3]:<6} {server[9]:<10} {server[10]:<10}"


def _thresholds(server: Row, _style: Style) -> str:
    return f" {server[7]:<10} {server[8]:<10} {server[9]:<10} {server[10]:<10}"


def _persistent(server: Row, _style: Style) -> str:
    return f" {server[3]:<9} {server[11]:<11} {server[9]:<10} {server[10]:<10}"


def _tunnels(server: Row, _style: Style) -> str:
    method = _forwarding(server)
    words = _tunnel_words(server) if method == _TUNNELLED else "n/a"
    return f" {_FORWARDING[method]:<7} {words:<13} {server[3]:<6} {server[9]:<10} {server[10]:<10}"


def _tunnel_words(server: Row) -> str:
    kind, port, flags = server[4:7]
    if flags >= len(_CHECKSUM) or len(port) != 2:
        raise WireError(f"unknown tunnel flags {flags}, or a port of {len(port)} bytes")
    if kind == _IPIP:
        return "ipip"
    if kind == _GUE:
        return f"gue:{int.from_bytes(port, 'big')}:{_CHECKSUM[flags]}"
    if kind == _GRE:
        return f"gre:{_CHECKSUM[flags]}"
    raise WireError(f"unknown tunnel type {kind}")


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
