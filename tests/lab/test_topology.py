"""The lab's topology and the lvs.cf made for it, as values."""

from piranha.lab.topology import (
    BACKUP,
    CLIENT,
    NAT_ROUTER,
    PRIMARY,
    VIP,
    VIP6,
    Bridge,
    ClusterFile,
    VirtualFile,
    direct_cluster,
    lvs_cf,
    nat_cluster,
)


def test_no_two_machines_share_an_address() -> None:
    for topology in (nat_cluster(), direct_cluster()):
        addresses = [
            interface.ip for machine in topology.machines for leg in machine.legs for interface in leg.addresses
        ]
        assert len(addresses) == len(set(addresses))
        assert VIP not in addresses
        assert NAT_ROUTER not in addresses


def test_behind_nat_real_servers_answer_through_the_floating_gateway() -> None:
    topology = nat_cluster(2)
    for name in topology.servers:
        machine = topology.machine(name)
        assert machine.gateways == (NAT_ROUTER,)
        assert [leg.bridge for leg in machine.legs] == [Bridge.PRIVATE]


def test_under_direct_routing_real_servers_hold_the_vips_beside_the_client() -> None:
    topology = direct_cluster(2)
    for name in topology.servers:
        assert topology.machine(name).on_loopback == (VIP, VIP6)
    client = topology.machine(CLIENT).leg(Bridge.PUBLIC).addresses[0]
    assert all(topology.server_address(name) in client.network for name in topology.servers)


def test_the_file_names_both_routers_their_key_and_every_server() -> None:
    text = lvs_cf(nat_cluster(2), ClusterFile(key_file="/run/key", keepalive_s=0.5, deadtime_s=1.5))
    lines = [line.strip() for line in text.splitlines()]
    for line in (
        "primary = 192.0.2.2",
        "backup = 192.0.2.3",
        "primary_private = 10.11.12.2",
        "backup_private = 10.11.12.3",
        "heartbeat_key_file = /run/key",
        "keepalive = 0.5",
        "deadtime = 1.5",
        "nat_router = 10.11.12.1 private",
        "address = 192.0.2.10 public",
        "address = 10.11.12.21",
        "address = 10.11.12.22",
    ):
        assert line in lines


def test_a_lone_router_has_no_partner_in_its_file() -> None:
    assert "backup" not in lvs_cf(nat_cluster(), ClusterFile(pair=False))


def test_an_ipv6_virtual_has_ipv6_servers() -> None:
    text = lvs_cf(direct_cluster(1), ClusterFile(virtuals=(VirtualFile(name="web6", vip=VIP6),)))
    assert "address = 2001:db8:1::10 public" in text
    assert "address = 2001:db8:1::31" in text


def test_ports_of_the_bridges_fit_into_a_device_name() -> None:
    topology = nat_cluster(99)
    for machine in topology.machines:
        for leg in machine.legs:
            assert len(topology.port_of(machine.name, leg.bridge)) <= 15


def test_routers_are_called_as_in_the_manual() -> None:
    assert (PRIMARY, BACKUP) == ("lvs1", "lvs2")
