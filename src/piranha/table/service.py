"""A virtual server as the kernel knows it: identity apart from settings.

Source: linux/ip_vs.h (struct ip_vs_service_user, IPVS_SVC_ATTR_*).
"""

from piranha.dataclass import dataclass, field
from piranha.terms import Address, Family, Protocol


@dataclass(frozen=True, slots=True, order=True)
class AddressMatch:
    """A service found by protocol, VIP and port; port 0 = every port (needs persistence)."""

    protocol: Protocol
    address: Address
    port: int

    @property
    def family(self) -> Family:
        """The family of the VIP."""
        return Family.of(self.address)

    def __hash__(self) -> int:
        # Asked for more often than anything else; both transports of one place hardly ever meet.
        return hash((int(self.address), self.port))

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{self.protocol.word} {host}:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class FirewallMark:
    """A service found by the mark that a firewall rule put on the packet; mark 1 to 2**32 - 1."""

    mark: int
    family: Family = Family.IPV4

    def __str__(self) -> str:
        return f"mark {self.mark}" + (" ipv6" if self.family is Family.IPV6 else "")


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What the kernel matches a packet against; two virtual services never share one."""

    match: AddressMatch | FirewallMark
    # Made once, see `DestinationKey`.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.match) & 0x3FFFFFFF)

    def __hash__(self) -> int:
        return self._hash

    @property
    def family(self) -> Family:
        """The family of the packets."""
        return self.match.family

    def __str__(self) -> str:
        return str(self.match)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What may change on a live virtual service without touching its connections.

    scheduler: a name the kernel knows. scheduler_flags: 0 to 7, bit 0 is `flag-1`.
    persistence_s: 0 = each connection is scheduled on its own.
    persistence_mask: IPv4: 32-bit netmask; IPv6: prefix length; None = the whole address.
    persistence_engine: empty = none, else a name such as `sip`.
    """

    scheduler: str = "wlc"
    scheduler_flags: int = 0
    persistence_s: int = 0
    persistence_mask: int | None = None
    persistence_engine: str = ""
    one_packet: bool = False
