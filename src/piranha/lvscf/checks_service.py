"""Findings about what a virtual server asks of IPVS: ports, flags, datagrams, tunnels."""

from piranha.lvscf.built import Built, BuiltVirtual
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.elaborate_service import tunnel_words
from piranha.lvscf.settings import Section
from piranha.terms import ForwardingMethod, Protocol, Scheduler, TunnelChecksum, TunnelType

SERVICES_LIMIT = 16384
"""Services that `ports` and `extra_address` of one file may ask for together; each is a service of the kernel."""

_TUNNEL = ("tunnel_type", "tunnel_port", "tunnel_checksum")
_NONE_OF_TUNNEL = frozenset(_TUNNEL).isdisjoint


def check_service(built: BuiltVirtual, findings: Findings) -> None:
    """Add what is wrong or doubtful about one virtual server and IPVS."""
    _ports(built, findings)
    _flags(built, findings)
    _datagrams(built, findings)
    section = built.section
    if "sorry_forwarding" in section.values and "sorry_server" not in section.tried:
        place = section.place("sorry_forwarding")
        findings.add("W026", place, "sorry_forwarding has no effect without sorry_server")
    _tunnels(built, findings)


def too_many_services(built: Built, findings: Findings) -> bool:
    """Whether the file asks for more services than a kernel should have; says so at the one that goes too far."""
    total = 0
    for one in built.virtuals:
        virtual = one.virtual
        if not virtual.active or virtual.fwmark or not (virtual.ports or virtual.extra_vips):
            continue
        ports = sum(each.last - each.first + 1 for each in virtual.ports) or 1
        total += ports * len(virtual.protocols) * len(virtual.vips)
        if total > SERVICES_LIMIT:
            message = f"this makes {total} services in the kernel, at most {SERVICES_LIMIT} can be"
            place = one.section.place("ports", "extra_address")
            findings.add("E060", place, message, "one service for many ports: fwmark, or port = 0 with persistent")
            return True
    return False


def _ports(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    if "ports" not in section.tried:
        return
    if "port" in section.tried:
        findings.add("E061", section.place("port"), "both port and ports are given", "write all of them behind ports")
    for server in built.kinds:
        if "port" in server.section.tried:
            message = "a server port beside ports: the server is sent the port that the client asked for"
            findings.add("E061", server.section.place("port"), message, "remove it")


def _flags(built: BuiltVirtual, findings: Findings) -> None:
    section, scheduler = built.section, built.virtual.scheduler
    words: tuple[str, ...] = section.get("scheduler_flags", ())
    named = [word for word in words if word in ("fallback", "port")]
    if named and scheduler not in (Scheduler.SH, Scheduler.MH):
        message = f"scheduler {scheduler} has no flag '{named[0]}'"
        findings.add("E062", section.place("scheduler_flags"), message, "sh and mh have it")


def _datagrams(built: BuiltVirtual, findings: Findings) -> None:
    section, virtual = built.section, built.virtual
    wanted = {"one_packet": virtual.one_packet, "persistence_engine": bool(virtual.persistence_engine)}
    asked = [name for name, on in wanted.items() if on]
    # What a mark lets in is the firewall's business.
    if Protocol.UDP not in virtual.protocols and not virtual.fwmark:
        for name in asked:
            findings.add("E063", section.place(name), f"{name} needs udp", "protocol = udp")
    if "persistence_engine" in asked and not virtual.persistence_s and "persistent" not in section.tried:
        findings.add("W026", section.place("persistence_engine"), "persistence_engine has no effect without persistent")


def _tunnels(built: BuiltVirtual, findings: Findings) -> None:
    section, sorry = built.section, built.virtual.sorry_server
    if all(_NONE_OF_TUNNEL(one.values) for one in (section, *[server.section for server in built.kinds])):
        return
    methods = [server.server.forwarding for server in built.kinds]
    methods += [sorry.forwarding] if sorry is not None else []
    own = [name for name in _TUNNEL if name in section.values]
    if own and methods and ForwardingMethod.TUNNEL not in methods:
        findings.add("W026", section.place(*own), f"{own[0]} has no effect without forwarding = tunnel")
    for server in built.kinds:
        own = [name for name in _TUNNEL if name in server.section.values]
        if own and server.server.forwarding is not ForwardingMethod.TUNNEL:
            findings.add("W026", server.section.place(*own), f"{own[0]} has no effect without forwarding = tunnel")
    _tunnel(section, section, findings)
    for server in built.kinds:
        if any(name in server.section.values for name in _TUNNEL):
            _tunnel(section, server.section, findings)


def _tunnel(section: Section, server: Section, findings: Findings) -> None:
    """Say what the kind of tunnel does not have of what stands in this block."""
    kind, checksum = tunnel_words(section, server)
    here = server.values
    if kind is not TunnelType.GUE and "tunnel_port" in here:
        findings.add("W026", server.place("tunnel_port"), "tunnel_port has no effect without tunnel_type = gue")
    if kind is TunnelType.GRE and checksum is TunnelChecksum.REMCSUM:
        place = server.place("tunnel_checksum", "tunnel_type")
        findings.add("E064", place, "a gre tunnel has no remcsum", "tunnel_checksum = csum, or tunnel_type = gue")
    if kind is TunnelType.IPIP and checksum is not TunnelChecksum.NONE and "tunnel_checksum" in here:
        message = "tunnel_checksum has no effect without tunnel_type = gue or gre"
        findings.add("W026", server.place("tunnel_checksum"), message)
