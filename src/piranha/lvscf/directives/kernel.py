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
)
