"""What `ipvsadm -S` prints: the kernel's rows as rules that `ipvsadm -R` reads, the same as `table.rules.print_rules`.

A server the kernel calls *Local* or *Bypass* is written as `-g`, the nearest that a rule can say. What cannot be
understood raises WireError.
"""

from __future__ import annotations

from piranha import TYPE_CHECKING
from piranha.cli.ipvsadm.rows import GUE, IPIP, IPV6, TUNNELLED, address_bytes, forwarding, place, settings, tunnel
from piranha.kernel.ipvs_reading import SERVER_FAMILY
from piranha.kernel.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from piranha.cli.ipvsadm.rows import Names
    from piranha.kernel.layout import Row

# By the kernel's numbers.
_SERVICE_OPTION = {6: "-t", 17: "-u", 132: "--sctp-service"}
_FORWARDING_OPTION = ("-m", "-g", "-i", "-g", "-g")
_TUNNEL = ("ipip", "gue", "gre")
_CHECKSUM_OPTION = ("--tun-nocsum", "--tun-csum", "--tun-remcsum")


def rules(service: Row, servers: Iterable[Row], names: Names) -> list[str]:
    """Return the rules that make a service and its servers, in the order given."""
    where = _service_words(service, names)
    found = [f"-A {where}{_settings_words(service)}"]
    family, protocol = service[0], service[1] if service[4] is None else None
    alike: Row | None = None
    size, words = 0, ""
    for server in servers:
        if server[2:] != alike:  # as a rule many servers of a service differ by their address alone
            alike = server[2:]
            size, words = address_bytes(server[SERVER_FAMILY] or family), _server_words(server)
        found.append(f"-a {where} -r {place(server[0], size, server[1], protocol, names)} {words}")
    return found


def _service_words(service: Row, names: Names) -> str:
    family, protocol, address, port, mark = service[:5]
    size = address_bytes(family)
    if mark is not None:
        return f"-f {mark} -6" if family == IPV6 else f"-f {mark}"
    if protocol not in _SERVICE_OPTION or address is None or port is None:
        raise WireError(f"a service without a firewall mark, of protocol {protocol}, address {address} and port {port}")
    return f"{_SERVICE_OPTION[protocol]} {place(address, size, port, protocol, names)}"


def _settings_words(service: Row) -> str:
    scheduler, flags, persistence_s, mask, engine, one_packet = settings(service)
    words = f" -s {scheduler}"
    if persistence_s:
        words += f" -p {persistence_s}" + (f" -M {mask}" if mask else "")
    words += f" --pe {engine}" if engine else ""
    return words + (" -o" if one_packet else "") + (f" -b {flags}" if flags else "")


def _server_words(server: Row) -> str:
    method, weight, upper, lower = forwarding(server), server[3], server[7], server[8]
    words = f"{_FORWARDING_OPTION[method]} -w {weight}"
    words += f" -x {upper}" if upper else ""
    words += f" -y {lower}" if lower else ""
    if method != TUNNELLED:
        return words
    kind, port, checksum = tunnel(server)
    words += f" --tun-type {_TUNNEL[kind]}"
    words += f" --tun-port {port}" if kind == GUE else ""
    return words if kind == IPIP else f"{words} {_CHECKSUM_OPTION[checksum]}"
