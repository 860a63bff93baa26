"""`piranha check` and the daemons agree: no daemon refuses, for what stands in the file, a file that passed.

Each keyword that this version acts on is set to values at and beyond its limits. A file that is
accepted then goes the way of `pulse`, `lvsd` and the nannies, on a machine that has all it asks for.
"""

import json
from collections.abc import Iterator

import pytest

from piranha.forwarding.userspace.balancer import Balancer
from piranha.kernel.ipvs import change_requests
from piranha.kernel.route import InterfaceAddress, Link
from piranha.lvscf import directives
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvscf.directives import Directive, Scope, Status, Type
from piranha.lvscf.load import load
from piranha.lvsd.pool import Pool
from piranha.lvsd.reconcile import Reconciler
from piranha.nanny.placement import Placement
from piranha.nanny.protocol import MAX_LINE, Assign, batches, read_downward, to_object
from piranha.pulse.actions import SendHeartbeat
from piranha.pulse.election import Election
from piranha.pulse.endpoint import path_ends
from piranha.pulse.heartbeat import Place
from piranha.pulse.keys import KeyRing
from piranha.pulse.placement import device_for, node_of, own_addresses
from piranha.pulse.reading import keys_for
from piranha.pulse.session import Session
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.startup import router_of
from piranha.table.desired import ServerVerdict

TOP = """primary = 192.0.2.2
primary_private = 10.0.0.2
backup = 192.0.2.3
backup_private = 10.0.0.3
backup_active = 1
heartbeat_auth = none
heartbeat_path = 172.31.0.2 172.31.0.3 cable
nat_router = 10.0.0.1 private
"""
VIRTUAL = "virtual web {\nactive = 1\naddress = 192.0.2.10 eth0\nport = 8080\n"
SERVER = "server a {\nactive = 1\naddress = 10.0.0.21\n"
END = "}\nserver b { active = 1; address = 10.0.0.22 }\n}\n"
PULSE_DOES_NOT_START = {"W010", "W036"}  # say so in these words; lvsd alone can use the file
PLANE_REFUSES = "W046"

NUMBERS = "0 1 -1 31 255 256 65535 65536 2147483647 4294967295 99999999999999999999"
TIMES = "0 0.001 0.1 1.5 500ms 1h 24h 99999h"
HOSTS = "0.0.0.0 :: 0.0.0.7 127.0.0.1 224.0.0.1 255.255.255.255 ::1 fe80::1 ff02::1 2001:db8::7 10.1"
HOSTS += " 192.0.2.2 192.0.2.3 10.0.0.2 10.0.0.3 192.0.2.10"
WORDS = ('""', '"\'"', '" "', '"/bin/probe \'%h"', '"*"', '"("', '"a{1,99999}"', "a/b", "/tmp", "\udcff", "\x1b[31m")
TEXTS = (*WORDS, "\u202e", "x" * 4096, "x" * 50_000, '"' + "\u00fc" * 4000 + '"')
VALUES: dict[Type, tuple[str, ...]] = {
    Type.BOOL: ("0", "1", "2"),
    Type.INT: tuple(NUMBERS.split()),
    Type.PORT: (*NUMBERS.split(), "http"),
    Type.DURATION: (*NUMBERS.split(), *TIMES.split()),
    Type.ADDRESS: tuple(HOSTS.split()),
    Type.HOSTPORT: (*HOSTS.split(), "10.9.9.9 0", "10.9.9.9 65536", "10.9.9.9 7"),
    Type.FLOATING: (*HOSTS.split(), *(f"{host}/24 private" for host in HOSTS.split()), "192.0.2.10 eth7:1"),
    Type.HEARTBEAT_PATH: (
        *(f"{host} {host}" for host in HOSTS.split()),
        "172.31.1.2 172.31.1.3",
        "172.31.1.2 172.31.1.3 public",
        "172.31.1.2 10.0.0.2",
        "172.31.1.2 172.31.1.3 \udcff",
        "172.31.1.2 172.31.1.3 \x1b[31m",
    ),
    Type.NETMASK: ("0.0.0.0", "/0", "/8", "/32", "/64", "255.0.255.0", "255.255.255.255"),
    Type.PERSISTENCE_MASK: ("0.0.0.0", "/0", "/8", "/32", "/64", "255.0.255.0", "255.255.255.255"),
    Type.CHOICES: ("tcp", "udp", "sctp", "udp tcp", "fallback", "port", "flag-1 flag-2 flag-3", "flag-3"),
    Type.PORTS: ("80", "1-3 http 80", "0", "65535-65536", "1-65535", "9-8", "a-b", "80-"),
}


