"""Findings about lvs.cf: severity, stable code, place, words, and how they are shown."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from piranha.dataclass import dataclass, field, replace
from piranha.text import printable

SHOWN_WIDTH = 160  # a longer source line is cut round the place of the finding
HINT_LIMIT = 100  # words of one file for which a similar one is looked for
HINT_LENGTH = 40  # characters of such a word, at most
KIND_LIMIT = 100  # findings of one code that are told; of the others only how many there are
MESSAGE_LENGTH = 240  # characters of a finding's words
_LONG_WORD = r"(\S{60})\S+"


class Severity(StrEnum):
    """An error keeps the file from being used; a warning does not. A note is told only when asked for."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @classmethod
    def of(cls, code: str) -> "Severity":
        """Return what the first letter of a code says: E, W or N."""
        return {"E": cls.ERROR, "W": cls.WARNING}.get(code[0], cls.NOTE)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in the file; line and column are 1-based, length is in characters."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding at one place in lvs.cf, worded for the person who wrote the line.

    code: `E…`, `W…` or `N…` and three digits, stable; `codes.CODES` explains each. more: how many further findings of
    this code the file has that are not kept; said at the last one that is.
    """

    severity: Severity
    code: str
    span: Span
    message: str
    hint: str = ""
    more: int = 0

    def render(self, path: str, text: str) -> str:
        """Return the finding with its source line and a caret under the place."""
        return self.render_lines(path, text.split("\n"))

    def render_lines(self, path: str, lines: Sequence[str]) -> str:
        """Do the same as `render` where the text is already cut at each newline."""
        where = f"{printable(path)}:{self.span.line}:{self.span.column}"
        shown = [f"{where}: {self.severity}: {self.message} [{self.code}]"]
        source = lines[self.span.line - 1].rstrip("\r") if self.span.line <= len(lines) else ""
        if self.span.line == 1:
            source = source.removeprefix("\ufeff")
        if source.strip():
            source, before, length = _cut(source, self.span.column - 1, self.span.length)
            # Tabs stay in the margin, so the caret lands under the token in any editor.
            carets = re.sub(r"[^\t]", " ", source[:before]) + "^" * length
            shown += [f"    {source}", f"    {carets}"]
        if self.hint:
            shown.append(f"    hint: {self.hint}")
        if self.more:
            shown.append(f"    and {self.more:,} more [{self.code}]")
        return "\n".join(shown)

    def sentence(self) -> str:
        """Return the finding in one line, for a log: `line 14: unknown scheduler 'wlcc' [E014]`."""
        return f"line {self.span.line}: {self.message} [{self.code}]"


def _cut(source: str, before: int, length: int) -> tuple[str, int, int]:
    """Return a printable part of `source`, where the finding begins in it, and how long it is there."""
    # One for one, so that the carets stay under their characters.
    source = "".join(c if c == "\t" or c.isprintable() else "\ufffd" for c in source)
    before = min(before, len(source))
    start = max(0, before - SHOWN_WIDTH // 2) if len(source) > SHOWN_WIDTH else 0
    source, before = source[start : start + SHOWN_WIDTH], before - start
    return source, before, max(1, min(length, len(source) - before))


@dataclass(slots=True)
class Findings:
    """Collects what is found on the way through one file. added: how many there are, also of those not kept."""

    found: list[Diagnostic] = field(default_factory=list)
    added: int = field(default=0, init=False)
    _of_kind: dict[str, int] = field(default_factory=dict, init=False)
    _looked_up: int = field(default=0, init=False)

    def add(self, code: str, span: Span, message: str, hint: str = "") -> None:
        """Note a finding; the first letter of `code` is its severity."""
        if self._counts(code):
            self.found.append(Diagnostic(Severity.of(code), code, span, _told(message), _told(hint)))

    def take(self, found: Iterable[Diagnostic]) -> None:
        """Note findings once more that an earlier reading noted at the same place."""
        self.found += [one for one in found if self._counts(one.code)]

    def mark(self) -> tuple[int, int, int]:
        """Return where `since` begins."""
        return len(self.found), self.added, self._looked_up

    def since(self, mark: tuple[int, int, int]) -> tuple[Diagnostic, ...] | None:
        """Return what was added since; None where that depends on what was found before, too."""
        kept, added, looked_up = mark
        new = tuple(self.found[kept:])
        return new if (self.added - added, self._looked_up) == (len(new), looked_up) else None

    def take_errors(self, other: "Findings") -> None:
        """Note the errors that were found elsewhere."""
        self.found += [one for one in other.found if one.severity is Severity.ERROR and self._counts(one.code)]

    def _counts(self, code: str) -> bool:
        """Count a finding; return whether it is one of the first KIND_LIMIT of its code, which are kept."""
        self.added += 1
        self._of_kind[code] = self._of_kind.get(code, 0) + 1
        return self._of_kind[code] <= KIND_LIMIT

    def nearest(self, word: str, options: Iterable[str]) -> str:
        """Return `did you mean 'wlc'?` for the option that looks most like `word`, empty if none does."""
        close = self.like(word, options)
        return f"did you mean '{close}'?" if close else ""

    def like(self, word: str, options: Iterable[str], cutoff: float = 0.6) -> str:
        """Return the option that looks most like `word`, empty if none does; cutoff: 0 to 1 = the same."""
        # One look-up takes up to a millisecond: a file of garbage must not take minutes.
        self._looked_up += 1
        if self._looked_up > HINT_LIMIT or len(word) > HINT_LENGTH:
            return ""
        from difflib import get_close_matches  # noqa: PLC0415 -- not for a file without mistakes

        return next(iter(get_close_matches(word, list(options), 1, cutoff)), "")

    def in_file_order(self) -> tuple[Diagnostic, ...]:
        """Return the findings sorted by place; those of one place in the order they were found."""
        ordered = sorted(self.found, key=lambda diagnostic: (diagnostic.span.line, diagnostic.span.column))
        for code, number in self._of_kind.items():
            if number > KIND_LIMIT:
                self._tell_the_rest(ordered, code, number - KIND_LIMIT)
        return tuple(ordered)

    def _tell_the_rest(self, ordered: list[Diagnostic], code: str, number: int) -> None:
        """Say at the last finding of a code how many more there are."""
        last = max((place for place, finding in enumerate(ordered) if finding.code == code), default=None)
        if last is not None:
            ordered[last] = replace(ordered[last], more=number)


def _told(text: str) -> str:
    """Return a message that a line can hold and a terminal can show, whatever word of the file is in it."""
    if len(text) > MESSAGE_LENGTH:
        text = re.sub(_LONG_WORD, r"\1…", text)[:MESSAGE_LENGTH]
    return printable(text)


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Return whether any finding is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in findings)
