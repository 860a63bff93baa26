"""Codes about the routers, the heartbeat, the VIPs and the daemons."""

from piranha.lvscf.codes.story import Story, Within

CLUSTER: dict[str, Story] = {
    "E032": Story(
        means="Two routers are asked for, but one has no address.",
        within=Within.GLOBAL,
        bad="primary = 192.0.2.2\nbackup_active = 1",
        good="primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3",
        why="A partner without an address is never heard: nobody would take over.",
        cure="Write primary and backup, or backup_active = 0 for a lone router.",
    ),
    "E033": Story(
        means="A private address is given for one router only. A path needs two ends.",
        within=Within.PAIR,
        bad="primary_private = 10.0.9.2\nbackup_private = 192.0.2.3",
        good="primary_private = 10.0.9.2\nbackup_private = 10.0.9.3",
        why="You would believe in two paths and have one: the first cable that is pulled makes both routers active.",
        cure="Give both private addresses, each different from the router's public one, or none.",
    ),
    "E034": Story(
        means="Both routers have the same address.",
        within=Within.PAIR,
        bad="backup = 192.0.2.2",
        good="backup = 192.0.2.3",
        why="A router finds out which one it is by its own addresses. Each would take itself for the other.",
        cure="Write each router's own address; a VIP is no own address.",
    ),
    "E035": Story(
        means="IPv4 and IPv6 are mixed where they cannot be.",
        within=Within.VIRTUAL,
        bad="address = 2001:db8::10 eth0\nserver web1 { active = 1; address = 10.0.0.21 }",
        good="address = 2001:db8::10 eth0\nserver web1 { active = 1; address = 2001:db8:1::21 }",
        why="The kernel refuses such a server, and a path with ends of two families carries no heartbeat.",
        cure="Use one family; only forwarding = tunnel reaches a server of the other one.",
    ),
    "E039": Story(
        means="A device is private, but there is no private address to find it by.",
        within=Within.GLOBAL,
        bad="nat_router = 10.0.0.1 private",
        good="primary_private = 10.0.0.2\nnat_router = 10.0.0.1 private",
        why="Without a device the address is not held, and NAT has no gateway after a takeover.",
        cure="Give primary_private (and backup_private), or name the interface.",
    ),
    "E041": Story(
        means="Two heartbeat paths share an address or a name.",
        within=Within.PAIR,
        bad="heartbeat_path = 10.0.9.2 172.31.255.2 cable",
        good="heartbeat_path = 172.31.255.1 172.31.255.2 cable",
        why="Two paths over one interface fail together: the second protects from nothing.",
        cure="Give each path a cable, addresses and a name of its own. The public and the private path always exist.",
    ),
    "E048": Story(
        means="The name of the pair or of a path holds characters that do not show, or is not UTF-8.",
        within=Within.GLOBAL,
        bad='cluster = "\u200b"',
        good="cluster = example-net",
        why="The name travels in every heartbeat. Two names that look alike and differ make two clusters.",
        cure="Write the name again, with letters that you can see.",
    ),
    "W010": Story(
        means="Two routers without a key for their heartbeats: pulse does not start.",
        within=Within.GLOBAL,
        bad="primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3",
        good="primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3\n"
        "heartbeat_key_file = /etc/piranha/heartbeat.key",
        why="After the next reboot this router does not come back as a router.",
        cure="piranha keygen writes a key; copy it to the partner and name it with heartbeat_key_file. On a network "
        "that you trust wholly: heartbeat_auth = none.",
    ),
    "W011": Story(
        means="deadtime should be at least three times keepalive.",
        within=Within.PAIR,
        bad="keepalive = 2\ndeadtime = 3",
        good="keepalive = 1\ndeadtime = 3",
        why="One lost datagram and a busy moment are enough for a takeover that nobody needed.",
        cure="Make keepalive shorter or deadtime longer.",
    ),
    "W012": Story(
        means="Heartbeats this fast are late at times on a busy machine.",
        within=Within.PAIR,
        bad="keepalive = 150ms",
        good="keepalive = 500ms",
        why="A machine that swaps or is moved as a virtual one stands still for half a second: its partner takes over.",
        cure="Write keepalive = 250ms or more; deadtime decides how fast a takeover is.",
    ),
    "W016": Story(
        means="The lease of the VIPs ends after the partner has taken them over.",
        within=Within.PAIR,
        bad="keepalive = 1\ndeadtime = 6\nvip_lease = 6",
        good="keepalive = 1\ndeadtime = 6\nvip_lease = 3",
        why="A router whose pulse died keeps its VIPs while the partner has them, too: clients reach one or the other.",
        cure="Leave vip_lease out (the right one is computed), make it shorter, or deadtime longer.",
    ),
    "W017": Story(
        means="Without a lease a frozen router keeps its VIPs.",
        within=Within.PAIR,
        bad="vip_lease = 0",
        good="deadtime = 6",
        why="pulse freezes, the partner takes over, and now two machines answer for each VIP until somebody gets up.",
        cure="Remove vip_lease = 0.",
    ),
    "W018": Story(
        means="There is only one path for heartbeats.",
        within=Within.GLOBAL,
        bad="primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3",
        good="primary = 192.0.2.2\nprimary_private = 10.0.9.2\nbackup_active = 1\nbackup = 192.0.2.3\n"
        "backup_private = 10.0.9.3",
        why="One switch that restarts makes both routers active.",
        cure="Give primary_private and backup_private, or a heartbeat_path over a cable between the routers.",
    ),
    "W019": Story(
        means="Two VIPs have the same alias. Both are held; ifconfig shows one.",
        bad="primary = 192.0.2.2\n"
        "virtual web { active = 1; address = 192.0.2.10 eth0:1; server a { active = 1; address = 10.0.0.21 } }\n"
        "virtual ftp { active = 1; address = 192.0.2.11 eth0:1; server a { active = 1; address = 10.0.0.22 } }",
        good="primary = 192.0.2.2\n"
        "virtual web { active = 1; address = 192.0.2.10 eth0:1; server a { active = 1; address = 10.0.0.21 } }\n"
        "virtual ftp { active = 1; address = 192.0.2.11 eth0:2; server a { active = 1; address = 10.0.0.22 } }",
        why="Who looks with ifconfig misses a VIP, and takes it for lost.",
        cure="Give each VIP an alias of its own, or leave the :1 out.",
    ),
    "W020": Story(
        means="Check programs run as root.",
        within=Within.GLOBAL,
        bad="script_user = root",
        good="script_user = piranha",
        why="A check program talks to machines that may be taken over by others; its mistakes have the whole router.",
        cure="Let it run as piranha, and give that user what the check needs.",
    ),
    "W021": Story(
        means="Unsigned heartbeats are accepted.",
        within=Within.PAIR,
        bad="heartbeat_auth = migrate",
        good="heartbeat_auth = required",
        why="Whoever reaches the port can keep the standby from taking over, or start a takeover.",
        cure="Once both routers have the key, remove heartbeat_auth.",
    ),
    "W023": Story(
        means="Two routers with NAT, and no address of the gateway that moves with the VIPs.",
        within=Within.PAIR,
        bad="network = nat",
        good="network = nat\nnat_router = 10.0.0.1 private",
        why="After a takeover the real servers still send their answers to the dead router.",
        cure="Write nat_router = ADDRESS DEVICE and make that address the default gateway of the real servers.",
    ),
    "W030": Story(
        means="A backup router is named, but not in use.",
        within=Within.GLOBAL,
        bad="backup = 192.0.2.3",
        good="backup = 0.0.0.0",
        why="You count on a second router, and nobody takes over.",
        cure="Write backup_active = 1, or remove backup.",
    ),
    "W036": Story(
        means="The file names no primary router.",
        bad="virtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n"
        "    server web1 { active = 1; address = 10.0.0.21 }\n}",
        good="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n"
        "    server web1 { active = 1; address = 10.0.0.21 }\n}",
        why="pulse finds out which router it is by this address, and does not start without; lvsd alone does.",
        cure="Write primary = the own public address of this router.",
    ),
    "W040": Story(
        means="A VIP is an address that a router has for itself, or the gateway.",
        within=Within.VIRTUAL,
        bad="address = 192.0.2.2 eth0",
        good="address = 192.0.2.10 eth0",
        why="When the router becomes standby its own address goes with the VIPs: it can be reached no more.",
        cure="Take an address for the VIP that nobody has.",
    ),
    "W046": Story(
        means="The plane in user space cannot serve this: it forwards TCP by address and port, with NAT.",
        within=Within.GLOBAL,
        bad="forwarding_plane = userspace\nnetwork = direct",
        good="forwarding_plane = userspace",
        why="The virtual server in question is not served at all.",
        cure="Leave forwarding_plane out: the kernel can do it. The plane in user space is for trying things out.",
    ),
    "W049": Story(
        means="Two routers with NAT, and nat_router is of the other address family than the real servers.",
        within=Within.PAIR,
        bad="network = nat\nnat_router = 2001:db8:1::1 private",
        good="network = nat\nnat_router = 10.0.0.1 private",
        why="After a takeover the servers of the other family still send their answers to the dead router.",
        cure="Give a gateway of the servers' family (nat_router, nat_router6), or use forwarding = direct for them.",
    ),
}
