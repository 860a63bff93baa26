"""Shell: the question to the LAN on packet sockets: who has the VIPs?

`inquiry` says when, `arp` what the frames look like. Asking blocks as netlink does: it has a thread
of its own, since the effects thread may be what waits. Sockets are open only while somebody asks.
"""

import array
import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses
from piranha.kernel.route import Link
from piranha.lvscf.config import FloatingAddress, Router
from piranha.pulse.announce import MAC_LENGTH
from piranha.pulse.arp import ETH_P_ARP, ETH_P_IPV6, NEXT_HEADER_ICMPV6, question, read_sighting
from piranha.pulse.endpoint import ANCILLARY_LIMIT, SO_TIMESTAMPNS, received_at_s
from piranha.pulse.inquiry import Claim
from piranha.pulse.placement import Misplaced, device_for, own_addresses
from piranha.terms import Address

ASKED_AT_MOST = 16
"""VIPs in one question: one that is held is enough, and a thousand probes each second are a storm."""

REST_S = 10.0
"""So long after the last question the sockets are closed."""

FRAME_LIMIT = 256  # bytes; neighbour discovery and ARP are shorter
READ_LIMIT = 256  # frames in one `drain`
SO_ATTACH_FILTER = 26
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_ALLMULTI = 263, 1, 2  # linux/if_packet.h

# Classic BPF (linux/filter.h): code, jump if true, jump if false, constant. Of IPv6 only ICMPv6 types 135, 136.
LOAD_BYTE, JUMP_EQUAL, RETURN = 0x30, 0x15, 0x06
NEIGHBOUR_DISCOVERY = (
    (LOAD_BYTE, 0, 0, 20),  # next header
    (JUMP_EQUAL, 0, 4, NEXT_HEADER_ICMPV6),
    (LOAD_BYTE, 0, 0, 54),  # type
    (JUMP_EQUAL, 1, 0, 135),
    (JUMP_EQUAL, 0, 1, 136),
    (RETURN, 0, 0, FRAME_LIMIT),
    (RETURN, 0, 0, 0),
)


class Lan(Protocol):
    """Asks who has VIPs, and hears claims."""

    async def ask(self, vips: Sequence[FloatingAddress], router: Router) -> str:
        """Ask once; return why nothing could be asked, empty when something was."""

    def drain(self) -> list[tuple[Claim, float]]:
        """Return the claims that came from others, with the monotonic time of each. Never waits."""

    def close(self) -> None:
        """Let go of descriptors."""


class NoLan:
    """The userspace plane: its VIPs are no link-layer addresses."""

    async def ask(self, vips: Sequence[FloatingAddress], router: Router) -> str:
        """See Lan."""
        return "VIPs of the userspace plane have no hardware address"

    def drain(self) -> list[tuple[Claim, float]]:
        """See Lan."""
        return []

    def close(self) -> None:
        """See Lan."""


class LinkLan:
    """Probes on the devices of this network namespace. wake: called in the loop when frames came."""

    def __init__(self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._wake = wake
        self._clock = clock
        self._sockets: dict[int, socket.socket] = {}  # by protocol
        self._empty_at_s = 0.0
        self._asked_at_s = 0.0
        self._asked: dict[Address, str] = {}  # VIPs of the last question, and their devices
        self._own: frozenset[bytes] = frozenset()  # hardware addresses of this machine

    async def ask(self, vips: Sequence[FloatingAddress], router: Router) -> str:
        """See Lan."""
        try:
            placed, own, trouble = await asyncio.to_thread(_place, vips, router)
            if not placed:
                return trouble
            self._own = own
            self._asked = {vip: link.name for vip, link in placed.items()}
            self._asked_at_s = self._clock()
            self._listen(placed)
            return self._send(placed)
        except PiranhaError as error:
            return str(error)
        except OSError as error:
            return f"packet socket: {error.strerror or error}"

    def drain(self) -> list[tuple[Claim, float]]:
        """See Lan."""
        if self._sockets and self._clock() > self._asked_at_s + REST_S:
            self.close()
        found: list[tuple[Claim, float]] = []
        for one in self._sockets.values():
            for _ in range(READ_LIMIT):
                try:
                    frame, ancillary, _, sender = one.recvmsg(FRAME_LIMIT, ANCILLARY_LIMIT)
                except OSError:  # empty, or a device went down: the next question says so
                    break
                claim = self._claim(frame, str(sender[0]))
                if claim is not None:
                    found.append((claim, received_at_s(ancillary, self._empty_at_s, self._clock())))
        self._empty_at_s = self._clock()
        return found

    def close(self) -> None:
        """See Lan."""
        for one in self._sockets.values():
            asyncio.get_running_loop().remove_reader(one)
            one.close()
        self._sockets.clear()

    def _claim(self, frame: bytes, device: str) -> Claim | None:
        sighting = read_sighting(frame)
        if sighting is None or sighting.mac in self._own or self._asked.get(sighting.address) != device:
            return None
        return Claim(address=sighting.address, mac=sighting.mac.hex(":"), device=device, holds=sighting.holds)

    def _listen(self, placed: dict[Address, Link]) -> None:
        for vip, link in placed.items():
            protocol = ETH_P_ARP if vip.version == 4 else ETH_P_IPV6
            one = self._sockets.get(protocol) or self._open(protocol)
            if protocol == ETH_P_IPV6:
                # Probes of the partner go to a multicast address that only a holder has joined.
                member = struct.pack("=iHH8s", link.index, PACKET_MR_ALLMULTI, 0, b"")
                one.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)

    def _open(self, protocol: int) -> socket.socket:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        one = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))  # of all devices
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            if protocol == ETH_P_IPV6:
                program = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in NEIGHBOUR_DISCOVERY))
                address, _ = program.buffer_info()
                one.setsockopt(
                    socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(NEIGHBOUR_DISCOVERY), address)
                )
        except OSError:
            one.close()
            raise
        if not self._sockets:
            self._empty_at_s = self._clock()
        self._sockets[protocol] = one
        asyncio.get_running_loop().add_reader(one, self._wake)
        return one

    def _send(self, placed: dict[Address, Link]) -> str:
        trouble, sent = "", False
        for vip, link in placed.items():
            protocol = ETH_P_ARP if vip.version == 4 else ETH_P_IPV6
            try:
                self._sockets[protocol].sendto(question(vip, link.mac), (link.name, protocol))
                sent = True
            except OSError as error:
                trouble = f"{link.name}: {os.strerror(error.errno or 0)}"
        return "" if sent else trouble


def _place(vips: Sequence[FloatingAddress], router: Router) -> tuple[dict[Address, Link], frozenset[bytes], str]:
    """Return which VIPs can be asked for on which device, the hardware addresses of this machine, and what is wrong.

    A device without carrier is no place to ask: its silence proves nothing.
    """
    with Addresses() as kernel:
        links, addresses = kernel.links(), kernel.addresses()
    own = own_addresses(router)
    placed: dict[Address, Link] = {}
    trouble = "lvs.cf names no VIP that could be asked for"
    for vip in vips:
        if vip.address in own or len(placed) == ASKED_AT_MOST:
            continue
        try:
            link = device_for(vip, router, links, addresses)
        except Misplaced as error:
            trouble = str(error)
            continue
        if link.loopback or len(link.mac) != MAC_LENGTH:
            trouble = f"{link.name} has no hardware addresses"
        elif not link.up or not link.carrier:
            trouble = f"{link.name} has no carrier" if link.up else f"{link.name} is down"
        else:
            placed[vip.address] = link
    return placed, frozenset(link.mac for link in links if link.mac), trouble
