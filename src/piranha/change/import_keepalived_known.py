"""Keywords of keepalived that have no counterpart in lvs.cf, and why: each that a file uses is told by name.

Source: keepalived.conf(5) of 2.2.
"""

_VRRP_ONLY = "a matter of VRRP; Piranha's heartbeats are UDP datagrams between two addresses"
_PROCESS = "how keepalived runs; see the unit files of pulse and lvsd"
_SNMP = "Piranha has no SNMP agent; piranha status --json and --nagios tell the same"
_FIREWALL = "Piranha keeps no firewall rules for its VIPs"
_FIFO = "events are listed by piranha events, and notify calls a program"
_ROUTES = "routes and rules are not moved with the VIPs; active_cmd and inactive_cmd can do it"
_STATIC = "addresses, routes and rules that are always there belong to the network configuration of the machine"
_TRACK = "a router is judged by its links, its daemons and monitor_program; there are no weights"


def _all(why: str, words: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), why)


GLOBAL: dict[str, str] = {
    **_all(
        _VRRP_ONLY,
        "vrrp_mcast_group4 vrrp_mcast_group6 vrrp_version vrrp_strict vrrp_skip_check_adv_addr vrrp_check_unicast_src "
        "vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat "
        "vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_notify_priority_changes disable_local_igmp log_unknown_vrids",
    ),
    **_all(
        _PROCESS,
        "process_names process_name vrrp_process_name checker_process_name bfd_process_name max_auto_priority "
        "min_auto_priority_delay vrrp_priority checker_priority bfd_priority vrrp_no_swap checker_no_swap bfd_no_swap "
        "vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity vrrp_rt_priority checker_rt_priority bfd_rt_priority "
        "vrrp_rlimit_rttime checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime "
        "bfd_rlimit_rtime tmp_config_directory config_save_dir use_disk_copy_for_config use_pid_dir instance umask "
        "child_wait_time net_namespace net_namespace_ipvs namespace_with_ipsets random_seed startup_script "
        "startup_script_timeout shutdown_script shutdown_script_timeout vrrp_netlink_cmd_rcv_bufs "
        "vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force "
        "lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs "
        "lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force data_use_instance",
    ),
    **_all(
        _SNMP,
        "snmp_socket enable_snmp_vrrp enable_snmp_checker enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 "
        "enable_snmp_rfcv3 enable_traps snmp_vrrp enable_dbus dbus_service_name dbus_no_interface_name json_version",
    ),
    **_all(
        _FIREWALL,
        "vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_counters nftables_ifindex iptables",
    ),
    **_all(
        _FIFO,
        "notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo "
        "lvs_notify_fifo_script fifo_write_vrrp_states_on_reload",
    ),
    **_all(
        "SIGHUP and piranha apply check the file first; a bad one changes nothing",
        "reload_check_config reload_time_file reload_file reload_repeat",
    ),
    **_all(
        "which events are sent is not chosen one by one",
        "smtp_alert smtp_alert_vrrp smtp_alert_checker no_email_faults no_checker_emails checker_log_all_failures "
        "smtp_helo_name smtp_connect_timeout vrrp_smtp_alert",
    ),
    **_all(
        "Piranha flushes nothing: at start it leaves what is not in lvs.cf, at a stop it removes its own services",
        "lvs_flush lvs_flush_on_stop lvs_flush_onstop",
    ),
    **_all(
        "announcements are spread over time: arp_count of them, one each arp_interval",
        "vrrp_garp_interval vrrp_gna_interval vrrp_garp_master_refresh_repeat vrrp_garp_extra_if",
    ),
    **_all("VIPs keep the MAC address of the interface", "vmac_prefix vmac_addr_prefix"),
    "rs_init_notifies": "events name every change of a server; notify calls a program for each",
    "enable_script_security": "programs run as script_user without privilege, whoever owns them",
    "default_interface": _STATIC,
    "dynamic_interfaces": "a VIP whose device is missing is an error of that router alone",
    "linkbeat_use_polling": "links are watched through netlink",
    **_all(
        "firewall marks of ports are lvsd's with mark_rules",
        "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark",
    ),
}

