"""Keywords of what IPVS offers a service beyond the original: more VIPs and ports, flags, tunnels."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_V = (Scope.VIRTUAL,)
_VS = (Scope.VIRTUAL, Scope.SERVER)

SERVICE: tuple[Directive, ...] = (
    Directive(
        name="extra_address",
        scopes=_V,
        type=Type.FLOATING,
        default="-",
        repeats=True,
        meaning="One more VIP of the same address family with the same ports and the same real servers, written as "
        "address. Its netmask is that of address unless it has its own.",
    ),
    Directive(
        name="ports",
        scopes=_V,
        type=Type.PORTS,
        default="port",
        computed=True,
        meaning="Several ports and ranges, such as 80 443 8000-8010, instead of port: one service each with one pool; "
        "with fwmark one service for all that the mark lets in. Real servers are sent the port that the client asked "
        "for. The first one is checked.",
    ),
    Directive(
        name="mark_rules",
        scopes=_V,
        type=Type.BOOL,
        default="1 with ports and fwmark, else 0",
        computed=True,
        meaning="1: lvsd keeps the firewall rules that set fwmark on what comes for the VIPs, protocols and ports, in "
        "a table of its own: ip piranha and ip6 piranha of nftables, else the chain PIRANHA of iptables. 0: rules of "
        "yours set it.",
    ),
    Directive(
        name="scheduler_flags",
        scopes=_V,
        type=Type.CHOICES,
        default="-",
        choices=("fallback", "port", "flag-1", "flag-2", "flag-3"),
        meaning="Flags of the scheduler. For sh and mh: fallback takes another server where the chosen one has "
        "weight 0, port counts the client's port as well as its address. flag-1 to flag-3 are those of others.",
    ),
    Directive(
        name="one_packet",
        scopes=_V,
        type=Type.BOOL,
        default="0",
        meaning="1: each datagram is scheduled on its own and no connection is kept. UDP only.",
    ),
    Directive(
        name="persistence_engine",
        scopes=_V,
        type=Type.CHOICE,
        default="-",
        choices=("sip",),
        meaning="sip: with persistent, what counts as one client is the call of a SIP message, not its address. "
        "UDP only.",
    ),
    Directive(
        name="sorry_forwarding",
        scopes=_V,
        type=Type.CHOICE,
        default="forwarding",
        computed=True,
        choices=("nat", "direct", "tunnel"),
        meaning="How packets reach the sorry server.",
    ),
    Directive(
        name="tunnel_type",
        scopes=_VS,
        type=Type.CHOICE,
        default="ipip",
        choices=("ipip", "gue", "gre"),
        meaning="Kind of the tunnel where forwarding is tunnel.",
    ),
    Directive(
        name="tunnel_port",
        scopes=_VS,
        type=Type.PORT,
        default="6080",
        low=1,
        meaning="UDP port of a gue tunnel.",
    ),
    Directive(
        name="tunnel_checksum",
        scopes=_VS,
        type=Type.CHOICE,
        default="none",
        choices=("none", "csum", "remcsum"),
        meaning="Checksum of the outer packet of a gue or gre tunnel; remcsum (remote checksum offload): gue only.",
    ),
)
