"""The kernel's numbers for our words. Source: linux/ip_vs.h."""

from typing import Final

from piranha.terms import ForwardingMethod, TunnelChecksum, TunnelType

FORWARDING: Final = {
    ForwardingMethod.NAT: 0,
    ForwardingMethod.LOCAL: 1,
    ForwardingMethod.TUNNEL: 2,
    ForwardingMethod.DIRECT: 3,
    ForwardingMethod.BYPASS: 4,
}
FORWARDING_OF: Final = {value: method for method, value in FORWARDING.items()}

TUNNEL_TYPE: Final = {TunnelType.IPIP: 0, TunnelType.GUE: 1, TunnelType.GRE: 2}
TUNNEL_TYPE_OF: Final = {value: kind for kind, value in TUNNEL_TYPE.items()}
TUNNEL_FLAGS: Final = {TunnelChecksum.NONE: 0, TunnelChecksum.CSUM: 1, TunnelChecksum.REMCSUM: 2}
TUNNEL_CHECKSUM_OF: Final = {value: kind for kind, value in TUNNEL_FLAGS.items()}
