"""From the files of a keepalived configuration to its lines: comments, includes, conditions and definitions done.

Source: keepalived.conf(5) of 2.2: *TOP HIERARCHY*, *Conditional configuration*, *Parameter substitution*,
*Sequence blocks*, *List blocks*.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from piranha.change.imported import Origin

DEPTH_LIMIT = 8  # files that include one another
FILES_LIMIT = 256
STEPS_LIMIT = 400_000  # lines, and definitions put in place
EXPANSION_LIMIT = 8 * 1024 * 1024  # characters, in all
DEFINITIONS_LIMIT = 100  # one in another, in one line

Reader = Callable[[str, str], Sequence[tuple[str, str]]]
"""From a FILENAME of `include` and the file it stands in to the name and text of each file that it matches."""

_INCLUDE = re.compile(r"include[rmwba]?\s+(.*)")
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=\s|$))")
_CONDITION = re.compile(r"@(\^?)(\S*)\s*(.*)", re.DOTALL)
_SEQUENCE = re.compile(r"~SEQ(x?)\(([^()]*)\)\s*(.*)", re.DOTALL)
_LIST = re.compile(r"~LST\(([^()]*)\)\s*(.*)", re.DOTALL)
_PRESET = {"_HASH": "#", "_BANG": "!"}


class Line(NamedTuple):
    """One line as keepalived works on it."""

    origin: Origin
    text: str


class Broken(ValueError):
    """The configuration cannot be read on from here; the text says why."""

    def __init__(self, origin: Origin, message: str) -> None:
        super().__init__(message)
        self.origin = origin


@dataclass(slots=True)
class Lines:
    """Expands one configuration for one configuration id (`keepalived -i`).

    folder: where relative names of files begin. conditions: every id that the files ask for. missing: each
    `include` that no file answers.
    """

    config_id: str
    reader: Reader
    folder: str = ""
    conditions: set[str] = field(default_factory=set)
    missing: list[tuple[Origin, str]] = field(default_factory=list)
    _definitions: dict[str, str] = field(default_factory=dict)
    _files: int = 0
    _steps: int = 0
    _characters: int = 0

    def of(self, name: str, text: str, above: tuple[str, ...] = ()) -> Iterator[Line]:
        """Return the lines of a file and of those it includes, in order. Raises Broken."""
        self._files += 1
        if self._files > FILES_LIMIT:
            raise Broken(Origin(name), f"more than {FILES_LIMIT} files are included")
        above = (*above, name)
        for origin, source in _joined(name, text):
            line = without_comment(source).strip()
            if not line:
                continue
            if found := _INCLUDE.fullmatch(line):
                yield from self._included(origin, found[1].strip().strip("\"'"), above)
            else:
                yield from self._expanded(origin, line, 0)

    def _included(self, origin: Origin, pattern: str, above: tuple[str, ...]) -> Iterator[Line]:
        if len(above) >= DEPTH_LIMIT:
            raise Broken(origin, f"files include one another more than {DEPTH_LIMIT} deep")
        files = self.reader(pattern, origin.file)
        if not files:
            self.missing.append((origin, pattern))
        for name, text in files:
            if name in above:
                raise Broken(origin, f"{name} includes itself: {' -> '.join((*above, name))}")
            yield from self.of(name, text, above)

    def _expanded(self, origin: Origin, line: str, depth: int) -> Iterator[Line]:
        """Return what a line stands for: conditions, definitions, parameters, sequences and lists."""
        if depth > DEFINITIONS_LIMIT:
            raise Broken(origin, f"definitions stand in one another more than {DEFINITIONS_LIMIT} deep")
        self._steps += 1
        if self._steps > STEPS_LIMIT:
            raise Broken(origin, f"more than {STEPS_LIMIT} lines, with what definitions and sequences stand for")
        if line.startswith("@"):
            condition = _CONDITION.match(line)
            if condition is None or not self._holds(condition):
                return
            line = condition[3]
        if line.startswith("$") and (found := _DEFINITION.fullmatch(line)):
            self._definitions[found[1]] = found[2].strip(" \t")
            return
        if line.startswith("~") and (rounds := self._rounds(origin, line)) is not None:
            for names, values, rest in rounds:
                self._definitions.update(zip(names, values, strict=False))
                yield from self._expanded(origin, rest, depth + 1)
            return
        whole = self._substituted(origin, line)
        if whole != line:
            for part in whole.split("\n"):
                if stripped := without_comment(part).strip():
                    yield from self._expanded(origin, stripped, depth + 1)
            return
        yield Line(origin, line)

    def _holds(self, condition: re.Match[str]) -> bool:
        self.conditions.add(condition[2])
        return (condition[2] == self.config_id) != bool(condition[1])

    def _substituted(self, origin: Origin, line: str) -> str:
        """Return `line` with every parameter that is defined in place; what these name is put in place next time."""
        parts: list[str] = []
        at = 0
        for found in _PARAMETER.finditer(line):
            value = self._value(found[1] or found[2], origin)
            if value is None or value == found.group():
                continue
            parts += [line[at : found.start()], value]
            at = found.end()
            self._characters += len(parts[-2]) + len(value)
            if self._characters > EXPANSION_LIMIT:
                raise Broken(origin, "definitions stand for more text than any configuration has")
        return "".join([*parts, line[at:]]) if parts else line

    def _value(self, name: str, origin: Origin) -> str | None:
        if name in self._definitions:
            return self._definitions[name]
        if name == "_PWD":
            parent = origin.file.rpartition("/")[0]
            return parent if parent.startswith("/") else f"{self.folder}/{parent}".rstrip("/")
        if name == "_INSTANCE":
            return self.config_id or None
        return _PRESET.get(name)

    def _rounds(self, origin: Origin, line: str) -> Iterator[tuple[list[str], list[str], str]] | None:
        """Return names, values and rest of the line for each round of `~SEQ` or `~LST`, None for another line."""
        if found := _SEQUENCE.fullmatch(line):
            words = [self._whole(origin, word.strip()) for word in found[2].split(",")]
            numbers = _sequence(words[1:])
            if numbers is None:
                raise Broken(origin, f"~SEQ({found[2]}) is no sequence: (NAME, START, STEP, END)")
            return (([words[0]], [f"{number:x}" if found[1] else str(number)], found[3]) for number in numbers)
        if found := _LIST.fullmatch(line):
            names, *rounds = _list_parts(found[1])
            return ((names, values, found[2]) for values in rounds)
        return None

    def _whole(self, origin: Origin, text: str) -> str:
        for _ in range(DEFINITIONS_LIMIT):
            after = self._substituted(origin, text)
            if after == text:
                break
            text = after
        return text


def _joined(name: str, text: str) -> Iterator[tuple[Origin, str]]:
    """Return the lines of a file; those of a definition that goes on behind a backslash as one, with line breaks."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip("\r")
        origin = Origin(name, number + 1)
        number += 1
        if not re.match(r"\s*(?:@\S+\s+)?\$[A-Za-z_]\w*=\s*\\\s*$", line):
            yield origin, line
            continue
        parts = []
        while number < len(lines):
            part = lines[number].rstrip()
            number += 1
            parts.append(without_comment(part.removesuffix("\\")).strip())
            if not part.endswith("\\"):
                break
        yield origin, line.rstrip().removesuffix("\\").rstrip() + "\n".join(parts)


def without_comment(line: str) -> str:
    """Return `line` up to a `#` or `!` outside of quotes."""
    if "#" not in line and "!" not in line:
        return line
    quote = ""
    escaped = False
    for place, letter in enumerate(line):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "#!":
            return line[:place]
    return line


def _sequence(words: Sequence[str]) -> range | None:
    """Return the numbers of (START, STEP, END), of which STEP, or START and STEP, may be left out."""
    try:
        numbers = [int(word, 0) for word in words]
    except ValueError:
        return None
    if not 1 <= len(numbers) <= 3:
        return None
    end = numbers[-1]
    start = numbers[0] if len(numbers) > 1 else (1 if end > 0 else -1)
    step = numbers[1] if len(numbers) > 2 else (1 if end >= start else -1)
    if step == 0:
        return None
    return range(start, end + (1 if step > 0 else -1), step)


def _list_parts(text: str) -> list[list[str]]:
    """Return the words of `NAME, A, B` or `{NAME, NAME}, {A, A}, {B, B}`, one list for each round after the names."""
    parts = re.findall(r"\{([^{}]*)\}|([^,{}]+)", text)
    cut = [[word.strip() for word in (group or plain).split(",")] for group, plain in parts if (group or plain).strip()]
    return cut or [[]]
