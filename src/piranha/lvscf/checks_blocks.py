"""Findings about check blocks: their names, what their kind needs, and who uses them."""

from collections.abc import Iterable, Mapping, Sequence, Set

from piranha.dataclass import dataclass
from piranha.lvscf.built import BuiltVirtual
from piranha.lvscf.config import Config, Router, Standby
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.elaborate_check import KINDS, expectation
from piranha.lvscf.settings import Section
from piranha.lvscf.syntax.tokens import Token
from piranha.lvscf.syntax.tree import Block, span_of
from piranha.terms import Address

# Without this keyword a check of the kind could not be made.
REQUIRED: Mapping[str, str] = {"program": "program", "dns": "name"}

# Keywords that mean something to some kinds only.
ONLY: Mapping[str, Sequence[str]] = {
    "host": ("http", "https", "tls", "smtp"),
    "path": ("http", "https", "file"),
    "method": ("http", "https"),
    "header": ("http", "https"),
    "status": ("http", "https"),
    "sni": ("https", "tls"),
    "verify": ("https", "tls", "smtp"),
    "ca_file": ("https", "tls", "smtp"),
    "cert_file": ("https", "tls", "smtp"),
    "key_file": ("https", "tls", "smtp"),
    "cert_days": ("https", "tls", "smtp"),
    "name": ("dns",),
    "type": ("dns",),
    "answer": ("dns",),
    "program": ("program",),
    "send": ("tcp", "udp"),
    "send_hex": ("tcp", "udp"),
    "expect_hex": ("tcp", "udp"),
    "source": ("tcp", "udp", "http", "https", "tls", "smtp", "dns", "ping", "agent", "idle"),
    "weight_from": ("program", "agent", "file"),
}

ASKED = "words of check"  # among what was worked out of a virtual server


@dataclass(frozen=True, slots=True)
class CheckBlock:
    """A `check` block that has a name, and its settings."""

    block: Block
    name: str
    section: Section


def check_blocks(blocks: Sequence[CheckBlock], virtuals: Sequence[BuiltVirtual], findings: Findings) -> None:
    """Add what is wrong or doubtful about the check blocks and about the names that ask for them."""
    lines: dict[str, int] = {}
    for one in blocks:
        _name(one, lines, findings)
        _contents(one, findings)
    asked = _asked(virtuals, [*lines, *KINDS], findings)
    for one in blocks:
        if one.name not in asked and one.block.name is not None and lines[one.name] == one.block.keyword.line:
            message = f"no virtual server asks for check '{one.name}'"
            findings.add("W078", span_of(one.block.name), message, f"check = {one.name}")
            expectation(one.section, findings)  # those that are asked for have been read


def _name(one: CheckBlock, lines: dict[str, int], findings: Findings) -> None:
    place = span_of(one.block.name) if one.block.name is not None else one.block.span
    if one.name in KINDS:
        hint = f"check = {one.name} needs no block; call this one otherwise"
        findings.add("E073", place, f"'{one.name}' is a kind of check: no block can be called so", hint)
    if one.name in lines:
        findings.add("E076", place, f"check '{one.name}' is already in line {lines[one.name]}")
    lines.setdefault(one.name, one.block.keyword.line)


def _contents(one: CheckBlock, findings: Findings) -> None:
    section = one.section
    if "kind" in section.wrong:
        return
    kind = section.get("kind", "")
    if not kind:
        hint = f"kind = one of {', '.join(KINDS)}"
        findings.add("E074", one.block.span, f"check '{one.name}' has no kind", hint)
        return
    needed = REQUIRED.get(kind)
    if needed is not None and needed not in section.tried:
        findings.add("E074", section.place("kind"), f"kind = {kind} needs {needed}")
    _text_and_bytes(one, findings)
    if section.value("use_regex", bool) and "expect" not in section.tried:
        findings.add("W026", section.place("use_regex"), "use_regex has no effect without expect")
    for keyword in section.values:
        if keyword in ONLY and kind not in ONLY[keyword]:
            message = f"{keyword} has no effect with kind = {kind}: it is for {', '.join(ONLY[keyword])}"
            findings.add("W026", section.place(keyword), message)


def _text_and_bytes(one: CheckBlock, findings: Findings) -> None:
    for text in ("send", "expect"):
        if text in one.section.tried and f"{text}_hex" in one.section.tried:
            message = f"check '{one.name}' has both {text} and {text}_hex"
            findings.add("E077", one.section.place(f"{text}_hex"), message, "keep one of them")


def check_sources(blocks: Sequence[CheckBlock], config: Config, findings: Findings) -> None:
    """Add where a router of a pair has no address to check from."""
    if not config.backup_active or config.primary is None or config.backup is None:
        return
    own = {
        "primary": _own(config.primary, (path.primary for path in config.heartbeat.paths)),
        "backup": _own(config.backup, (path.backup for path in config.heartbeat.paths)),
    }
    moving = {one.address for one in config.floating_addresses()} if config.standby is Standby.WARM else set()
    for one in blocks:
        sources: tuple[Address, ...] = one.section.get("source", ())
        for version in sorted({source.version for source in sources}):
            same = {source: None for source in sources if source.version == version}
            if not (who := _without_source(same.keys(), own, moving)):
                continue
            message = f"check '{one.name}': {who} does not have {' or '.join(map(str, same))} and cannot check"
            hint = "name an address of each router: the first that a router has is used"
            findings.add("W081", one.section.place("source"), message, hint)


def _without_source(sources: Set[Address], own: Mapping[str, Set[Address]], moving: Set[Address]) -> str:
    """Return the router that has none of `sources`, empty where none is known to lack one. moving: with the role."""
    if sources <= moving:
        return "the standby"
    for mine, theirs in (("primary", "backup"), ("backup", "primary")):
        if sources <= own[theirs] | moving and sources.isdisjoint(own[mine]):
            return f"the {mine} router" + (" as standby" if sources & moving else "")
    return ""


def _own(router: Router, paths: Iterable[Address]) -> frozenset[Address]:
    return frozenset(one for one in (router.public, router.private, *paths) if one is not None)


def _asked(virtuals: Sequence[BuiltVirtual], known: Sequence[str], findings: Findings) -> set[str]:
    """Return the names that `check = …` asks for; those that nothing has are told."""
    asked: set[str] = set()
    for virtual in virtuals:
        words: tuple[Token, ...] | None = virtual.virtual.worked_out.get(ASKED)
        if words is None:
            words = virtual.virtual.worked_out[ASKED] = _words(virtual)
        for word in words:
            if word.value not in known:
                hint = findings.nearest(word.value, known) or f"write: check {word.value} {{"
                findings.add("E075", span_of(word), f"there is no check '{word.value}'", hint)
            asked.add(word.value)
    return asked


def _words(virtual: BuiltVirtual) -> tuple[Token, ...]:
    """Return the words of `check = …` in one virtual server."""
    sections = (virtual.section, *(server.section for server in virtual.kinds))
    return tuple(word for one in sections if "check" in one.values for word in one.given["check"].setting.values)
