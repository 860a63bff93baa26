"""Codes about single values: no number, no address, not in this block."""

from piranha.lvscf.codes.story import Story, Within

_ASKS = """primary = 192.0.2.2
virtual web {
    active = 1
    address = 192.0.2.10 eth0
    check = hello
    server a { active = 1; address = 10.0.0.21 }
}"""

VALUES: dict[str, Story] = {
    "E010": Story(
        means="Neither an address nor a host name that can be resolved, or an address that cannot stand here.",
        within=Within.SERVER,
        bad="address = 10.0.0.321",
        good="address = 10.0.0.21",
        why="A server nobody can reach takes its share of the work to the others, at the busiest hour. Loopback, "
        "multicast and link-local addresses are no other machine, and some keywords take no host name.",
        cure="Write an IPv4 address in full, IPv6 without brackets; a port is a setting of its own.",
    ),
    "E011": Story(
        means="The keyword takes a whole number.",
        within=Within.SERVER,
        bad="weight = heavy",
        good="weight = 10",
        why="The original read what it could and used 0 for the rest; a server with weight 0 gets nothing.",
        cure="Write a whole number: 16, 0x10 or 020 (octal: a leading 0 counts).",
    ),
    "E012": Story(
        means="The keyword takes 0 or 1.",
        within=Within.VIRTUAL,
        bad="quiesce_server = yes",
        good="quiesce_server = 1",
        why="A switch that is guessed the wrong way is noticed only when a server fails.",
        cure="Write 1 for yes, 0 for no.",
    ),
    "E013": Story(
        means="The keyword takes a port: a number or the name of a service.",
        within=Within.VIRTUAL,
        bad="port = htpps",
        good="port = https",
        why="A service on the wrong port answers nobody.",
        cure="Write the number, or the name as in /etc/services.",
    ),
    "E014": Story(
        means="The keyword takes one of a few words.",
        within=Within.VIRTUAL,
        bad="scheduler = wlcc",
        good="scheduler = wlc",
        why="The kernel would refuse the service, or something else would be done than was meant.",
        cure="Take a word of the hint; piranha help KEYWORD lists all.",
    ),
    "E015": Story(
        means="Not a netmask or prefix length, or not one for this address.",
        within=Within.VIRTUAL,
        bad="vip_nmask = 255.0.255.0",
        good="vip_nmask = 255.255.255.255",
        why="A mask that is too short makes the router believe that foreign machines are on its own wire, and "
        "answers to clients get lost.",
        cure="Write 255.255.255.0 or /24; for IPv6 a prefix length such as /64. Without the line it is /32 or /128.",
    ),
    "E016": Story(
        means="The keyword takes a time: a number of seconds, or a number with ms, s, m or h.",
        within=Within.VIRTUAL,
        bad="timeout = 6sec",
        good="timeout = 6s",
        why="A time that is read wrong is found out when a dead server stays in the pool.",
        cure="Write 6, 500ms, 1.5s, 5m or 2h, without a blank.",
    ),
    "E017": Story(
        means="The number is out of range.",
        within=Within.SERVER,
        bad="weight = 70000",
        good="weight = 100",
        why="The kernel would refuse it in the middle of a change, or cut it to something else.",
        cure="piranha help KEYWORD tells the bounds.",
    ),
    "E018": Story(
        means="Not the name of a network device.",
        within=Within.GLOBAL,
        bad="nat_router = 10.0.0.1 private:1",
        good="nat_router = 10.0.0.1 eth1:1",
        why="An address that fits on no device is not taken over.",
        cure="Write an interface such as eth0 (ip link lists them; at most 15 characters with its label), public or "
        "private.",
    ),
    "E019": Story(
        means="A path must begin with a slash.",
        within=Within.GLOBAL,
        bad="heartbeat_key_file = heartbeat.key",
        good="heartbeat_key_file = /etc/piranha/heartbeat.key",
        why="A daemon works in another folder than your shell: it would not find the file when it starts at boot.",
        cure="Write the whole path.",
    ),
    "E022": Story(
        means="The keyword exists, but not in this block.",
        within=Within.SERVER,
        bad="scheduler = rr",
        good="weight = 2",
        why="Most often a } is missing or one too many above, and this is only the first thing that does not fit.",
        cure="Move the line to the block that the hint names, and look at the braces above it.",
    ),
    "E023": Story(
        means="The keyword takes a list in brackets.",
        within=Within.VIRTUAL,
        bad="dirs = /srv",
        good="# no dirs: it never had an effect",
        why="The original refused such a file, too.",
        cure="Remove the line; it never had an effect.",
    ),
    "E036": Story(
        means="Port 0 stands for every port; the kernel takes that with persistence only.",
        within=Within.VIRTUAL,
        bad="port = 0",
        good="port = 0\npersistent = 300",
        why="The kernel would refuse the service, and with it everything that comes behind in the same change.",
        cure="Write persistent, so that a client meets one server on all ports; or name the port.",
    ),
    "E043": Story(
        means="Two netmasks for one address.",
        within=Within.VIRTUAL,
        bad="address = 192.0.2.10/25 eth0\nvip_nmask = 255.255.255.0",
        good="address = 192.0.2.10 eth0",
        why="Which of them is meant decides what the router believes to be on its own wire.",
        cure="Keep one of them; without any a VIP is /32, which is right nearly always.",
    ),
    "E080": Story(
        means="Not an address of the web.",
        within=Within.GLOBAL,
        bad="notify_url = example.net/events",
        good="notify_url = https://example.net/events",
        why="Nobody would be told of a takeover, and nobody would notice.",
        cure="Write http:// or https://, the host and the path.",
    ),
    "E081": Story(
        means="Not bytes in hexadecimal: two digits each.",
        bad=f"check hello {{ kind = tcp; send_hex = 1603g1 }}\n{_ASKS}",
        good=f"check hello {{ kind = tcp; send_hex = 160301 }}\n{_ASKS}",
        why="A check that sends something else than was meant takes healthy servers out.",
        cure="Write two digits for each byte, 0 to 9 and a to f; in expect_hex an x stands for any digit.",
    ),
    "W006": Story(
        means="A host name stands where an address is needed. It was resolved when the file was read.",
        within=Within.SERVER,
        bad="address = web.example.net",
        good="address = 10.0.0.21",
        why="When the name service is away the file cannot be loaded anew, and an address that changes there is not "
        "noticed here.",
        cure="Write the address.",
    ),
    "W038": Story(
        means="An address is not written in full, or with octal numbers.",
        within=Within.SERVER,
        bad="address = 10.21",
        good="address = 10.0.0.21",
        why="10.21 is 10.0.0.21, and 010 is 8: the machine that is meant may be another one.",
        cure="Write four decimal numbers without leading zeros.",
    ),
}
