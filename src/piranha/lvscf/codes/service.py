"""Codes about virtual servers, their real servers and how these are checked."""

from piranha.lvscf.codes.story import Story, Within

_WEB = "virtual web { active = 1; address = 192.0.2.10 eth0; server a { active = 1; address = 10.0.0.21 } }"

SERVICE: dict[str, Story] = {
    "E020": Story(
        means="An active block has no address.",
        bad="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    server a { active = 1; address = 10.0.0.21 }\n}",
        good=f"primary = 192.0.2.2\n{_WEB}",
        why="There is nothing that clients could reach.",
        cure="Write address = VIP DEVICE, or active = 0 while the block is a draft.",
    ),
    "E030": Story(
        means="Two active virtual servers have the same protocol, VIP and port, by their address or by the mark that "
        "lvsd sets. The kernel takes one only.",
        bad=f"primary = 192.0.2.2\n{_WEB}\n{_WEB.replace('web', 'shop')}",
        good=f"primary = 192.0.2.2\n{_WEB}\n{_WEB.replace('web', 'shop').replace('0;', '0; port = 443;', 1)}",
        why="Only one of the two pools would serve; which one depends on the order.",
        cure="Join both blocks, or give one another port or VIP.",
    ),
    "E031": Story(
        means="Two active virtual servers have the same firewall mark in one address family. "
        "The kernel takes one only.",
        bad=f"primary = 192.0.2.2\n{_WEB.replace('server', 'fwmark = 5; server')}\n"
        f"{_WEB.replace('server', 'fwmark = 5; server').replace('web', 'shop').replace('2.10', '2.11')}",
        good=f"primary = 192.0.2.2\n{_WEB.replace('server', 'fwmark = 5; server')}\n"
        f"{_WEB.replace('server', 'fwmark = 6; server').replace('web', 'shop').replace('2.10', '2.11')}",
        why="Packets with that mark would go to one pool only.",
        cure="Use a mark of its own for each, here and in the firewall rules.",
    ),
    "E037": Story(
        means="The expression after use_regex = 1 is no POSIX extended regular expression.",
        within=Within.VIRTUAL,
        bad='use_regex = 1\nexpect = "HTTP/1.[01] (200"',
        good='use_regex = 1\nexpect = "HTTP/1.[01] 200"',
        why="With the original it matched nothing, and every server was down.",
        cure="Escape what is meant literally: \\\\( \\\\[ \\\\. in a quoted text. Without use_regex it is plain text.",
    ),
    "E042": Story(
        means="Two active real servers of one virtual server are the same to the kernel.",
        within=Within.VIRTUAL,
        bad="server a { active = 1; address = 10.0.0.21 }\nserver b { active = 1; address = 10.0.0.21 }",
        good="server a { active = 1; address = 10.0.0.21 }\nserver b { active = 1; address = 10.0.0.22 }",
        why="The kernel holds one of them, so that one check takes out what the other one keeps.",
        cure="Correct the address; under direct and tunnel a port of its own makes no difference.",
    ),
    "E044": Story(
        means="A check that could never fail.",
        within=Within.VIRTUAL,
        bad='send_program = "/usr/local/bin/probe %h"\nsend_program_status = ignore',
        good='send_program = "/usr/local/bin/probe %h"\nsend_program_status = ignore\nexpect = "OK"',
        why="A dead server stays in the pool for ever.",
        cure="Write what the program prints when all is well (expect), or let its exit status count.",
    ),
    "E045": Story(
        means="The thresholds of a real server are the wrong way round.",
        within=Within.SERVER,
        bad="upper_threshold = 100\nlower_threshold = 200",
        good="upper_threshold = 200\nlower_threshold = 150",
        why="The kernel would lock the server out and let it in again at the same moment.",
        cure="lower_threshold is the smaller one; left out it is three quarters of upper_threshold.",
    ),
    "E046": Story(
        means="No virtual server is active. A file that serves nothing must not remove a running service.",
        bad="primary = 192.0.2.2",
        good=f"primary = 192.0.2.2\n{_WEB}",
        why="A file that was written half, or for another machine, would take every service down at the next reload.",
        cure="Write active = 1 in a virtual block. To stop serving, stop pulse.",
    ),
    "W013": Story(
        means="Under direct routing and tunnelling a packet keeps its port. A server's port is only checked.",
        within=Within.SERVER,
        bad="forwarding = direct\nport = 8080",
        good="forwarding = direct",
        why="The check asks 8080 and is content, while clients arrive at port 80, where nobody may listen.",
        cure="Leave the port of the server out and let it listen on the port of the service, or use NAT.",
    ),
    "W014": Story(
        means="All real servers have weight 0.",
        within=Within.SERVER,
        bad="weight = 0",
        good="weight = 1",
        why="The service takes no new connections, although every server is well. The original installed 1 instead.",
        cure="Give at least one server a weight; 0 is for a server that is to be emptied.",
    ),
    "W015": Story(
        means="The times of the check keep a dead server in the pool longer than timeout says.",
        within=Within.VIRTUAL,
        bad="timeout = 6\ninterval = 5",
        good="timeout = 6",
        why="Clients meet the dead server for longer than you planned for.",
        cure="Leave interval, check_timeout and fall out, which then follow from timeout; or write the timeout that "
        "the finding computes. Of several checks of one server the quickest counts with check_rule = all, the slowest "
        "with any.",
    ),
    "W022": Story(
        means="A router is a real server of itself under direct routing or tunnelling.",
        within=Within.PAIR,
        bad="network = direct\n"
        "virtual dns { active = 1; address = 192.0.2.11 eth0; server lvs2 { active = 1; address = 192.0.2.3 } }",
        good="network = direct\n"
        "virtual dns { active = 1; address = 192.0.2.11 eth0; server dns1 { active = 1; address = 192.0.2.33 } }",
        why="A standby that balances packets which the active router has sent it sends some of them back. The kernel "
        "keeps it from that only while it takes connections in; else lvsd leaves this virtual server out of the "
        "standby's table, and a takeover loads it first.",
        cure="Write syncdaemon = 1, let real servers be machines of their own, or write standby = cold.",
    ),
    "W026": Story(
        means="A setting has no effect without another.",
        within=Within.VIRTUAL,
        bad="pmask = 255.255.255.0",
        good="persistent = 300\npmask = 255.255.255.0",
        why="Something that you believe in is not in force.",
        cure="Add the setting that is named, or remove this one.",
    ),
    "W027": Story(
        means="A UDP server that does not answer counts as up, unless an answer is expected.",
        within=Within.VIRTUAL,
        bad="protocol = udp\nport = 53",
        good='protocol = udp\nport = 53\nsend_program = "/usr/local/bin/probe_dns %h"\nexpect = "OK"',
        why="UDP says nothing when a machine is gone; only a closed port is noticed. A dead server stays in the pool.",
        cure="Write send and expect, or a program that asks and judges.",
    ),
    "W029": Story(
        means="A program is given, so the text to send is not used.",
        within=Within.VIRTUAL,
        bad='send = "PING"\nsend_program = "/usr/local/bin/probe %h"',
        good='send_program = "/usr/local/bin/probe %h"',
        why="Who changes send to repair a check changes nothing.",
        cure="Keep the one that is meant.",
    ),
    "W035": Story(
        means="An active virtual server has no active real server.",
        bad="primary = 192.0.2.2\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n}",
        good=f"primary = 192.0.2.2\n{_WEB}",
        why="Every client is refused.",
        cure="Write active = 1 in its server blocks (it is not inherited), or active = 0 in the virtual block.",
    ),
    "W041": Story(
        means="A server block stands above the port of its virtual server, and so gets port 80, as ever.",
        within=Within.VIRTUAL,
        bad="server web1 { active = 1; address = 10.0.0.21 }\nport = 8080",
        good="port = 8080\nserver web1 { active = 1; address = 10.0.0.21 }",
        why="Under NAT clients are sent to a port that nobody listens on.",
        cure="Write port above the server blocks.",
    ),
    "W042": Story(
        means="A block that is not in use has no address and is left out.",
        within=Within.VIRTUAL,
        bad="server web1 { active = 1; address = 10.0.0.21 }\nserver draft { active = 0 }",
        good="server web1 { active = 1; address = 10.0.0.21 }",
        why="It is a draft: nothing happens, and nothing shows of it in status.",
        cure="Finish it or remove it.",
    ),
    "W043": Story(
        means="One VIP is given with two devices or netmasks.",
        bad=f"primary = 192.0.2.2\n{_WEB}\n{_WEB.replace('web', 'tls').replace('eth0;', 'eth1; port = 443;')}",
        good=f"primary = 192.0.2.2\n{_WEB}\n{_WEB.replace('web', 'tls').replace('eth0;', 'eth0; port = 443;')}",
        why="An address is held once, on the device of the first block: who corrects the second changes nothing.",
        cure="Write the same device and netmask in each block of the VIP.",
    ),
}
