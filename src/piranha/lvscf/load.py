"""From the bytes of lvs.cf to a Config or the reasons why not: the one reading of the file."""

from collections.abc import Mapping
from dataclasses import dataclass

from piranha.lvscf.config import Config
from piranha.lvscf.diagnostics import Diagnostic, Severity
from piranha.terms import Address


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of one reading.

    config: None exactly when some finding is an error. findings: errors and warnings in file
    order. text: what was read, decoded as UTF-8 with surrogateescape.
    """

    config: Config | None
    findings: tuple[Diagnostic, ...]
    text: str
    path: str = "lvs.cf"

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


def load(data: bytes, path: str, hosts: Mapping[str, Address] = {}) -> Loaded:
    """Read lvs.cf from `data`; never raises, whatever the bytes are.

    path: named in findings only. hosts: addresses of the host names in the file; a name that is
    not among them is an error (`read.read_and_load` resolves them first).
    """
    raise RuntimeError("the language is not built yet")
