"""Shell: asking a server from an own address (`source`)."""

import errno
import socket

from piranha.lvscf.check_values import Exchange
from piranha.nanny.probes.base import Probe, host_text
from piranha.nanny.results import Reason

IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; the same for both families


def ask_from(opened: socket.socket, probe: Probe, check: Exchange) -> bool:
    """Bind `opened` to the first of `sources` that this router has; return whether the check can go on.

    Without any of them the check could not be made: that says nothing of the server. On the standby a VIP is
    not there, and the pool must not be empty for it when it takes over. Raises OSError for anything else.
    """
    if not check.sources:
        return True
    version = probe.assignment.address.version
    sources = [host_text(source) for source in check.sources if source.version == version]
    # The port is chosen when the other end is known: sources do not run out of ports one for all servers.
    opened.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    for source in sources:
        try:
            opened.bind((source, 0))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
        else:
            return True
    probe.end(Reason.ERROR, f"source: this router could not check: it does not have {' or '.join(sources)}")
    return False
