"""Shell: send announcements of the VIPs that this router holds.

`announcing` says when, `arp` what a frame looks like. Blocks as netlink does: for the effects thread.
"""

import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses, read_setting
from piranha.kernel.route import Link
from piranha.pulse.arp import announcements
from piranha.terms import Address

MAC_LENGTH = 6


class Announcer(Protocol):
    """Tells the neighbours where VIPs are."""

    def announce(self, vips: Iterable[Address], not_after_s: float) -> list[str]:
        """Send one round for each of `vips` that this router holds; return one line for each failure.

        not_after_s: monotonic; nothing is sent later than that.
        """

    def close(self) -> None:
        """Let go of descriptors."""


class NobodyToTell:
    """The announcer of the userspace plane: its VIPs are no link-layer addresses."""

    def announce(self, vips: Iterable[Address], not_after_s: float) -> list[str]:
        """Do nothing: there are no neighbours."""
        return []

    def close(self) -> None:
        """Nothing is open."""


class LinkAnnouncer:
    """Sends gratuitous ARP (request and reply) and unsolicited neighbour advertisements.

    Reads the kernel each time, so that an address is announced by the device that carries it, with
    the hardware address it has now, and never after it was lost. Raises PiranhaError when the
    kernel cannot be asked at all.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kernel = Addresses()
        try:
            # Protocol 0: this socket sends and never receives.
            self._packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            self._kernel.close()
            raise PiranhaError(f"cannot send announcements: {error.strerror} (CAP_NET_RAW is needed)") from error

    def announce(self, vips: Iterable[Address], not_after_s: float) -> list[str]:
        """See Announcer."""
        failures: list[str] = []
        for link, held in self._placed(frozenset(vips)).items():
            router = read_setting(f"net/ipv6/conf/{link.name}/forwarding") == "1"
            try:
                for vip in held:
                    for frame in announcements(vip, link.mac, router=router):
                        # We may have been stopped since the last one, and the partner taken over.
                        if self._clock() > not_after_s:
                            return failures
                        self._packets.sendto(frame, (link.name, 0))
            except OSError as error:
                failures.append(f"{link.name}: {os.strerror(error.errno or 0)}")
        return failures

    def close(self) -> None:
        """See Announcer."""
        self._packets.close()
        self._kernel.close()

    def _placed(self, vips: frozenset[Address]) -> dict[Link, list[Address]]:
        by_index = {
            link.index: link for link in self._kernel.links() if len(link.mac) == MAC_LENGTH and not link.loopback
        }
        placed: dict[Link, list[Address]] = defaultdict(list)
        for found in self._kernel.addresses():
            if found.address in vips and found.index in by_index:
                placed[by_index[found.index]].append(found.address)
        return placed
