"""Addresses and links of the kernel's routing socket (NETLINK_ROUTE) as values.

Pure: bodies of requests, and entries of dumps; `kernel/addresses.py` sends and receives.
Sources: linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h, rtnetlink(7).
"""

from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from piranha.dataclass import dataclass
from piranha.kernel.wire import WireError, attribute, attributes, number, string, text, u32
from piranha.terms import Address, Family

RTM_NEWLINK = 16
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22

RTMGRP_LINK = 1  # group of notices about devices (linux/rtnetlink.h)

IFADDRMSG = Struct("=BBBBI")  # ifa_family, ifa_prefixlen, ifa_flags, ifa_scope, ifa_index
IFINFOMSG = Struct("=BBHiII")  # ifi_family, padding, ifi_type, ifi_index, ifi_flags, ifi_change
CACHEINFO = Struct("=IIII")  # ifa_prefered, ifa_valid, cstamp, tstamp (struct ifa_cacheinfo)

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_LABEL = 3
IFA_CACHEINFO = 6
IFA_FLAGS = 8
IFA_PROTO = 11  # since Linux 5.18; older kernels ignore it

IFA_F_NODAD = 0x02
IFA_F_DEPRECATED = 0x20
IFA_F_TENTATIVE = 0x40
IFA_F_PERMANENT = 0x80
IFA_F_NOPREFIXROUTE = 0x200

IFLA_ADDRESS = 1
IFLA_IFNAME = 3

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_LOWER_UP = 0x10000

FOREVER = 0xFFFFFFFF  # INFINITY_LIFE_TIME
PROTO_PIRANHA = 0x50  # who added the address, in `ip -d address`; a number nobody else uses
SCOPE_UNIVERSE = 0
SCOPE_HOST = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One network device. mac: 6 bytes on Ethernet, zeros on loopback, empty where there is none."""

    index: int
    name: str
    mac: bytes
    up: bool
    carrier: bool
    loopback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceAddress:
    """One address of a device, as the kernel tells it.

    valid_s: seconds left, None = no limit. label: IPv4 only. deprecated: never chosen as a source.
    """

    index: int
    address: Address
    prefix: int
    label: str = ""
    valid_s: int | None = None
    deprecated: bool = False
    tentative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedAddress:
    """An address to add, renew or delete on the device with this index.

    label: at most 15 bytes and `DEVICE:SOMETHING`, IPv4 only. own_route: let the kernel keep a route
    to the network of a shorter prefix; without it the address comes and goes without one.
    """

    index: int
    address: Address
    prefix: int
    label: str | None = None
    own_route: bool = False


def list_links() -> bytes:
    """Return the body of RTM_GETLINK that asks for all devices."""
    return IFINFOMSG.pack(0, 0, 0, 0, 0, 0)


def list_addresses() -> bytes:
    """Return the body of RTM_GETADDR that asks for all addresses of both families."""
    return IFADDRMSG.pack(0, 0, 0, 0, 0)


def lease(leased: LeasedAddress, valid_s: int | None) -> bytes:
    """Return the body of RTM_NEWADDR that holds an address for `valid_s` seconds, None = without limit.

    The preferred lifetime is 0, so that the router never takes the address as its own source, and
    duplicate-address detection is off: with it an address is usable after more than a second only.
    Raises ValueError unless valid_s is at least 1: the kernel refuses 0.
    """
    if valid_s is not None and not 1 <= valid_s < FOREVER:
        raise ValueError("a lease lasts at least 1 s")
    flags = 0
    if leased.address.version == 6:
        flags |= IFA_F_NODAD
    if not leased.own_route:
        flags |= IFA_F_NOPREFIXROUTE
    valid = FOREVER if valid_s is None else valid_s
    body = _identity(leased) + attribute(IFA_CACHEINFO, CACHEINFO.pack(0, valid, 0, 0)) + u32(IFA_FLAGS, flags)
    body += attribute(IFA_PROTO, bytes([PROTO_PIRANHA]))
    if leased.label and leased.address.version == 4:
        body += text(IFA_LABEL, leased.label)
    return body


def removal(leased: LeasedAddress) -> bytes:
    """Return the body of RTM_DELADDR."""
    return _identity(leased)


def read_link(payload: bytes) -> Link:
    """Read one entry of a list of devices. Raises WireError when it is malformed."""
    if len(payload) < IFINFOMSG.size:
        raise WireError("truncated link entry")
    _, _, _, index, flags, _ = IFINFOMSG.unpack_from(payload)
    fields = attributes(payload, IFINFOMSG.size)
    return Link(
        index=index,
        name=string(fields, IFLA_IFNAME),
        mac=fields.get(IFLA_ADDRESS, b""),
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP),
        loopback=bool(flags & IFF_LOOPBACK),
    )


def read_address(payload: bytes) -> InterfaceAddress | None:
    """Read one entry of a list of addresses; None for a family that is neither IPv4 nor IPv6.

    Raises WireError when it is malformed.
    """
    if len(payload) < IFADDRMSG.size:
        raise WireError("truncated address entry")
    family, prefix, short_flags, _, index = IFADDRMSG.unpack_from(payload)
    if family not in (Family.IPV4, Family.IPV6):
        return None
    fields = attributes(payload, IFADDRMSG.size)
    # On a point-to-point device IFA_ADDRESS is the other end; IFA_LOCAL is ours wherever it is given.
    raw = fields.get(IFA_LOCAL) or fields.get(IFA_ADDRESS, b"")
    if len(raw) != (4 if family == Family.IPV4 else 16):
        raise WireError(f"an address of {len(raw)} bytes")
    flags = number(fields, IFA_FLAGS, short_flags)
    return InterfaceAddress(
        index=index,
        address=IPv4Address(raw) if family == Family.IPV4 else IPv6Address(raw),
        prefix=prefix,
        label=string(fields, IFA_LABEL, ""),
        valid_s=_valid(fields),
        deprecated=bool(flags & IFA_F_DEPRECATED),
        tentative=bool(flags & IFA_F_TENTATIVE),
    )


def _identity(leased: LeasedAddress) -> bytes:
    scope = SCOPE_HOST if leased.address.is_loopback else SCOPE_UNIVERSE
    head = IFADDRMSG.pack(Family.of(leased.address), leased.prefix, 0, scope, leased.index)
    packed = leased.address.packed
    return head + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)


def _valid(fields: dict[int, bytes]) -> int | None:
    raw = fields.get(IFA_CACHEINFO, b"")
    if len(raw) < CACHEINFO.size:
        return None
    valid: int = CACHEINFO.unpack_from(raw)[1]
    return None if valid == FOREVER else valid
