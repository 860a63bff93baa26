"""Firewall rules that put the mark of a virtual server on its packets (`mark_rules`), as values.

Which rules there should be, and how what a firewall holds differs from them. Order is of no matter: the file
never asks for two marks on one packet (E030).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum

from piranha.dataclass import dataclass, field
from piranha.lvscf.config import Config, PlaneKind, PortRange, Virtual
from piranha.terms import Address, Family, Protocol
from piranha.text import printable, ranges

LONGEST_COMMENT = 64  # characters; nftables takes 128 bytes
_MAX_COMMENT_BYTES = 120


class Hook(StrEnum):
    """Where packets meet the rules: those that arrive, and those that this machine sends itself."""

    PREROUTING = "prerouting"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class MarkRule:
    """Packets of `protocol` to `address` and to a port from `first` to `last`, both included, get `mark`.

    comment: for people, the name of the virtual server; two rules that differ in it alone are equal.
    """

    address: Address
    protocol: Protocol
    first: int
    last: int
    mark: int
    comment: str = field(default="", compare=False)

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return Family.of(self.address)

    def __str__(self) -> str:
        """Return `tcp 192.0.2.20:80 gets mark 20`."""
        return told([self])


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies in our place of a firewall.

    rules: of each hook, as they stand; None is one that is not of our making. broken: why packets do not pass
    them all although they are there, in words; empty when they do, and where there is nothing.
    """

    rules: Mapping[Hook, tuple[MarkRule | None, ...]] = field(default_factory=dict)
    broken: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing of ours."""
        return not self.rules and not self.broken

    def at_work(self) -> frozenset[MarkRule]:
        """Return the rules that every packet passes that they are about."""
        if self.broken:
            return frozenset()
        return frozenset.intersection(
            *(frozenset(one for one in self.rules.get(hook, ()) if one is not None) for hook in Hook)
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What a firewall lacks, and what it has too much.

    missing: in one of the hooks at least. surplus: rules that nobody asks for, or twice. strange: there are
    rules that are not of our making. broken: see `Kept`.
    """

    missing: tuple[MarkRule, ...] = ()
    surplus: tuple[MarkRule, ...] = ()
    strange: bool = False
    broken: str = ""

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.strange or self.broken)


@dataclass(frozen=True, slots=True)
class Marked:
    """The rules of ours that are at work in this machine. trouble: why there can be none, empty otherwise."""

    rules: frozenset[MarkRule] = frozenset()
    trouble: str = ""


def rules_of(virtual: Virtual) -> tuple[MarkRule, ...]:
    """Return the rules that one virtual server asks for, in the order of its VIPs, protocols and ports."""
    if not virtual.mark_rules:
        return ()
    comment = _comment(virtual.name)
    return tuple(
        MarkRule(vip.address, protocol, first, last, virtual.fwmark, comment)
        for vip in virtual.vips
        for protocol in virtual.protocols
        for first, last in joined(virtual.ports)
    )


def wanted_rules(config: Config) -> dict[MarkRule, str]:
    """Return the rules that the active virtual servers of `config` ask for, with the names of these."""
    if config.lvsd.plane is PlaneKind.USERSPACE:
        return {}  # it looks for no marks, and has said so (W046)
    return {rule: virtual.name for virtual in config.active_virtuals() for rule in rules_of(virtual)}


def difference(kept: Kept, wanted: Collection[MarkRule]) -> Difference:
    """Return how `kept` differs from `wanted`."""
    if not wanted and kept.empty:
        return Difference()
    held = [one for hook in Hook for one in kept.rules.get(hook, ())]
    asked = frozenset(wanted)
    lacking = {rule for hook in Hook for rule in asked - frozenset(kept.rules.get(hook, ()))}
    surplus = [one for one in held if one is not None and one not in asked]
    surplus += [one for hook in Hook for one in _twice(kept.rules.get(hook, ())) if one in asked]
    return Difference(
        missing=tuple(rule for rule in wanted if rule in lacking),
        surplus=tuple(dict.fromkeys(surplus)),
        strange=None in held,
        broken=kept.broken,
    )


def joined(ports: Iterable[PortRange]) -> list[tuple[int, int]]:
    """Return ranges of ports in rising order; what overlaps or adjoins is one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted((one.first, one.last) for one in ports):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def by_name(names: Mapping[MarkRule, str], rules: Iterable[MarkRule]) -> list[tuple[str, list[MarkRule]]]:
    """Return those of `rules` that `names` knows, by the names that it has for them."""
    found: dict[str, list[MarkRule]] = {}
    for rule in rules:
        if rule in names:
            found.setdefault(names[rule], []).append(rule)
    return list(found.items())


def told(rules: Iterable[MarkRule]) -> str:
    """Return rules in few words: `tcp 192.0.2.20:80,443 gets mark 20`."""
    ports: dict[tuple[Protocol, Address, int], list[str]] = {}
    for rule in rules:
        ports.setdefault((rule.protocol, rule.address, rule.mark), []).append(ranges([(rule.first, rule.last)]))
    return ", ".join(
        f"{protocol.word} {f'[{address}]' if address.version == 6 else address}:{','.join(of)} gets mark {mark}"
        for (protocol, address, mark), of in ports.items()
    )


def _twice(rules: Iterable[MarkRule | None]) -> Iterator[MarkRule]:
    seen: set[MarkRule] = set()
    for rule in rules:
        if rule is not None and rule in seen:
            yield rule
        elif rule is not None:
            seen.add(rule)


def _comment(name: str) -> str:
    """Return a name as `nft list` can print it between quotes, and as the kernel takes it."""
    shown = printable(name).replace('"', "'")[:LONGEST_COMMENT]
    return shown.encode()[:_MAX_COMMENT_BYTES].decode("utf-8", "ignore")
