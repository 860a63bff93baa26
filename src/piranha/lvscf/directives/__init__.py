"""THE table of keywords: feeds the reading of the file, its findings, the manual page and help."""

import re
from functools import cache

from piranha.lvscf.directives.change import CHANGE
from piranha.lvscf.directives.checking import CHECKING
from piranha.lvscf.directives.cluster import CLUSTER
from piranha.lvscf.directives.directive import Directive, Scope, Status, Type
from piranha.lvscf.directives.kernel import KERNEL, KERNEL_SETTING
from piranha.lvscf.directives.legacy import FAILOVER_INSTEAD, LEGACY
from piranha.lvscf.directives.order import BEHIND, WEB_TOOL
from piranha.lvscf.directives.pool import POOL
from piranha.lvscf.directives.service import SERVICE
from piranha.lvscf.directives.virtual import VIRTUAL
from piranha.lvscf.directives.waiting import CHECK_BLOCK, WAITING

ALL: tuple[Directive, ...] = (
    CLUSTER + KERNEL + CHANGE + VIRTUAL + SERVICE + POOL + CHECKING + LEGACY + WAITING + CHECK_BLOCK
)

_KERNEL_NAME = r"vs_[A-Za-z0-9_]+"  # it becomes the name of a file under /proc/sys

NAMES = tuple(dict.fromkeys(directive.name for directive in ALL))


@cache
def of(scope: Scope) -> dict[str, Directive]:
    """Return the keywords of one scope by name."""
    # A failover block takes what a virtual block takes, and two keywords of its own.
    scopes = {scope, Scope.VIRTUAL} if scope is Scope.FAILOVER else {scope}
    return {directive.name: directive for directive in ALL if scopes & set(directive.scopes)}


def find(name: str, scope: Scope) -> Directive | None:
    """Return the keyword `name` where it may stand in `scope`."""
    directive = of(scope).get(name)
    if directive is None and scope is Scope.GLOBAL and re.fullmatch(_KERNEL_NAME, name):
        return KERNEL_SETTING
    return directive


def scopes_of(name: str) -> tuple[Scope, ...]:
    """Return every scope in which `name` is a keyword, empty for an unknown word."""
    return tuple(dict.fromkeys(scope for directive in ALL if directive.name == name for scope in directive.scopes))


def rank(name: str, scope: Scope) -> int:
    """Return the place of a keyword in a block that is written new; what is no keyword comes last."""
    return _ranks(scope).get(name, len(ALL))


@cache
def _ranks(scope: Scope) -> dict[str, int]:
    """Keywords that the original's web tool did not know stand behind the one they follow in the table."""
    found = list(WEB_TOOL[Scope.VIRTUAL if scope is Scope.FAILOVER else scope])
    above = ""
    for name in of(scope):
        if name not in found:
            above = BEHIND[name] if BEHIND.get(name) in found else above
            found.insert(found.index(above) + 1 if above in found else len(found), name)
        above = name
    return {name: place for place, name in enumerate(found)}


__all__ = [
    "ALL",
    "FAILOVER_INSTEAD",
    "KERNEL_SETTING",
    "NAMES",
    "Directive",
    "Scope",
    "Status",
    "Type",
    "find",
    "of",
    "rank",
    "scopes_of",
]
