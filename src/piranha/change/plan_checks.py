"""Lines of a plan about checks: how servers are checked, and with what patience."""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import arrow, check_words, count, timing_words
from piranha.dataclass import dataclass, replace
from piranha.lvscf.config import RealServer
from piranha.lvscf.patience import out_by_s

T = TypeVar("T")

ServerPair = tuple[RealServer, RealServer]
"""A server before and after."""

TOLD = frozenset("check check_name check_address check_port more_checks checks_needed timing slow_start_s".split())
"""The fields of `RealServer` that these lines tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What rests on checks that change.

    serving: names of the servers that serve now and are checked in another way from now on. others: whether
    somebody serves whatever these checks say. deserted: what is left if all of those fail: `www serves nobody`.
    """

    serving: Collection[str]
    others: bool
    deserted: str

    def of(self, servers: Collection[RealServer]) -> tuple[Kind, str]:
        """Return what it may cost to check `servers` in another way, and how to say so; nothing for who does not serve.

        Nobody knows what a check will find that was never made: who serves may stop serving.
        """
        found = [server for server in servers if server.name in self.serving]
        if not found:
            return Kind.SAFE, ""
        words = f"judged anew: one that fails is out by {max(map(out_by_s, found)):g}s"
        return (Kind.DRAINS, words) if self.others else (Kind.DISRUPTIVE, f"{words}; if all fail, {self.deserted}")


NOTHING_AT_STAKE = Stakes(serving=(), others=False, deserted="")


def harder(was: RealServer, new: RealServer) -> bool:
    """Whether a server may fail the checks of `new` that passed those of `was`."""
    before, after = _demands(was), _demands(new)
    if not after <= before:
        return True
    every = was.checks_needed == len(was.all_checks())
    return not every and (after != before or new.checks_needed > was.checks_needed)


def _demands(server: RealServer) -> frozenset[tuple[object, ...]]:
    return frozenset((one.check, one.address or server.address, one.port or server.port) for one in server.all_checks())


def check_lines(virtual: str, both: Sequence[ServerPair], anew: Collection[str], stakes: Stakes) -> Iterator[Line]:
    """Yield one line for all servers of a virtual server that change in the same way.

    both: its servers that are active before and after. anew: names of those of which nothing is known then.
    """
    for what, servers in _grouped((_checked(was, new), new) for was, new in both):
        kind, at_stake = stakes.of(servers)
        effect = at_stake or "checked so from now on; health stays"
        if unknown := sum(server.name in anew for server in servers):
            effect = f"checked so from now on; the first answer decides on {count(unknown, 'server')}"
            effect += f"; {at_stake}" if at_stake else ""
        yield replace(_line(virtual, About.CHECK, (what, effect), servers, len(both)), kind=kind)
    for (what, effect), servers in _grouped((_timed(was, new), new) for was, new in both):
        yield _line(virtual, About.CHECK_TIMING, (what, effect), servers, len(both))
    for what, servers in _grouped((_slow(was, new), new) for was, new in both):
        effect = "for servers that come back from now on"
        yield _line(virtual, About.POOL_RULES, (what, effect), servers, len(both))


def _checked(was: RealServer, new: RealServer) -> str | None:
    """Return what changes of the checks, None for nothing."""
    if (was.checked_how, _names(was)) == (new.checked_how, _names(new)):
        return _further_times(was, new)
    before, after = _how(was), _how(new)
    if before != after:
        return f"{before} -> {after}"
    parts = []
    for one, other in zip(was.all_checks(), new.all_checks(), strict=True):
        name = f"check {one.name} " if one.name else ""
        if one.check != other.check:
            asked, instead = check_words(one.check), check_words(other.check)
            parts.append(f"{name}{asked} -> {instead}" if asked != instead else f"{name}{asked}, asked in another way")
        if one.address != other.address:
            parts.append(f"{name}check_address {arrow(one.address, other.address)}")
        if one.port != other.port:
            parts.append(f"{name}check_port {arrow(one.port or None, other.port or None)}")
    return ", ".join(parts) or None  # the server itself has moved: told by its own line


def _further_times(was: RealServer, new: RealServer) -> str | None:
    pairs = zip(was.more_checks, new.more_checks, strict=True)
    parts = [f"check {one.name} {timing_words(one.timing, other.timing)}" for one, other in pairs if one != other]
    return ", ".join(parts) or None


def _how(server: RealServer) -> str:
    names = _names(server)
    if names == ("",):
        return check_words(server.check)
    rule = "" if server.checks_needed in (0, len(names)) else f" ({server.checks_needed} of them)"
    return f"check {' '.join(names)}{rule}"


def _names(server: RealServer) -> tuple[str, ...]:
    return tuple(one.name for one in server.all_checks())


def _timed(was: RealServer, new: RealServer) -> tuple[str, str] | None:
    if was.timing == new.timing:
        return None
    before, after = out_by_s(was), out_by_s(new)
    effect = f"a dead server is out by {after:g}s, was {before:g}s"
    return timing_words(was.timing, new.timing), effect if before != after else "health stays; from the next check"


def _slow(was: RealServer, new: RealServer) -> str | None:
    return f"slow_start {arrow(was.slow_start_s, new.slow_start_s)}" if was.slow_start_s != new.slow_start_s else None


def _line(virtual: str, about: About, told: tuple[str, str], servers: Sequence[RealServer], all_of: int) -> Line:
    what, effect = told
    subject = virtual
    if len(servers) < all_of:
        subject = f"{virtual}/{servers[0].name}" if len(servers) == 1 else subject
        what = what if len(servers) == 1 else f"{what} ({', '.join(server.name for server in servers)})"
    return Line(kind=Kind.SAFE, sign=Sign.EDITED, about=about, subject=subject, what=what, effect=effect)


def _grouped(told: Iterator[tuple[T | None, RealServer]]) -> Iterator[tuple[T, list[RealServer]]]:
    """Yield, for each thing that is told, the servers it is told of."""
    groups: dict[T, list[RealServer]] = {}
    for words, server in told:
        if words is not None:
            groups.setdefault(words, []).append(server)
    yield from groups.items()
