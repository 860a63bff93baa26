"""The networks of the lab as a value: who has which leg, address and gateway, and the lvs.cf that fits.

Two bridges, two routers (`lvs1` primary, `lvs2` backup) with a leg in each, a client on the public
bridge, real servers behind the routers (NAT) or beside them (direct routing). Addresses are those
set aside for documentation (RFC 5737, RFC 3849) and, on the private side, 10.11.12.0/24.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_interface

from piranha.terms import Address, ForwardingMethod

Interface = IPv4Interface | IPv6Interface

CLIENT = "client"
PRIMARY = "lvs1"
BACKUP = "lvs2"
ROUTERS = (PRIMARY, BACKUP)

VIP = IPv4Address("192.0.2.10")
VIP6 = IPv6Address("2001:db8:1::10")
NAT_ROUTER = IPv4Address("10.11.12.1")


class Bridge(StrEnum):
    """The two networks; also the names of the bridges."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One cable: `device` inside the machine, its other end a port of `bridge`."""

    device: str
    bridge: Bridge
    addresses: tuple[Interface, ...]

    def address(self, version: int = 4) -> Address:
        """Return the first address of IP version 4 or 6. Raises ValueError if there is none."""
        for interface in self.addresses:
            if interface.version == version:
                return interface.ip
        raise ValueError(f"{self.device} has no IPv{version} address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One network namespace.

    gateways: default routes. on_loopback: VIPs held on `lo` and not answered for (direct routing).
    forwards: routes packets between its legs.
    """

    name: str
    legs: tuple[Leg, ...]
    gateways: tuple[Address, ...] = ()
    on_loopback: tuple[Address, ...] = ()
    forwards: bool = False

    def leg(self, bridge: Bridge) -> Leg:
        """Return the leg in `bridge`. Raises ValueError if there is none."""
        for leg in self.legs:
            if leg.bridge is bridge:
                return leg
        raise ValueError(f"{self.name} has no leg in the {bridge} network")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All machines of one lab and the method by which its routers reach the real servers."""

    forwarding: ForwardingMethod
    machines: tuple[Machine, ...]
    servers: tuple[str, ...]

    def machine(self, name: str) -> Machine:
        """Return the machine called `name`. Raises KeyError if there is none."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(name)

    def server_address(self, name: str, version: int = 4) -> Address:
        """Return the address under which the routers know real server `name`."""
        return self.machine(name).legs[0].address(version)

    def port_of(self, name: str, bridge: Bridge) -> str:
        """Return the name of the bridge port at the far end of a machine's cable."""
        return f"{name}-{bridge[:3]}"


def nat_cluster(servers: int = 3) -> Topology:
    """Return a lab in which real servers live on the private bridge and answer through `nat_router`."""
    return Topology(
        forwarding=ForwardingMethod.NAT,
        machines=(
            _client(),
            *_routers(),
            *(
                Machine(
                    name=f"rs{number}",
                    legs=(_leg("eth0", Bridge.PRIVATE, 20 + number),),
                    gateways=(NAT_ROUTER,),
                )
                for number in range(1, servers + 1)
            ),
        ),
        servers=tuple(f"rs{number}" for number in range(1, servers + 1)),
    )


def direct_cluster(servers: int = 3) -> Topology:
    """Return a lab in which real servers live on the public bridge, hold the VIPs on `lo` and answer by themselves."""
    return Topology(
        forwarding=ForwardingMethod.DIRECT,
        machines=(
            _client(),
            *_routers(),
            *(
                Machine(
                    name=f"rs{number}",
                    legs=(_leg("eth0", Bridge.PUBLIC, 30 + number),),
                    on_loopback=(VIP, VIP6),
                )
                for number in range(1, servers + 1)
            ),
        ),
        servers=tuple(f"rs{number}" for number in range(1, servers + 1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFile:
    """One `virtual` block of the lab's file. Times in seconds, as in lvs.cf(5). extra: whole lines of the block."""

    name: str = "web"
    vip: Address = VIP
    port: int = 80
    scheduler: str = "rr"
    timeout_s: float = 3
    reentry_s: float = 2
    quiesce: bool = False
    servers: tuple[str, ...] = ()  # () = all of the topology
    weights: tuple[int, ...] = ()  # () = 1 each
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFile:
    """What the lab varies in lvs.cf. Times in seconds; `extra` are whole lines of global scope.

    key_file None writes `heartbeat_auth = none`. pair False makes a lone router (`backup_active = 0`).
    """

    keepalive_s: float = 1
    deadtime_s: float = 4
    initdead_s: float = 4
    key_file: str | None = None
    pair: bool = True
    serial_no: int = 1
    virtuals: tuple[VirtualFile, ...] = field(default=(VirtualFile(),))
    extra: tuple[str, ...] = ()


def lvs_cf(topology: Topology, file: ClusterFile) -> str:
    """Return the text of an lvs.cf that describes both routers of `topology`."""
    primary, backup = (topology.machine(name) for name in ROUTERS)
    lines = [
        f"serial_no = {file.serial_no}",
        f"primary = {primary.leg(Bridge.PUBLIC).address()}",
        f"primary_private = {primary.leg(Bridge.PRIVATE).address()}",
        "service = lvs",
        f"network = {topology.forwarding}",
    ]
    if file.pair:
        lines += [
            "backup_active = 1",
            f"backup = {backup.leg(Bridge.PUBLIC).address()}",
            f"backup_private = {backup.leg(Bridge.PRIVATE).address()}",
            f"heartbeat_key_file = {file.key_file}" if file.key_file else "heartbeat_auth = none",
            f"keepalive = {file.keepalive_s:g}",
            f"deadtime = {file.deadtime_s:g}",
            f"initdead = {file.initdead_s:g}",
        ]
    if topology.forwarding is ForwardingMethod.NAT:
        lines.append(f"nat_router = {NAT_ROUTER} private")
    lines += file.extra
    for virtual in file.virtuals:
        lines += _virtual_block(topology, virtual)
    return "\n".join(lines) + "\n"


def _virtual_block(topology: Topology, virtual: VirtualFile) -> Iterable[str]:
    names = virtual.servers or topology.servers
    weights = virtual.weights or (1,) * len(names)
    yield f"virtual {virtual.name} {{"
    yield "     active = 1"
    yield f"     address = {virtual.vip} public"
    if not any(line.startswith("ports ") for line in virtual.extra):
        yield f"     port = {virtual.port}"
    yield f"     scheduler = {virtual.scheduler}"
    yield f"     timeout = {virtual.timeout_s:g}"
    yield f"     reentry = {virtual.reentry_s:g}"
    yield f"     quiesce_server = {int(virtual.quiesce)}"
    yield from (f"     {line}" for line in virtual.extra)
    for name, weight in zip(names, weights, strict=True):
        address = topology.server_address(name, virtual.vip.version)
        yield f"     server {name} {{"
        yield f"         address = {address}"
        yield "         active = 1"
        yield f"         weight = {weight}"
        yield "     }"
    yield "}"


def _leg(device: str, bridge: Bridge, host: int) -> Leg:
    if bridge is Bridge.PUBLIC:
        return Leg(
            device=device,
            bridge=bridge,
            addresses=(ip_interface(f"192.0.2.{host}/24"), ip_interface(f"2001:db8:1::{host}/64")),
        )
    return Leg(
        device=device,
        bridge=bridge,
        addresses=(ip_interface(f"10.11.12.{host}/24"), ip_interface(f"2001:db8:2::{host}/64")),
    )


def _client() -> Machine:
    return Machine(name=CLIENT, legs=(_leg("eth0", Bridge.PUBLIC, 100),))


def _routers() -> tuple[Machine, ...]:
    return tuple(
        Machine(
            name=name,
            legs=(_leg("eth0", Bridge.PUBLIC, host), _leg("eth1", Bridge.PRIVATE, host)),
            forwards=True,
        )
        for name, host in ((PRIMARY, 2), (BACKUP, 3))
    )
