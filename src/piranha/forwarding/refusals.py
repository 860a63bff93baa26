"""What the kernel means by an errno value, for the operator whose change it refused."""

import errno

from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveService,
)
from piranha.table.destination import Destination
from piranha.table.service import FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Family, ForwardingMethod, Protocol, TunnelChecksum


def refusal_words(change: Change, code: int, fallback: str) -> str:
    """Return why, to be read behind `describe(change)`: `scheduler wlcc is not available: … (ENOENT)`.

    fallback: what to say of an errno value that has no meaning of its own here.
    """
    words = _meaning(change, code)
    return f"{words} ({errno.errorcode.get(code, str(code))})" if words else fallback


def _meaning(change: Change, code: int) -> str:
    match code:
        case errno.EPERM:
            return "not permitted: changing the table needs CAP_NET_ADMIN (run as root)"
        case errno.ENOMEM:
            return "the kernel is out of memory"
        case errno.ENOBUFS:
            return "the kernel's answer was lost: it may or may not have been done"
        case errno.ESRCH:
            return "there is no such service"
        case errno.EPROTONOSUPPORT:
            return _no_protocol(change)
        case errno.EAFNOSUPPORT:
            return "this kernel's IPVS knows no IPv6: it was built without CONFIG_IP_VS_IPV6"
    if isinstance(change, AddService | EditService | RemoveService):
        return _of_service(change, code)
    return _of_server(change, code)


def _of_service(change: AddService | EditService | RemoveService, code: int) -> str:
    if code == errno.EEXIST:
        return "the service is already there"
    if isinstance(change, RemoveService):
        return ""
    if code == errno.ENOENT:
        return _missing_module(change.settings)
    if code == errno.EINVAL:
        return "the kernel does not take these settings (is `lo` up? is a netmask or scheduler flag wrong?)"
    return ""


def _missing_module(settings: ServiceSettings) -> str:
    """Name what the kernel did not find; it looks for the scheduler first and does not say which it was."""
    scheduler, engine = settings.scheduler, settings.persistence_engine
    missing = f"scheduler {scheduler} is not available: {_module(scheduler)} is missing"
    if engine:
        missing += f"; or persistence engine {engine} is not: {_module(f'pe_{engine}')}"
    return missing


def _module(name: str) -> str:
    return f"module ip_vs_{name} (CONFIG_IP_VS_{name.upper()})"


def _no_protocol(change: Change) -> str:
    match = change.service.match
    if isinstance(match, FirewallMark):
        return "this kernel's IPVS does not balance that protocol"
    word = match.protocol.word
    return f"this kernel's IPVS does not balance {word}: it was built without CONFIG_IP_VS_PROTO_{word.upper()}"


def adds_sctp(change: Change) -> bool:
    """Return whether this brings SCTP into the table."""
    return is_sctp(change.service) and isinstance(change, AddService | AddDestination)


def is_sctp(service: ServiceKey) -> bool:
    """Return whether a service is found by SCTP."""
    return not isinstance(service.match, FirewallMark) and service.match.protocol is Protocol.SCTP


def tunnel_lost(destination: Destination) -> str:
    """Return why, when the kernel took a server and dropped how its packets are to be wrapped."""
    tunnel = destination.tunnel
    form = tunnel.type.value + (
        f" with checksum {tunnel.checksum}" if tunnel.checksum is not TunnelChecksum.NONE else ""
    )
    return f"this kernel's IPVS knows no tunnel {form}: it needs Linux 5.3 (EOPNOTSUPP)"


def _of_server(change: Change, code: int) -> str:
    if code == errno.EEXIST:
        return "the server is already there"
    if code == errno.ENOENT:
        return "there is no such server"
    if not isinstance(change, AddDestination | EditDestination):
        return ""
    if code == errno.ERANGE:
        return "weight or thresholds are out of range (the lower threshold must not exceed the upper)"
    if code == errno.EINVAL:
        return _unsuitable(change)
    return ""


def _unsuitable(change: AddDestination | EditDestination) -> str:
    """Say which of the kernel's conditions on a server is the likely one."""
    if change.service.family is not Family.of(change.server.address):
        if change.destination.forwarding is ForwardingMethod.TUNNEL:
            return "the kernel takes no server of another address family while a sync daemon runs"
        return "a server of another address family needs forwarding by tunnel"
    return "the kernel does not take this address (not unicast?) or these settings"
