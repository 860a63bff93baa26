"""From one `virtual` block to a Virtual, its real servers and their checks."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from piranha.dataclass import dataclass, field
from piranha.lvscf.addresses import FloatingWords
from piranha.lvscf.alike import Alike, Around, Pool, Texts, Usual, is_usual
from piranha.lvscf.built import BuiltServer, BuiltVirtual
from piranha.lvscf.config import RealServer
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Scope
from piranha.lvscf.elaborate_check import Checks, Service
from piranha.lvscf.elaborate_service import (
    extra_vips,
    floating_address,
    persistence_mask,
    ports,
    sorry_server,
    tunnel,
)
from piranha.lvscf.settings import Section, collect_block, default_of, too_long
from piranha.lvscf.syntax.tokens import Token
from piranha.lvscf.syntax.tree import Block, Setting, span_of
from piranha.terms import ForwardingMethod

SHORT = 60
"""Characters of a name that surely is not too long, whatever stands round it."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a real server takes from its virtual server."""

    active: bool
    port: int
    forwarding: ForwardingMethod
    checks: Checks
    section: Section


@dataclass(frozen=True, slots=True)
class Names:
    """Names given so far: the line of each, and how often a name was already changed."""

    lines: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)


def build_virtual(block: Block, name: str, around: Around) -> BuiltVirtual | None:
    """Return what the block means; None when it is unfinished and not in use, or wrong."""
    section, findings = collect_block(block, Scope.VIRTUAL, around.reader), around.reader.findings
    alike = around.alike(section)
    port, several = ports(section)
    words = section.maybe("address", FloatingWords)
    pool = _pool_seen_before(block, section, port, alike, around)
    if pool is None:
        service = Service(str(words.address) if words else "", port, several, alike.protocols)
        pool = _read_pool(block, section, service, alike, around)
    if words is None or int(words.address) == 0:
        _unfinished(section, f"virtual '{name}' has no address", alike.active, findings)
        return None
    vip = floating_address(words, section, "vip_nmask", findings)
    extra = extra_vips(vip, section, findings)
    virtual = alike.virtual(
        name=name,
        vip=vip,
        extra_vips=tuple([one for one, _ in extra]),
        port=port,
        ports=several,
        mark_rules=section.get("mark_rules", True) and bool(several) and section.value("fwmark", int) > 0,
        persistence_mask=persistence_mask(section, words.address.version, findings),
        sorry_server=sorry_server(section, alike.forwarding),
        servers=pool.servers,
        line=block.line,
    )
    places = tuple([place for _, place in extra])
    return BuiltVirtual(virtual, section, pool.sections, pool.kinds, places, fine=pool.fine)


def _unfinished(section: Section, message: str, active: bool, findings: Findings) -> None:
    if "address" in section.wrong and "address" not in section.values:
        return  # it is wrong, and that has been said
    if active:
        findings.add("E020", section.place("address"), message, "an active block needs: address = ...")
    else:
        findings.add("W042", section.place("address"), f"{message}: it is left out")


class _Servers(NamedTuple):
    """The real servers of a virtual server and what `BuiltVirtual` has of them."""

    servers: tuple[RealServer, ...]
    sections: Callable[[], Iterable[Section]]
    kinds: tuple[BuiltServer, ...]
    fine: bool


def _read_pool(block: Block, section: Section, service: Service, alike: Alike, around: Around) -> _Servers:
    """Return the servers of a virtual block one by one; keeps what the next blocks that say the same can go by."""
    findings, before = around.reader.findings, around.reader.findings.mark()
    blocks, servers, sections, kinds = _titled(block), list[RealServer](), list[Section](), list[BuiltServer]()
    names = Names()
    first: Block | None = None  # of those that say no more than usual, and are like the others in all else
    usual = _usual_seen_before(blocks, section, service.port, alike)
    # Where there is a usual server nothing was found in the checks of a block that says the same.
    inherited = _inherited(section, service, alike, around) if usual is None else None
    for one in blocks:
        name = unique_name(one, names, findings)
        own = collect_block(one, Scope.SERVER, around.reader)
        server = usual.like(name, one.line, service.port, own) if usual is not None else None
        if server is None:
            inherited = inherited or _inherited(section, service, alike, around)
            mark = findings.mark()
            server = _server(one, name, own, inherited, findings)
            if server is None:
                continue
            kinds.append(BuiltServer(server, own))
            if is_usual(own) and findings.since(mark) == () and _below(one, section):
                usual, first = Usual(server), one
        elif first is None:
            kinds.append(BuiltServer(server, own))
            first = one
        servers.append(server)
        sections.append(own)
    pool: Pool | None = None
    if usual is not None and len(servers) == len(blocks) and len(kinds) == 1 and findings.since(before) == ():
        pool = Pool(servers, sections)
        if all(one.said is not None for one in blocks):
            around.pools[_texts(blocks)] = pool
        if _shares_checks(section):
            alike.keep(service.port, usual)
    return _Servers(tuple(servers), lambda: sections, tuple(kinds), pool is not None and pool.fine)


def _inherited(section: Section, service: Service, alike: Alike, around: Around) -> Inherited:
    checks = Checks(section, around.blocks, service, around.reader.findings)
    return Inherited(alike.active, service.port, alike.forwarding, checks, section)


