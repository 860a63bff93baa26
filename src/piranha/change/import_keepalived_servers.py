"""Virtual and real servers of keepalived as values in the words of lvs.cf.

Source: keepalived.conf(5), *LVS CONFIGURATION*, and what version 2.2 does where the page is silent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from piranha.change.import_keepalived_body import Body
from piranha.change.import_keepalived_checks import KINDS, Check, Patience, Target, read_check
from piranha.change.import_keepalived_known import SERVER, VIRTUAL
from piranha.change.import_keepalived_services import Service, port_of, services_of
from piranha.change.import_keepalived_tree import Statement
from piranha.change.imported import Draft, Origin
from piranha.terms import Address, Family

PERSISTENCE_S = 360  # persistence_timeout without a number; also what a service without a port gets
_FORWARDING = {"NAT": "nat", "DR": "direct", "TUN": "tunnel"}
_FLAGS = {
    "sh-port": "port",
    "sh-fallback": "fallback",
    "mh-port": "port",
    "mh-fallback": "fallback",
    "flag-1": "flag-1",
    "flag-2": "flag-2",
    "flag-3": "flag-3",
}


@dataclass(frozen=True, slots=True)
class Method:
    """A forwarding method. settings: `tunnel_type` and its like."""

    forwarding: str = "nat"
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RealServer:
    """One real server.

    port: 0 = that of the virtual server. checks: one of kind "" where nothing says how; checked: whether keepalived
    has a checker. name: empty where the file has none.
    """

    origin: Origin
    address: Address
    port: int
    weight: int
    method: Method
    thresholds: tuple[int, int]
    checks: tuple[Check, ...]
    checked: bool
    name: str


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """One virtual server. protocol: `tcp`, `udp`, `sctp`, empty for a mark. settings: further lines of its block."""

    origin: Origin
    name: str
    services: tuple[Service, ...]
    protocol: str
    method: Method
    settings: tuple[tuple[str, str, Origin], ...]
    servers: tuple[RealServer, ...]


def read_servers(top: Sequence[Statement], draft: Draft) -> list[VirtualServer]:
    """Return every virtual server of the file, those of groups with all the services of their group."""
    groups: dict[str, Statement] = {}
    for block in top:
        if block.keyword == "virtual_server_group":
            groups[" ".join(block.args)] = block
    blocks = [block for block in top if block.keyword == "virtual_server"]
    found = [_virtual(block, groups, draft) for block in blocks]
    used = {" ".join(block.args[1:]) for block in blocks if block.args[:1] == ("group",)}
    for name, block in groups.items():
        if name not in used:
            draft.warn(block.origin, f"no virtual_server uses the group '{name}': left out")
    return [one for one in found if one is not None]


def _virtual(block: Statement, groups: dict[str, Statement], draft: Draft) -> VirtualServer | None:
    body = Body.of(block, draft)
    method = _method(body, Method(), "lb_kind", "lvs_method")
    patience = Patience.read(body, Patience())
    host = body.word("virtualhost")
    inhibit, alpha = body.flag("inhibit_on_failure"), body.flag("alpha")
    reading = _Reading(method, patience, host, bool(inhibit), bool(alpha), draft)
    servers = [reading.server(one) for one in body.all("real_server")]
    pool = tuple(one for one in servers if one is not None)
    family = body.word("ip_family")
    services = tuple(services_of(block, groups, family, pool[0].address if pool else None, draft))
    if not services:
        return None
    grouped = block.args[0] == "group"
    persistence = _persistence(body, services, grouped=grouped)
    settings = [*_scheduling(body), *persistence, *_sorry(body, method, pool), *reading.switches(body)]
    protocol = _protocol(body, services, draft)
    name = body.word("snmp_name") or (block.args[1] if grouped else "")
    body.report(VIRTUAL)
    if not pool:
        draft.warn(block.origin, "no real servers")
    return VirtualServer(block.origin, name, services, protocol, method, tuple(settings), pool)


@dataclass(slots=True)
class _Reading:
    """Reads the real servers of one virtual server. quiesced, waits: what each of them says of these switches."""

    method: Method
    patience: Patience
    host: str | None
    inhibit: bool
    alpha: bool
    draft: Draft
    quiesced: set[bool] | None = None
    waits: set[bool] | None = None

    def server(self, block: Statement) -> RealServer | None:
        """Return one real server, None where it has no address."""
        body = Body.of(block, self.draft)
        address = body.address_of(block)
        if address is None:
            return None
        port = port_of(block, 2, self.draft)
        method = _method(body, self.method, "lb_kind", "lvs_method")
        patience = Patience.read(body, self.patience)
        target = Target(address, port, body.word("virtualhost") or self.host)
        quiesced, alpha = body.flag("inhibit_on_failure"), body.flag("alpha")
        self.quiesced = (self.quiesced or set()) | {self.inhibit if quiesced is None else quiesced}
        checkers = body.all(*KINDS)
        alphas = [Body.of(one, Draft(self.draft.whole)).flag("alpha") for one in checkers]
        above = self.alpha if alpha is None else alpha
        self.waits = (self.waits or set()) | {any(above if one is None else one for one in alphas)}
        checks = tuple(check for one in checkers for check in read_check(one, target, patience, self.draft))
        weight = body.number("weight", 0, 65535)
        thresholds = (body.number("uthreshold", 0, 2**31 - 1) or 0, body.number("lthreshold", 0, 2**31 - 1) or 0)
        name = body.word("snmp_name") or ""
        body.report(SERVER)
        return RealServer(
            origin=block.origin,
            address=address,
            port=port,
            weight=1 if weight is None else weight,
            method=method,
            thresholds=thresholds,
            checks=checks or (Check("", patience.timing()),),
            checked=bool(checkers),
            name=name,
        )

    def switches(self, body: Body) -> Iterator[tuple[str, str, Origin]]:
        """Return `quiesce_server` and `start_state`, which lvs.cf has for the whole pool only."""
        for keyword, values, word in (
            ("inhibit_on_failure", self.quiesced, "quiesce_server"),
            ("alpha", self.waits, "start_state"),
        ):
            found = body.last(keyword)
            origin = found.origin if found is not None else body.at
            chosen = any(values or ())
            if len(values or ()) > 1:
                message = f"'{keyword}' differs between real servers; {word} is one for the pool"
                self.draft.warn(body.at, f"{message}: it is taken as {'on' if chosen else 'off'} for all")
            if word == "start_state" and not chosen and values:
                yield word, "up", origin
            elif word == "quiesce_server" and chosen:
                yield word, "1", origin


def _method(body: Body, above: Method, *keywords: str) -> Method:
    found = body.last(*keywords)
    if found is None:
        return above
    words = list(found.args)
    forwarding = _FORWARDING.get(words.pop(0) if words else "")
    if forwarding is None:
        body.draft.warn(found.origin, f"'{' '.join(found.words)}' is neither NAT, DR nor TUN: taken as NAT")
        return Method()
    settings: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        if word == "type" and words:
            settings.append(("tunnel_type", words.pop(0)))
        elif word == "port" and words:
            settings.append(("tunnel_port", words.pop(0)))
        elif word in ("nocsum", "csum", "remcsum"):
            settings += [] if word == "nocsum" else [("tunnel_checksum", word)]
        else:
            body.draft.warn(found.origin, f"'{word}' is no option of {found.keyword}: left out")
    return Method(forwarding, tuple(one for one in settings if one != ("tunnel_type", "ipip")))


def _protocol(body: Body, services: Sequence[Service], draft: Draft) -> str:
    found = body.last("protocol")
    word = found.args[0].lower() if found is not None and found.args else ""
    if all(service.mark for service in services):
        return word if word in ("tcp", "udp", "sctp") else ""
    if word in ("tcp", "udp", "sctp"):
        return word
    draft.warn(body.at if found is None else found.origin, "no protocol: keepalived takes UDP, and so does this")
    return "udp"


def _scheduling(body: Body) -> Iterator[tuple[str, str, Origin]]:
    found = body.last("lb_algo", "lvs_sched")
    yield "scheduler", found.args[0] if found is not None and found.args else "wlc", found.origin if found else body.at
    flags = [one for keyword in _FLAGS for one in body.all(keyword)]
    if flags:
        yield "scheduler_flags", " ".join(dict.fromkeys(_FLAGS[one.keyword] for one in flags)), flags[0].origin
    if (ops := body.last("ops")) is not None:
        yield "one_packet", "1", ops.origin


def _persistence(body: Body, services: Sequence[Service], *, grouped: bool) -> Iterator[tuple[str, str, Origin]]:
    found = body.last("persistence_timeout")
    seconds = None
    if found is not None:
        seconds = body.whole(found, 1, 31 * 86400) if found.args else PERSISTENCE_S
    elif any(not service.mark and not service.port for service in services):
        body.draft.warn(body.at, f"every port needs persistence: {PERSISTENCE_S} s, as keepalived takes it")
        seconds = PERSISTENCE_S
    granularity = body.last("persistence_granularity")
    engine = body.last("persistence_engine")
    if seconds is None:
        return
    origin = found.origin if found is not None else body.at
    yield "persistent", str(seconds), origin
    if granularity is not None and granularity.args:
        yield from _mask(granularity, services[0].family, body.draft, grouped=grouped)
    if engine is not None and engine.args:
        yield "persistence_engine", engine.args[0], engine.origin


def _mask(found: Statement, family: Family, draft: Draft, *, grouped: bool) -> Iterator[tuple[str, str, Origin]]:
    mask = found.args[0]
    if grouped:
        message = f"keepalived does not put it into force for a group; 'pmask = {mask}' in each virtual server would"
        draft.warn(found.origin, f"'persistence_granularity': {message}")
        return
    if "." not in mask and family is Family.IPV4:
        draft.warn(found.origin, f"keepalived takes {mask} for the netmask 0.0.0.{mask}; this is /{mask}")
    yield "pmask", mask if "." in mask else f"/{mask.lstrip('/')}", found.origin


def _sorry(body: Body, method: Method, pool: Sequence[RealServer]) -> Iterator[tuple[str, str, Origin]]:
    found = body.last("sorry_server")
    own = _method(body, method, "sorry_server_lvs_method")
    quorum = body.last("quorum")
    least = (body.whole(quorum, 1, 2**31 - 1) if quorum is not None else None) or 1
    margin = body.number("hysteresis", 0, 2**31 - 1) or 0
    address = body.address_of(found) if found is not None else None
    if found is None or address is None:
        if quorum is not None:
            message = "quorum without sorry_server only starts programs: left out"
            body.draft.warn(quorum.origin, message)
        return
    port = port_of(found, 2, body.draft)
    if not port and own.forwarding == "nat":
        message = "sorry_server without a port: keepalived's entry in the table says 0, Piranha's the service's port"
        body.draft.warn(found.origin, f"{message}; packets go to that one either way")
    yield "sorry_server", f"{address} {port}" if port else str(address), found.origin
    if own.forwarding != method.forwarding:
        yield "sorry_forwarding", own.forwarding, found.origin
    if quorum is None:
        return
    # keepalived: lost below quorum - hysteresis, regained at quorum + hysteresis.
    yield from _quorum(max(1, least - margin), least + margin, pool, quorum.origin)


def _quorum(low: int, high: int, pool: Sequence[RealServer], origin: Origin) -> Iterator[tuple[str, str, Origin]]:
    """Return the weights of keepalived's quorum as servers where all weigh the same, else as a share of the weight."""
    weights = {server.weight for server in pool if server.weight}
    total = sum(server.weight for server in pool)
    if len(weights) <= 1 or low > total:
        weight = max(weights, default=1)
        count, regained = -(-low // weight), -(-high // weight)
        yield "quorum", str(count), origin
    else:
        # Rounded down: a share must not ask for more than the weight it stands for.
        count, regained = low * 1_000_000 // total, -(-high * 1_000_000 // total)
        yield "quorum", f"{count / 10_000:g}%", origin
        count, regained = count // 10_000, -(-regained // 10_000)
    if high > low:
        yield "quorum_margin", str(regained - count), origin
