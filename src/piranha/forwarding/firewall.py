"""What the lvs daemon asks of a firewall that sets marks, and how a firewall says that it cannot."""

from collections.abc import Collection, Sequence
from typing import Protocol

from piranha.errors import PiranhaError
from piranha.table.mark_rules import Difference, Kept, MarkRule


class FirewallUnavailable(PiranhaError):
    """The firewall refused or did not answer; the text names the cause and the cure."""


class FirewallMissing(FirewallUnavailable):
    """This machine does not have that firewall; the text names the module or the program that is missing."""


class Firewall(Protocol):
    """One way to have packets marked. Methods block; none of them touches anything outside of `place`.

    name: of the firewall. place: where the rules lie there, in words. Raises FirewallUnavailable from every method,
    FirewallMissing where this machine has no such firewall.
    """

    name: str
    place: str

    def look(self) -> Kept:
        """Read what lies in our place; change nothing."""

    def bring(self, wanted: Sequence[MarkRule]) -> Difference:
        """Make `wanted` of what lies in our place, nothing at all where it is empty; return how it differed."""


def of_family(rules: Collection[MarkRule], family: int) -> list[MarkRule]:
    """Return those of `rules` that are about packets of `family`."""
    return [rule for rule in rules if rule.family == family]
