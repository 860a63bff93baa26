"""Reads ldirectord.cf: which lines belong to which virtual service, and what a real server's line says.

Source: ldirectord(8) of 4.12 and how the program reads its file: a virtual service lasts as long as
the lines below it are indented by four blanks or a tab, and a blank line ends it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address

from piranha.change.imported import Draft, Origin

RANGE_LIMIT = 1024  # real servers that one line stands for

_SETTING = re.compile(r"(\w+)\s*=\s*(.*?)\s*$")
_HOST = r"(\d+\.\d+\.\d+\.\d+|[A-Za-z0-9.-]+?|\[[0-9A-Fa-f:.]+\])"
_REAL = re.compile(rf"{_HOST}(?:->{_HOST})?(?::([A-Za-z0-9_-]+))?\s+(gate|masq|ipip)\b(.*)")
_WEIGHT = re.compile(r"\s+(\d+)(?=\s|$)(.*)")
_EXCHANGE = re.compile(r"\s+\"(.*?)\"[, ]\s*\"(.*?)\"(.*)")
_LOWER = re.compile(r"\s+\"?l:(\d+)\"?(.*)")
_UPPER = re.compile(r"\s+\"?u:(\d+)\"?(.*)")


@dataclass(frozen=True, slots=True)
class Line:
    """One setting."""

    keyword: str
    value: str
    origin: Origin

    @property
    def text(self) -> str:
        """The value without the quotes round it."""
        quoted = len(self.value) > 1 and self.value[0] == self.value[-1] == '"'
        return self.value[1:-1] if quoted else self.value


@dataclass(slots=True)
class Section:
    """The settings of the file or of one virtual service; of one given twice the last counts, but for `real`."""

    origin: Origin
    head: str = ""
    ipv6: bool = False
    lines: list[Line] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def last(self, keyword: str) -> Line | None:
        """Return the setting that counts."""
        self.used.add(keyword)
        return next((line for line in reversed(self.lines) if line.keyword == keyword), None)

    def every(self, *keywords: str) -> list[Line]:
        """Return all settings of these names, in file order."""
        self.used.update(keywords)
        return [line for line in self.lines if line.keyword in keywords]

    def text(self, keyword: str, default: str = "") -> str:
        """Return a value without its quotes."""
        line = self.last(keyword)
        return default if line is None else line.text

    def number(self, keyword: str, draft: Draft) -> int | None:
        """Return the first number in a value, as the program reads it; None where there is none."""
        line = self.last(keyword)
        found = re.search(r"\d+", line.value, re.ASCII) if line else None
        if line is not None and (found is None or len(found.group()) > 9):
            draft.fail(line.origin, f"{keyword} takes a number: left out")
            return None
        return int(found.group()) if found else None


@dataclass(frozen=True, slots=True)
class RealLine:
    """One `real` line. hosts: each real server it stands for. exchange: what is asked and expected of these alone."""

    hosts: tuple[str, ...]
    port: str
    method: str
    weight: int
    exchange: tuple[str, str] | None
    lower: int
    upper: int
    origin: Origin


def read(text: str, draft: Draft) -> tuple[Section, list[Section]]:
    """Return the global settings and the virtual services; what is neither is noted."""
    whole = Section(draft.whole)
    virtuals: list[Section] = []
    inside = False
    for number, source in enumerate(text.split("\n"), 1):
        line, origin = source.rstrip("\r"), Origin(draft.whole.file, number)
        if re.match(r"\s*#", line):
            continue
        spread = line.replace("\t", "    ")
        if inside and re.match(r" {4,}\S", spread):
            _take(spread.split("#", 1)[0].strip(), origin, virtuals[-1], draft)
            continue
        inside = False
        if head := re.match(r"virtual(6)?\s*=\s*(.*)", line):
            virtuals.append(Section(origin, head[2].split("#", 1)[0].strip(), head[1] is not None))
            inside = True
        elif line.startswith((" ", "\t")) and line.strip():
            draft.fail(origin, "an indented line that belongs to no virtual service: a blank line ends one")
        elif line.strip():
            _take("supervised = yes" if line.strip() == "supervised" else line, origin, whole, draft)
    return whole, virtuals


def _take(line: str, origin: Origin, section: Section, draft: Draft) -> None:
    found = _SETTING.match(line)
    if found:
        section.lines.append(Line(found[1], found[2], origin))
    elif line:
        draft.fail(origin, f"no setting: {line[:60]}")


def real_lines(section: Section, draft: Draft) -> Iterator[RealLine]:
    """Yield the real servers of a virtual service; a line that cannot be read is noted."""
    for line in section.every("real", "real6"):
        found = _REAL.match(line.value)
        if found is None:
            draft.fail(line.origin, "no real server: ADDRESS[:PORT] gate|masq|ipip [WEIGHT] is expected; left out")
            continue
        first, last, port, method, rest = found.groups()
        hosts = (first.strip("[]"),) if last is None else _range(first, last)
        if not hosts:
            message = (
                f"{first}->{last}: a range is of at most {RANGE_LIMIT} IPv4 addresses, the lower one first; left out"
            )
            draft.fail(line.origin, message)
            continue
        yield _real(hosts, port or "", method, rest=rest, origin=line.origin, draft=draft)


def _real(hosts: tuple[str, ...], port: str, method: str, *, rest: str, origin: Origin, draft: Draft) -> RealLine:
    weight, lower, upper = 1, 0, 0
    exchange = None
    if found := _WEIGHT.match(rest):
        weight, rest = int(found[1][:9]), found[2]
    if found := _EXCHANGE.match(rest):
        exchange, rest = (found[1], found[2]), found[3]
    if found := _LOWER.match(rest):
        lower, rest = int(found[1][:9]), found[2]
    if found := _UPPER.match(rest):
        upper, rest = int(found[1][:9]), found[2]
    if rest.strip():
        draft.fail(origin, f"what stands behind the real server cannot be read: {rest.strip()[:60]}")
    return RealLine(hosts, port, method, weight, exchange, lower, upper, origin)


def _range(first: str, last: str) -> tuple[str, ...]:
    """Return every address from the first to the last, none where that is no range."""
    try:
        low, high = IPv4Address(first), IPv4Address(last)
    except AddressValueError:
        return ()
    if not 0 <= int(high) - int(low) < RANGE_LIMIT:
        return ()
    return tuple(str(low + step) for step in range(int(high) - int(low) + 1))
