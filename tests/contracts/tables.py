"""Random tables and changes for properties (hypothesis strategies).

Few addresses, so that two tables share services and servers; all settings, so that every field is compared.
"""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

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

V4 = [IPv4Address(text) for text in ("192.0.2.10", "198.51.100.200")]
V6 = [IPv6Address("2001:db8::80")]

# Only what the kernel takes: the codec has no say in what is sensible.
_MASKS = {Family.IPV4: [None, 0xFFFFFF00, 0x80000000], Family.IPV6: [None, 64, 1]}

service_keys = st.one_of(
    st.builds(AddressMatch, st.sampled_from(Protocol), st.sampled_from([*V4, *V6]), st.sampled_from([0, 80, 65535])),
    st.builds(FirewallMark, st.sampled_from([1, 0xFFFFFFFF]), st.sampled_from(Family)),
).map(ServiceKey)

tunnels = st.one_of(
    st.just(Tunnel()),
    st.builds(
        Tunnel,
        type=st.just(TunnelType.GUE),
        port=st.sampled_from([1, 6080, 65535]),
        checksum=st.sampled_from(TunnelChecksum),
    ),
    st.builds(
        Tunnel, type=st.just(TunnelType.GRE), checksum=st.sampled_from([TunnelChecksum.NONE, TunnelChecksum.CSUM])
    ),
)


@st.composite
def settings_of(draw: st.DrawFn, key: ServiceKey) -> ServiceSettings:
    persistent = isinstance(key.match, AddressMatch) and key.match.port == 0
    return ServiceSettings(
        scheduler=draw(st.sampled_from(["rr", "wrr", "wlc", "sh", "mh"])),
        scheduler_flags=draw(st.integers(0, 7)),
        persistence_s=draw(st.sampled_from([1, 360] if persistent else [0, 1, 2678400])),
        persistence_mask=draw(st.sampled_from(_MASKS[key.family])),
        persistence_engine=draw(st.sampled_from(["", "sip"])),
        one_packet=draw(st.booleans()),
    )


@st.composite
def servers_of(draw: st.DrawFn, key: ServiceKey) -> tuple[DestinationKey, Destination]:
    method = draw(st.sampled_from(ForwardingMethod))
    family = draw(st.sampled_from(Family)) if method is ForwardingMethod.TUNNEL else key.family
    addresses = ["10.0.0.1", "10.0.0.2"] if family is Family.IPV4 else ["2001:db8:1::1", "2001:db8:1::2"]
    text = draw(st.sampled_from(addresses))
    address = IPv4Address(text) if family is Family.IPV4 else IPv6Address(text)
    upper = draw(st.sampled_from([0, 10, 2**31 - 1]))
    destination = Destination(
        forwarding=method,
        weight=draw(st.sampled_from([0, 0, 1, 7, 65535])),
        upper_threshold=upper,
        lower_threshold=draw(st.sampled_from([0, upper])),
        tunnel=draw(tunnels) if method is ForwardingMethod.TUNNEL else Tunnel(),
    )
    return DestinationKey(address, draw(st.sampled_from([0, 80, 65535]))), destination


@st.composite
def tables(draw: st.DrawFn) -> Table:
    keys = draw(st.lists(service_keys, max_size=4, unique=True))
    return {key: Service(draw(settings_of(key)), dict(draw(st.lists(servers_of(key), max_size=5)))) for key in keys}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Any change of the few services and servers there are, sensible or not."""
    key = draw(service_keys)
    server, destination = draw(servers_of(key))
    kind = draw(
        st.sampled_from([AddService, EditService, RemoveService, AddDestination, EditDestination, RemoveDestination])
    )
    if kind is RemoveService:
        return RemoveService(key)
    if kind is RemoveDestination:
        return RemoveDestination(key, server)
    if kind in (AddDestination, EditDestination):
        make = AddDestination if kind is AddDestination else EditDestination
        return make(key, server, destination)
    change = AddService if kind is AddService else EditService
    return change(key, draw(settings_of(key)))
