"""Codes about what a virtual server asks of IPVS beyond the original: VIPs, ports, flags, tunnels."""

from piranha.lvscf.codes.story import Story, Within

BALANCING: dict[str, Story] = {
    "E060": Story(
        means="The ports and VIPs of the file make more services, or more rules of mark_rules, than a kernel "
        "should have.",
        within=Within.VIRTUAL,
        bad="ports = 1-65535",
        good="port = 0\npersistent = 300",
        why="Each port is a service of its own with all real servers: the table would take minutes and gigabytes. "
        "Rules are passed by every packet, one after the other.",
        cure="Use port = 0 with persistent for every port, or fwmark, which makes one service for all ports.",
    ),
    "E061": Story(
        means="With ports the real servers are sent the port that the client asked for: port has no place beside it.",
        within=Within.VIRTUAL,
        bad="ports = 80 443\nserver web1 { active = 1; address = 10.0.0.21; port = 8080 }",
        good="ports = 80 443\nserver web1 { active = 1; address = 10.0.0.21 }",
        why="Two ports cannot become one: whoever wrote it believes that 443 arrives at 8080.",
        cure="Remove port; for another port on the real servers write a virtual block for each port.",
    ),
    "E062": Story(
        means="The scheduler does not have this flag.",
        within=Within.VIRTUAL,
        bad="scheduler = wlc\nscheduler_flags = fallback",
        good="scheduler = sh\nscheduler_flags = fallback",
        why="The kernel takes the flag and does nothing with it.",
        cure="fallback and port belong to sh and mh.",
    ),
    "E063": Story(
        means="The keyword is about datagrams, and the virtual server has no UDP.",
        within=Within.VIRTUAL,
        bad="one_packet = 1",
        good='protocol = udp\none_packet = 1\nsend = "ping"\nexpect = "pong"',
        why="A TCP connection cannot be scheduled packet by packet; with a persistence engine it would be refused.",
        cure="Write protocol = udp, or remove the line.",
    ),
    "E064": Story(
        means="This kind of tunnel does not have this checksum.",
        within=Within.VIRTUAL,
        bad="forwarding = tunnel\ntunnel_type = gre\ntunnel_checksum = remcsum",
        good="forwarding = tunnel\ntunnel_type = gre\ntunnel_checksum = csum",
        why="The kernel would send packets without any checksum.",
        cure="Use csum, or tunnel_type = gue.",
    ),
    "W060": Story(
        means="A VIP is given twice in one virtual server.",
        within=Within.VIRTUAL,
        bad="extra_address = 192.0.2.11 eth0\nextra_address = 192.0.2.11 eth1",
        good="extra_address = 192.0.2.11 eth0",
        why="An address is held once, on the device of the first line; maybe another address was meant.",
        cure="Remove or correct the second line.",
    ),
}
