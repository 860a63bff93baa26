"""Findings about virtual servers whose packets get their mark from rules of ours (`mark_rules`)."""

from piranha.lvscf.built import Built, BuiltVirtual
from piranha.lvscf.config import Virtual
from piranha.lvscf.diagnostics import Findings
from piranha.terms import Address, Protocol

MARK_RULES_LIMIT = 512
"""Rules that one file may ask for: every packet of this machine passes all of them."""

_Marked = dict[tuple[Protocol, Address], list[tuple[int, int, Virtual]]]


def check_marks(built: Built, findings: Findings) -> None:
    """Add what the virtual servers take from each other by their marks, and where there are too many rules."""
    marked: _Marked = {}
    total = 0
    for one in built.virtuals:
        virtual = one.virtual
        if not virtual.active or not virtual.mark_rules:
            continue
        _taken(one, marked, findings)
        total += len(virtual.ports) * len(virtual.protocols) * len(virtual.vips)
        if total > MARK_RULES_LIMIT:
            message = f"this makes {total} firewall rules, at most {MARK_RULES_LIMIT} can be: every packet passes them"
            findings.add("E060", one.section.place("ports"), message, "write ranges of ports")
            return
        for vip in virtual.vips:
            for protocol in virtual.protocols:
                ranges = marked.setdefault((protocol, vip.address), [])
                ranges += [(ports.first, ports.last, virtual) for ports in virtual.ports]
    for one in built.virtuals if marked else ():
        # Every port of a VIP may well have a service of its own besides those that are marked.
        if one.virtual.active and not one.virtual.fwmark and one.virtual.port:
            _taken(one, marked, findings)


def _taken(built: BuiltVirtual, marked: _Marked, findings: Findings) -> None:
    virtual = built.virtual
    wanted = [(ports.first, ports.last) for ports in virtual.ports] or [(virtual.port, virtual.port)]
    for vip, place in zip(virtual.vips, built.places, strict=True):
        for protocol in virtual.protocols:
            for first, last, other in marked.get((protocol, vip.address), ()):
                port = next((max(first, low) for low, high in wanted if low <= last and first <= high), None)
                if port is not None:
                    message = f"{protocol.word} {vip.address} port {port} gets the mark of virtual '{other.name}'"
                    findings.add("E030", place, f"{message} in line {other.line}")
                    return
