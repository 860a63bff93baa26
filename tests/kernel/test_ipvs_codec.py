"""IPVS messages: bytes that a 6.1 kernel sent, bytes that it takes, and hostile ones."""

import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.tables import changes, servers_of, service_keys, settings_of
from tests.properties import examples

from piranha.kernel import generic, ipvs, ipvs_answers, ipvs_reading, wire
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import Statistics, read_destination, read_service
from piranha.kernel.ipvs_numbers import Dest, Svc, Top
from piranha.kernel.wire import WireError, attribute, nested
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="golden bytes are those of a little-endian machine")

WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 443))
WWW6 = ServiceKey(AddressMatch(Protocol.TCP, IPv6Address("2001:db8::80"), 80))
MARK = ServiceKey(FirewallMark(0xFFFFFFFF))
SERVER = DestinationKey(IPv4Address("10.0.0.1"), 443)

# Answers of the kernel, without the counters that follow.
SERVICE_SH = (
    "010100005400010006000100020000000600020006000000"
    "14000300c000020a000000000000000000000000060004000 1bb0000"
    "0700060073680000 0c0007001b000000ffffffff 080008002c010000 08000900ffffff00"
).replace(" ", "")
SERVICE_V6 = (
    "0101000054000100060001000a00000006000200060000001400030020010db8000000000000000000000080"
    "0600040000500000 08000600776c6300 0c00070003000000ffffffff 0800080064000000 0800090040000000"
).replace(" ", "")
SERVICE_MARK = (
    "010100003800010006000100020000000800 0500ffffffff 070006006d680000 0c00070002000000ffffffff 0800080000000000"
    " 08000900ffffffff"
).replace(" ", "")
SERVER_GUE = (
    "050100007400 0200 140001000a000003000000000000000000000000 0600020000350000 0800030002000000 0800040001000000"
    " 05000d0001000000 06000e0017c00000 06000f0001000000 0800050000000000 0800060000000000 0800070003000000"
    " 0800080005000000 0800090007000000 06000b0002000000"
).replace(" ", "")


def sent(*wanted: Change) -> list[bytes]:
    return list(ipvs.change_requests(wanted))


def fix_length(text: str) -> bytes:
    """Set the length of the outer attribute, which the counters left out made longer."""
    raw = bytes.fromhex(text)
    return raw[:4] + (len(raw) - 4).to_bytes(2, "little") + raw[6:]


def test_a_service_of_the_kernel_is_read_with_flags_mask_and_persistence() -> None:
    entry = read_service(fix_length(SERVICE_SH))

    assert entry.key == WWW
    assert entry.settings == ServiceSettings(
        scheduler="sh", scheduler_flags=3, persistence_s=300, persistence_mask=0xFFFFFF00
    )


def test_an_ipv6_mask_is_a_prefix_length() -> None:
    entry = read_service(fix_length(SERVICE_V6))

    assert entry.key == WWW6
    assert entry.settings == ServiceSettings(scheduler="wlc", persistence_s=100, persistence_mask=64)


def test_a_service_by_firewall_mark_has_no_address() -> None:
    entry = read_service(fix_length(SERVICE_MARK))

    assert entry.key == MARK
    assert entry.settings == ServiceSettings(scheduler="mh")


def test_a_server_of_the_kernel_is_read_with_tunnel_and_connections() -> None:
    entry = read_destination(fix_length(SERVER_GUE), Family.IPV6)

    assert entry.key == DestinationKey(IPv4Address("10.0.0.3"), 53)
    tunnel = Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.CSUM)
    assert entry.destination == Destination(forwarding=ForwardingMethod.TUNNEL, tunnel=tunnel)
    assert (entry.active, entry.inactive, entry.persistent) == (3, 5, 7)


def test_a_kernel_that_names_no_family_of_a_server_means_that_of_the_service() -> None:
    old = fix_length(SERVER_GUE[: -len("06000b0002000000")])

    assert read_destination(old, Family.IPV4).key.address == IPv4Address("10.0.0.3")


def test_a_place_that_is_known_is_read_no_other_way_when_its_bytes_are_cut_elsewhere() -> None:
    address, port = bytes([10, 0, 0, 9, *bytes(12)]), bytes([0, 80])
    settings = needed_settings()
    known = server_of(attribute(Dest.ADDR, address) + attribute(Dest.PORT, port) + settings)
    cut = server_of(attribute(Dest.ADDR, address[:-2]) + attribute(Dest.PORT, address[-2:] + port) + settings)

    assert read_destination(known, Family.IPV4).key == DestinationKey(IPv4Address("10.0.0.9"), 80)
    with pytest.raises(WireError, match="a port of 4 bytes"):
        read_destination(cut, Family.IPV4)


def needed_settings() -> bytes:
    """The settings without which a server cannot be read."""
    return b"".join(wire.u32(kind, 1) for kind in (Dest.FWD_METHOD, Dest.WEIGHT))


def server_of(members: bytes) -> bytes:
    """An answer with one server."""
    return generic.command(0, 1, nested(Top.DEST, members))


def test_a_new_server_is_sent_as_the_kernel_reads_it() -> None:
    (request,) = sent(AddDestination(WWW, SERVER, Destination(forwarding=ForwardingMethod.NAT, weight=5)))

    assert request.hex() == (
        "05010000"
        "30000180" "0600010002000000" "0600020006000000" "14000300c000020a000000000000000000000000" "0600040001bb0000"
        "48000280" "06000b0002000000" "140001000a000001000000000000000000000000" "0600020001bb0000"
        "0800030000000000" "0800040005000000" "0800050000000000" "0800060000000000"
    )  # fmt: skip


