"""Codes of notes: what a file of the original notices without being edited (`piranha check --from-original`)."""

from piranha.lvscf.codes.story import Story, Within

_PAIR = "primary = 192.0.2.2\nbackup_active = 1\nbackup = 192.0.2.3"

ORIGINAL: dict[str, Story] = {
    "N001": Story(
        means="Two routers need heartbeat_key_file, or heartbeat_auth = none: otherwise pulse does not start.",
        within=Within.GLOBAL,
        bad=_PAIR,
        good=f"{_PAIR}\nheartbeat_key_file = /etc/piranha/heartbeat.key",
        why="The heartbeat of the original could be forged by whoever reached its port.",
        cure="piranha keygen writes a key; copy it to the other router and name it in the file.",
    ),
    "N002": Story(
        means="The heartbeat is another one: a router with the original does not hear it, nor is it heard.",
        within=Within.GLOBAL,
        bad=_PAIR,
        good="primary = 192.0.2.2",
        why="A pair of one old and one new router is two active routers with the same VIPs.",
        cure="Stop the old pair before the new one starts. Both may be installed and checked before.",
    ),
    "N003": Story(
        means="A VIP without vip_nmask, or nat_router without nat_nmask, has the mask 255.255.255.255, not that of its "
        "old class A, B or C.",
        within=Within.VIRTUAL,
        bad="port = 80",
        good="vip_nmask = 255.255.255.0",
        why="With a class mask the router took foreign networks for its own wire, and a VIP that went away took others "
        "of its network along.",
        cure="Nothing, if this router has an address of its own in that network. Otherwise write the netmask.",
    ),
    "N004": Story(
        means="With two routers the standby checks the real servers, too, so that a takeover finds everything ready.",
        within=Within.GLOBAL,
        bad=_PAIR,
        good=f"{_PAIR}\nstandby = cold",
        why="A firewall on a real server that knows the active router only lets the standby believe that all are down.",
        cure="Let both routers through the firewalls of the real servers, or write standby = cold.",
    ),
    "N005": Story(
        means="Checks come three times as often: every timeout / 3, not every timeout.",
        within=Within.VIRTUAL,
        bad="timeout = 6",
        good="timeout = 6\ninterval = 6",
        why="It is what makes timeout true: a dead server is out of the pool within it. Logs of the servers grow.",
        cure="Nothing; or write interval, and see what piranha check says of the time that a dead server stays.",
    ),
    "N006": Story(
        means="A server that hangs is out of the pool after timeout; the original took up to three times as long.",
        within=Within.VIRTUAL,
        bad="timeout = 6",
        good="timeout = 18\ninterval = 6",
        why="A server that is slow at times, and was kept by this patience, may now leave the pool.",
        cure="Write a longer timeout where servers may be slow.",
    ),
    "N007": Story(
        means="Check programs run as the user piranha, not as root.",
        within=Within.VIRTUAL,
        bad='send_program = "/usr/local/bin/probe %h"\nexpect = "OK"',
        good='send = "PING"\nexpect = "OK"',
        why="A program that reads a file of root or opens a raw socket fails here, and every server is down.",
        cure="Give that user what the program needs, or write script_user = root.",
    ),
    "N008": Story(
        means="send_program fails by its exit status, a signal or its time limit. The original looked at its output "
        "alone, and took a server for up when there was none.",
        within=Within.VIRTUAL,
        bad='send_program = "/usr/local/bin/probe %h"\nexpect = "OK"',
        good='send_program = "/usr/local/bin/probe %h"\nexpect = "OK"\nsend_program_status = ignore',
        why="A script whose last command fails by chance takes healthy servers out.",
        cure="End the script with exit 0 where all is well, or write send_program_status = ignore.",
    ),
    "N009": Story(
        means="A UDP server that says nothing is up unless an answer is expected; in the original it was down.",
        within=Within.VIRTUAL,
        bad="protocol = udp\nport = 514",
        good='protocol = udp\nport = 53\nsend_program = "/usr/local/bin/probe_dns %h"\nexpect = "OK"',
        why="Only a closed port is noticed; a machine that is gone stays in the pool.",
        cure="Write send and expect, or a program that asks and judges.",
    ),
    "N010": Story(
        means="A server that returns gets its full weight at once; the original began at a 32nd of it.",
        within=Within.SERVER,
        bad="weight = 10",
        good="weight = 1",
        why="A server with cold caches may fall over again under its full share.",
        cure="Write slow_start where that matters.",
    ),
    "N011": Story(
        means="A lone router (backup_active = 0) is active at once; the original waited for deadtime first.",
        within=Within.GLOBAL,
        bad="deadtime = 6",
        good=_PAIR,
        why="Nothing: it serves some seconds earlier after a start.",
        cure="Nothing needs to be done.",
    ),
    "N012": Story(
        means="weight = 0 is 0; the original gave such a server 1.",
        within=Within.SERVER,
        bad="weight = 0",
        good="weight = 1",
        why="A server that did its share all the years gets no new connections.",
        cure="Write weight = 1 if it shall serve.",
    ),
    "N013": Story(
        means="active_cmd and inactive_cmd run one after the other, at most 30 s each.",
        within=Within.GLOBAL,
        bad='active_cmd = "/etc/ha/notify.sh active"',
        good="deadtime = 6",
        why="A command that waits for something longer is ended in the middle.",
        cure="Let the command start what takes long in the background.",
    ),
    "N014": Story(
        means="A nanny that dies empties nothing. hard_shutdown = 1 only makes this router not ready, so that a ready "
        "partner takes over.",
        within=Within.GLOBAL,
        bad="hard_shutdown = 1",
        good="hard_shutdown = 0",
        why="In the original one dead nanny stopped the whole service, on a lone router for good.",
        cure="Nothing needs to be done.",
    ),
    "N015": Story(
        means="Changes by hand with ipvsadm in virtual servers of the file are noticed and named. A weight set by hand "
        "and a server added by hand stay, everything else is put back; foreign_edits = repair puts all of it back, "
        "report none. Virtual servers that the file does not have are left alone.",
        within=Within.GLOBAL,
        bad="deadtime = 6",
        why="Who deletes a server with ipvsadm sees it come back; who gives it weight 0 does not.",
        cure="Take a server out with weight 0, or in the file; piranha status shows what was changed by hand.",
    ),
}
