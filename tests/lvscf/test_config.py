"""What settings mean: from text to Config."""

from ipaddress import ip_address

import pytest
from tests.lvscf.reading import config, server, virtual

from piranha.lvscf.check_values import Exchange, Expect, Program
from piranha.lvscf.config import FloatingAddress, HeartbeatAuth, PlaneKind, Standby, meaning
from piranha.lvscf.load import load
from piranha.terms import ForwardingMethod, Protocol, Scheduler

SERVED = "virtual web {\nactive = 1\naddress = 192.0.2.10 eth0\n}\n"


def check(lines: str) -> Exchange | Program:
    """The check of a server of a virtual server with these settings."""
    return server("", lines).check


def test_the_example_of_the_manual_means_what_it_says() -> None:
    read = config(
        "serial_no = 42\ncluster = shop\nprimary = 192.0.2.2\nprimary_private = 10.0.0.2\nbackup_active = 1\n"
        "backup = 192.0.2.3\nbackup_private = 10.0.0.3\nheartbeat_key_file = /etc/piranha/heartbeat.key\n"
        "heartbeat_path = 172.31.255.1 172.31.255.2 cable\nheartbeat_path = 172.31.254.1 172.31.254.2\n"
        "keepalive = 500ms\ndeadtime = 4\nvip_lease = 1\n"
        "arp_count = 3\nnat_router = 10.0.0.1/24 private\nstandby = cold\nforwarding_plane = userspace\n"
        'tcp_timeout = 900\nudp_timeout = 0x10\nactive_cmd = "/bin/notify active"\n' + SERVED
    )
    assert (read.serial_no, read.cluster, read.standby) == (42, "shop", Standby.COLD)
    assert read.primary is not None
    assert read.primary.private == ip_address("10.0.0.2")
    assert [(path.name, str(path.primary), str(path.backup)) for path in read.heartbeat.paths] == [
        ("public", "192.0.2.2", "192.0.2.3"),
        ("private", "10.0.0.2", "10.0.0.3"),
        ("cable", "172.31.255.1", "172.31.255.2"),
        ("path4", "172.31.254.1", "172.31.254.2"),
    ]
    heartbeat = read.heartbeat
    assert (heartbeat.keepalive_s, heartbeat.deadtime_s, heartbeat.initdead_s, heartbeat.warntime_s) == (0.5, 4, 8, 2)
    assert heartbeat.key_file == "/etc/piranha/heartbeat.key"
    assert (read.vips.lease_s, read.vips.arp_count, read.vips.lease_alone_s) == (1, 3, 0)
    assert read.nat_router == FloatingAddress(address=ip_address("10.0.0.1"), prefix=24, device="private")
    assert read.lvsd.plane is PlaneKind.USERSPACE
    assert read.lvsd.timeouts_s == (900, 0, 16)
    assert read.active_cmd == ("/bin/notify", "active")


def test_an_ipv6_gateway_is_held_beside_the_other_one() -> None:
    read = config("nat_router = 10.0.0.1/24 eth1\nnat_router6 = 2001:db8:1::1/64 eth1\n" + SERVED)
    assert read.nat_router6 == FloatingAddress(address=ip_address("2001:db8:1::1"), prefix=64, device="eth1")
    held = [str(one.address) for one in read.floating_addresses()]
    assert held == ["192.0.2.10", "10.0.0.1", "2001:db8:1::1"]
    assert meaning(read) != meaning(config("nat_router = 10.0.0.1/24 eth1\n" + SERVED))


def test_defaults_are_those_of_the_original_where_it_had_them() -> None:
    read = config("primary = 192.0.2.2\n" + SERVED)
    assert (read.heartbeat.port, read.heartbeat.keepalive_s, read.heartbeat.deadtime_s) == (539, 2, 5)
    assert read.heartbeat.auth is HeartbeatAuth.REQUIRED
    assert (read.heartbeat.paths, read.heartbeat.initdead_s) == ((), 0)
    assert (read.lvsd.hard_shutdown, read.vips.lease_s) == (True, None)
    web = virtual("")
    assert (web.port, web.protocols, web.scheduler) == (80, (Protocol.TCP,), Scheduler.WLC)
    real = server("")
    assert (real.weight, real.port, real.forwarding) == (1, 80, ForwardingMethod.NAT)


@pytest.mark.parametrize(("line", "failback_s"), [("", None), ("never", None), ("always", 0), ("0", 0), ("5m", 300)])
def test_the_primary_takes_the_vips_back_never_at_once_or_after_a_time(line: str, failback_s: float | None) -> None:
    assert config((f"failback = {line}\n" if line else "") + SERVED).failback_s == failback_s


def test_a_lone_router_does_not_listen_before_it_becomes_active() -> None:
    assert config("primary = 192.0.2.2\ndeadtime = 9\n" + SERVED).heartbeat.initdead_s == 0


