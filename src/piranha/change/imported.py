"""What an importer returns: an lvs.cf, and a note for everything that has no counterpart or changed its meaning."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from piranha.lvscf.diagnostics import Severity
from piranha.lvscf.load import Loaded, elaborated, parsed
from piranha.lvscf.syntax.layout import COMMENT_COLUMN
from piranha.text import printable

_ANY = IPv4Address("198.18.0.1")  # RFC 2544: no router, no VIP and no server has it
NOTES_LIMIT = 1000  # of one import; a file of garbage must not become a book


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in what is imported. line: 1-based; 0 = the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """Return `keepalived.conf:14`."""
        return f"{printable(self.file)}:{self.line}" if self.line else printable(self.file)


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that whoever imports should know.

    severity: an error means that the result does not do what the original did, or cannot be loaded.
    line: of the result, 1-based, None where nothing of the result belongs to it.
    """

    severity: Severity
    origin: Origin
    line: int | None
    message: str

    def render(self, result: str = "lvs.cf") -> str:
        """Return `keepalived.conf:14: warning: MESSAGE (lvs.cf:22)`; result: name of the file that was made."""
        where = f" ({printable(result)}:{self.line})" if self.line else ""
        return f"{self.origin}: {self.severity}: {self.message}{where}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of one import. text: the whole lvs.cf, empty when nothing could be made of the source."""

    text: str
    notes: tuple[Note, ...]

    @property
    def has_errors(self) -> bool:
        """Whether some note is an error; without one `text` passes `piranha check`."""
        return any(note.severity is Severity.ERROR for note in self.notes)


@dataclass(slots=True)
class Draft:
    """An lvs.cf in the making: its lines, where each comes from, and the notes."""

    whole: Origin
    lines: list[str] = field(default_factory=list)
    origins: dict[int, Origin] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def put(self, text: str = "", origin: Origin | None = None, comment: str = "") -> int:
        """Append one line, with a comment behind it as `piranha fmt` sets it; return its number, for `fail`."""
        if comment:
            text = f"{text}  # {comment}" if text.endswith("{") else f"{text:{COMMENT_COLUMN - 3}}  # {comment}"
        self.lines.append(text.rstrip())
        if origin is not None:
            self.origins[len(self.lines)] = origin
        return len(self.lines)

    def warn(self, origin: Origin, message: str, line: int | None = None) -> None:
        """Note what is different, or left out, without harm to the service as a whole."""
        self.notes.append(Note(Severity.WARNING, origin, line, printable(message)))

    def fail(self, origin: Origin, message: str, line: int | None = None) -> None:
        """Note what keeps the result from doing what the original did."""
        self.notes.append(Note(Severity.ERROR, origin, line, printable(message)))

    def finish(self) -> Imported:
        """Return the result. What `piranha check` would say of it becomes a note at the place it comes from."""
        text = "\n".join(self.lines) + "\n" if self.lines else ""
        if text:
            for finding in judged(text).findings:
                message = f"{finding.message}{'; ' + finding.hint if finding.hint else ''} [{finding.code}]"
                line = finding.span.line
                self.notes.append(Note(finding.severity, self._origin(line), line, message))
        ordered = sorted(
            dict.fromkeys(self.notes), key=lambda note: (note.origin != self.whole, note.origin, note.line or 0)
        )
        return Imported(text, limited(ordered, self.whole))

    def _origin(self, line: int) -> Origin:
        """Return where a line of the result comes from: as it says itself, or as the nearest line above says."""
        return next((self.origins[above] for above in range(line, 0, -1) if above in self.origins), self.whole)


def judged(text: str) -> Loaded:
    """Return what `piranha check` says of a file whatever addresses its host names have."""
    source = parsed(text.encode("utf-8", "surrogateescape"), "lvs.cf")
    # Any address will do to judge the rest: looking names up is for who uses the file.
    return elaborated(source, {name: _ANY + number for number, name in enumerate(source.names)})


def failure(whole: Origin, message: str, line: int = 0) -> Imported:
    """Return the outcome for a source of which nothing can be made."""
    return Imported("", (Note(Severity.ERROR, Origin(whole.file, line), None, printable(message)),))


def limited(notes: Sequence[Note], whole: Origin) -> tuple[Note, ...]:
    """Return the notes, NOTES_LIMIT of them at most and one more that says how many there are beside."""
    if len(notes) <= NOTES_LIMIT:
        return tuple(notes)
    # Errors first, in the order of the file: none must be hidden behind a thousand warnings.
    kept = sorted(notes, key=lambda note: note.severity is not Severity.ERROR)[:NOTES_LIMIT]
    more = Note(Severity.WARNING, whole, None, f"{len(notes) - NOTES_LIMIT} more notes are not shown")
    return (*kept, more)


def quoted(text: str) -> str:
    r"""Return `text` as the words of lvs.cf have it: as it is, or in double quotes, where `\` and `"` are escaped.

    For send, expect and other texts whose escapes are read again; a path or a command knows no escapes.
    """
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


def unused(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, or `wanted-2`, … where a block has that name already; it is taken from now on."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted.removesuffix('-1')}-{number}"
    taken.add(name)
    return name
