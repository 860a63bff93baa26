"""From `check`, check blocks and the older send, expect and send_program to what is asked of a real server."""

import re
from collections.abc import Iterator, Mapping, Sequence

from piranha.dataclass import dataclass
from piranha.lvscf import directives
from piranha.lvscf.check_values import (
    Check,
    CheckTiming,
    Exchange,
    Expect,
    FurtherCheck,
    HttpExpect,
    Program,
    WeightFrom,
)
from piranha.lvscf.config import PortRange
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Scope
from piranha.lvscf.ere import BadExpression, translate
from piranha.lvscf.settings import Given, Section
from piranha.lvscf.syntax.tokens import Token
from piranha.lvscf.syntax.tree import span_of
from piranha.terms import Address, Protocol

HTTP_PORT = 80  # without any check of its own a service there is asked in HTTP, as ever
HTTP_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
KINDS = directives.of(Scope.CHECK)["kind"].choices
"""Kinds of check; each is a check of that name, too."""
BUILT = ("tcp", "udp", "http", "program")
"""Kinds of check that this version makes."""

_TIMING = frozenset(("interval", "check_timeout", "fall", "rise", "fast_interval"))
_STATUS = r"[1-5][0-9]{2}(?:-[1-5][0-9]{2})?"
_USUAL = {"http": HTTP_PORT, "https": 443}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One check of a virtual server. address, port: None, 0 = the server's. block: with times of its own, if any."""

    name: str
    check: Check
    address: Address | None = None
    port: int = 0
    block: Section | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What a check has to know of the virtual server. vip: empty while there is none; port, ports: as in `Virtual`."""

    vip: str
    port: int
    ports: tuple[PortRange, ...]
    protocols: tuple[Protocol, ...]

    def has(self, port: int) -> bool:
        """Whether `port` is one of `ports`."""
        return any(one.first <= port <= one.last for one in self.ports)

    @property
    def transport(self) -> Protocol:
        """The protocol to look at where the check does not say."""
        return Protocol.TCP if Protocol.TCP in self.protocols else self.protocols[0]


class Checks:
    """The checks of one virtual server, and those that a server has of its own."""

    def __init__(self, section: Section, blocks: Mapping[str, Section], service: Service, findings: Findings) -> None:
        self._section, self._blocks, self._service = section, blocks, service
        given = section.of("check") if "check" in section.values else None
        self._asked = named_checks(given, blocks, service, findings) if given is not None else ()
        if not self._asked:
            self._asked = (Asked("", old_check(section, service, findings)),)
        self._needed = needed(section, self._asked, findings)
        # Thousands of servers share them.
        self._made = self._timed(self._asked, None)

    def of_server(self, server: Section, findings: Findings) -> tuple[tuple[FurtherCheck, ...], int]:
        """Return the checks of a server, at least one, and how many of them must pass."""
        given, asked = server.of("check") if "check" in server.values else None, self._asked
        if given is not None:
            asked = named_checks(given, self._blocks, self._service, findings) or asked
        if self._section.value("active", bool) and server.value("active", bool):
            _family_of_sources(asked, server, findings)
        if given is None and _TIMING.isdisjoint(server.values):
            return self._made, self._needed
        count = needed(self._section, asked, Findings())  # what is wrong with the rule has been said
        return self._timed(asked, server), count

    def _timed(self, asked: Sequence[Asked], server: Section | None) -> tuple[FurtherCheck, ...]:
        return tuple(
            FurtherCheck(
                name=one.name,
                check=one.check,
                timing=timing(self._section, one.block, server),
                address=one.address,
                port=one.port,
            )
            for one in asked
        )


def _family_of_sources(asked: Sequence[Asked], server: Section, findings: Findings) -> None:
    """Add where a check could not go out from its `source`, because the server is of the other family."""
    for one in asked:
        sources = one.check.sources if isinstance(one.check, Exchange) else ()
        place = "check_address" if server.address("check_address") is not None else "address"
        target = server.address(place) if one.address is None else None  # `check_contents` looks at the others
        if target is not None and sources and not any(source.version == target.version for source in sources):
            message = f"check '{one.name}' goes out from {sources[0]}, which is not of the family of {target}"
            findings.add("E035", server.place(place), message, "add an own address of its family to source")


def old_check(section: Section, service: Service, findings: Findings) -> Check:
    """Return the check of send, expect and send_program, or that of a virtual server without any."""
    program = section.get("send_program", ())
    send = section.get("send", "")
    expect = expectation(section, findings, program=bool(program))
    if program:
        honour = section.value("send_program_status", str) == "honour"
        return Program(command=program, expect=expect, honour_status=honour)
    if service.port == HTTP_PORT and not send and expect is None and service.transport is Protocol.TCP:
        return Exchange(send=HTTP_REQUEST, expect=Expect(text=b"HTTP"))
    return Exchange(transport=service.transport, send=unescape(send), expect=expect)


def named_checks(
    given: Given, blocks: Mapping[str, Section], service: Service, findings: Findings
) -> tuple[Asked, ...]:
    """Return the checks that `check = NAME …` asks for, each once.

    A kind that this version does not build is said by name, and the server is asked to answer at all
    instead: a file for a later version serves here, with a check that is weaker.
    """
    found: dict[tuple[Check, Address | None, int], Asked] = {}
    for word in given.setting.values:
        block = blocks.get(word.value)
        kind = block.get("kind", "") if block is not None else word.value
        if kind not in KINDS:
            continue  # `checks_blocks` says so
        if kind not in BUILT:
            _not_built(word, kind, service, findings)
        address, port = (block.address("address"), block.get("port", 0)) if block is not None else (None, 0)
        if not port and service.has(_USUAL.get(kind, 0)):
            port = _USUAL[kind]
        for what, check in _checks(kind, block, service, findings):
            asked = Asked(f"{word.value} {what}".rstrip(), check, address, port, block)
            found.setdefault((check, asked.address, port), asked)
    return tuple(found.values())


def _not_built(word: Token, kind: str, service: Service, findings: Findings) -> None:
    how = "connecting" if service.transport is Protocol.TCP else f"a {service.transport.word} packet"
    message = f"check '{word.value}': this version cannot check by {kind} yet, servers are checked by {how} only"
    findings.add("W004", span_of(word), message)


def _checks(kind: str, block: Section | None, service: Service, findings: Findings) -> Iterator[tuple[str, Check]]:
    """Yield what has to pass, each with a word that tells it from the others."""
    sources: tuple[Address, ...] = block.get("source", ()) if block is not None else ()
    match kind:
        case "tcp" | "udp":
            send, expect = _sent_and_expected(block, findings) if block is not None else (b"", None)
            yield "", Exchange(transport=Protocol[kind.upper()], send=send, expect=expect, sources=sources)
        case "http":
            paths = [str(one.value) for one in block.all("path")] if block is not None else []
            body = expectation(block, findings, anywhere=True) if block is not None else None
            for path in paths or ["/"]:
                yield path if len(paths) > 1 else "", _http(path, block, service, body)
        case "program":
            words: tuple[str, ...] = block.get("program", ()) if block is not None else ()
            if words and block is not None:
                command = tuple(word.replace("%v", service.vip) for word in words)
                expect, weight_from = expectation(block, findings, program=True), block.value("weight_from", str)
                yield "", Program(command=command, expect=expect, weight_from=WeightFrom(weight_from))
        case _:
            yield "", Exchange(transport=service.transport, sources=sources)


def _sent_and_expected(block: Section, findings: Findings) -> tuple[bytes, Expect | None]:
    send = bytes.fromhex(block.get("send_hex", "")) or unescape(block.get("send", ""))
    if not (pattern := block.get("expect_hex", "")):
        return send, expectation(block, findings)
    mask = "".join("0" if digit == "x" else "f" for digit in pattern)
    return send, Expect(text=bytes.fromhex(pattern.replace("x", "0")), mask=bytes.fromhex(mask))


def _http(path: str, block: Section | None, service: Service, body: Expect | None) -> Exchange:
    host = f"[{service.vip}]" if ":" in service.vip else service.vip
    sources: tuple[Address, ...] = ()
    method, headers, statuses = "GET", [], ("200-399",)
    if block is not None:
        host, method, sources = block.get("host", host), block.value("method", str), block.get("source", ())
        headers = [str(one.value) for one in block.all("header")]
        statuses = tuple(word for word in block.value("status", tuple) if re.fullmatch(_STATUS, word))
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "Connection: close", "", ""]
    request = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    bounds = [word.partition("-") for word in statuses]
    good = tuple((int(first), int(last or first)) for first, _, last in bounds)
    return Exchange(send=request, http=HttpExpect(statuses=good, body=body), sources=sources)


def expectation(
    section: Section, findings: Findings, *, program: bool = False, anywhere: bool = False
) -> Expect | None:
    """Return what `expect` and `use_regex` of a block say.

    program: of its output, where * is no sign. anywhere: not only where the answer begins.
    """
    text = section.get("expect", "")
    if not text:
        return None
    if section.value("use_regex", bool):
        expression = unescape(text)
        try:
            translate(expression)
        except BadExpression as error:
            findings.add("E037", section.place("expect"), f"no regular expression: {error}")
        return Expect(text=expression, regex=True)
    anything = text == "*" and not program
    return Expect(text=unescape(text), anything=anything, anywhere=anywhere and not anything)


def unescape(text: str) -> bytes:
    r"""Return the bytes of a send or expect text: `\n \r \t \\ \' \"`, nothing else, not in a single character."""
    if len(text) > 1:
        text = re.sub(r"\\([nrt\\'\"])", lambda found: _ESCAPES.get(found[1], found[1]), text)
    return text.encode("utf-8", "surrogateescape")


def timing(section: Section, *nearer: Section | None) -> CheckTiming:
    """Return the times of a check. nearer: blocks that are asked first, the nearest first."""
    blocks = [block for block in nearer if block is not None]

    def get(name: str, default: float) -> float:
        own = next((block for block in blocks if name in block.values), section)
        return own.get(name, default)

    interval_s = get("interval", section.value("timeout", float) / 3)
    return CheckTiming(
        interval_s=interval_s,
        check_timeout_s=get("check_timeout", interval_s),
        fast_interval_s=get("fast_interval", interval_s),
        fall=int(get("fall", section.value("fall", int))),
        rise=int(get("rise", section.value("rise", int))),
        reentry_s=section.value("reentry", float),
        reentry_max_s=section.get("reentry_max", 0.0),
    )


def check_contents(name: str, section: Section, findings: Findings) -> None:
    """Add what is wrong with the settings of a check block that this version makes, once for all who ask for it."""
    address, sources = section.address("address"), section.get("source", ())
    if address is not None and sources and not any(source.version == address.version for source in sources):
        message = f"source {sources[0]} is not of the family of {address}, which is checked"
        findings.add("E035", section.place("source"), message, "write an own address of its family")
    if section.get("kind", "") != "http":
        return
    for given in section.all("status"):
        for token, word in zip(given.setting.values, section.value("status", tuple), strict=False):
            first, dash, last = word.partition("-")
            right = re.fullmatch(_STATUS, word) and (not dash or first <= last)
            if not right:
                message = f"status takes numbers and ranges from 100 to 599, not '{word}'"
                findings.add("E017", span_of(token), message, "such as 200 204 300-302")
    for given in section.all("path"):
        if not str(given.value).startswith("/") or not str(given.value).isprintable() or " " in str(given.value):
            findings.add(
                "E019", given.span, f"a path of kind http begins with / and has no blanks, not '{given.value}'"
            )
    if section.value("method", str) == "HEAD" and "expect" in section.values:
        message = f"check '{name}' expects something of the body, and the answer to HEAD has none"
        findings.add("E078", section.place("expect"), message, "method = GET")


def needed(section: Section, checks: Sequence[Asked], findings: Findings) -> int:
    """Return how many of the checks must pass, by `check_rule`."""
    rule = section.value("check_rule", str)
    blocks = [id(one.block) for one in checks if one.block is not None]
    if rule != "all" and len(set(blocks)) < len(blocks):
        message = f"a check of several paths: check_rule = {rule} would count each on its own"
        findings.add("E066", section.place("check_rule"), message, "write a check block for each path")
    if rule in ("all", "any"):
        return len(checks) if rule == "all" else 1
    if not (rule.isdecimal() and rule.isascii() and 1 <= int(rule) <= 1000):
        findings.add("E014", section.place("check_rule"), f"unknown check_rule '{rule}'", "all, any, or a number")
        return len(checks)
    return min(int(rule), len(checks))
