"""Mark rules as data of the control verb `standing`."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from piranha.table.mark_rules import Marked, MarkRule
from piranha.terms import Protocol


def marked_data(of: Marked) -> dict[str, object]:
    """Return what lvsd answers."""
    return {"rules": [_row(rule) for rule in sorted(of.rules, key=str)], "trouble": of.trouble}


def marked_from(data: Mapping[str, Any]) -> Marked:
    """Read what `marked_data` made. Raises one of MISSHAPEN for anything else."""
    return Marked(frozenset(map(_rule, data["rules"])), str(data["trouble"]))


def _row(rule: MarkRule) -> dict[str, object]:
    return {
        "address": str(rule.address),
        "protocol": rule.protocol.word,
        "first": rule.first,
        "last": rule.last,
        "mark": rule.mark,
        "comment": rule.comment,
    }


def _rule(row: Mapping[str, Any]) -> MarkRule:
    return MarkRule(
        ip_address(row["address"]),
        Protocol[row["protocol"].upper()],
        int(row["first"]),
        int(row["last"]),
        int(row["mark"]),
        str(row["comment"]),
    )