@pytest.mark.parametrize(
    ("address", "lines", "prefix", "device", "label"),
    [
        ("192.0.2.10 eth0:1", "", 32, "eth0", "eth0:1"),
        ("192.0.2.10 eth0:1", "vip_nmask = 255.255.255.0", 24, "eth0", "eth0:1"),
        ("192.0.2.10 eth0", "vip_nmask = 0.0.0.0", 32, "eth0", None),
        ("192.0.2.10 eth0", "vip_nmask = 255.0.0", 8, "eth0", None),
        ("192.0.2.10/28 public", "", 28, "public", None),
        ("192.0.2.10", "", 32, None, None),
        ("2001:db8::10 eth0:1", "", 128, "eth0", None),
        ("2001:db8::10 eth0", "vip_nmask = /64", 64, "eth0", None),
    ],
)
def test_a_vip_has_address_prefix_device_and_label(
    address: str, lines: str, prefix: int, device: str | None, label: str | None
) -> None:
    vip = virtual(lines, address).vip
    assert (vip.prefix, vip.device, vip.label) == (prefix, device, label)


def test_two_protocols_are_two_services_with_one_pool() -> None:
    assert virtual("protocol = udp tcp udp").protocols == (Protocol.UDP, Protocol.TCP)


@pytest.mark.parametrize(
    ("lines", "mask"),
    [
        ("pmask = 255.255.255.0", 0xFFFFFF00),
        ("pmask = /24", 0xFFFFFF00),
        ("pmask = 255.255.255.255", None),
        ("pmask = /32", None),
        ("pmask = 0.0.0.0", None),
        ("", None),
    ],
)
def test_the_persistence_mask_of_ipv4_is_a_netmask(lines: str, mask: int | None) -> None:
    assert virtual(f"persistent = 300\n{lines}").persistence_mask == mask


def test_the_persistence_mask_of_ipv6_is_a_prefix_length() -> None:
    assert virtual("persistent = 300\npmask = /64", "2001:db8::1").persistence_mask == 64


def test_a_sorry_server_has_the_port_of_the_virtual_server_unless_it_has_its_own() -> None:
    for lines, port in (("sorry_server = 10.0.0.9", 443), ("sorry_server = 10.0.0.9 8443", 8443)):
        sorry = virtual(f"{lines}\nport = 443").sorry_server
        assert sorry is not None
        assert sorry.port == port
    assert virtual("sorry_server = 0.0.0.0").sorry_server is None


def test_forwarding_is_inherited_from_network_to_virtual_to_server() -> None:
    assert server("", top="network = direct").forwarding is ForwardingMethod.DIRECT
    assert server("", "forwarding = tunnel", "network = direct").forwarding is ForwardingMethod.TUNNEL
    assert server("forwarding = nat", "forwarding = tunnel", "network = direct").forwarding is ForwardingMethod.NAT


def test_a_dead_server_is_out_within_timeout() -> None:
    for lines, timeout_s in (("", 10), ("timeout = 6", 6), ("timeout = 1500ms", 1.5)):
        assert server("", lines).timing.out_by_s == pytest.approx(timeout_s)


def test_times_of_a_check_are_inherited_and_derived() -> None:
    timing = server("fall = 3\ncheck_timeout = 1", "timeout = 12\nrise = 2\nreentry = 1m").timing
    assert (timing.interval_s, timing.check_timeout_s, timing.fast_interval_s) == (4, 1, 4)
    assert (timing.fall, timing.rise, timing.reentry_s) == (3, 2, 60)
    assert server("interval = 2").timing.check_timeout_s == 2


def test_weight_0_is_0_and_thresholds_are_those_of_the_server() -> None:
    real = server("weight = 0\nupper_threshold = 2000\nlower_threshold = 1500")
    assert (real.weight, real.upper_threshold, real.lower_threshold) == (0, 2000, 1500)


def test_port_80_without_any_check_is_taken_for_a_web_server() -> None:
    assert check("") == Exchange(send=b"GET / HTTP/1.0\r\n\r\n", expect=Expect(text=b"HTTP"))
    assert check("port = 81") == Exchange()
    assert check('send = "x"') == Exchange(send=b"x")
    assert check("protocol = udp") == Exchange(transport=Protocol.UDP)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a\n\r\t\\\'\"b"', b"a\n\r\t\\'\"b"),
        (r'"\x41\0"', rb"\x41\0"),
        (r'"\\n"', rb"\n"),
        (r"'a\n'", b"'a\n'"),
        ('"a b\\"', b"a b\\"),
        ('"{ } = # ;"', b"{ } = # ;"),
        ('"grüß"', "grüß".encode()),
        ("GET", b"GET"),
        ("#x", b"#x"),
    ],
)
def test_a_text_knows_the_six_escapes_of_the_original_and_no_other(written: str, meant: bytes) -> None:
    assert check(f"port = 81\nsend = {written}") == Exchange(send=meant)


