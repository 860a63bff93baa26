"""The words of LVS that the configuration and the IPVS table share.

Sources: linux/ip_vs.h, ipvsadm(8), lvs.cf(5).
"""

from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address

from piranha.dataclass import dataclass

Address = IPv4Address | IPv6Address

PUBLIC, PRIVATE = "public", "private"
"""Words for the interface that carries this router's own public or private address."""


class Family(IntEnum):
    """Address family, with the numbers of Linux (AF_INET, AF_INET6)."""

    IPV4 = 2
    IPV6 = 10

    @classmethod
    def of(cls, address: Address) -> "Family":
        """Return the family that `address` belongs to."""
        return cls.IPV4 if address.version == 4 else cls.IPV6


class Protocol(IntEnum):
    """Transport protocol of a virtual server, with its IP protocol number (RFC 5237 registry)."""

    TCP = 6
    UDP = 17
    SCTP = 132

    @property
    def word(self) -> str:
        """`tcp`, `udp` or `sctp`, as in lvs.cf."""
        return self.name.lower()


class Scheduler(StrEnum):
    """Schedulers that Linux ships; a live table may name others, so `table` holds plain text."""

    RR = "rr"
    WRR = "wrr"
    LC = "lc"
    WLC = "wlc"
    LBLC = "lblc"
    LBLCR = "lblcr"
    DH = "dh"
    SH = "sh"
    SED = "sed"
    NQ = "nq"
    FO = "fo"
    OVF = "ovf"
    MH = "mh"
    TWOS = "twos"


WEIGHTLESS = (Scheduler.RR, Scheduler.LC, Scheduler.SH, Scheduler.DH, Scheduler.MH)
"""Schedulers with which a weight that grows means nothing, or moves clients at each step."""


class ForwardingMethod(StrEnum):
    """How packets reach a real server. `lvs.cf` knows the first three."""

    NAT = "nat"
    DIRECT = "direct"
    TUNNEL = "tunnel"
    LOCAL = "local"
    BYPASS = "bypass"


class TunnelType(StrEnum):
    """Encapsulation of a tunnelled packet."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


class TunnelChecksum(StrEnum):
    """Checksum of the outer packet (IP_VS_TUNNEL_ENCAP_FLAG_*)."""

    NONE = "none"
    CSUM = "csum"
    REMCSUM = "remcsum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """How a tunnelled packet is wrapped; port: UDP port of GUE, 0 otherwise."""

    type: TunnelType = TunnelType.IPIP
    port: int = 0
    checksum: TunnelChecksum = TunnelChecksum.NONE


PLAIN_TUNNEL = Tunnel()
"""A tunnel that says nothing of itself: IP in IP."""
