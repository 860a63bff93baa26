"""Shell: heartbeats on the wire: one UDP socket for each path, none of which ever waits.

A datagram carries the time at which the kernel received it, so that a process that slept does not
take old heartbeats for fresh ones. ICMP errors come back as evidence against the partner.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from piranha.errors import PiranhaError
from piranha.lvscf.config import Config
from piranha.terms import Address

SO_TIMESTAMPNS = 35  # also the type of its control message (asm-generic/socket.h); 64-bit time
TIMESPEC = struct.Struct("@qq")
IP_RECVERR = 11  # linux/in.h
IPV6_RECVERR = 25  # linux/in6.h
CLASS_SELECTOR_6 = 0xC0  # network control (RFC 4594 section 3.1), as VRRP and OSPF use it

DATAGRAM_LIMIT = 2048  # bytes; ours are far smaller
ANCILLARY_LIMIT = 512
READ_LIMIT = 64  # datagrams of one path in one `drain`
ERROR_LIMIT = 16  # of one path in one `drain`


@dataclass(frozen=True, slots=True)
class PathEnds:
    """One path between the routers, seen from here."""

    name: str
    own: Address
    partner: Address


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came from the partner's address. received_at_s: monotonic, as the kernel stamped it."""

    path: str
    data: bytes
    received_at_s: float


@dataclass(frozen=True, slots=True)
class PathError:
    """The network said no, by ICMP, or this kernel did. code: an errno value."""

    path: str
    code: int
    at_s: float

    @property
    def words(self) -> str:
        """`ECONNREFUSED: Connection refused`."""
        return f"{errno.errorcode.get(self.code, str(self.code))}: {os.strerror(self.code)}"


class EndpointError(PiranhaError):
    """A socket cannot be had; the text names path, address, port and cure in one line."""


def path_ends(config: Config, node: str) -> tuple[PathEnds, ...]:
    """Return the paths of `node` (`primary` or `backup`): public, private, then those of `heartbeat_path`."""
    if config.primary is None or config.backup is None:
        return ()
    pairs = {path.name: (path.primary, path.backup) for path in config.heartbeat.paths}
    first = {"public": (config.primary.public, config.backup.public)}
    if config.primary.private is not None and config.backup.private is not None:
        first["private"] = (config.primary.private, config.backup.private)
    ends: list[PathEnds] = []
    for name, (primary, backup) in (first | pairs).items():
        own, partner = (primary, backup) if node == "primary" else (backup, primary)
        # An old file may give one address for both; a second socket there would be a second bind.
        if all(end.own != own for end in ends):
            ends.append(PathEnds(name, own, partner))
    return tuple(ends)


