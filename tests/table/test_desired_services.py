"""The services of one virtual server: VIPs, ports, marks, and where each has its real servers."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import DIRECT, NAT, config, server
from tests.properties import examples
from tests.table.test_desired import TUNNEL, UP, at, virtual

from piranha.lvscf.config import FloatingAddress, PortRange, SorryServer, Virtual
from piranha.table.desired import ServerVerdict, desired, place, servers_of, service_keys
from piranha.table.service import FirewallMark, ServiceKey
from piranha.terms import ForwardingMethod, Protocol, Tunnel, TunnelType

VIP2 = FloatingAddress(address=ip_address("192.0.2.11"), prefix=32)
TCP, UDP = Protocol.TCP, Protocol.UDP
WEB_UP = {("www", "web1"): UP}


def test_there_is_a_service_for_each_vip_protocol_and_port() -> None:
    www = virtual(extra_vips=(VIP2,), ports=(PortRange(80, 81),), protocols=(UDP, TCP))
    assert [str(key) for key in service_keys(www)] == [
        f"{protocol} {vip}:{port}"
        for vip in ("192.0.2.10", "192.0.2.11")
        for protocol in ("udp", "tcp")
        for port in (80, 81)
    ]


def test_with_ports_a_real_server_is_sent_the_port_of_each_service() -> None:
    www = config(virtual(server("web1", 1), ports=(PortRange(80, 80), PortRange(443, 443))))
    table = desired(www, WEB_UP, {}, ())
    assert {key.match.port: list(one.destinations) for key, one in table.items() if hasattr(key.match, "port")} == {
        80: [at(1, 80)],
        443: [at(1, 443)],
    }


def test_a_mark_of_many_ports_is_one_service_whose_servers_are_sent_the_port_of_the_client() -> None:
    www = config(
        virtual(server("web1", 1), server("web2", 2, forwarding=DIRECT), ports=(PortRange(80, 443),), fwmark=7)
    )
    table = desired(www, {**WEB_UP, ("www", "web2"): UP}, {}, ())
    assert list(table) == [ServiceKey(FirewallMark(7))]
    assert list(next(iter(table.values())).destinations) == [at(1, 0), at(2, 0)]


def test_a_mark_with_extra_addresses_is_still_one_service() -> None:
    assert service_keys(virtual(fwmark=7, extra_vips=(VIP2,))) == (ServiceKey(FirewallMark(7)),)


def test_the_sorry_server_of_many_ports_is_sent_each_of_them_or_the_one_it_has() -> None:
    for own, expected in ((0, [80, 443]), (8080, [8080, 8080])):
        sorry = SorryServer(address=ip_address("10.0.0.9"), port=own, forwarding=NAT)
        www = virtual(server("web1", 1), ports=(PortRange(80, 80), PortRange(443, 443)), sorry_server=sorry)
        table = desired(config(www), {("www", "web1"): ServerVerdict.DOWN}, {}, ())
        assert [where.port for one in table.values() for where in one.destinations] == expected


def test_tunnels_reach_the_table_of_server_and_sorry_server() -> None:
    gue = Tunnel(type=TunnelType.GUE, port=6080)
    sorry = SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=TUNNEL, tunnel=Tunnel(type=TunnelType.GRE))
    www = config(virtual(server("web1", 1, forwarding=TUNNEL, tunnel=gue), sorry_server=sorry))
    (up,) = desired(www, WEB_UP, {}, ()).values()
    assert up.destinations[at(1)].tunnel == gue
    (down,) = desired(www, {("www", "web1"): ServerVerdict.DOWN}, {}, ()).values()
    assert down.destinations[at(9)].tunnel == sorry.tunnel


def test_what_is_about_datagrams_is_asked_of_udp_and_of_marks_only() -> None:
    settings_of = {"one_packet": True, "persistence_engine": "sip", "persistence_s": 60}
    table = desired(config(virtual(protocols=(UDP, TCP), **settings_of)), {}, {}, ())
    udp, tcp = (service.settings for service in table.values())
    assert (udp.one_packet, udp.persistence_engine) == (True, "sip")
    assert (tcp.one_packet, tcp.persistence_engine) == (False, "")
    (mark,) = desired(config(virtual(fwmark=7, **settings_of)), {}, {}, ()).values()
    assert (mark.settings.one_packet, mark.settings.persistence_engine) == (True, "sip")


def test_flags_of_the_scheduler_reach_the_table() -> None:
    (service,) = desired(config(virtual(scheduler_flags=3)), {}, {}, ()).values()
    assert service.settings.scheduler_flags == 3


ranges = st.builds(lambda first, more: PortRange(first, first + more), st.integers(1, 90), st.integers(0, 5))
virtuals_drawn = st.builds(
    lambda servers, ports, extra, protocols, mark: virtual(
        *servers, ports=tuple(ports), extra_vips=extra, protocols=protocols, fwmark=mark
    ),
    st.lists(
        st.builds(
            lambda host, forwarding: server(f"s{host}", host, forwarding=forwarding),
            st.integers(1, 4),
            st.sampled_from(list(ForwardingMethod)[:3]),
        ),
        max_size=3,
        unique_by=lambda one: one.name,
    ),
    st.lists(ranges, max_size=3),
    st.sampled_from([(), (VIP2,)]),
    st.sampled_from([(TCP,), (UDP, TCP)]),
    st.sampled_from([0, 7]),
)


@examples(60)
@given(virtuals_drawn)
def test_every_service_has_every_server_once_and_packets_keep_their_port_unless_nat_changes_it(www: Virtual) -> None:
    keys = service_keys(www)
    assert len(set(keys)) == len(keys)
    for key in keys:
        servers = servers_of(key, www)
        assert sorted(one.name for one in servers.values()) == sorted(one.name for one in www.servers)
        for where, one in servers.items():
            assert where == place(key, www, one)
            port = getattr(key.match, "port", 0 if www.ports else www.port)
            assert where.port == port or (one.forwarding is NAT and not www.ports and where.port == one.port)
