"""Shell: devices and addresses of this network namespace.

Blocks, up to hundreds of milliseconds while the kernel is busy with another namespace: `pulse`
calls it from its effects thread, except before its loop runs.
"""

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

from piranha.kernel.connection import Connection, connect
from piranha.kernel.route import (
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    InterfaceAddress,
    LeasedAddress,
    Link,
    lease,
    list_addresses,
    list_links,
    read_address,
    read_link,
    removal,
)
from piranha.kernel.socket import NETLINK_ROUTE, Failure, NetlinkError, NetlinkSocket, Request
from piranha.kernel.wire import NLM_F_CREATE, NLM_F_REPLACE, WireError
from piranha.terms import Family

GONE = (errno.EADDRNOTAVAIL, errno.ENODEV)  # what a removal answers when there is nothing to remove

_Entry = TypeVar("_Entry")


class Addresses:
    """Reads and changes addresses over one netlink socket; belongs to one thread at a time.

    Raises NetlinkError from every method when the kernel refuses the whole of it.
    """

    def __init__(self, opener: Callable[[int], Connection] = connect) -> None:
        self._kernel = NetlinkSocket(NETLINK_ROUTE, opener=opener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; addresses stay as they are."""
        self._kernel.close()

    def links(self) -> list[Link]:
        """Return all devices."""
        return self._read(RTM_GETLINK, list_links(), "list devices", RTM_NEWLINK, read_link)

    def addresses(self) -> list[InterfaceAddress]:
        """Return all addresses of all devices."""
        words = "list addresses"
        found = self._read(RTM_GETADDR, list_addresses(), words, RTM_NEWADDR, read_address)
        return [one for one in found if one is not None]

    def _read(
        self, kind: int, request: bytes, words: str, answer: int, read: Callable[[bytes], _Entry]
    ) -> list[_Entry]:
        entries = self._kernel.dump(kind, request, words, answer=answer)
        try:
            return [read(payload) for payload in entries]
        except WireError as error:
            raise NetlinkError(words, errno.EBADMSG, str(error)) from None

    def lease(self, leased: Sequence[LeasedAddress], valid_s: int | None) -> list[Failure]:
        """Add or renew all of `leased` in one batch; return what was refused, by index.

        An address that has expired comes back: whoever renews compares clocks before and after.
        """
        flags = NLM_F_CREATE | NLM_F_REPLACE
        return self._kernel.batch([Request(RTM_NEWADDR, flags, lease(one, valid_s)) for one in leased])

    def remove(self, leased: Sequence[LeasedAddress]) -> list[Failure]:
        """Remove all of `leased` in one batch; what is not there is no failure."""
        failures = self._kernel.batch([Request(RTM_DELADDR, 0, removal(one)) for one in leased])
        return [failure for failure in failures if failure.code not in GONE]


def read_setting(path: str) -> str | None:
    """Return the value of `/proc/sys/PATH`, None when the kernel has no such setting."""
    try:
        return Path("/proc/sys", path).read_text(encoding="ascii").strip()
    except OSError:
        return None


def forwards(family: Family) -> bool:
    """Return whether this machine routes packets of `family` from any interface; True when that cannot be read."""
    if family is Family.IPV4:
        main, one_interface = "net/ipv4/ip_forward", "net/ipv4/conf/*/forwarding"
    else:
        # Linux 6.17 and later; what routes IPv6 before is the main switch alone.
        main, one_interface = "net/ipv6/conf/all/forwarding", "net/ipv6/conf/*/force_forwarding"
    if read_setting(main) != "0":
        return True
    found = (path.relative_to("/proc/sys") for path in Path("/proc/sys").glob(one_interface))
    return any(path.parts[3] not in ("all", "default") and read_setting(str(path)) == "1" for path in found)


def write_setting(path: str, value: str) -> None:
    """Write `/proc/sys/PATH`. Raises OSError: no such setting, not permitted, read-only."""
    Path("/proc/sys", path).write_text(value, encoding="ascii")