TOP: dict[str, str] = {
    **_all(_STATIC, "static_ipaddress static_routes static_rules static_track_group track_group"),
    **_all(_TRACK, "vrrp_track_process track_file vrrp_track_file track_process"),
    "bfd_instance": "Piranha does not speak BFD",
    "garp_group": "announcements are paced for all devices alike: arp_count, arp_interval",
    "interface_up_down_delays": "a link that bounces is not waited for",
    "linkbeat_interfaces": "links are watched through netlink",
    "SSL": "a check block has ca_file, cert_file and key_file",
    **_all(_PROCESS, "net_namespace net_namespace_ipvs namespace_with_ipsets instance use_pid_dir child_wait_time"),
    "linkbeat_use_polling": "links are watched through netlink",
    "include_check": "a file that is missing is told",
}

INSTANCE: dict[str, str] = {
    **_all(
        _VRRP_ONLY,
        "version mcast_dst_ip strict_mode accept no_accept skip_check_adv_addr check_unicast_src unicast_ttl "
        "unicast_fault_no_peer old_unicast_checksum lower_prio_no_advert higher_prio_send_advert native_ipv6 "
        "kernel_rx_buf_size notify_priority_changes garp_lower_prio_delay garp_lower_prio_repeat track_src_ip debug",
    ),
    **_all("VIPs keep the MAC address of the interface", "use_vmac vmac_xmit_base use_vmac_addr use_ipvlan"),
    **_all(_ROUTES, "virtual_routes virtual_rules"),
    **_all(_TRACK, "track_file track_process track_bfd sync_group_tracking_weight global_tracking"),
    **_all(
        "Piranha starts programs when a router becomes active (active_cmd) or stops being it (inactive_cmd) only, "
        "with no arguments of its own; notify calls one for every event, with others",
        "notify notify_stop notify_deleted notify_master_rx_lower_pri",
    ),
    **_all(
        "announcements are set for all VIPs alike: arp_count, arp_interval, arp_refresh in front of the blocks",
        "garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat garp_extra_if",
    ),
    "smtp_alert": "which events are sent is not chosen one by one",
    "linkbeat_use_polling": "links are watched through netlink",
    "vrf": "a VIP is set on its device, whatever VRF that is in",
    "promote_secondaries": "pulse sets it by itself where a VIP has a shorter prefix",
}

VIRTUAL: dict[str, str] = {
    "ha_suspend": "lvsd checks on the standby router, too; standby = cold to change that",
    "smtp_alert": "which events are sent is not chosen one by one",
    "omega": "no program runs for a server that goes because lvsd stops",
    "warmup": "checks are spread over their interval by themselves",
    "quorum_up": "events name every change of a pool; notify calls a program for each",
    "quorum_down": "events name every change of a pool; notify calls a program for each",
    "sorry_server_inhibit": "the sorry server is there only while it is needed",
    "log_all_failures": "piranha why tells every failed check",
}

SERVER: dict[str, str] = {
    "notify_up": "events name every change of a server; notify calls a program for each",
    "notify_down": "events name every change of a server; notify calls a program for each",
    "smtp_alert": "which events are sent is not chosen one by one",
    "warmup": "checks are spread over their interval by themselves",
    "log_all_failures": "piranha why tells every failed check",
}

CHECKER: dict[str, str] = {
    "bind_port": "a check uses any free port",
    "bind_if": "a check goes out as the routes say; source names an own address",
    "fwmark": "a check marks nothing by itself; via = vip checks through the VIP",
    "warmup": "checks are spread over their interval by themselves",
    "log_all_failures": "piranha why tells every failed check",
    "fast_recovery": "several paths are asked for in one check, without delay",
    "http_protocol": "requests are those of HTTP/1.1 with Connection: close",
    "digest": "the body is not compared by digest: give status, or expect",
    "regex_no_match": "expect knows no opposite: the check passes without it",
    "regex_options": "expect is a POSIX extended regular expression",
    "regex_stack": "expect is a POSIX extended regular expression",
    "regex_min_offset": "expect is looked for in the first 64 kB of the body",
    "regex_max_offset": "expect is looked for in the first 64 kB of the body",
    "helo_name": "the name of this machine is said",
    "min_reply_length": "an answer is compared with expect_hex only",
    "max_reply_length": "an answer is compared with expect_hex only",
    "user": "all check programs run as one user: script_user in front of the blocks",
}

_OLD_RETRY = "keepalived itself passes over it in this kind of checker, and so does the result; the keyword is retry"

NOT_HERE: dict[str, str] = dict.fromkeys(("nb_get_retry", "nb_sock_retry"), _OLD_RETRY)
"""Old names of `retry` outside of HTTP_GET and SSL_GET, where keepalived 2.2 no longer reads them."""
