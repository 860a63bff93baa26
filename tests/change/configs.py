"""Files and tables for tests of changes: a small pair of routers, and random ones (hypothesis strategies)."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from hypothesis import strategies as st

from piranha.forwarding.plane import Counters, ServerStatistics, ServiceStatistics
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvscf.config import Config, FloatingAddress, PortRange, Quota, RealServer, Router, SorryServer, Virtual
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs
from piranha.table.desired import ServerVerdict, Verdicts, desired
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol, Scheduler

NAT, DIRECT = ForwardingMethod.NAT, ForwardingMethod.DIRECT
TIMING = CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2)
FOREIGN = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.99"), 25))


def server(name: str, host: int, **settings: Any) -> RealServer:
    base = RealServer(
        name=name,
        address=ip_address(f"10.0.0.{host}"),
        port=80,
        forwarding=NAT,
        check=Exchange(),
        timing=TIMING,
        active=True,
    )
    return replace(base, **settings)


def virtual(name: str, vip: int, *servers: RealServer, **settings: Any) -> Virtual:
    address = FloatingAddress(address=ip_address(f"192.0.2.{vip}"), prefix=32)
    base = Virtual(name=name, active=True, vip=address, port=80, protocols=(Protocol.TCP,), servers=servers)
    return replace(base, **settings)


def config(*virtuals: Virtual, **settings: Any) -> Config:
    base = Config(primary=Router(public=ip_address("192.0.2.2")), virtuals=virtuals)
    return replace(base, **settings)


def all_up(of: Config) -> Verdicts:
    return {(one.name, each.name): ServerVerdict.UP for one in of.active_virtuals() for each in one.servers}


def table_of(of: Config, verdicts: Verdicts | None = None) -> Table:
    return desired(of, all_up(of) if verdicts is None else verdicts, {}, ())


def busy(table: Table, **connections: int) -> Mapping[ServiceKey, ServiceStatistics]:
    """Connections by host, `h1=40`; a third of them are inactive."""
    return {
        key: ServiceStatistics(
            counters=Counters(),
            servers={where: _numbers(connections.get(f"h{str(where.address).split('.')[-1]}", 0)) for where in servers},
        )
        for key, servers in ((key, service.destinations) for key, service in table.items())
    }


def _numbers(connections: int) -> ServerStatistics:
    return ServerStatistics(counters=Counters(), active=connections - connections // 3, inactive=connections // 3)


servers_drawn = st.builds(
    lambda host, name, weight, active, forwarding, port, check, upper, drain_s: server(
        name or f"s{host}",
        host,
        weight=weight,
        active=active,
        forwarding=forwarding,
        port=port,
        check=check,
        upper_threshold=upper,
        drain_time_s=drain_s,
    ),
    st.integers(1, 5),
    st.sampled_from(["", "", "", "x"]),
    st.integers(0, 2),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([NAT, NAT, DIRECT]),
    st.sampled_from([80, 80, 8080]),
    st.sampled_from([Exchange(), Exchange(send=b"hello")]),
    st.sampled_from([0, 0, 9]),
    st.sampled_from([300.0, 300.0, 0.0]),
)
virtuals_drawn = st.builds(
    lambda name, vip, servers, rest: virtual(name, vip, *servers, **rest),
    st.sampled_from(["a", "b", "c"]),
    st.integers(10, 12),
    st.lists(servers_drawn, max_size=4, unique_by=(lambda one: one.name, lambda one: one.address)),
    st.fixed_dictionaries(
        {},
        optional={
            "active": st.just(False),
            "port": st.just(8080),
            "protocols": st.just((Protocol.UDP, Protocol.TCP)),
            "ports": st.just((PortRange(80, 81), PortRange(8080, 8080))),
            "extra_vips": st.just((FloatingAddress(address=ip_address("192.0.2.20"), prefix=32),)),
            "scheduler_flags": st.just(1),
            "one_packet": st.just(True),
            "persistence_engine": st.just("sip"),
            "fwmark": st.sampled_from([1, 2]),
            "scheduler": st.sampled_from([Scheduler.RR, Scheduler.SED]),
            "persistence_s": st.just(300),
            "persistence_mask": st.just(0xFFFFFF00),
            "quiesce_server": st.just(True),
            "start_up": st.just(True),
            "keep_active": st.just(Quota(count=2)),
            "drain_time_s": st.sampled_from([0.0, 60.0]),
            "quorum": st.just(Quota(count=2)),
            "sorry_server": st.just(SorryServer(address=ip_address("10.0.0.9"), port=80, forwarding=NAT)),
        },
    ),
)
configs_drawn = st.builds(
    lambda virtuals: config(*virtuals),
    st.lists(virtuals_drawn, max_size=3, unique_by=(lambda one: one.name, lambda one: (one.vip, one.port, one.fwmark))),
)

_KEYS = [
    FOREIGN,
    *(ServiceKey(AddressMatch(Protocol.TCP, ip_address(f"192.0.2.{vip}"), 80)) for vip in (10, 11, 12)),
    ServiceKey(FirewallMark(1)),
]
pools_drawn = st.dictionaries(
    st.builds(lambda host, port: DestinationKey(ip_address(f"10.0.0.{host}"), port), st.integers(1, 9), st.just(80)),
    st.builds(Destination, forwarding=st.sampled_from([NAT, DIRECT]), weight=st.integers(0, 2)),
    max_size=4,
)
tables_drawn = st.dictionaries(
    st.sampled_from(_KEYS),
    st.builds(Service, st.builds(ServiceSettings, scheduler=st.sampled_from(["rr", "wlc"])), pools_drawn),
    max_size=4,
)
beliefs_drawn = st.builds(
    Beliefs,
    servers=st.dictionaries(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["s1", "s2", "s3", "s4", "s5", "x"])),
        st.sampled_from(Health).map(Belief),
    ),
)
