"""From one `virtual` block to a Virtual, its real servers and their checks."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from piranha.dataclass import dataclass, field, field_names
from piranha.lvscf.addresses import FloatingWords
from piranha.lvscf.built import BuiltServer, BuiltVirtual
from piranha.lvscf.config import Quota, RealServer, Virtual
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Scope
from piranha.lvscf.elaborate_check import Checks, Service
from piranha.lvscf.elaborate_service import (
    extra_vips,
    floating_address,
    persistence_mask,
    ports,
    scheduler_flags,
    sorry_server,
    tunnel,
)
from piranha.lvscf.numbers import Reader
from piranha.lvscf.settings import Section, collect_block, default_of, too_long
from piranha.lvscf.syntax.tokens import Token
from piranha.lvscf.syntax.tree import Block, Setting, span_of
from piranha.terms import ForwardingMethod, Protocol, Scheduler

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


def build_virtual(
    block: Block, name: str, network: ForwardingMethod, blocks: Mapping[str, Section], reader: Reader
) -> BuiltVirtual | None:
    """Return what the block means; None when it is unfinished and not in use, or wrong. blocks: of checks, by name."""
    section = collect_block(block, Scope.VIRTUAL, reader)
    active = section.value("active", bool)
    port, several = ports(section)
    protocols = tuple(Protocol[word.upper()] for word in section.value("protocol", tuple))
    forwarding = ForwardingMethod(section.get("forwarding", str(network)))
    words = section.maybe("address", FloatingWords)
    service = Service(str(words.address) if words else "", port, several, protocols)
    inherited = Inherited(active, port, forwarding, Checks(section, blocks, service, reader.findings), section)
    servers, kinds = _servers(block, inherited, reader)
    if words is None or int(words.address) == 0:
        _unfinished(section, f"virtual '{name}' has no address", active, reader.findings)
        return None
    vip = floating_address(words, section, "vip_nmask", reader.findings)
    extra = extra_vips(vip, section, reader.findings)
    virtual = Virtual(
        name=name,
        active=active,
        vip=vip,
        extra_vips=tuple(one for one, _ in extra),
        port=port,
        ports=several,
        protocols=protocols,
        fwmark=section.value("fwmark", int),
        mark_rules=section.get("mark_rules", True) and bool(several) and section.value("fwmark", int) > 0,
        scheduler=Scheduler(section.value("scheduler", str)),
        scheduler_flags=scheduler_flags(section),
        persistence_s=section.value("persistent", int),
        persistence_mask=persistence_mask(section, words.address.version, reader.findings),
        persistence_engine=section.get("persistence_engine", ""),
        one_packet=section.value("one_packet", bool),
        quiesce_server=section.value("quiesce_server", bool),
        start_up=section.value("start_state", str) == "up",
        keep_active=_quota(section, "keep_active"),
        quorum=_quota(section, "quorum"),
        quorum_margin=section.value("quorum_margin", int),
        drain_time_s=section.value("drain_time", float),
        sorry_server=sorry_server(section, forwarding),
        servers=tuple(built.server for built in servers),
        line=block.line,
    )
    places = (section.place("address"), *(place for _, place in extra))
    return BuiltVirtual(virtual, section, servers, places, kinds)


def _quota(section: Section, keyword: str) -> Quota:
    value = section.value(keyword, object)
    # A share is read as a float, a number of servers as an int.
    return Quota(percent=value) if isinstance(value, float) else Quota(count=int(str(value)))


def _unfinished(section: Section, message: str, active: bool, findings: Findings) -> None:
    if "address" in section.wrong and "address" not in section.values:
        return  # it is wrong, and that has been said
    if active:
        findings.add("E020", section.place("address"), message, "an active block needs: address = ...")
    else:
        findings.add("W042", section.place("address"), f"{message}: it is left out")


Servers = tuple[BuiltServer, ...]


def _servers(block: Block, inherited: Inherited, reader: Reader) -> tuple[Servers, Servers]:
    """Return the servers, and the kinds of them (`BuiltVirtual`)."""
    found: list[BuiltServer] = []
    kinds: list[BuiltServer] = []
    names, findings = Names(), reader.findings
    usual: Usual | None = None
    for server in block.blocks("server"):
        if server.title is None:
            continue
        name = unique_name(server, names, findings)
        section = collect_block(server, Scope.SERVER, reader)
        if usual is not None and (like := usual.like(name, server.line, section)) is not None:
            found.append(BuiltServer(like, section))
            continue
        mark = findings.mark()
        built = _server(server, name, section, inherited, findings)
        if built is not None:
            found.append(BuiltServer(built, section))
            kinds.append(found[-1])
            if section.values.keys() == _OWN and findings.since(mark) == () and _below(server, inherited.section):
                usual = Usual(built)
    return tuple(found), tuple(kinds)


_OWN = frozenset(("address", "active", "weight"))
"""What most real servers say, and nothing else."""
_SHARED = tuple(name for name in field_names(RealServer) or () if name not in {"name", "line", *_OWN})


class Usual:
    """What the real servers of one virtual server have in common that say of themselves what `server` does."""

    def __init__(self, server: RealServer) -> None:
        self._make = partial(RealServer, **{name: getattr(server, name) for name in _SHARED})
        self._family = type(server.address)

    def like(self, name: str, line: int, section: Section) -> RealServer | None:
        """Return such a server; None where it says more, or inherits otherwise."""
        # Asked for nearly every server of a large file.
        values: dict[str, Any] = section.values
        if values.keys() != _OWN or section.wrong:
            return None
        address = values["address"]
        if not isinstance(address, self._family) or not int(address):
            return None
        return self._make(name=name, line=line, **values)


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