def test_expect_is_plain_a_star_or_an_expression() -> None:
    assert check('expect = "*"') == Exchange(expect=Expect(text=b"*", anything=True))
    assert check('expect = "^a|b"\nuse_regex = 1') == Exchange(expect=Expect(text=b"^a|b", regex=True))


def test_a_program_goes_before_send() -> None:
    lines = 'send = "x"\nsend_program = "/bin/probe  %h http://%h:%p/"\nexpect = "OK"'
    words = ("/bin/probe", "%h", "http://%h:%p/")
    assert check(lines) == Program(command=words, expect=Expect(text=b"OK"))
    ignoring = check(f"{lines}\nsend_program_status = ignore")
    assert isinstance(ignoring, Program)
    assert not ignoring.honour_status


def test_a_server_above_the_port_of_its_virtual_server_gets_port_80() -> None:
    read = virtual(
        "server a { active = 1; address = 10.0.0.1 }\nport = 8080\nserver b { active = 1; address = 10.0.0.2 }"
    )
    assert [real.port for real in read.servers] == [80, 8080]


def test_of_a_keyword_given_twice_the_last_one_counts() -> None:
    assert virtual("scheduler = rr\nscheduler = sh").scheduler is Scheduler.SH


def test_blocks_of_one_name_are_two_blocks_with_names_of_their_own() -> None:
    block = "{ active = 1; address = 10.0.0.%d\nserver x { address = 10.0.0.7 }\nserver x { address = 10.0.0.8 }\n}\n"
    names = ("a", "a", "a#2", "a")
    read = config("".join(f"virtual {name} {block % number}" for number, name in enumerate(names, 1)))
    assert [one.name for one in read.virtuals] == ["a", "a#2", "a#2#2", "a#3"]
    assert [one.name for one in read.virtuals[0].servers] == ["x", "x#2"]


def test_numbers_are_read_as_c_reads_them() -> None:
    read = virtual('persistent = "0x10"\nreentry = 010\ntimeout = +7')
    assert read.persistence_s == 16
    assert server("", "reentry = 010\ntimeout = '0x10'").timing.reentry_s == 8


def test_a_host_name_stands_for_the_address_it_has_now() -> None:
    text = b"primary = lvs1.example.net\n" + SERVED.encode()
    loaded = load(text, "lvs.cf", {"lvs1.example.net": ip_address("2001:db8::2")})
    assert loaded.config is not None
    assert loaded.config.primary is not None
    assert loaded.config.primary.public == ip_address("2001:db8::2")
    assert load(text, "lvs.cf").config is None


def test_the_file_that_is_kept_has_addresses_for_host_names() -> None:
    text = "primary = lvs1.example.net  # here\n"
    text += "virtual a { active = 1; address = 'www.example.net/28' eth0; port = http }\n"
    hosts = {"lvs1.example.net": ip_address("192.0.2.2"), "www.example.net": ip_address("192.0.2.10")}
    loaded = load(text.encode(), "lvs.cf", hosts)
    kept = "primary = 192.0.2.2  # here\nvirtual a { active = 1; address = 192.0.2.10/28 eth0; port = http }\n"
    assert loaded.accepted_bytes().decode() == kept
    assert loaded.config is not None
    assert meaning(config(kept)) == meaning(loaded.config)


FILE = """serial_no = 1
primary = 192.0.2.2
virtual web {
    active = 1
    address = 192.0.2.10 eth0
    server a {
        active = 1
        address = 10.0.0.1
        weight = 1
    }
}
"""


@pytest.mark.parametrize(
    "other",
    [
        FILE.replace("serial_no = 1", "serial_no = 2"),
        FILE.replace("\n", "\r\n"),
        "# comment\n\n" + FILE.replace("= 1\n", "= 1   # yes\n"),
        FILE.replace(" = ", "="),
        "primary = 192.0.2.2 \nvirtual web{ active = 0x1; address = 192.0.2.10 eth0\n"
        "server a { active = 1; address = 10.0.0.1; port = 80; weight = 1 }\n}",
    ],
)
def test_files_that_differ_in_serial_no_comments_and_layout_are_the_same(other: str) -> None:
    assert other != FILE
    assert meaning(config(other)) == meaning(config(FILE))


@pytest.mark.parametrize(
    ("old", "new"),
    [("192.0.2.10", "192.0.2.11"), ("eth0", "eth1"), ("server a", "server b"), ("weight = 1", "weight = 2")],
)
def test_files_that_differ_in_anything_else_are_not(old: str, new: str) -> None:
    assert meaning(config(FILE.replace(old, new))) != meaning(config(FILE))
