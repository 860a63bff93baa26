"""Keywords about the kernel of a router: its settings, and connection synchronisation."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_G = (Scope.GLOBAL,)

KERNEL_SETTING = Directive(
    name="vs_NAME",
    scopes=_G,
    type=Type.KERNEL_VALUE,
    default="keep",
    meaning="lvsd writes net.ipv4.vs.NAME of the kernel, such as vs_conntrack, vs_expire_nodest_conn, "
    "vs_expire_quiescent_template, vs_sloppy_tcp, vs_conn_reuse_mode, vs_sync_threshold (two numbers); see "
    "ls /proc/sys/net/ipv4/vs. It reads it back every repair_interval: what somebody else sets is put right and named. "
    "keep, or no such line: not touched. Nothing is ever set back: without its line a setting stays as it is until "
    "the machine boots. vs_backup_only is an error: lvsd sets it by itself.",
)

KERNEL: tuple[Directive, ...] = (
    Directive(
        name="ip_forward",
        scopes=_G,
        type=Type.CHOICE,
        default="keep",
        choices=("keep", "1"),
        meaning="1: lvsd switches net.ipv4.ip_forward on, without which NAT does not work; where a virtual server has "
        "IPv6 real servers behind NAT, net.ipv6.conf.all.forwarding as well. It is never switched off again. A machine "
        "that forwards IPv6 takes no router advertisements any more: a default route that it learned from them ends, "
        "unless net.ipv6.conf.INTERFACE.accept_ra is 2.",
    ),
    Directive(
        name="syncdaemon",
        scopes=_G,
        type=Type.BOOL,
        default="0",
        old=True,
        meaning="1: the routers synchronise connections, so that those which are established, and which client belongs "
        "to which server (persistent), outlive a takeover. The active router sends them (the kernel's sync daemon "
        "master), the standby takes them in (backup), with net.ipv4.vs.backup_only = 1, which lvsd sets. A connection "
        "gets across after its third packet, within 3 s. lvsd without pulse sends. The kernel neither encrypts nor "
        "signs them: use a network that nobody else reaches.",
    ),
    Directive(
        name="syncd_iface",
        scopes=_G,
        type=Type.DEVICE,
        default="eth0",
        old=True,
        meaning="Interface of connection synchronisation; private is a good choice.",
    ),
    Directive(
        name="syncd_id",
        scopes=_G,
        type=Type.INT,
        default="0",
        old=True,
        meaning="Id of connection synchronisation, 0 to 255: routers with another one do not hear each other. Pairs on "
        "one network need an id each.",
    ),
    Directive(
        name="syncd_maxlen",
        scopes=_G,
        type=Type.INT,
        default="the kernel's",
        computed=True,
        low=1,
        high=65507,
        unit="bytes",
        meaning="Longest message of connection synchronisation. The kernel takes 1472, 1452 with an IPv6 group; less "
        "sends sooner. The standby takes in at least 1024 whatever is given.",
    ),
    Directive(
        name="syncd_group",
        scopes=_G,
        type=Type.GROUP,
        default="224.0.0.81",
        meaning="Multicast group of connection synchronisation, IPv4 or IPv6. Linux 4.3 and later, as syncd_maxlen, "
        "syncd_port and syncd_ttl.",
    ),
    Directive(
        name="syncd_port",
        scopes=_G,
        type=Type.PORT,
        default="8848",
        low=1,
        meaning="UDP port of connection synchronisation.",
    ),
    Directive(
        name="syncd_ttl",
        scopes=_G,
        type=Type.INT,
        default="1",
        low=1,
        high=255,
        meaning="Routers that a message of connection synchronisation may pass. 1: it stays on its network.",
    ),
)
