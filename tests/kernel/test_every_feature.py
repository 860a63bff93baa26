"""Whatever IPVS can do goes through the real kernel: written, read back, and equal."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import product

import pytest

from piranha.forwarding.ipvs import IpvsPlane
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.socket import NetlinkError
from piranha.lab.namespaces import Namespace
from piranha.table.changes import EditDestination, EditService, RemoveService
from piranha.table.destination import Destination, DestinationKey
from piranha.table.diff import diff
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import Address, Family, ForwardingMethod, Protocol, Scheduler, Tunnel, TunnelChecksum, TunnelType

pytestmark = pytest.mark.kernel

VIPS: dict[Family, Address] = {Family.IPV4: IPv4Address("192.0.2.10"), Family.IPV6: IPv6Address("2001:db8::80")}
SERVERS: dict[Family, list[Address]] = {
    Family.IPV4: [IPv4Address(f"10.0.0.{number}") for number in range(1, 20)],
    Family.IPV6: [IPv6Address(f"2001:db8:1::{number:x}") for number in range(1, 20)],
}
PLAIN = Destination(forwarding=ForwardingMethod.NAT)
TUNNELS = [
    Tunnel(),
    *(Tunnel(type=TunnelType.GUE, port=6080, checksum=checksum) for checksum in TunnelChecksum),
    Tunnel(type=TunnelType.GRE),
    Tunnel(type=TunnelType.GRE, checksum=TunnelChecksum.CSUM),
]
BY_ADDRESS = [AddressMatch(protocol, vip, 5060) for protocol, vip in product(Protocol, VIPS.values())]
BY_MARK = [FirewallMark(0xFFFFFFFF, family) for family in Family]
KEYS = [*map(ServiceKey, BY_ADDRESS), *map(ServiceKey, BY_MARK)]
MASKS = {Family.IPV4: (None, 0xFFFFFF00, 0x80000000), Family.IPV6: (None, 1, 64, 127)}


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    made = Namespace.create("feature")
    try:
        for words in (
            "link set lo up",
            "link add sync type veth peer name other",
            "link set sync up",
            "link set other up",
            "address add 10.9.0.1/24 dev sync",
            "address add fe80::9/64 dev sync nodad",
        ):
            made.run(["ip", *words.split()])
        yield made
    finally:
        os.close(made.descriptor)


@pytest.fixture
def plane(namespace: Namespace) -> Iterator[IpvsPlane]:
    with namespace.entered():
        made = IpvsPlane()
        assert made.dump() == {}
    yield made
    made.apply([RemoveService(key) for key in made.dump()])
    made.close()


def written(plane: IpvsPlane, table: Table) -> None:
    """Write a table as new and then as an edit of a plain one; each time it reads back as it was written."""
    assert plane.apply(diff({}, table)) == []
    assert plane.dump() == table
    for key, service in table.items():
        own = [server for server in service.destinations if Family.of(server.address) is key.family]
        plain = [EditDestination(key, server, PLAIN) for server in own]
        assert plane.apply([EditService(key, ServiceSettings(scheduler="rr")), *plain]) == []
    assert plane.apply(diff(plane.dump(), table)) == []
    assert plane.dump() == table


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_scheduler_with_every_flag(plane: IpvsPlane, scheduler: Scheduler) -> None:
    table = {
        ServiceKey(FirewallMark(1 + flags)): Service(ServiceSettings(scheduler=scheduler, scheduler_flags=flags))
        for flags in range(8)
    }
    refusals = plane.apply(diff({}, table))
    if refusals and refusals[0].code == errno.ENOENT:
        assert refusals[0].reason == (
            f"scheduler {scheduler} is not available: module ip_vs_{scheduler} (CONFIG_IP_VS_{scheduler.upper()}) "
            "is missing (ENOENT)"
        )
        return  # Debian's kernels are built without twos
    assert (refusals, plane.dump()) == ([], table)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_kind_of_service_with_every_kind_of_persistence(plane: IpvsPlane, key: ServiceKey) -> None:
    for mask, engine, one_packet in product(MASKS[key.family], ("", "sip"), (False, True)):
        settings = ServiceSettings(
            scheduler="wlc",
            persistence_s=300,
            persistence_mask=mask,
            persistence_engine=engine,
            one_packet=one_packet,
        )
        written(plane, {key: Service(settings)})
        assert plane.apply([RemoveService(key)]) == []


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_way_to_forward_with_weights_and_thresholds(plane: IpvsPlane, key: ServiceKey) -> None:
    methods = [method for method in ForwardingMethod if method is not ForwardingMethod.TUNNEL]
    forms = [
        *(Destination(forwarding=method) for method in methods),
        *(Destination(forwarding=ForwardingMethod.TUNNEL, tunnel=tunnel) for tunnel in TUNNELS),
        *(replace(PLAIN, weight=weight) for weight in (0, 65535)),
        *(
            replace(PLAIN, upper_threshold=upper, lower_threshold=lower)
            for upper, lower in ((10, 0), (10, 10), (2**31, 5))
        ),
    ]
    pool = {DestinationKey(SERVERS[key.family][place], 80): form for place, form in enumerate(forms)}

    written(plane, {key: Service(ServiceSettings(scheduler="wrr"), pool)})


@pytest.mark.parametrize("family", Family)
def test_servers_of_the_other_family_by_every_tunnel(plane: IpvsPlane, family: Family) -> None:
    other = Family.IPV6 if family is Family.IPV4 else Family.IPV4
    forms = [Destination(forwarding=ForwardingMethod.TUNNEL, tunnel=tunnel) for tunnel in TUNNELS]
    pool = {DestinationKey(SERVERS[other][place], 80): form for place, form in enumerate(forms)}

    written(plane, {ServiceKey(AddressMatch(Protocol.TCP, VIPS[family], 80)): Service(ServiceSettings(), pool)})


def test_timeouts_one_by_one_and_together(namespace: Namespace) -> None:
    with namespace.entered(), IpvsSocket() as kernel:
        kernel.set_timeouts(Timeouts(1000, 200, 400))
        assert kernel.timeouts() == Timeouts(1000, 200, 400)
        kernel.set_timeouts(Timeouts(udp_s=500))
        assert kernel.timeouts() == Timeouts(1000, 200, 500)
        kernel.set_timeouts(Timeouts(900, 120, 300))


@pytest.mark.parametrize("sender", [True, False], ids=["master", "backup"])
@pytest.mark.parametrize("group", [IPv4Address("224.0.0.82"), IPv6Address("ff02::82")], ids=str)
def test_a_sync_daemon_with_every_attribute(
    namespace: Namespace, sender: bool, group: IPv4Address | IPv6Address
) -> None:
    wanted = SyncDaemon(sender=sender, interface="sync", sync_id=255, max_length=1400, group=group, port=9000, ttl=7)
    with namespace.entered(), IpvsSocket() as kernel:
        kernel.start_daemon(wanted)
        try:
            assert kernel.daemons() == [wanted]
        finally:
            kernel.stop_daemon(wanted)
        assert kernel.daemons() == []


def test_a_sync_daemon_that_has_not_run_yet_is_stopped_at_once(namespace: Namespace) -> None:
    receiver = SyncDaemon(sender=False, interface="sync")
    with namespace.entered(), IpvsSocket() as kernel:
        for _ in range(5):
            kernel.start_daemon(receiver)
            kernel.stop_daemon(receiver)  # the kernel itself answers nothing
        assert kernel.daemons() == []


def test_a_sync_daemon_that_does_not_run_cannot_be_stopped(namespace: Namespace) -> None:
    with namespace.entered(), IpvsSocket() as kernel, pytest.raises(NetlinkError, match="stop sync daemon: ESRCH"):
        kernel.stop_daemon(SyncDaemon(sender=True))
