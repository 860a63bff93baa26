"""Every setting of one block that is in force, with where it comes from: for `piranha show`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from piranha.lvscf import directives
from piranha.lvscf.addresses import FloatingWords
from piranha.lvscf.checks_cluster import computed_lease_s
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Directive, Scope, Status
from piranha.lvscf.elaborate_check import timing
from piranha.lvscf.numbers import Reader
from piranha.lvscf.settings import Given, Section, collect
from piranha.lvscf.syntax.tree import Block, Tree

NONE = "-"


class Origin(StrEnum):
    """Where a setting comes from."""

    FILE = "file"
    INHERITED = "inherited"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting of a block.

    value: as it stands in the file, or the default; `-` = none. line: 1-based, None for a default. told: what a
    computed default is made of, or the block that it is inherited from.
    """

    keyword: str
    value: str
    origin: Origin
    line: int | None
    told: str
    status: Status


@dataclass(frozen=True, slots=True)
class Blocks:
    """The sections that a block takes its settings from; only those that there are."""

    top: Section
    virtual: Section | None = None
    server: Section | None = None


def in_force(tree: Tree, block: Block | None) -> tuple[InForce, ...]:
    """Return the settings of `block` of the tree, None = those of the file itself, in the order of the table.

    A keyword that nothing acts on is in only where the file gives it.
    """
    scope = Scope.GLOBAL if block is None else Scope(block.keyword.text)
    top = _section(tree, Scope.GLOBAL)
    if block is None:
        return tuple(_settings(Blocks(top), top))
    own = _section(block, scope)
    if scope is not Scope.SERVER:
        return tuple(_settings(Blocks(top, virtual=own if scope is Scope.VIRTUAL else None), own))
    around = next(one for one in tree.blocks("virtual") if any(inner is block for inner in one.blocks("server")))
    return tuple(_settings(Blocks(top, _section(around, Scope.VIRTUAL), own), own))


def _section(block: Tree | Block, scope: Scope) -> Section:
    section = Section(block if isinstance(block, Block) else None, scope)
    return collect(block.settings(), section, Reader(Findings(), look_up=False))


def _settings(blocks: Blocks, own: Section) -> Iterator[InForce]:
    known = directives.of(own.scope)
    for directive in known.values():
        given = own.all(directive.name) if directive.repeats else own.all(directive.name)[-1:]
        if given:
            yield from (_given(directive, one, Origin.FILE, "") for one in given)
        elif directive.status is Status.ACTED_ON:
            yield _not_given(directive, blocks, own.scope)
    for name, one in own.given.items():
        kernel_setting = directives.find(name, own.scope) if name not in known else None
        if kernel_setting is not None:
            yield _given(kernel_setting, one, Origin.FILE, "")


def _given(directive: Directive, given: Given, origin: Origin, told: str) -> InForce:
    setting = given.setting
    value = " ".join(word.text for word in setting.values)
    return InForce(setting.name, value, origin, setting.line, told, directive.status)


def _not_given(directive: Directive, blocks: Blocks, scope: Scope) -> InForce:
    name = directive.name
    if scope is Scope.SERVER and Scope.VIRTUAL in directive.scopes and not directive.own and blocks.virtual is not None:
        given = blocks.virtual.all(name)[-1:]
        if given:
            return _given(directive, given[0], Origin.INHERITED, "virtual")
    if scope is Scope.CHECK and Scope.VIRTUAL in directive.scopes:
        return InForce(name, NONE, Origin.DEFAULT, None, "that of who asks for the check", directive.status)
    if not directive.computed:
        return InForce(name, directive.default + _unit(directive), Origin.DEFAULT, None, "", directive.status)
    compute = COMPUTED.get(name)
    value = compute(blocks) if compute is not None else ""
    return InForce(name, value or NONE, Origin.DEFAULT, None, directive.default, directive.status)


def _unit(directive: Directive) -> str:
    return f" {directive.unit}" if directive.unit and directive.default.isdigit() else ""


def _seconds(pick: Callable[[Blocks], float]) -> Callable[[Blocks], str]:
    return lambda blocks: f"{pick(blocks):.4g} s"


def _times(attribute: str) -> Callable[[Blocks], str]:
    def compute(blocks: Blocks) -> str:
        if blocks.virtual is None:
            return ""
        return f"{getattr(timing(blocks.virtual, blocks.server), attribute):.4g} s"

    return compute


def _forwarding(blocks: Blocks) -> str:
    network = blocks.top.value("network", str)
    return blocks.virtual.get("forwarding", network) if blocks.virtual is not None else network


def _port(blocks: Blocks) -> str:
    return str(blocks.virtual.value("port", int)) if blocks.virtual is not None else ""


def _where_to_check(keyword: str) -> Callable[[Blocks], str]:
    def compute(blocks: Blocks) -> str:
        found = blocks.server.maybe(keyword, object) if blocks.server is not None else None
        return _port(blocks) if found is None and keyword == "port" else str(found or "")

    return compute


def _reentry_max(blocks: Blocks) -> str:
    return f"{blocks.virtual.value('reentry', float):.4g} s" if blocks.virtual is not None else ""


def _lease(blocks: Blocks) -> str:
    paired = blocks.top.value("backup_active", bool)
    return f"{computed_lease_s(blocks.top.value('deadtime', float))} s" if paired else ""


def _whole_address(blocks: Blocks) -> str:
    words = blocks.virtual.maybe("address", FloatingWords) if blocks.virtual is not None else None
    return f"/{words.address.max_prefixlen}" if words is not None else ""


def _initdead_s(blocks: Blocks) -> float:
    return 2 * blocks.top.value("deadtime", float) if blocks.top.value("backup_active", bool) else 0.0


COMPUTED: dict[str, Callable[[Blocks], str]] = {
    "interval": _times("interval_s"),
    "check_timeout": _times("check_timeout_s"),
    "fast_interval": _times("fast_interval_s"),
    "forwarding": _forwarding,
    "sorry_forwarding": _forwarding,
    "port": _port,
    "ports": _port,
    "check_address": _where_to_check("address"),
    "check_port": _where_to_check("port"),
    "reentry_max": _reentry_max,
    "vip_lease": _lease,
    "vip_nmask": _whole_address,
    "pmask": _whole_address,
    "initdead": _seconds(_initdead_s),
    "warntime": _seconds(lambda blocks: blocks.top.value("deadtime", float) / 2),
}
