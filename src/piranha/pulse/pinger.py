"""Shell: asks the hosts of `monitor_hosts` by ICMP echo; `hosts` says whom and when, and judges.

One socket a family, none of which ever waits. What this kernel says against sending counts as no answer, and
is told. An answer counts when it repeats the random token of a question to its sender that is not older
than `deadtime`.
"""

import array
import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Collection
from ipaddress import ip_address
from typing import NamedTuple

from piranha.pulse import echo
from piranha.pulse.endpoint import ANCILLARY_LIMIT, SO_TIMESTAMPNS, received_at_s
from piranha.pulse.hosts import Hosts, LineState
from piranha.terms import Address

MESSAGE_LIMIT = 256  # bytes; ours are far shorter
READ_LIMIT = 256  # messages of one family between two judgements
ICMP_FILTER = 1  # linux/icmp.h, level SOL_RAW
SOL_RAW = 255
ICMP6_FILTER = 1  # linux/icmpv6.h
IPV6_PKTINFO = 50  # linux/in6.h
IP_PKTINFO = 8  # linux/in.h
ANY_PORT = 9  # nothing is sent there: it only asks the kernel for a route


class _Open(NamedTuple):
    """A socket. raw: it gets what others of this machine ask, too, with IP headers in IPv4."""

    socket: socket.socket
    raw: bool


class _Question(NamedTuple):
    address: Address
    asked_s: float


class Pinger:
    """Asks until cancelled.

    changed: called in the loop with the state of all lines, once at first and then when one has changed.
    source: returns the own address to ask from, given the host and the one that the kernel would take;
    None = that one.
    """

    def __init__(
        self,
        hosts: Hosts,
        changed: Callable[[tuple[LineState, ...]], None],
        source: Callable[[Address, Address], Address | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = hosts
        self._changed = changed
        self._source = source
        self._clock = clock
        self._wake = asyncio.Event()
        self._sockets: dict[int, _Open] = {}  # by IP version
        self._empty_at_s: dict[int, float] = {}
        self._questions: dict[bytes, _Question] = {}
        self._identifier = int.from_bytes(os.urandom(2))
        self._round = 0

    def wake(self) -> None:
        """Look at once: the file has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        told: tuple[LineState, ...] | None = None
        try:
            while True:
                self._wake.clear()
                self._drain()  # read before judging: this process may have stood still
                self._ask(self._hosts.tick(self._clock()))
                self._close(keep={address.version for address in self._hosts.hosts})
                if self._hosts.states != told:
                    told = self._hosts.states
                    self._changed(told)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._hosts.deadline()):
                        await self._wake.wait()
                await asyncio.sleep(0)  # who floods us must not keep the loop from heartbeats
        finally:
            self._close()

    def _ask(self, addresses: tuple[Address, ...]) -> None:
        now = self._clock()
        self._round += 1
        if addresses:
            self._questions = {
                token: one for token, one in self._questions.items() if now - one.asked_s < self._hosts.deadtime_s
            }
        for address in addresses:
            token = os.urandom(echo.TOKEN_LENGTH)
            self._questions[token] = _Question(address, now)
            try:
                self._send(address, token)
            except OSError as error:
                self._hosts.asked(address, os.strerror(error.errno) if error.errno else str(error))
            else:
                self._hosts.asked(address)

    def _send(self, address: Address, token: bytes) -> None:
        version = address.version
        one = self._sockets.get(version) or self._open(version)
        message = echo.request(version, self._identifier, self._round, token)
        own = self._source(address, _route_source(address))
        ancillary: list[tuple[int, int, bytes]] = []
        if own is not None and version == 4:
            # struct in_pktinfo: device, own address, (destination)
            ancillary = [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=i4s4s", 0, own.packed, bytes(4)))]
        elif own is not None:
            ancillary = [(socket.IPPROTO_IPV6, IPV6_PKTINFO, struct.pack("=16si", own.packed, 0))]
        one.socket.sendmsg([message], ancillary, 0, (str(address), 0))

    def _open(self, version: int) -> _Open:
        """Open a socket for pings, which anybody may have where `ping_group_range` says so, else a raw one."""
        family, protocol = (
            (socket.AF_INET, socket.IPPROTO_ICMP) if version == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
        )
        options = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            one = _Open(socket.socket(family, socket.SOCK_DGRAM | options, protocol), raw=False)
        except PermissionError:
            one = _Open(socket.socket(family, socket.SOCK_RAW | options, protocol), raw=True)
        try:
            one.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            if one.raw:
                _only_replies(one.socket, version)
        except OSError:
            one.socket.close()
            raise
        self._sockets[version] = one
        self._empty_at_s[version] = self._clock()
        asyncio.get_running_loop().add_reader(one.socket, self._wake.set)
        return one

    def _drain(self) -> None:
        for version, one in self._sockets.items():
            for _ in range(READ_LIMIT):
                try:
                    message, ancillary, _, sender = one.socket.recvmsg(MESSAGE_LIMIT, ANCILLARY_LIMIT)
                except BlockingIOError:
                    self._empty_at_s[version] = self._clock()
                    break
                except OSError:
                    continue  # an ICMP error that waited: no answer
                if one.raw and version == 4:
                    message = echo.without_ip_header(message)
                token = echo.token_of(version, message)
                question = self._questions.get(token) if token is not None else None
                if token is None or question is None or question.address != _sender(sender):
                    continue
                del self._questions[token]
                came_s = received_at_s(ancillary, self._empty_at_s[version], self._clock())
                if came_s - question.asked_s < self._hosts.deadtime_s:
                    self._hosts.answered(question.address, came_s)

    def _close(self, keep: Collection[int] = ()) -> None:
        for version in self._sockets.keys() - keep:
            one = self._sockets.pop(version).socket
            asyncio.get_running_loop().remove_reader(one)
            one.close()


def _sender(address: tuple[object, ...]) -> Address:
    """Return the address of a socket address; link-local ones come with their zone."""
    return ip_address(str(address[0]).partition("%")[0])


def _route_source(address: Address) -> Address:
    """Return the own address from which this kernel would send to `address`. Raises OSError without a route."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        probe.connect((str(address), ANY_PORT))
        return _sender(probe.getsockname())


def _only_replies(one: socket.socket, version: int) -> None:
    """Have a raw socket get echo replies only: all that this machine hears would wake it."""
    kind = echo.REPLY[version]
    if version == 4:
        one.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", ~(1 << kind) & 0xFFFFFFFF))
        return
    blocked = array.array("I", [0xFFFFFFFF] * 8)
    blocked[kind >> 5] &= ~(1 << (kind & 31)) & 0xFFFFFFFF
    one.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, blocked.tobytes())
