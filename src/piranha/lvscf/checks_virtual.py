"""Findings about virtual servers, their real servers and their checks."""

from collections.abc import Hashable, Iterator
from itertools import islice

from piranha.lvscf.built import Built, BuiltServer, BuiltVirtual
from piranha.lvscf.check_values import Exchange
from piranha.lvscf.checks_pool import check_pool
from piranha.lvscf.checks_service import check_service, too_many_services
from piranha.lvscf.claims import plain_services, plain_vips
from piranha.lvscf.config import FloatingAddress, PlaneKind, RealServer, Virtual
from piranha.lvscf.diagnostics import Findings, Span
from piranha.lvscf.elaborate_check import timing
from piranha.lvscf.elaborate_virtual import used
from piranha.lvscf.known import Looks
from piranha.lvscf.patience import out_by_s
from piranha.lvscf.settings import Section
from piranha.terms import Address, Family, ForwardingMethod, Protocol

PORT_KEPT = (ForwardingMethod.DIRECT, ForwardingMethod.TUNNEL)
USERSPACE_SCHEDULERS = ("rr", "wrr", "lc", "wlc")  # those of `forwarding.userspace.schedule`
_TIMING = ("interval", "check_timeout", "fall", "fast_interval")


def check_virtuals(built: Built, looks: Looks, findings: Findings) -> None:
    """Add what is wrong or doubtful about the virtual servers, one by one and beside each other."""
    looks.at_each(_alone, built, findings)
    if not too_many_services(built, findings):
        _same_service(built, findings)
    _same_address(built, findings)


