"""What the IPVS table should be: the file, the health of the servers and what the kernel holds."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from piranha.dataclass import dataclass, field, replace
from piranha.lvscf.config import Config, RealServer, SorryServer, Virtual
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

SORRY_WEIGHT = 1
SERVICES = "services"  # among what was worked out of a virtual server


class ServerVerdict(StrEnum):
    """What becomes of a real server. Unknown keeps what the kernel holds; who is relieved or drained has weight 0."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    RELIEVED = "relieved"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Weighed:
    """Up, with a weight of its own: it is still growing, or a check says it."""

    weight: int


Place = tuple[ServiceKey, DestinationKey]
"""Where a service has a server in the kernel."""


@dataclass(frozen=True, slots=True)
class WeightByHand:
    """A weight that somebody else gave a server. configured: that of the file. since_s: wall clock."""

    weight: int
    configured: int
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Edits:
    """What others have changed in services of the file and may stay, see `table.by_hand` and `table.left_alone`.

    weights: set by hand. added: servers that the file does not name, and since when, wall clock. reported: whatever
    it is, in words; a service has no server beside it. Only one of `weights` and `added`, and `reported`, has members.
    """

    weights: Mapping[Place, WeightByHand] = field(default_factory=dict)
    added: Mapping[Place, float] = field(default_factory=dict)
    reported: Mapping[tuple[ServiceKey, DestinationKey | None], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.weights or self.added or self.reported)


NO_EDITS = Edits()

Verdict = ServerVerdict | Weighed
Verdicts = Mapping[tuple[str, str], Verdict]
"""By virtual name and server name, unique in the file; one that is missing is unknown."""


def desired(
    config: Config,
    verdicts: Verdicts,
    live: Table,
    ours: Collection[ServiceKey],
    leaving: Collection[Place] = (),
    *,
    edits: Edits = NO_EDITS,
) -> Table:
    """Return the table that `diff` should lead to.

    live: what the kernel holds now. ours: services that earlier accepted files named; together
    with those of `config` they are what may be changed. leaving: servers that the file does not name
    any more, see `leaving`. edits: what others have done and stays. Everything else is returned as it lies in
    `live`. Every service of ours comes out with a pool by these rules:

    - a server that is up, and one of which nothing is known yet but which the kernel holds with a
      weight above 0, has the weight of the file (0 stays 0: it keeps its connections);
    - one that is weighed has that weight; where a check sets the weight and has said nothing yet, it keeps
      that of the kernel;
    - of both, one whose weight was set by hand has that weight;
    - one that is relieved (the sorry server serves in its place) or drained (by a person) has weight 0;
    - a server that is down is not there, with `quiesce_server` it has weight 0;
    - one of which nothing is known yet and which the kernel does not have waits;
    - a server that is leaving and still there has weight 0, one that was added by hand stays as it is, and
      neither counts for any of the rest;
    - while nobody would serve but somebody is still waited for, those that serve now stay, unless
      they are down, so that a file which replaces every server leaves no gap;
    - the sorry server is there while nobody serves and nobody is waited for.
    """
    wanted = services_of(config)
    left_by = {key for key, _ in leaving} | {key for key, _ in edits.added}
    table = {key: service for key, service in live.items() if key not in ours and key not in wanted}
    for key, virtual in wanted.items():
        held = live[key].destinations if key in live else {}
        pool = _pool(key, virtual, verdicts, held, edits.weights)
        if key in left_by:
            left = {at: replace(have, weight=0) for at, have in held.items() if (key, at) in leaving}
            pool = left | {at: have for at, have in held.items() if (key, at) in edits.added} | pool
        table[key] = Service(_settings(key, virtual), pool)
    return table


def services_of(config: Config) -> dict[ServiceKey, Virtual]:
    """Return the services that the active virtual servers of `config` ask for.

    Of two virtual servers with the same service the first one in the file has it.
    """
    services: dict[ServiceKey, Virtual] = {}
    for virtual in config.active_virtuals():
        for key in service_keys(virtual):
            services.setdefault(key, virtual)
    return services


def service_keys(virtual: Virtual) -> tuple[ServiceKey, ...]:
    """Return the services of one virtual server: one for its mark, or one for each VIP, protocol and port."""
    # Every pass asks for them, several times.
    known: tuple[ServiceKey, ...] | None = virtual.worked_out.get(SERVICES)
    if known is None:
        known = virtual.worked_out[SERVICES] = _service_keys(virtual)
    return known


def _service_keys(virtual: Virtual) -> tuple[ServiceKey, ...]:
    if virtual.fwmark:
        return (ServiceKey(FirewallMark(virtual.fwmark, virtual.vip.family)),)
    ports = virtual.service_ports()
    return tuple(
        ServiceKey(AddressMatch(protocol, vip.address, port))
        for vip in virtual.vips
        for protocol in virtual.protocols
        for port in ports
    )


def place(key: ServiceKey, virtual: Virtual, server: RealServer) -> DestinationKey:
    """Return where service `key` of `virtual` has `server` in the kernel.

    Only NAT can change the port of a packet; with the other methods the server is sent the
    service's port whatever the file says, and the kernel's entry says so. With `ports` it is sent the
    client's port by NAT as well: that of the service, or 0 where the service is a mark of many ports.
    """
    translated = server.forwarding is ForwardingMethod.NAT and not virtual.ports
    return DestinationKey(server.address, server.port if translated else _port(key, virtual))