@given(data=st.data(), key=service_keys)
@examples(60)
def test_what_is_asked_for_reads_back_as_the_kernel_would_answer(data: st.DataObject, key: ServiceKey) -> None:
    wanted = data.draw(settings_of(key))
    server, destination = data.draw(servers_of(key))
    add, edit, add_server, edit_server = sent(
        AddService(key, wanted),
        EditService(key, wanted),
        AddDestination(key, server, destination),
        EditDestination(key, server, destination),
    )

    for request in (add, edit):
        entry = read_service(request)
        assert (entry.key, entry.settings) == (key, wanted)
    for request in (add_server, edit_server):
        read = read_destination(request, key.family)
        assert (read.key, read.destination) == (server, destination)


@given(key=service_keys, change=changes())
@examples(30)
def test_removals_name_their_target_and_nothing_more(key: ServiceKey, change: Change) -> None:
    server = DestinationKey(IPv4Address("10.0.0.1"), 80)
    _, gone, gone_server = sent(change, RemoveService(key), RemoveDestination(key, server))

    assert set(generic.body(gone)) == {Top.SERVICE}
    assert Svc.SCHED_NAME not in wire.attributes(generic.body(gone)[Top.SERVICE])
    assert set(wire.attributes(generic.body(gone_server)[Top.DEST])) == {Dest.ADDR_FAMILY, Dest.ADDR, Dest.PORT}


def test_wide_counters_are_preferred_and_narrow_ones_will_do() -> None:
    narrow = nested(Svc.STATS, wire.u32(1, 11), attribute(4, (22).to_bytes(8, "little")), wire.u32(6, 33))
    wide = nested(Svc.STATS64, *(attribute(kind, (2**40 + kind).to_bytes(8, "little")) for kind in range(1, 11)))
    identity = wire.attributes(bytes.fromhex(SERVICE_SH)[8:])

    def statistics(*blocks: bytes) -> Statistics:
        members = b"".join(attribute(kind, payload) for kind, payload in identity.items())
        return read_service(bytes(4) + attribute(Top.SERVICE, members + b"".join(blocks))).statistics()

    assert statistics(narrow) == Statistics(connections=11, bytes_in=22, connections_per_s=33)
    assert statistics(narrow, wide).bytes_out_per_s == 2**40 + 10
    assert statistics() == Statistics()


def test_version_and_timeouts_of_the_kernel_are_read() -> None:
    info = ipvs_reading.read_info(bytes.fromhex("0e01000008000100010201000800020000100000"))
    timeouts = ipvs_answers.read_timeouts(bytes.fromhex("0c01000008000400840300000800050078000000080006002c010000"))

    assert info == ipvs_reading.KernelInfo((1, 2, 1), 4096)
    assert timeouts == Timeouts(900, 120, 300)
    assert ipvs_answers.read_timeouts(ipvs.set_timeouts(Timeouts(1, 2, 3))) == Timeouts(1, 2, 3)


@pytest.mark.parametrize(
    "daemon",
    [
        SyncDaemon(sender=True, interface="eth0"),
        SyncDaemon(
            sender=False,
            interface="eth1",
            sync_id=255,
            max_length=1400,
            group=IPv4Address("224.0.0.82"),
            port=9000,
            ttl=2,
        ),
        SyncDaemon(sender=False, interface="eth1", group=IPv6Address("ff02::81")),
    ],
)
def test_a_sync_daemon_reads_back_as_it_was_started(daemon: SyncDaemon) -> None:
    assert ipvs_answers.read_daemon(ipvs.start_daemon(daemon)) == daemon


def test_the_port_of_a_sync_daemon_is_in_host_order() -> None:
    request = ipvs.start_daemon(SyncDaemon(sender=True, interface="eth0", port=8848))

    assert wire.attributes(generic.body(request)[Top.DAEMON])[7] == (8848).to_bytes(2, sys.byteorder)


READERS: list[Callable[[bytes], object]] = [
    lambda payload: read_service(payload).statistics(),
    lambda payload: read_destination(payload, Family.IPV4).statistics(),
    ipvs_reading.read_info,
    ipvs_answers.read_timeouts,
    ipvs_answers.read_daemon,
    generic.family_answer,
]


def test_a_nest_ten_thousand_deep_is_one_error() -> None:
    payload = b""
    for _ in range(10_000):
        payload = nested(Top.SERVICE, payload) if len(payload) < 0xFFF0 else payload

    for read in (read_service, ipvs_answers.read_daemon):
        with pytest.raises(WireError):
            read(bytes(4) + payload)


def test_a_message_full_of_empty_attributes_is_read_in_one_go() -> None:
    crowd = attribute(Svc.STATS, b"") * 16_000
    whole = fix_length(SERVICE_SH)
    body = whole[8:] + crowd

    assert read_service(whole[:4] + attribute(Top.SERVICE, body[:0xFFF0])).key == WWW


@given(payload=st.binary(max_size=120))
@examples(100)
def test_arbitrary_bytes_raise_nothing_but_wire_errors(payload: bytes) -> None:
    for read in READERS:
        with suppress(WireError):
            read(payload)


@given(data=st.data())
@examples(150)
def test_damaged_answers_raise_nothing_but_wire_errors(data: st.DataObject) -> None:
    whole = [fix_length(text) for text in (SERVICE_SH, SERVICE_V6, SERVICE_MARK, SERVER_GUE)]
    whole.append(ipvs.start_daemon(SyncDaemon(sender=True, interface="eth0", group=IPv6Address("ff02::81"))))
    damaged = bytearray(data.draw(st.sampled_from(whole)))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for payload in (bytes(damaged), cut, cut + cut):
        for read in READERS:
            with suppress(WireError):
                read(payload)
