"""From the bytes of lvs.cf to a Config or the reasons why not: the one reading of the file."""

from collections.abc import Mapping

from piranha.dataclass import dataclass
from piranha.lvscf.diagnostics import Diagnostic, Findings, Span
from piranha.lvscf.elaborate import elaborate
from piranha.lvscf.known import NOTHING, Known
from piranha.lvscf.loaded import Again, Loaded
from piranha.lvscf.names import names_to_resolve, with_addresses
from piranha.lvscf.syntax.limits import TooLarge
from piranha.lvscf.syntax.parser import Read, read
from piranha.lvscf.syntax.tree import Trivia
from piranha.terms import Address

__all__ = ["Again", "Loaded", "Source", "elaborated", "load", "parsed", "unusable"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is parsed but not elaborated: `names` are the host names it still needs.

    syntax: None when it is no text of a sensible size. known: of an earlier reading.
    """

    syntax: Read | None
    findings: tuple[Diagnostic, ...]
    text: str
    path: str
    names: tuple[str, ...] = ()
    known: Known = NOTHING


def load(data: bytes, path: str, hosts: Mapping[str, Address] | None = None) -> Loaded:
    """Read lvs.cf from `data`; never raises, whatever the bytes are.

    path: named in findings only. hosts: addresses of the host names in the file; a name that is
    not among them is an error (`read.read_and_load` resolves them first).
    """
    return elaborated(parsed(data, path), hosts or {})


def parsed(data: bytes, path: str, before: Again | None = None) -> Source:
    """Do the first half of `load`, up to the names that must be resolved.

    before: what an earlier reading left; the outcome is the same with it and without it.
    """
    text = data.decode("utf-8", "surrogateescape")
    if b"\0" in data:
        hint = "save it as UTF-8" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        return _unusable(path, "E024", "this is not a text file: it has zero bytes", hint)
    if "\r" in text.rstrip("\r") and "\n" not in text:
        hint = "write them again: tr '\\r' '\\n' <OLD >NEW"
        return _unusable(path, "E049", "the lines end in carriage returns alone, as on an old Mac", hint)
    try:
        syntax = read(text, before.syntax if before is not None else None)
    except TooLarge as error:
        return _unusable(path, "E025", str(error), "see LIMITS in lvs.cf(5)", error.line)
    if not syntax.findings and all(isinstance(node, Trivia) for node in syntax.tree.body):
        return _unusable(path, "E001", "empty configuration", "an empty file would remove every virtual server")
    known = before.known if before is not None else NOTHING
    return Source(syntax, syntax.findings, text, path, names_to_resolve(syntax.tree, known.said), known)


def elaborated(source: Source, hosts: Mapping[str, Address]) -> Loaded:
    """Do the second half of `load`."""
    if source.syntax is None:
        return Loaded(None, source.findings, source.text, source.path)
    findings, tree = Findings(list(source.findings)), source.syntax.tree
    config, known = elaborate(tree, hosts, findings, source.known)
    resolved = with_addresses(tree, hosts) if source.names else None
    # What a name stands for may be another address next time.
    again = Again(source.syntax, known) if not source.names else None
    return Loaded(config, findings.in_file_order(), source.text, source.path, resolved, again)


def unusable(path: str, code: str, message: str, hint: str = "") -> Loaded:
    """Return the outcome for what is no configuration file at all."""
    return elaborated(_unusable(path, code, message, hint), {})


def _unusable(path: str, code: str, message: str, hint: str, line: int = 1) -> Source:
    findings = Findings()
    findings.add(code, Span(line, 1), message, hint)
    return Source(None, findings.in_file_order(), "", path)