def _usual_seen_before(blocks: Sequence[Block], section: Section, port: int, alike: Alike) -> Usual | None:
    """Return what the usual server of a virtual block is if it was so of another that says the same."""
    if not blocks or not _shares_checks(section):
        return None
    usual = alike.usual(port)
    return usual if usual is not None and _below(blocks[0], section) else None


def _pool_seen_before(block: Block, section: Section, port: int, alike: Alike, around: Around) -> _Servers | None:
    """Return the servers of a virtual block if another had the same and none of them says more than usual.

    None also where the usual server of this one is not known yet.
    """
    blocks = _titled(block)
    pool = around.pools.get(_texts(blocks))
    usual = _usual_seen_before(blocks, section, port, alike) if pool is not None else None
    if pool is None or usual is None:
        return None
    servers = usual.all_of(pool, blocks, port)
    first = BuiltServer(servers[0], pool.section(0, blocks[0]))
    return _Servers(servers, partial(pool.sections, blocks), (first,), pool.fine)


def _titled(block: Block) -> list[Block]:
    return [one for one in block.blocks("server") if one.title is not None]


def _texts(blocks: Iterable[Block]) -> Texts:
    return tuple([(one.title or "", one.said) for one in blocks])


def _shares_checks(section: Section) -> bool:
    """Whether servers of virtual blocks that say the same are checked alike: a named check may ask for the VIP."""
    return "check" not in section.values


def _below(block: Block, section: Section) -> bool:
    """Whether a server stands below every `port` of its virtual server, and those behind it do, too."""
    return all(given.setting.line < block.line for given in section.all("port"))


def unique_name(block: Block, names: Names, findings: Findings) -> str:
    """Return the name of a block, with `#2`, `#3` … behind it where an earlier block has it; notes it in `names`.

    The original's web tool gives every new block the same name until it is edited.
    """
    name = wanted = block.title or ""
    number = names.used.get(wanted, 1)
    while name in names.lines:
        number += 1
        name = f"{wanted}#{number}"
    names.used[wanted] = number
    if not wanted.isprintable() or "/" in wanted or len(wanted) > SHORT:
        _check_block_name(block.name, findings)
    if name != wanted and block.name:
        message = f"{block.kind} '{wanted}' is already in line {names.lines[wanted]}: this one is called '{name}'"
        findings.add("W008", span_of(block.name), message)
    names.lines[name] = block.line
    return name


def _check_block_name(name: Token | None, findings: Findings) -> None:
    if name is None or too_long([name], findings):
        return
    if not name.value.isprintable():
        findings.add("W045", span_of(name), f"the name '{name.value}' has characters that do not show, or is not UTF-8")
    elif "/" in name.value:
        message = f"the name '{name.value}' has a slash: screens write a server as VIRTUAL/SERVER"
        findings.add("W045", span_of(name), message)


def _server(block: Block, name: str, section: Section, inherited: Inherited, findings: Findings) -> RealServer | None:
    in_use = section.value("active", bool)
    address = section.address("address")
    if address is None:
        _unfinished(section, f"server '{name}' has no address", inherited.active and in_use, findings)
        return None
    checks, checks_needed = inherited.checks.of_server(section, findings)
    first, *others = checks
    forwarding = ForwardingMethod(section.get("forwarding", str(inherited.forwarding)))
    return RealServer(
        name=name,
        address=address,
        port=section.get("port", 0) or _inherited_port(block, section, inherited, findings),
        forwarding=forwarding,
        check=first.check,
        timing=first.timing,
        weight=section.value("weight", int),
        active=in_use,
        upper_threshold=section.value("upper_threshold", int),
        lower_threshold=section.value("lower_threshold", int),
        tunnel=tunnel(inherited.section, section, forwarding),
        check_address=first.address or section.address("check_address"),
        check_port=first.port or section.get("check_port", 0),
        check_name=first.name,
        more_checks=tuple(others),
        checks_needed=checks_needed,
        slow_start_s=_time_s("slow_start", inherited.section, section),
        drain_time_s=_time_s("drain_time", inherited.section, section),
        line=block.line,
    )


def _time_s(keyword: str, section: Section, server: Section) -> float:
    """Return the server's own time, else that of its virtual block."""
    own = server.maybe(keyword, float)
    return section.value(keyword, float) if own is None else own


def _inherited_port(block: Block, section: Section, inherited: Inherited, findings: Findings) -> int:
    """Return the port that was in force where the server block opens; the original took it there."""
    if "ports" in inherited.section.values:
        return inherited.port
    given = inherited.section.all("port")
    before = [one for one in given if _stands_before(one.setting, block)]
    port = before[-1].value if before else default_of(Scope.VIRTUAL, "port")
    if port != inherited.port and "port" not in section.values:
        message = f"this server gets port {port}, as ever: it stands before 'port = {inherited.port}'"
        findings.add("W041", section.span, message, "write 'port' above the servers, or in the server")
    return int(str(port))


def _stands_before(setting: Setting, block: Block) -> bool:
    if setting.line != block.line:
        return setting.line < block.line
    return setting.keyword.column < block.keyword.column


def used(servers: Iterable[BuiltServer]) -> list[BuiltServer]:
    """Return the servers that are switched on."""
    return [built for built in servers if built.server.active]
