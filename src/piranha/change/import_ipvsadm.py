"""From the rules that `ipvsadm -Sn` prints to an lvs.cf: services that share a pool become one virtual server.

Source: ipvsadm(8). The rules know no checks, no devices and no routers; each is said in a note.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from piranha.change.import_blocks import Blocks, Real, Setting
from piranha.change.imported import Draft, Imported, Origin, failure
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import flag_names
from piranha.table.rules import parse_rule
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.words import mask_words
from piranha.terms import Family, ForwardingMethod, Protocol

HTTP_PORT = 80
UNKNOWN_PORT = HTTP_PORT  # of a firewall mark whose servers have no port of their own


@dataclass(frozen=True, slots=True)
class _Server:
    where: DestinationKey
    destination: Destination
    origin: Origin


@dataclass(slots=True)
class _Service:
    key: ServiceKey
    settings: ServiceSettings
    origin: Origin
    servers: dict[DestinationKey, _Server] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port that packets have; 0 = any."""
        return self.key.match.port if isinstance(self.key.match, AddressMatch) else 0

    def pool(self) -> tuple[object, ...]:
        """Return what two services have in common that can be one virtual server, but for protocol and port."""
        servers = tuple(
            (where.address, where.port if where.port != self.port else None, server.destination)
            for where, server in self.servers.items()
        )
        translated = any(port is not None for _, port, _ in servers)
        return self.settings, servers, self.port if translated else None


@dataclass(frozen=True, slots=True)
class _Group:
    """Services of one address with one pool: each protocol at each port. first: the one that stands first."""

    first: _Service
    protocols: tuple[Protocol, ...] = ()
    ports: tuple[int, ...] = ()


def import_ipvsadm(name: str, text: str) -> Imported:
    """Return the lvs.cf that asks for the table of these rules; name: of the file, for notes."""
    whole = Origin(name)
    if "\0" in text:
        return failure(whole, "this is not a text file: it has zero bytes")
    draft = Draft(whole)
    services = _read(text, draft)
    if not services:
        first = draft.notes[0] if draft.notes else None
        message = f"no service in it; {first.message}" if first else "no service in it: give what `ipvsadm -Sn` prints"
        return failure(whole, message, first.origin.line if first else 0)
    groups = _groups(services)
    blocks = Blocks(draft)
    reals = {id(group): tuple(_reals(group, draft)) for group in groups}
    blocks.head("ipvsadm", [real for found in reals.values() for real in found])
    for group in groups:
        blocks.virtual(_name(group), group.first.origin, tuple(_settings(group, draft)), reals[id(group)])
    _general(draft)
    return draft.finish()


def _read(text: str, draft: Draft) -> list[_Service]:
    """Read every rule; one that is none is noted and left out."""
    services: dict[ServiceKey, _Service] = {}
    for number, line in enumerate(text.split("\n"), 1):
        origin = Origin(draft.whole.file, number)
        try:
            rule = parse_rule(line)
            if rule is None:
                continue
            if rule.settings is not None:
                if rule.key in services:
                    raise ValueError(f"{rule.key} is there already")
                services[rule.key] = _Service(rule.key, rule.settings, origin)
            elif rule.server is not None:
                if rule.key not in services:
                    raise ValueError(f"-a of {rule.key} without its -A above")
                services[rule.key].servers[rule.server[0]] = _Server(*rule.server, origin)
        except ValueError as error:
            draft.fail(origin, f"{error}: left out")
    return list(services.values())


def _groups(services: Iterable[_Service]) -> list[_Group]:
    marks, by_pool = [], defaultdict(list)
    for service in services:
        if isinstance(service.key.match, AddressMatch):
            by_pool[service.key.match.address, service.pool()].append(service)
        else:
            marks.append(_Group(service))
    groups = [group for found in by_pool.values() for group in _of_one_pool(found)]
    return sorted([*groups, *marks], key=lambda group: group.first.origin.line)


def _of_one_pool(services: Sequence[_Service]) -> Iterator[_Group]:
    """Yield the groups of services that differ in protocol and port only; each protocol has all ports of its group."""
    ports: dict[int, list[_Service]] = {}
    for service in services:
        ports.setdefault(service.port, []).append(service)
    by_protocols: dict[tuple[Protocol, ...], list[int]] = {}
    for port, found in ports.items():
        protocols = tuple(sorted(_protocol(service) for service in found))
        if port == 0 or not found[0].servers:
            yield _Group(found[0], protocols, (port,))
        else:
            by_protocols.setdefault(protocols, []).append(port)
    for protocols, together in by_protocols.items():
        yield _Group(ports[together[0]][0], protocols, tuple(together))