def variants(directive: Directive) -> Iterator[str]:
    """Files with one setting of `directive` more, in each of its places."""
    for value in VALUES.get(directive.type, directive.choices or TEXTS):
        line = f"{directive.name} = {value}\n"
        if Scope.GLOBAL in directive.scopes:
            yield TOP + line + VIRTUAL + SERVER + END
        if Scope.VIRTUAL in directive.scopes:
            yield TOP + VIRTUAL + line + SERVER + END
        if Scope.SERVER in directive.scopes:
            yield TOP + VIRTUAL + SERVER + line + END


def start_pulse(config: Config, place: Place) -> None:
    """What `pulse` does with the file, on a machine that has its addresses and devices."""
    router = router_of(config, place)
    assert node_of(config, own_addresses(router)) == place
    named = {vip.device for vip in config.floating_addresses()} - {None, "public", "private"}
    names = ["p0", "p1", *sorted(map(str, named))]
    links = [Link(index=n, name=name, mac=bytes(6), up=True, carrier=True) for n, name in enumerate(names, 1)]
    carried = [(number, own) for number, own in enumerate((router.public, router.private), 1) if own is not None]
    addresses = [InterfaceAddress(index=n, address=own, prefix=24) for n, own in carried]
    for vip in config.floating_addresses():
        if vip.address not in own_addresses(router):
            device_for(vip, router, links, addresses)
    keys_for(config)
    ends = path_ends(config, place) if config.backup_active else ()
    addresses_to_bind = [end.own for end in ends]
    assert len(addresses_to_bind) == len(set(addresses_to_bind))
    election = Election(ElectionSettings.of(config, place, 1), Start(now=0.0, machine_booted=True, term=0))
    session = Session(place=place, cluster=config.cluster, keys=KeyRing(), auth=config.heartbeat.auth, fresh=bytes)
    for end in ends:
        assert not (end.own.is_multicast or end.own.is_unspecified or (end.own.version == 6 and end.own.is_link_local))
    said = [action for action in election.tick(0.0) if isinstance(action, SendHeartbeat)]
    assert bool(said) is bool(ends)
    assert all(session.write(end.name, action.heartbeat) for end in ends for action in said)


def start_lvsd(config: Config, *, plane_warned: bool) -> None:
    """What `lvsd` and the nannies do with the file, with every server up."""
    pools = [Pool(virtual, set(), 0.0) for virtual in config.active_virtuals()]
    up = {key: ServerVerdict.UP for pool in pools for key in pool.verdicts(0.0)}
    plan = Reconciler().prepare(config, up, {}, frozenset())
    assert plan.changes
    assert list(change_requests(plan.changes))
    if config.lvsd.plane is PlaneKind.USERSPACE:
        refusals, _ = Balancer().apply(plan.changes)
        assert plane_warned or not refusals
    placement = Placement(config.lvsd.nanny_processes, config.lvsd.script_limit)
    assignments = [one for pool in pools for one in pool.assignments()]
    assert len({placement.place(one) for one in assignments}) <= config.lvsd.nanny_processes
    for batch in batches(assignments * 40):
        line = json.dumps(to_object(Assign(batch)))
        assert len(line) < MAX_LINE
        assert read_downward(json.loads(line)) == Assign(batch)


@pytest.mark.slow
@pytest.mark.parametrize(
    "directive", [d for d in directives.ALL if d.status is Status.ACTED_ON], ids=lambda directive: directive.name
)
def test_what_check_accepts_no_daemon_refuses_for_what_stands_in_it(directive: Directive) -> None:
    for text in variants(directive):
        loaded = load(text.encode("utf-8", "surrogateescape"), "lvs.cf")
        loaded.render()
        if loaded.config is None:
            continue
        codes = {finding.code for finding in loaded.findings}
        start_lvsd(loaded.config, plane_warned=PLANE_REFUSES in codes)
        if not codes & PULSE_DOES_NOT_START:
            start_pulse(loaded.config, Place.PRIMARY)
            if loaded.config.backup_active:
                start_pulse(loaded.config, Place.BACKUP)


@pytest.mark.parametrize("virtual", ["", VIRTUAL.replace("active = 1", "active = 0", 1) + SERVER + END])
def test_a_file_that_serves_nothing_is_refused_by_all_of_them(virtual: str) -> None:
    loaded = load((TOP + virtual).encode(), "lvs.cf")
    assert loaded.config is None
    assert [finding.code for finding in loaded.errors] == ["E046"]