def _alone(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    _checking(virtual, findings)
    _times(virtual, findings)
    _families(virtual, findings)
    check_service(virtual, findings)
    check_pool(virtual, findings)
    if virtual.virtual.active:
        _pool(virtual, findings)
        _ports(virtual, findings)
        _routers(built, virtual, findings)
        _plane(built, virtual, findings)


def _checking(built: BuiltVirtual, findings: Findings) -> None:
    section, virtual = built.section, built.virtual
    if section.maybe("pmask", object) is not None and not virtual.persistence_s and "persistent" not in section.tried:
        findings.add("W026", section.place("pmask"), "pmask has no effect without persistent")
    program = section.get("send_program", ())
    if program and section.get("send", ""):
        findings.add("W029", section.place("send"), "send is not used: send_program checks instead")
    if program and section.value("send_program_status", str) == "ignore" and not section.get("expect", ""):
        message = "send_program_status = ignore without expect: nothing could ever fail"
        findings.add("E044", section.place("send_program_status"), message)
    if not program and "send_program_status" in section.values:
        place = section.place("send_program_status")
        findings.add("W026", place, "send_program_status has no effect without send_program")
    if section.value("use_regex", bool) and not section.get("expect", "") and "expect" not in section.tried:
        findings.add("W026", section.place("use_regex"), "use_regex has no effect without expect")
    udp_only = virtual.protocols == (Protocol.UDP,)
    if udp_only and virtual.active and any(_never_silent(one.server) for one in used(built.servers)):
        hint = "give send and expect, or send_program"
        message = "a UDP service without expect: a server that says nothing counts as up"
        findings.add("W027", section.place("protocol"), message, hint)
    if virtual.active and virtual.port == 0 and not virtual.fwmark and not virtual.persistence_s:
        findings.add("E036", section.place("port"), "port 0 means every port, which needs persistent")


def _times(built: BuiltVirtual, findings: Findings) -> None:
    timeout_s = built.section.value("timeout", float)
    longest: dict[Span, float] = {}
    if own := [name for name in _TIMING if name in built.section.values]:
        longest[built.section.place(*own)] = timing(built.section, None).out_by_s
    for server in built.kinds:
        out_s = out_by_s(server.server)
        if out_s > timeout_s + 1e-6 and (place := _of_times(built, server)) is not None:
            longest[place] = max(longest.get(place, 0.0), out_s)
    for place, out_s in longest.items():
        if out_s > timeout_s + 1e-6:
            message = f"a dead server stays up to {out_s:g} s, longer than timeout ({timeout_s:g} s)"
            findings.add("W015", place, message)


def _of_times(built: BuiltVirtual, server: BuiltServer) -> Span | None:
    """Return where the times of a server come from; of a check block the setting that asks for it."""
    for section in (server.section, built.section):
        for names in (_TIMING, ("check",)):
            if own := [name for name in names if name in section.values]:
                return section.place(*own)
    return None


def _families(built: BuiltVirtual, findings: Findings) -> None:
    virtual, version = built.virtual, built.virtual.vip.address.version
    if any(one.server.address.version != version for one in built.kinds):
        for server in built.servers:
            if server.server.forwarding is not ForwardingMethod.TUNNEL:
                _same_family(virtual.vip, server.server.address, server.section, "address", findings)
    sorry = virtual.sorry_server
    if sorry is not None and sorry.forwarding is not ForwardingMethod.TUNNEL:
        _same_family(virtual.vip, sorry.address, built.section, "sorry_server", findings)


def _same_family(vip: FloatingAddress, address: Address, section: Section, keyword: str, findings: Findings) -> None:
    if vip.address.version != address.version:
        message = f"the VIP is IPv{vip.address.version}, {address} is IPv{address.version}"
        findings.add("E035", section.place(keyword), message, "only forwarding = tunnel can mix them")


def _pool(built: BuiltVirtual, findings: Findings) -> None:
    if built.fine:
        return
    servers, section, name = used(built.servers), built.section, built.virtual.name
    if not servers:
        if built.virtual.sorry_server is None:
            findings.add("W035", section.span, f"virtual '{name}' has no active real server")
        return
    if all(server.server.weight == 0 for server in servers):
        place = servers[0].section.place("weight")
        findings.add("W014", place, f"every real server of '{name}' has weight 0: it takes no new connections")
    seen: dict[tuple[int, int, int], BuiltServer] = {}
    for server in servers:
        real = server.server
        # Without translation the table holds the port of the service, whatever the server says.
        port = built.virtual.port if real.forwarding in PORT_KEPT else real.port
        first = seen.setdefault((real.address.version, int(real.address), port), server)
        if first is not server:
            message = f"{real.address} is already server '{first.server.name}' in line {first.server.line}"
            findings.add("E042", server.section.place("address"), message)
        if real.lower_threshold and real.lower_threshold > real.upper_threshold:
            place = server.section.place("lower_threshold")
            findings.add("E045", place, "lower_threshold is above upper_threshold")


def _ports(built: BuiltVirtual, findings: Findings) -> None:
    virtual = built.virtual
    for server in used(built.servers if any(_keeps_port(one, virtual) for one in built.kinds) else ()):
        real = server.server
        if _keeps_port(server, virtual):
            message = f"under {real.forwarding} packets keep port {virtual.port}; port {real.port} is only checked"
            findings.add("W013", server.section.place("port"), message, "leave the server's port out")
    sorry = virtual.sorry_server
    if sorry is not None and sorry.forwarding in PORT_KEPT and sorry.port not in (0, virtual.port):
        message = f"under {sorry.forwarding} packets keep port {virtual.port}; port {sorry.port} has no effect"
        findings.add("W013", built.section.place("sorry_server"), message)


def _keeps_port(built: BuiltServer, virtual: Virtual) -> bool:
    """Whether packets for a server keep the port of the service although it has another."""
    return built.server.forwarding in PORT_KEPT and built.server.port != virtual.port


def _routers(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    config = built.config
    if not config.backup_active or built.section.value("syncdaemon", bool):
        return
    own = [a for r in (config.primary, config.backup) if r is not None for a in (r.public, r.private)]
    for server in used(virtual.servers):
        if server.server.forwarding in PORT_KEPT and server.server.address in own:
            message = f"{server.server.address} is one of the routers: while it is standby it cannot have this virtual "
            message += "server in its table without syncdaemon = 1"
            hint = "syncdaemon = 1, or let real servers be machines of their own"
            if config.standby == "warm":
                findings.add("W022", server.section.place("address"), message, hint)


def _plane(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    """Warn of what the plane that the file asks for will refuse."""
    if built.config.lvsd.plane is not PlaneKind.USERSPACE:
        return
    served, section = virtual.virtual, virtual.section
    limits: list[tuple[bool, str, str]] = [
        (bool(served.fwmark), "fwmark", "no firewall marks"),
        (any(protocol is not Protocol.TCP for protocol in served.protocols), "protocol", "TCP only"),
        (str(served.scheduler) not in USERSPACE_SCHEDULERS, "scheduler", f"only {', '.join(USERSPACE_SCHEDULERS)}"),
        (served.port == 0, "port", "one port only"),
        (served.scheduler_flags != 0, "scheduler_flags", "no flags of schedulers"),
    ]
    for beyond, keyword, words in limits:
        if beyond:
            findings.add("W046", section.place(keyword), f"the userspace plane cannot serve this: {words}")
    for server in used(virtual.servers):
        if server.server.forwarding is not ForwardingMethod.NAT:
            message = f"the userspace plane cannot reach this server by {server.server.forwarding}: NAT only"
            findings.add("W046", server.section.place("forwarding", "address"), message)


def _same_service(built: Built, findings: Findings) -> None:
    seen: dict[Hashable, Virtual] = {}
    for one in built.virtuals:
        virtual = one.virtual
        if not virtual.active:
            continue
        for number, service in enumerate(plain_services(virtual)):
            first = seen.setdefault(service, virtual)
            if first is not virtual:
                key, code, place = next(islice(_keys(one), number, None))
                message = f"{_service(key)} is already virtual '{first.name}' in line {first.line}"
                findings.add(code, place, message)
                break


Key = tuple[Protocol, Address, int] | tuple[int, Family]
"""A service: one of its places, or its mark."""


def _keys(built: BuiltVirtual) -> Iterator[tuple[Key, str, Span]]:
    virtual = built.virtual
    if virtual.fwmark:
        yield (virtual.fwmark, virtual.vip.family), "E031", built.section.place("fwmark")
        return
    ports = virtual.service_ports()
    for vip, place in zip(virtual.vips, built.places, strict=True):
        for protocol in virtual.protocols:
            for port in ports:
                yield (protocol, vip.address, port), "E030", place


def _service(key: Key) -> str:
    match key:
        case (protocol, address, port):
            return f"{protocol.word} {address} port {port}"
        case (mark, family):
            return f"fwmark {mark} (IPv{4 if family is Family.IPV4 else 6})"


def _same_address(built: Built, findings: Findings) -> None:
    """Warn of one VIP with two devices or masks, and of one alias for two VIPs."""
    vips: dict[Hashable, tuple[Hashable, int]] = {}
    labels: dict[str, tuple[Hashable, Address, int]] = {}
    for built_virtual in built.virtuals:
        virtual = built_virtual.virtual
        if not virtual.active:
            continue
        line = virtual.line
        for number, (at, whole, label) in enumerate(plain_vips(virtual)):
            first, first_line = vips.setdefault(at, (whole, line))
            if first != whole:
                message = f"{virtual.vips[number].address} has another device or netmask in line {first_line}"
                findings.add("W043", built_virtual.places[number], f"{message}; those count")
            if label is None:
                continue
            other_at, other, other_line = labels.setdefault(label, (at, virtual.vips[number].address, line))
            if other_at != at:
                message = f"alias {label} is also that of {other} in line {other_line}; both are held"
                findings.add("W019", built_virtual.places[number], message)


def _never_silent(server: RealServer) -> bool:
    """Whether no answer to any check counts as a good one."""
    asked = [one.check for one in server.all_checks()]
    return all(isinstance(one, Exchange) and one.transport is Protocol.UDP and one.expect is None for one in asked)
