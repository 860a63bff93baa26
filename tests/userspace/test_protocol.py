"""What goes over the control socket comes out the same."""

import json
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.forwarding.plane import Counters, Refusal, ServerStatistics, ServiceStatistics
from piranha.forwarding.userspace import protocol
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
from piranha.table.table import Service, Table
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

addresses = st.ip_addresses()
ports = st.integers(0, 65535)
keys = st.builds(
    ServiceKey,
    st.builds(AddressMatch, st.sampled_from(Protocol), addresses, ports)
    | st.builds(FirewallMark, st.integers(1, 2**32 - 1), st.sampled_from(Family)),
)
service_settings = st.builds(ServiceSettings)
servers = st.builds(DestinationKey, addresses, ports)
tunnels = st.builds(Tunnel, type=st.sampled_from(TunnelType), port=ports, checksum=st.sampled_from(TunnelChecksum))
destinations = st.builds(
    Destination, forwarding=st.sampled_from(ForwardingMethod), weight=st.integers(0, 65535), tunnel=tunnels
)
changes = (
    st.builds(AddService, keys, service_settings)
    | st.builds(EditService, keys, service_settings)
    | st.builds(RemoveService, keys)
    | st.builds(AddDestination, keys, servers, destinations)
    | st.builds(EditDestination, keys, servers, destinations)
    | st.builds(RemoveDestination, keys, servers)
)
tables = st.dictionaries(
    keys, st.builds(Service, service_settings, st.dictionaries(servers, destinations, max_size=3)), max_size=3
)


def through_json(data: object) -> Any:
    return json.loads(json.dumps(data))


@examples(50)
@given(changes)
def test_a_change_survives_the_way(change: Change) -> None:
    assert protocol.change_from(through_json(protocol.change_data(change))) == change


@examples(30)
@given(tables)
def test_a_table_survives_the_way(table: Table) -> None:
    assert protocol.table_from(through_json(protocol.table_data(table))) == table


def test_statistics_survive_the_way() -> None:
    key = ServiceKey(AddressMatch(Protocol.TCP, ip_address("::1"), 80))
    server = DestinationKey(ip_address("::1"), 8080)
    numbers = ServerStatistics(counters=Counters(connections=1, bytes_in=2), active=3, inactive=4, persistent=5)
    statistics = {key: ServiceStatistics(counters=Counters(packets_out=6), servers={server: numbers})}
    assert protocol.statistics_from(through_json(protocol.statistics_data(statistics))) == statistics


def test_a_refusal_names_its_change_by_index() -> None:
    key = ServiceKey(FirewallMark(1))
    batch: list[Change] = [RemoveService(key), AddService(key, ServiceSettings())]
    refusals = [Refusal(batch[1], 17, "exists")]
    assert protocol.refusals_from(protocol.refusals_data(refusals, batch), batch) == refusals
