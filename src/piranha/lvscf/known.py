"""What the virtual blocks of a file said, for the next reading of it: most of them will say the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from piranha.dataclass import dataclass, field
from piranha.lvscf.built import Built, BuiltVirtual
from piranha.lvscf.diagnostics import Diagnostic, Findings
from piranha.lvscf.settings import Section
from piranha.lvscf.syntax.tree import Block

NO_MATTER = ("serial_no",)
"""Global keywords that no virtual block depends on."""


class Said(NamedTuple):
    """What one block said, and what was found in it; findings: None where that depended on what stands before it."""

    block: Block
    name: str
    built: BuiltVirtual | None
    findings: tuple[Diagnostic, ...] | None


@dataclass(frozen=True, slots=True)
class Outside:
    """All that a virtual block may depend on besides itself: the global settings and the blocks of checks."""

    given: Mapping[str, object]
    checks: Sequence[Block]

    @classmethod
    def of(cls, section: Section, checks: Sequence[Block]) -> "Outside":
        """Return it; `section` has the global settings."""
        return cls({name: value for name, value in section.values.items() if name not in NO_MATTER}, checks)

    def same(self, other: "Outside | None") -> bool:
        """Return whether blocks mean the same here and there. A check block is the same if it is one object."""
        return (
            other is not None
            and self.given == other.given
            and [id(block) for block in self.checks] == [id(block) for block in other.checks]
        )


Look = Callable[[Built, BuiltVirtual, Findings], None]
"""Adds what is found in one virtual server, by itself and all that stands outside of the others."""


class Looks:
    """Looks at virtual servers one by one; where an earlier reading did so, its findings are told once more.

    found: by the module of the look, which has one at most, then by the identity of the virtual server.
    """

    def __init__(self, before: "Seen") -> None:
        self._before = before
        self.found: dict[str, dict[int, tuple[Diagnostic, ...]]] = {}

    def at_each(self, look: Look, built: Built, findings: Findings) -> None:
        """Look at each virtual server."""
        before, seen = self._before.get(look.__module__, {}), self.found.setdefault(look.__module__, {})
        for virtual in built.virtuals:
            found = before.get(id(virtual))
            if found is None:
                mark = findings.mark()
                look(built, virtual, findings)
                found = findings.since(mark)
            elif found:
                findings.take(found)
            if found is not None:
                seen[id(virtual)] = found


Seen = Mapping[str, Mapping[int, tuple[Diagnostic, ...]]]
"""See `Looks.found`."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one reading leaves for the next; of a file with host names nothing is known.

    said: by the identity of the block, a node of the syntax tree. looks: see `Looks`.
    """

    outside: Outside | None = None
    said: Mapping[int, Said] = field(default_factory=dict)
    looks: Seen = field(default_factory=dict)

    def where(self, outside: Outside) -> "Known":
        """Return what can be said once more beside `outside`."""
        return self if outside.same(self.outside) else NOTHING


def known(outside: Outside, said: Iterable[Said], looks: Looks) -> Known:
    """Return what the next reading can go by."""
    kept = {id(one.block): one for one in said if one.findings is not None}
    # Only what is kept keeps its identity.
    virtuals = {id(one.built) for one in kept.values()}
    seen = {
        look: {virtual: one for virtual, one in found.items() if virtual in virtuals}
        for look, found in looks.found.items()
    }
    return Known(outside, kept, seen)


NOTHING = Known()
