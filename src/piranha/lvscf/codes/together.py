"""Codes about keywords that exclude, need or weaken each other, and about check blocks."""

from piranha.lvscf.codes.story import Story, Within

_WEB = "virtual web { active = 1; address = 192.0.2.10 eth0; check = %s; server a { active = 1; address = 10.0.0.21 } }"
_HEALTHZ = "check healthz { kind = https; path = /healthz }"

_FROM = "check probe { kind = tcp; source = %s }"
_LOAD = 'check load { kind = program; program = "/usr/local/bin/load.sh %h"; weight_from = output }'
_ASKED = _WEB.replace("web", "shop").replace("2.10", "2.11") % "probe"


def _blocks(check: str, block: str) -> str:
    return f"primary = 192.0.2.2\n{block}\n{_WEB % check}"


TOGETHER: dict[str, Story] = {
    "E070": Story(
        means="A virtual server has both check and send, expect or send_program. What is checked stands in one place.",
        within=Within.VIRTUAL,
        bad='check = http\nexpect = "HTTP"',
        good="check = http",
        why="Which of the two decides whether a server is up would be a guess, and it would be made at the first "
        "failure.",
        cure="Put send and expect into the check block, or leave check out.",
    ),
    "E071": Story(
        means="mark_rules without ports and fwmark: there is nothing to mark.",
        within=Within.VIRTUAL,
        bad="mark_rules = 1\nfwmark = 20",
        good="mark_rules = 0\nfwmark = 20",
        why="No rule would be written, no packet marked, and the service would get nothing.",
        cure="Write ports and fwmark as well; or mark the packets yourself and leave mark_rules out.",
    ),
    "E072": Story(
        means="The heartbeat of the original is not signed: it cannot be spoken where signatures are required.",
        within=Within.PAIR,
        bad="heartbeat_legacy = 1",
        good="heartbeat_legacy = 1\nheartbeat_auth = migrate",
        why="The old router would never be heard, and both would become active.",
        cure="Write heartbeat_auth = migrate while the pair is being moved, then remove both lines.",
    ),
    "E073": Story(
        means="A check block has the name of a kind of check.",
        bad=_blocks("http", "check http { kind = https; path = /healthz }"),
        good=_blocks("healthz", _HEALTHZ),
        why="check = http would mean either of two checks, one of which may never fail.",
        cure="Give the block a name that is no kind.",
    ),
    "E074": Story(
        means="A check block lacks what its kind needs, or the kind itself.",
        bad=_blocks("probe", "check probe { kind = program }"),
        good=_blocks("probe", 'check probe { kind = program; program = "/usr/local/bin/probe.sh %h" }'),
        why="A check that cannot be made would take every server out, or none for ever.",
        cure="Write the keyword that the finding names.",
    ),
    "E075": Story(
        means="There is no check block and no kind of check with this name.",
        bad=_blocks("healtz", _HEALTHZ),
        good=_blocks("healthz", _HEALTHZ),
        why="Servers would be checked by something else than was written down.",
        cure="Correct the name, or write the check block.",
    ),
    "E076": Story(
        means="Two check blocks have the same name.",
        bad=_blocks("healthz", f"{_HEALTHZ}\n{_HEALTHZ}"),
        good=_blocks("healthz", _HEALTHZ),
        why="Only one of them would be used; who corrects the other one changes nothing.",
        cure="Remove one or give it another name.",
    ),
    "E077": Story(
        means="A check says twice what is sent, or what is expected: as text and as bytes.",
        bad=_blocks("hello", 'check hello { kind = tcp; send = "PING"; send_hex = 50494e47 }'),
        good=_blocks("hello", "check hello { kind = tcp; send_hex = 50494e47 }"),
        why="Which of the two decides would be a guess, and it would be made at the first failure.",
        cure="Keep send or send_hex, expect or expect_hex.",
    ),
    "E078": Story(
        means="A check asks with HEAD and expects something of the body.",
        bad=_blocks("page", 'check page { kind = http; method = HEAD; expect = "OK" }'),
        good=_blocks("page", 'check page { kind = http; expect = "OK" }'),
        why="The answer to HEAD has no body: every server would be down for ever.",
        cure="Leave method out, or expect.",
    ),
    "W070": Story(
        means="The witness is a router, a VIP or a host of monitor_hosts. It must be a third machine.",
        within=Within.PAIR,
        bad="witness = 192.0.2.3",
        good="witness = 198.51.100.9",
        why="When the routers no longer hear each other, each side may have such a witness for itself: both become "
        "active, which is what a witness is there to prevent.",
        cure="Run piranha witness on a machine that neither side of a split has for itself.",
    ),
    "W071": Story(
        means="A line of monitor_hosts has one address only.",
        within=Within.GLOBAL,
        bad="monitor_hosts = 192.0.2.1",
        good="monitor_hosts = 192.0.2.1 192.0.2.254",
        why="Somebody restarts that one gateway, and both routers count as cut off.",
        cure="Name a second machine of the same side on the same line; a second line is a further condition.",
    ),
    "W085": Story(
        means="A host of monitor_hosts is a router, a VIP or the NAT gateway.",
        within=Within.PAIR,
        bad="monitor_hosts = 192.0.2.3 192.0.2.254",
        good="monitor_hosts = 192.0.2.1 192.0.2.254",
        why="A router answers itself whatever its cables are worth, and who counts on its partner's answer is cut off "
        "when the partner dies: the moment at which it is needed.",
        cure="Name other machines of that side: gateways, switches, servers.",
    ),
    "W072": Story(
        means="Clients that are bound to a server (persistent) still come back while it drains.",
        within=Within.VIRTUAL,
        bad="persistent = 600\ndrain_time = 5m",
        good="persistent = 600\ndrain_time = 10m",
        why="When the time is over they still have connections, which end in the middle.",
        cure="Make drain_time as long as persistent, or write vs_expire_quiescent_template = 1.",
    ),
    "W073": Story(
        means="keep_active keeps failing servers in the pool, and so keeps the sorry server out.",
        within=Within.VIRTUAL,
        bad="keep_active = 1\nsorry_server = 10.0.0.99",
        good="sorry_server = 10.0.0.99",
        why="You expect the sorry page and clients meet a failing server; only when every server fails does the sorry "
        "server serve.",
        cure="Keep the one that you want. Both together are right if a half-dead pool is better than a sorry page.",
    ),
    "W074": Story(
        means="The scheduler takes no growing weight: slow_start has no effect.",
        within=Within.VIRTUAL,
        bad="scheduler = rr\nslow_start = 60",
        good="scheduler = wrr\nslow_start = 60",
        why="A server that comes back cold gets its full share at once, and falls over again.",
        cure="Take wrr or wlc, or leave slow_start out.",
    ),
    "W075": Story(
        means="The web tool can be reached from the public side.",
        within=Within.GLOBAL,
        bad="web_listen = 0.0.0.0:3636",
        good="web_listen = 127.0.0.1:3636",
        why="Whoever reaches that address may try passwords until one of them fits.",
        cure="Let it listen on the private side (the default) or on loopback, behind ssh.",
    ),
    "W076": Story(
        means="reentry is shorter than the time between two checks.",
        within=Within.VIRTUAL,
        bad="timeout = 30\nreentry = 5",
        good="timeout = 30\nreentry = 30",
        why="One good answer brings a server back: one that is restarting comes and goes, and takes clients along.",
        cure="Write a reentry of several checks, or rise for a number of good answers.",
    ),
    "W077": Story(
        means="A real server under NAT is not in the network of nat_router.",
        within=Within.GLOBAL,
        bad="nat_router = 10.9.9.1/24 eth1",
        good="nat_router = 10.0.0.1/24 eth1",
        why="Its answers do not come back through this router by themselves: connections hang.",
        cure="Correct the address or the netmask. If a router stands in between, its default route must lead to "
        "nat_router.",
    ),
    "W078": Story(
        means="No virtual server asks for this check block.",
        bad=_blocks("http", _HEALTHZ),
        good=_blocks("healthz", _HEALTHZ),
        why="You believe that something is checked, and it is not.",
        cure="Write check = NAME in a virtual block or a server block, or remove the check block.",
    ),
    "W079": Story(
        means="A device looks like public, private or another device of the file, and is spelt differently.",
        within=Within.VIRTUAL,
        bad="address = 192.0.2.10 privat",
        good="address = 192.0.2.10 eth1",
        why="A takeover fails for this address alone: no device of that name is there.",
        cure="Correct the name; ip link lists the interfaces of a machine.",
    ),
    "W080": Story(
        means="A setting of the kernel that no kernel we know of has.",
        within=Within.GLOBAL,
        bad="vs_conntrak = 1",
        good="vs_conntrack = 1",
        why="What you rely on is not switched on.",
        cure="Correct the name: ls /proc/sys/net/ipv4/vs lists what this kernel has.",
    ),
    "W081": Story(
        means="A router of the pair has none of the addresses that a check goes out from.",
        within=Within.PAIR,
        bad=f"{_FROM % '10.0.9.2'}\n{_ASKED}",
        good=f"{_FROM % '10.0.9.2 10.0.9.3'}\n{_ASKED}",
        why="That router cannot check: what it believes of the servers stays, and a server that it has never heard of "
        "gets nothing. A VIP is missing on the standby, which knows nothing when it takes over.",
        cure="Name an address of each router in source; the first one that a router has is used.",
    ),
    "W087": Story(
        means="syncd_id is larger than 255, or negative.",
        within=Within.GLOBAL,
        bad="syncdaemon = 1\nsyncd_id = 300",
        good="syncdaemon = 1\nsyncd_id = 44",
        why="Of a pair only who reads the same number hears the other, and another pair may have that number already.",
        cure="Write the number that counts.",
    ),
    "W088": Story(
        means="Connections are synchronised on the interface where clients come in.",
        within=Within.GLOBAL,
        bad="syncdaemon = 1\nsyncd_iface = public",
        good="primary_private = 10.0.9.2\nsyncdaemon = 1\nsyncd_iface = private",
        why="The kernel neither signs nor encrypts it: whoever is on that network reads who is connected to what, and "
        "can plant connections in the table of the standby.",
        cure="Name an interface that nobody else reaches: private, or that of a cable between the routers.",
    ),
    "W082": Story(
        means="A check sets weights, and they cannot take effect.",
        bad=_blocks("load", f"{_LOAD}\n"),
        good=_blocks("load", f"{_LOAD}\n").replace("21 }", "21; weight = 100 }"),
        why="Busy and idle servers get the same share, whatever the program finds. Weights are whole numbers: of 1 "
        "there is no half; and some schedulers look at none.",
        cure="Give every server of the pool the same larger weight, such as 100, and use scheduler = wlc or wrr.",
    ),
}