class Endpoint:
    """The sockets of all paths. Raises EndpointError when one of them cannot be had."""

    def __init__(self, paths: Sequence[PathEnds], port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._port = port
        self.paths: dict[str, PathEnds] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._empty_at_s: dict[str, float] = {}
        self.strangers = 0  # datagrams that did not come from the partner's address
        self.more = False  # whether the last `drain` left something behind
        self.reopen(paths, port)

    def reopen(self, paths: Sequence[PathEnds], port: int) -> None:
        """Have these paths from now on; sockets that still fit stay. All or nothing: EndpointError changes nothing."""
        fresh: dict[str, socket.socket] = {}
        try:
            for path in paths:
                if not self._fits(path, port):
                    fresh[path.name] = _open(path, port)
        except EndpointError:
            for one in fresh.values():
                one.close()
            raise
        kept = {path.name: path for path in paths}
        for name in [name for name in self._sockets if name in fresh or name not in kept]:
            self._sockets.pop(name).close()
        self._sockets |= fresh
        self._empty_at_s |= dict.fromkeys(fresh, self._clock())
        self.paths, self._port = kept, port

    def _fits(self, path: PathEnds, port: int) -> bool:
        before = self.paths.get(path.name)
        return before is not None and before.own == path.own and port == self._port

    def descriptors(self) -> tuple[int, ...]:
        """Return what becomes readable when something is to be drained."""
        return tuple(one.fileno() for one in self._sockets.values())

    def drain(self) -> list[Datagram | PathError]:
        """Return what is waiting on all paths, oldest first; of each path only so much, then `more` is true.

        Never waits.
        """
        found: list[Datagram | PathError] = []
        self.more = False
        for name, one in self._sockets.items():
            found += self._errors(name, one)
            found += self._datagrams(name, one)
        return sorted(found, key=lambda item: item.received_at_s if isinstance(item, Datagram) else item.at_s)

    def send(self, name: str, data: bytes) -> PathError | None:
        """Send `data` to the partner on one path; return what this kernel has against it."""
        one, path = self._sockets.get(name), self.paths.get(name)
        if one is None or path is None:
            return PathError(name, errno.ENODEV, self._clock())
        for _ in range(2):
            try:
                one.sendto(data, (str(path.partner), self._port))
                return None
            except OSError as error:
                code = error.errno or errno.EIO
                # A pending ICMP error is handed to the next system call, which then has sent nothing.
                if code not in (errno.ECONNREFUSED, errno.EHOSTUNREACH):
                    break
        return PathError(name, code, self._clock())

    def close(self) -> None:
        """Close all sockets."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    def _datagrams(self, name: str, one: socket.socket) -> list[Datagram | PathError]:
        found: list[Datagram | PathError] = []
        earliest = self._empty_at_s[name]
        for _ in range(READ_LIMIT):
            try:
                data, ancillary, _, sender = one.recvmsg(DATAGRAM_LIMIT, ANCILLARY_LIMIT)
            except BlockingIOError:
                self._empty_at_s[name] = self._clock()
                return found
            except OSError as error:
                found.append(PathError(name, error.errno or errno.EIO, self._clock()))
                continue
            # Link-local addresses come with their zone.
            if ip_address(str(sender[0]).partition("%")[0]) != self.paths[name].partner:
                self.strangers += 1
                continue
            found.append(Datagram(name, data, received_at_s(ancillary, earliest, self._clock())))
        self.more = True
        return found

    def _errors(self, name: str, one: socket.socket) -> list[Datagram | PathError]:
        found: list[Datagram | PathError] = []
        for _ in range(ERROR_LIMIT):
            try:
                _, ancillary, _, _ = one.recvmsg(DATAGRAM_LIMIT, ANCILLARY_LIMIT, socket.MSG_ERRQUEUE)
            except OSError:
                break
            for level, kind, data in ancillary:
                if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
                    # struct sock_extended_err begins with u32 ee_errno (linux/errqueue.h).
                    found.append(PathError(name, struct.unpack_from("=I", data)[0], self._clock()))
        return found


def received_at_s(ancillary: Sequence[tuple[int, int, bytes]], earliest: float, now: float) -> float:
    """Return the kernel's receive time on the monotonic clock, of a socket with SO_TIMESTAMPNS.

    The kernel stamps with the wall clock, which may be set at any moment: nothing can have come
    before the socket was last seen empty, or after now.
    """
    wall = time.time()
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            age_s: float = wall - seconds - nanoseconds / 1e9
            return min(now, max(earliest, now - age_s))
    return now


def _open(path: PathEnds, port: int) -> socket.socket:
    family, level = (
        (socket.AF_INET, socket.IPPROTO_IP) if path.own.version == 4 else (socket.AF_INET6, socket.IPPROTO_IPV6)
    )
    one = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if path.own.version == 4:
            one.setsockopt(level, IP_RECVERR, 1)
            one.setsockopt(level, socket.IP_TOS, CLASS_SELECTOR_6)
        else:
            one.setsockopt(level, IPV6_RECVERR, 1)
            one.setsockopt(level, socket.IPV6_TCLASS, CLASS_SELECTOR_6)
        one.bind((str(path.own), port))
    except OSError as error:
        one.close()
        raise EndpointError(_refusal(path, port, error)) from error
    return one


def _refusal(path: PathEnds, port: int, error: OSError) -> str:
    where = f"heartbeat socket of the {path.name} path, {path.own} port {port}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where}: port in use (another pulse? see `ss -lunp sport = :{port}`)"
        case errno.EADDRNOTAVAIL:
            return f"{where}: no interface of this machine has that address"
        case errno.EACCES | errno.EPERM:
            return f"{where}: not permitted (root or CAP_NET_BIND_SERVICE is needed below port 1024)"
        case _:
            return f"{where}: {error.strerror}"
