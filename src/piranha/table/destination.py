"""A real server as the kernel knows it. Source: linux/ip_vs.h (IPVS_DEST_ATTR_*)."""

from piranha.dataclass import dataclass, field
from piranha.terms import PLAIN_TUNNEL, Address, ForwardingMethod, Tunnel


@dataclass(frozen=True, slots=True)
class DestinationKey:
    """Where a real server listens; unique within its service."""

    address: Address
    port: int
    # Made once: tables are looked up by it all the time, and an address makes its own anew each time. Cut to 30 bits,
    # which are a smaller object.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((int(self.address), self.port)) & 0x3FFFFFFF)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Settings of a real server in one service.

    weight: 0 = quiesced: keeps its connections, gets no new ones; up to 65535.
    upper_threshold, lower_threshold: connections, 0 = none.
    """

    forwarding: ForwardingMethod
    weight: int = 1
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel = PLAIN_TUNNEL
