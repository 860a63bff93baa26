"""Findings about rules over a whole pool: how few servers may be left, how weights come back."""

from piranha.lvscf.built import BuiltVirtual
from piranha.lvscf.config import NO_QUOTA
from piranha.lvscf.diagnostics import Findings
from piranha.terms import WEIGHTLESS


def check_pool(built: BuiltVirtual, findings: Findings) -> None:
    """Add what is doubtful about the pool of one virtual server."""
    _reentry(built, findings)
    _quorum(built, findings)
    _keep(built, findings)
    _slow_start(built, findings)


def _reentry(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    most_s, once_s = section.maybe("reentry_max", float), section.value("reentry", float)
    if most_s is not None and most_s < once_s:
        message = f"reentry_max ({most_s:g} s) is less than reentry ({once_s:g} s)"
        findings.add("E065", section.place("reentry_max"), message)


def _quorum(built: BuiltVirtual, findings: Findings) -> None:
    section, virtual = built.section, built.virtual
    if not virtual.active or virtual.sorry_server is None:
        return
    if virtual.quorum.count > max(serving := _serving(built), 1):
        message = f"quorum = {virtual.quorum.count}, but of the servers of '{virtual.name}' only {serving} could serve"
        findings.add("W063", section.place("quorum"), message, "only the sorry server would ever serve")


def _keep(built: BuiltVirtual, findings: Findings) -> None:
    section, virtual = built.section, built.virtual
    keep = virtual.keep_active
    if keep == NO_QUOTA or not virtual.active:
        return
    serving = _serving(built)
    if keep.percent == 100 or (serving and keep.count >= serving):
        message = f"keep_active keeps all {serving} servers of '{virtual.name}': no check takes one out"
        findings.add("W064", section.place("keep_active"), message)


def _slow_start(built: BuiltVirtual, findings: Findings) -> None:
    virtual = built.virtual
    if not any(one.server.slow_start_s for one in built.kinds):
        return
    slow = [server for server in built.servers if server.server.active and server.server.slow_start_s]
    if slow and virtual.active and virtual.scheduler not in WEIGHTLESS and all(s.server.weight <= 1 for s in slow):
        place = built.section if "slow_start" in built.section.values else slow[0].section
        message = "slow_start has no effect with weight 1: there is nothing less to begin with"
        findings.add("W062", place.place("slow_start"), message, "give every server of the pool weight = 100")


def _serving(built: BuiltVirtual) -> int:
    return sum(server.server.active and server.server.weight > 0 for server in built.servers)
