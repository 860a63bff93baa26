"""What lvs.cf asks of IPVS beyond the original: VIPs, ports, flags and tunnels of one virtual server."""

import pytest
from tests.lvscf.reading import config, server, virtual

from piranha.lvscf.check_values import Exchange
from piranha.lvscf.config import PortRange, meaning
from piranha.lvscf.load import load
from piranha.terms import PLAIN_TUNNEL, ForwardingMethod, Tunnel, TunnelChecksum, TunnelType

SERVED = "virtual web {\nactive = 1\naddress = 192.0.2.10 eth0\n%s\nserver a { active = 1; address = 10.0.0.1 }\n}\n"


def test_an_extra_address_is_a_vip_with_a_device_of_its_own_and_the_netmask_of_the_first() -> None:
    web = virtual("vip_nmask = 255.255.255.0\nextra_address = 192.0.2.11 eth1\nextra_address = 198.51.100.1/28")
    assert [(str(vip.address), vip.prefix, vip.device) for vip in web.vips] == [
        ("192.0.2.10", 24, "eth0"),
        ("192.0.2.11", 24, "eth1"),
        ("198.51.100.1", 28, None),
    ]


def test_the_active_router_holds_every_extra_address_of_an_active_virtual_server_once() -> None:
    text = SERVED % "extra_address = 192.0.2.11 eth0"
    other = "virtual off {\nactive = 0\naddress = 192.0.2.20\nextra_address = 192.0.2.21\n}\n"
    third = "virtual third { active = 1; address = 192.0.2.11 eth0; port = 81 }\n"
    read = config("nat_router = 10.0.0.1 eth1\n" + text + other + third)
    assert [str(held.address) for held in read.floating_addresses()] == ["192.0.2.10", "192.0.2.11", "10.0.0.1"]


def test_ports_are_numbers_names_and_ranges_in_the_order_of_the_file_each_once() -> None:
    web = virtual("ports = https 80 8000-8002 8001")
    assert web.ports == (PortRange(443, 443), PortRange(80, 80), PortRange(8000, 8002), PortRange(8001, 8001))
    assert web.service_ports() == (443, 80, 8000, 8001, 8002)
    assert web.port == 443


def test_without_ports_there_is_the_one_port() -> None:
    assert virtual("port = 443").service_ports() == (443,)


def test_the_first_of_ports_is_checked_wherever_the_server_stands() -> None:
    assert server("", "ports = 443 80").port == 443
    above = virtual("server a { active = 1; address = 10.0.0.1 }\nports = 443 80").servers[0]
    assert (above.port, above.check) == (443, Exchange())


def test_a_sorry_server_is_sent_the_port_of_the_client_unless_it_has_its_own() -> None:
    for own, port in (("", 0), ("8080", 8080)):
        sorry = virtual(f"ports = 80 443\nsorry_server = 10.0.0.9 {own}").sorry_server
        assert sorry is not None
        assert sorry.port == port


def test_the_sorry_server_has_a_forwarding_method_of_its_own_when_the_file_says_so() -> None:
    for lines, method in (("", "direct"), ("sorry_forwarding = nat", "nat")):
        sorry = virtual(f"forwarding = direct\nsorry_server = 10.0.0.9\n{lines}").sorry_server
        assert sorry is not None
        assert sorry.forwarding is ForwardingMethod(method)


@pytest.mark.parametrize(
    ("words", "flags"), [("fallback", 1), ("port", 2), ("fallback port", 3), ("flag-3", 4), ("flag-1 flag-2", 3)]
)
def test_flags_of_a_scheduler_have_the_numbers_of_the_kernel(words: str, flags: int) -> None:
    assert virtual(f"scheduler = mh\nscheduler_flags = {words}").scheduler_flags == flags


def test_datagrams_one_by_one_and_by_call() -> None:
    sip = virtual("protocol = udp\nexpect = x\none_packet = 1\npersistent = 60\npersistence_engine = sip")
    assert (sip.one_packet, sip.persistence_engine) == (True, "sip")


def test_a_tunnel_is_inherited_and_has_a_port_with_gue_only() -> None:
    inherited = "forwarding = tunnel\ntunnel_type = gue\ntunnel_checksum = csum"
    assert server("", inherited).tunnel == Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.CSUM)
    own = "tunnel_port = 7000\ntunnel_checksum = remcsum"
    assert server(own, inherited).tunnel == Tunnel(type=TunnelType.GUE, port=7000, checksum=TunnelChecksum.REMCSUM)
    assert server("tunnel_type = gre", inherited).tunnel == Tunnel(type=TunnelType.GRE, checksum=TunnelChecksum.CSUM)
    assert server("tunnel_type = ipip", inherited).tunnel == PLAIN_TUNNEL
    assert server("forwarding = nat", inherited).tunnel == PLAIN_TUNNEL


def test_the_sorry_server_is_reached_through_the_same_kind_of_tunnel() -> None:
    sorry = virtual("sorry_server = 10.0.0.9\nsorry_forwarding = tunnel\ntunnel_type = gre").sorry_server
    assert sorry is not None
    assert sorry.tunnel == Tunnel(type=TunnelType.GRE)


@pytest.mark.parametrize(
    "line",
    [
        "extra_address = 192.0.2.11",
        "ports = 80 81",
        "scheduler_flags = flag-3",
        "sorry_server = 10.0.0.9\nsorry_forwarding = direct",
        "protocol = udp\none_packet = 1",
        "forwarding = tunnel\ntunnel_type = gue",
    ],
)
def test_each_of_them_is_part_of_the_meaning_of_a_file(line: str) -> None:
    lines = line.split("\n")
    assert meaning(config(SERVED % line)) != meaning(config(SERVED % "\n".join(lines[:-1])))


def test_ports_that_make_too_many_services_are_counted_not_made() -> None:
    text = "".join(SERVED.replace("web", f"w{n}").replace("2.10", f"2.{n}") % "ports = 1-65535" for n in range(1, 200))
    found = load(text.encode(), "lvs.cf").findings
    assert [(one.code, one.span.line) for one in found] == [("E060", 4)]
    assert len(virtual("fwmark = 7\nports = 1-65535").service_ports()) == 65535
