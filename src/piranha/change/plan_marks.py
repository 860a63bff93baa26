"""Lines of a plan about mark rules: those that a new file asks for, and those that a firewall has."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import arrow, count
from piranha.lvscf.config import Config
from piranha.table.mark_rules import Marked, MarkRule, by_name, told, wanted_rules
from piranha.terms import Address, Protocol

TOLD = 3
"""Pairs of VIP and protocol that one line names; more are counted."""


def mark_lines(before: Config | None, after: Config, found: Marked | None) -> Iterator[Line]:
    """Yield the rules that come and go with `after`; without a file in force against what is there.

    found: what the firewall has; None where nobody knows, or need know.
    """
    has = wanted_rules(after)
    had: Mapping[MarkRule, str]
    if before is not None:
        had = wanted_rules(before)
    else:
        had = {rule: rule.comment or "mark rules" for rule in (found.rules if found is not None else ())}
    trouble = found.trouble if found is not None else ""
    for name, rules in by_name(has, (rule for rule in has if rule not in had)):
        effect = f"cannot be set: {trouble}" if trouble else "set by lvsd, before its packets are balanced"
        yield _line(name, rules, effect, Sign.ADDED)
    active = {virtual.name for virtual in after.active_virtuals()}
    for name, rules in by_name(had, (rule for rule in had if rule not in has)):
        if before is None:
            yield _line(name, rules, "not in the file", Sign.REMOVED, Kind.DISRUPTIVE)
        elif name not in active:
            yield _line(name, rules, "go with it", Sign.REMOVED)
        elif all(_covered(rule, has) for rule in rules):
            yield _line(name, rules, "others take their place in the same step", Sign.REMOVED)
        else:
            effect = "packets with no mark are not balanced, unless rules of yours set it"
            yield _line(name, rules, effect, Sign.REMOVED, Kind.DISRUPTIVE)
    if before is not None:
        yield from _without_rules(before, after, {*had.values(), *has.values()})


def mark_drift(before: Config, after: Config, found: Marked | None) -> Iterator[Line]:
    """Yield what somebody else has done to the rules that both files ask for, and to our place."""
    if found is None or found.trouble:
        return
    had, has = wanted_rules(before), wanted_rules(after)
    for name, rules in by_name(has, (rule for rule in has if rule in had and rule not in found.rules)):
        yield _line(name, rules, "removed by somebody else", Sign.ADDED)
    strange = sorted((rule for rule in found.rules if rule not in had and rule not in has), key=str)
    for name, rules in by_name(dict.fromkeys(strange, "mark rules"), strange):
        yield _line(name, rules, "added by somebody else", Sign.REMOVED)


def _without_rules(before: Config, after: Config, told_of: Collection[str]) -> Iterator[Line]:
    """Yield `mark_rules` where it changes and no rule does: the plane in user space sees no marks."""
    was = {virtual.name: virtual.mark_rules for virtual in before.active_virtuals()}
    for virtual in after.active_virtuals():
        if was.get(virtual.name, virtual.mark_rules) != virtual.mark_rules and virtual.name not in told_of:
            yield Line(
                kind=Kind.SAFE,
                sign=Sign.EDITED,
                about=About.MARK_RULES,
                subject=virtual.name,
                what=f"mark_rules {arrow(was[virtual.name], virtual.mark_rules)}",
                effect="nothing happens: the userspace plane sees no marks",
            )


def _covered(rule: MarkRule, has: Iterable[MarkRule]) -> bool:
    """Whether every packet that `rule` is about gets some mark from `has`."""
    spans = sorted((one.first, one.last) for one in has if _of(one) == _of(rule))
    port = rule.first
    for first, last in spans:
        if first <= port <= last:
            port = last + 1
    return port > rule.last


def _of(rule: MarkRule) -> tuple[Address, Protocol]:
    return rule.address, rule.protocol


def _line(name: str, rules: list[MarkRule], effect: str, sign: Sign, kind: Kind = Kind.SAFE) -> Line:
    what = told(rules) if len(set(map(_of, rules))) <= TOLD else count(len(rules), "mark rule")
    return Line(kind=kind, sign=sign, about=About.MARK_RULES, subject=name, what=what, effect=effect)
