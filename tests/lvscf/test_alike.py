"""Real servers that say no more than others are judged by these, and nobody can tell."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.lvscf.load import Loaded, load

HEAD = (
    "primary = 192.0.2.2",
    "primary = 10.0.0.1",
    "backup_active = 1",
    "backup = 10.0.0.2",
    "standby = warm",
    "forwarding_plane = userspace",
    "network = direct",
    "network = tunnel",
    "nat_router = 10.0.0.9 eth1",
    "nat_nmask = 255.255.255.252",
    "vs_expire_quiescent_template = 1",
)
VIRTUAL = (
    "address = 192.0.2.10 eth0",
    "address = 2001:db8::1 eth0",
    "port = 81",
    "ports = 80 8080-8090",
    "protocol = udp",
    "fwmark = 7",
    "scheduler = wrr",
    "scheduler = rr",
    "persistent = 600",
    "drain_time = 5",
    "slow_start = 30",
    "forwarding = nat",
    "forwarding = tunnel",
    "tunnel_type = gue",
    "tunnel_port = 5555",
    "quorum = 3",
    "keep_active = 2",
    "keep_active = 100%",
    "sorry_server = 127.0.0.1:80",
    "reentry = 2",
    "interval = 30",
    "timeout = 5",
    "check = http",
    "check = weigh",
    "send = x",
)
CHECK = "check weigh {\nkind = program\nprogram = /bin/true\nweight_from = output\n}"
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.0.4", "2001:db8::5", "0.0.0.0")
MORE = ("forwarding = nat", "forwarding = tunnel", "slow_start = 9", "port = 99", "check_port = 8", "drain_time = 7")
SAYS_NOTHING_MORE = "# as ever"
SAYS_WHAT_HOLDS = "lower_threshold = 0"


def file(random: Random, said: str) -> bytes:
    """A file in which every server has the line `said`."""
    lines = ["service = lvs", *random.sample(HEAD, random.randrange(6)), CHECK]
    for name in "ab":
        settings = ["active = 1", f"address = 192.0.2.1{ord(name) % 2} eth0"]
        settings += random.sample(VIRTUAL, random.randrange(7))
        lines += [f"virtual {name} {{", *settings]
        for number in range(random.randrange(5)):
            lines += [f"server {random.choice('xyz')}{number} {{", f"address = {random.choice(ADDRESSES)}"]
            more = random.choice(MORE) if random.randrange(4) == 0 else "# as all"
            lines += [f"active = {random.choice('0111')}", f"weight = {random.choice('00125')}", more, said, "}"]
            if random.randrange(8) == 0:
                lines.append("port = 82")  # below servers: they do not get it
        lines.append("}")
    return "\n".join(lines).encode() + b"\n"


def told(loaded: Loaded) -> list[str]:
    return [finding.sentence() for finding in loaded.findings]


@examples(300)
@given(st.integers(0, 1 << 32))
def test_servers_that_say_the_same_in_fewer_words_mean_the_same_and_give_the_same_findings(seed: int) -> None:
    few, all_of_it = (load(file(Random(seed), said), "lvs.cf") for said in (SAYS_NOTHING_MORE, SAYS_WHAT_HOLDS))
    assert told(few) == told(all_of_it)
    assert few.config == all_of_it.config