def _protocol(service: _Service) -> Protocol:
    return service.key.match.protocol if isinstance(service.key.match, AddressMatch) else Protocol.TCP


def _name(group: _Group) -> str:
    match = group.first.key.match
    if isinstance(match, FirewallMark):
        return f"mark-{match.mark}" + ("-ipv6" if match.family is Family.IPV6 else "")
    port = f"-{group.ports[0]}" if len(group.ports) == 1 else ""
    return f"{'-'.join(protocol.word for protocol in group.protocols)}-{match.address}{port}"


def _settings(group: _Group, draft: Draft) -> Iterator[tuple[Setting, Origin]]:
    service, origin = group.first, group.first.origin
    for setting in (*_match(group, draft), *_scheduling(service, draft)):
        yield setting, origin


def _match(group: _Group, draft: Draft) -> Iterator[Setting]:
    service, match = group.first, group.first.key.match
    if isinstance(match, FirewallMark):
        yield from _of_mark(service, match, draft)
        return
    yield "address", str(match.address)
    yield ("port" if len(group.ports) == 1 else "ports"), " ".join(str(port) for port in group.ports)
    yield "protocol", " ".join(protocol.word for protocol in group.protocols)
    yield from _check(service, group.ports[0])
    if not group.ports[0] and service.servers:
        message = "a service of every port: nothing says where its servers can be checked; write send_program"
        draft.fail(service.origin, message)


def _of_mark(service: _Service, match: FirewallMark, draft: Draft) -> Iterator[Setting]:
    yield "fwmark", str(match.mark)
    message = f"firewall mark {match.mark}: the rules do not say which address clients connect to; write address"
    draft.fail(service.origin, message)
    if match.family is Family.IPV6:
        draft.warn(service.origin, "the mark is one of IPv6: so the address must be")
    ports = {where.port for where in service.servers}
    if ports <= {0}:
        yield "ports", str(UNKNOWN_PORT)
        yield "mark_rules", "0"
        message = f"which ports the mark lets in is not known: {UNKNOWN_PORT} is checked; write those there are"
        draft.warn(service.origin, message)
    else:
        yield "port", str(_port_of_mark(service))
    yield from _check(service, _port_of_mark(service) or UNKNOWN_PORT)


def _check(service: _Service, port: int) -> Iterator[Setting]:
    """Yield a check where lvs.cf would otherwise ask for a web page."""
    if port == HTTP_PORT and _protocol(service) is Protocol.TCP:
        yield "check", "tcp"


def _scheduling(service: _Service, draft: Draft) -> Iterator[Setting]:
    settings = service.settings
    yield "scheduler", settings.scheduler
    flags = flag_names(settings.scheduler, settings.scheduler_flags)
    if flags:
        yield "scheduler_flags", " ".join(flag.removeprefix(f"{settings.scheduler}-") for flag in flags.split(","))
    if settings.persistence_s:
        yield "persistent", str(settings.persistence_s)
        if mask := mask_words(service.key, settings):
            yield "pmask", mask if service.key.family is Family.IPV4 else f"/{mask}"
    if settings.persistence_engine:
        yield "persistence_engine", settings.persistence_engine
    if settings.one_packet:
        yield "one_packet", "1"
    if not service.servers:
        draft.warn(service.origin, "no real server")


def _reals(group: _Group, draft: Draft) -> Iterator[Real]:
    service = group.first
    expected = service.port if not isinstance(service.key.match, FirewallMark) else _port_of_mark(service)
    for where, server in service.servers.items():
        translated = where.port != expected
        if translated and server.destination.forwarding is not ForwardingMethod.NAT:
            message = (
                f"{where}: lvs.cf has no other port than the service's without NAT; the table would get {expected}"
            )
            draft.fail(server.origin, message)
            translated = False
        if server.destination.weight == 0:
            draft.warn(server.origin, f"{where} has weight 0 now: write the weight it has when it serves")
        yield Real(
            name=str(where.address),
            address=str(where.address),
            destination=server.destination,
            port=where.port if translated else None,
            origin=server.origin,
        )


def _port_of_mark(service: _Service) -> int:
    ports = {where.port for where in service.servers}
    return 0 if ports <= {0} else min(ports - {0})


def _general(draft: Draft) -> None:
    """Note what is true of every import of rules."""
    whole = draft.whole
    draft.warn(whole, "addresses have no device: each goes to the device whose network holds it; write another")
    message = (
        "rules know no checks: a server that accepts no connections (UDP: that refuses) leaves the pool within "
        "10 seconds. Write check, timeout and sorry_server as they should be"
    )
    draft.warn(whole, message)
