"""Shell: the sync daemons of the kernel, and the interfaces that they may use. Every method may block."""

import errno
from collections.abc import Sequence

from piranha.kernel.addresses import Addresses
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.route import InterfaceAddress, Link
from piranha.kernel.socket import NetlinkError, errno_words


class KernelSync:
    """The sync daemons of this network namespace."""

    def daemons(self) -> list[SyncDaemon]:
        """Return those that run. Raises NetlinkError."""
        with IpvsSocket() as kernel:
            return kernel.daemons()

    def start(self, daemon: SyncDaemon) -> str:
        """Start one; return why the kernel did not, empty when it runs."""
        try:
            with IpvsSocket() as kernel:
                kernel.start_daemon(daemon)
        except NetlinkError as error:
            return _words(daemon, error)
        return ""

    def stop(self, daemon: SyncDaemon) -> str:
        """Stop one; return why the kernel did not, empty when it does not run any more."""
        try:
            with IpvsSocket() as kernel:
                kernel.stop_daemon(daemon)
        except NetlinkError as error:
            return "" if error.code == errno.ESRCH else _words(daemon, error)
        return ""

    def interfaces(self) -> tuple[Sequence[Link], Sequence[InterfaceAddress]]:
        """Return the devices and their addresses. Raises NetlinkError."""
        with Addresses() as kernel:
            return kernel.links(), kernel.addresses()


def _words(daemon: SyncDaemon, error: NetlinkError) -> str:
    match error.code:
        case errno.ENODEV:
            return f"there is no interface {daemon.interface} (ENODEV)"
        case errno.ENETUNREACH | errno.EADDRNOTAVAIL:
            return f"interface {daemon.interface} is down or has no address ({errno.errorcode[error.code]})"
        case errno.EEXIST:
            return "such a daemon runs already (EEXIST)"
        case errno.EPERM:
            return "not permitted: CAP_NET_ADMIN is needed (EPERM)"
        case _:
            return errno_words(error.code, error.detail)
