"""What the virtual blocks of a file said, for the next reading of it: most of them will say the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from piranha.lvscf.built import BuiltVirtual
from piranha.lvscf.diagnostics import Diagnostic
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
        return cls({name: one.value for name, one in section.given.items() if name not in NO_MATTER}, checks)

    def same(self, other: "Outside | None") -> bool:
        """Return whether blocks mean the same here and there. A check block is the same if it is one object."""
        return (
            other is not None
            and self.given == other.given
            and [id(block) for block in self.checks] == [id(block) for block in other.checks]
        )


@dataclass(frozen=True, slots=True)
class Known:
    """said: by the identity of the block, a node of the syntax tree. Of a file with host names nothing is known."""

    outside: Outside | None = None
    said: Mapping[int, Said] = field(default_factory=dict)

    def where(self, outside: Outside) -> Mapping[int, Said]:
        """Return what can be said once more beside `outside`."""
        return self.said if outside.same(self.outside) else {}


def known(outside: Outside, said: Iterable[Said]) -> Known:
    """Return what the next reading can go by."""
    return Known(outside, {id(one.block): one for one in said if one.findings is not None})


NOTHING = Known()