def sorry_place(key: ServiceKey, virtual: Virtual, sorry: SorryServer) -> DestinationKey:
    """Return where service `key` of `virtual` has its sorry server in the kernel."""
    translated = sorry.forwarding is ForwardingMethod.NAT and sorry.port
    return DestinationKey(sorry.address, sorry.port if translated else _port(key, virtual))


def _port(key: ServiceKey, virtual: Virtual) -> int:
    """Return the port that packets of a service have: 0 = the client's, whatever it is."""
    if isinstance(key.match, AddressMatch):
        return key.match.port
    return 0 if virtual.ports else virtual.port


def serves(destination: Destination | None) -> bool:
    """Return whether new connections may go there."""
    return destination is not None and destination.weight > 0


def _settings(key: ServiceKey, virtual: Virtual) -> ServiceSettings:
    # Datagrams alone can be spread one by one or told apart by their call; a mark may have some of them.
    datagrams = isinstance(key.match, FirewallMark) or key.match.protocol is Protocol.UDP
    return ServiceSettings(
        scheduler=str(virtual.scheduler),
        scheduler_flags=virtual.scheduler_flags,
        persistence_engine=virtual.persistence_engine if datagrams and virtual.persistence_s else "",
        one_packet=virtual.one_packet and datagrams,
        persistence_s=virtual.persistence_s,
        persistence_mask=virtual.persistence_mask if virtual.persistence_s else None,
    )


def _pool(
    key: ServiceKey,
    virtual: Virtual,
    verdicts: Verdicts,
    held: Mapping[DestinationKey, Destination],
    by_hand: Mapping[Place, WeightByHand],
) -> dict[DestinationKey, Destination]:
    servers = servers_of(key, virtual)
    pool: dict[DestinationKey, Destination] = {}
    down: set[DestinationKey] = set()
    waiting = False
    last: Destination | None = None
    name, up, unknown = virtual.name, ServerVerdict.UP, ServerVerdict.UNKNOWN
    untouched = not held and not by_hand
    for where, server in servers.items():
        verdict = verdicts.get((name, server.name), unknown)
        if untouched and verdict is up:
            # A table that is filled is full of these.
            pool[where] = last = _destination(server, server.weight, last)
            continue
        hand = by_hand.get((key, where)) if by_hand else None
        if verdict is unknown:
            waiting = waiting or (server.weight if hand is None else hand.weight) > 0
        elif verdict is ServerVerdict.DOWN:
            down.add(where)
        weight = _weight(virtual, server, verdict, held.get(where) if held else None, hand)
        if weight is not None:
            pool[where] = last = _destination(server, weight, last)
    if any(serves(destination) for destination in pool.values()):
        return pool
    if waiting:
        return pool | {where: have for where, have in held.items() if where not in down and serves(have)}
    if virtual.sorry_server is not None:
        sorry = virtual.sorry_server
        pool[sorry_place(key, virtual, sorry)] = Destination(
            forwarding=sorry.forwarding, weight=SORRY_WEIGHT, tunnel=sorry.tunnel
        )
    return pool


def _destination(server: RealServer, weight: int, like: Destination | None) -> Destination:
    """Return what the kernel shall hold of a server; `like`, where that is the same: mostly all of a pool are."""
    if (
        like is not None
        and like.weight == weight
        and like.forwarding is server.forwarding
        and like.upper_threshold == server.upper_threshold
        and like.lower_threshold == server.lower_threshold
        and like.tunnel is server.tunnel
    ):
        return like
    return Destination(
        forwarding=server.forwarding,
        weight=weight,
        upper_threshold=server.upper_threshold,
        lower_threshold=server.lower_threshold,
        tunnel=server.tunnel,
    )


def servers_of(key: ServiceKey, virtual: Virtual) -> Mapping[DestinationKey, RealServer]:
    """Return the active servers by their place in service `key`; of two with one place the first has it."""
    # Every pass asks for them.
    known: Mapping[DestinationKey, RealServer] | None = virtual.worked_out.get(key)
    if known is None:
        known = virtual.worked_out[key] = _servers_of(key, virtual)
    return known


def _servers_of(key: ServiceKey, virtual: Virtual) -> dict[DestinationKey, RealServer]:
    servers: dict[DestinationKey, RealServer] = {}
    for server in virtual.servers:
        if server.active:
            servers.setdefault(place(key, virtual, server), server)
    return servers


def _weight(
    virtual: Virtual, server: RealServer, verdict: Verdict, have: Destination | None, hand: WeightByHand | None
) -> int | None:
    """Return the weight that `server` shall have, None when it shall not be there."""
    match verdict:
        case Weighed(weight):
            return weight if hand is None else hand.weight
        case ServerVerdict.UP:
            return _unweighed(server, have) if hand is None else hand.weight
        case ServerVerdict.RELIEVED | ServerVerdict.DRAINED:
            return 0
        case ServerVerdict.DOWN:
            return 0 if virtual.quiesce_server else None
        case ServerVerdict.UNKNOWN:
            if have is None:
                return None
            # In or out is health and is kept; how much is the file's word.
            full = _unweighed(server, have) if hand is None else hand.weight
            return full if serves(have) else 0


def _unweighed(server: RealServer, have: Destination | None) -> int:
    """Return the weight of a server of which no check has said one yet.

    What the kernel has may be what a check said before this daemon was started.
    """
    if have is not None and have.weight and server.weight and server.weighed:
        return have.weight
    return server.weight
