"""What the userspace plane cannot do, said in words for each change, with the errno of the kernel where it has one."""

import errno

from piranha.forwarding.userspace.schedule import PICKERS
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel

HIGHEST_WEIGHT = 65535

Objection = tuple[int, str]  # a positive errno value, words


def object_to_service(key: ServiceKey) -> Objection | None:
    """Return why a service with this key cannot be forwarded, None if it can."""
    if not isinstance(key.match, AddressMatch):
        return errno.EOPNOTSUPP, "the userspace plane sees no firewall marks, only address and port"
    if key.match.protocol is not Protocol.TCP:
        return errno.EPROTONOSUPPORT, f"the userspace plane forwards tcp only, not {key.match.protocol.word}"
    if key.match.port == 0:
        return errno.EOPNOTSUPP, "the userspace plane cannot listen on every port (port 0)"
    return None


def object_to_settings(settings: ServiceSettings) -> Objection | None:
    """Return why a service cannot have these settings, None if it can."""
    if settings.scheduler not in PICKERS:
        return errno.ENOENT, f"the userspace plane has no scheduler {settings.scheduler}, only {', '.join(PICKERS)}"
    if settings.scheduler_flags:
        return errno.EOPNOTSUPP, f"scheduler {settings.scheduler} has no flags"
    if settings.persistence_engine:
        return errno.ENOENT, f"the userspace plane has no persistence engine {settings.persistence_engine}"
    if settings.one_packet:
        return errno.EOPNOTSUPP, "one packet scheduling is for udp"
    if settings.persistence_s < 0:
        return errno.EINVAL, "a persistence time cannot be negative"
    return None


def object_to_destination(service: ServiceKey, server: DestinationKey, destination: Destination) -> Objection | None:
    """Return why `service` cannot have this real server, None if it can."""
    if destination.forwarding is not ForwardingMethod.NAT or destination.tunnel != Tunnel():
        return errno.EOPNOTSUPP, f"the userspace plane is a proxy: forwarding nat only, not {destination.forwarding}"
    if Family.of(server.address) is not service.family:
        return errno.EINVAL, "service and real server must be of one address family"
    if not 0 <= destination.weight <= HIGHEST_WEIGHT:
        return errno.ERANGE, f"a weight lies between 0 and {HIGHEST_WEIGHT}"
    if destination.lower_threshold > destination.upper_threshold:
        return errno.ERANGE, "the lower threshold is above the upper"
    return None
