"""What comes of reading lvs.cf; apart from what reads it, which a start of the lvs daemon may not need."""

from typing import TYPE_CHECKING

from piranha.dataclass import dataclass, field
from piranha.lvscf.config import Config
from piranha.lvscf.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from piranha.lvscf.known import Known
    from piranha.lvscf.syntax.parser import Read


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of one reading.

    config: None exactly when some finding is an error. findings: errors and warnings in file
    order. text: what was read, decoded as UTF-8 with surrogateescape. resolved: the same with
    addresses for host names, None when it has none. again: for the next reading of the file.
    """

    config: Config | None
    findings: tuple[Diagnostic, ...]
    text: str
    path: str = "lvs.cf"
    resolved: str | None = None
    again: "Again | None" = field(default=None, compare=False, repr=False)

    def accepted_bytes(self) -> bytes:
        """Return the file to keep as the accepted one: as it was read, but with addresses for host names."""
        return (self.text if self.resolved is None else self.resolved).encode("utf-8", "surrogateescape")

    def original_bytes(self) -> bytes:
        """Return the file as it was read."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the file from being used."""
        return tuple(d for d in self.findings if d.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The findings that do not."""
        return tuple(d for d in self.findings if d.severity is Severity.WARNING)

    def render(self) -> str:
        """Return every finding with its source line, caret and hint; empty when there is none."""
        lines = self.text.split("\n")
        return "\n".join(diagnostic.render_lines(self.path, lines) for diagnostic in self.findings)


@dataclass(frozen=True, slots=True)
class Again:
    """What a reading leaves for the next one of the same file, which then reads what has changed."""

    syntax: "Read"
    known: "Known"
