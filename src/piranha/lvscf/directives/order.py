"""The order of keywords in a block, for what is written new: that of the original's web tool."""

from collections.abc import Mapping

from piranha.lvscf.directives.directive import Scope

# Source: the files that the original's web tool wrote.
WEB_TOOL: Mapping[Scope, tuple[str, ...]] = {
    Scope.GLOBAL: tuple(
        "serial_no primary primary_private primary_shared service rsh_command backup_active backup backup_private "
        "backup_shared heartbeat heartbeat_port keepalive deadtime network nat_router nat_nmask "
        "reservation_conflict_action debug_level monitor_links syncdaemon syncd_iface syncd_id "
        "tcp_timeout tcpfin_timeout udp_timeout".split()
    ),
    Scope.VIRTUAL: tuple(
        "active address sorry_server vip_nmask fwmark port persistent pmask send expect use_regex send_program "
        "expect_program load_monitor scheduler protocol timeout reentry quiesce_server".split()
    ),
    Scope.SERVER: ("address", "nmask", "active", "port", "weight"),
    Scope.CHECK: ("kind",),
}
BEHIND: Mapping[str, str] = {
    "heartbeat_legacy": "heartbeat_auth",
    "failback": "standby",
    "vip_holder": "monitor_devices",
    "nat_router6": "nat_nmask",
    "ip_forward": "nat_router6",
    "syncd_maxlen": "syncd_id",
    "notify": "inactive_cmd",
    "extra_address": "address",
    "ports": "port",
    "mark_rules": "fwmark",
    "forwarding": "scheduler",
    "tunnel_type": "forwarding",
    "scheduler_flags": "scheduler",
    "reentry_max": "reentry",
    "check": "send_program",
}
"""New keywords that belong beside another one than they follow in the table."""
