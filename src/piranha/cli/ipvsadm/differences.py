"""What is between the live table and the one that rules ask for: rules that would bring it about, each with its why."""

from piranha.cli.ipvsadm.facts import Facts, destination_facts, settings_facts
from piranha.dataclass import dataclass, replace
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    describe,
)
from piranha.table.destination import Destination
from piranha.table.diff import diff
from piranha.table.rules import rule_of
from piranha.table.table import Service, Table
from piranha.terms import PLAIN_TUNNEL, ForwardingMethod, TunnelChecksum, TunnelType


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. before, after: the settings that an edit or an addition is about, None where there are none."""

    change: Change
    before: Facts | None = None
    after: Facts | None = None

    def rule(self) -> str:
        """Write it as a rule; an edit says in a comment what it changes."""
        rule = rule_of(self.change)
        if self.before is None or self.after is None:
            return rule
        changed = [name for name in self.after if self.before[name] != self.after[name]]
        words = (f"{name} {_word(self.before[name])} -> {_word(self.after[name])}" for name in changed)
        return f"{rule}  # {', '.join(words)}"

    def facts(self) -> Facts:
        """Return it for JSON."""
        server = None if isinstance(self.change, AddService | EditService | RemoveService) else str(self.change.server)
        return {
            "change": describe(self.change),
            "service": str(self.change.service),
            "server": server,
            "before": self.before,
            "after": self.after,
            "rule": rule_of(self.change),
        }


def differences(live: Table, wanted: Table) -> list[Difference]:
    """Return what turns `live` into `wanted`, in an order safe to apply.

    Left out is what rules cannot say: a mask without persistence, and that the kernel calls a server *Local* or
    *Bypass*, which rules say as direct routing.
    """
    want = {key: _meaningful(service) for key, service in wanted.items()}
    have = {key: _meaningful(service) for key, service in live.items()}
    return [_difference(change, have) for change in diff(have, want)]


def _difference(change: Change, have: Table) -> Difference:
    key = change.service
    match change:
        case AddService():
            return Difference(change, None, settings_facts(key, change.settings))
        case EditService():
            return Difference(change, settings_facts(key, have[key].settings), settings_facts(key, change.settings))
        case AddDestination():
            return Difference(change, None, destination_facts(change.destination))
        case EditDestination():
            before = have[key].destinations[change.server]
            return Difference(change, destination_facts(before), destination_facts(change.destination))
        case RemoveService():
            return Difference(change, settings_facts(key, have[key].settings))
        case RemoveDestination():
            return Difference(change, destination_facts(have[key].destinations[change.server]))


def _meaningful(service: Service) -> Service:
    settings = service.settings
    mask = settings.persistence_mask if settings.persistence_s else None
    settings = replace(settings, persistence_mask=mask)
    return Service(settings, {server: _said(destination) for server, destination in service.destinations.items()})


def _said(destination: Destination) -> Destination:
    forwarding, tunnel = destination.forwarding, destination.tunnel
    if forwarding in (ForwardingMethod.LOCAL, ForwardingMethod.BYPASS):
        forwarding = ForwardingMethod.DIRECT
    if forwarding is not ForwardingMethod.TUNNEL:
        tunnel = PLAIN_TUNNEL
    port = tunnel.port if tunnel.type is TunnelType.GUE else 0
    checksum = TunnelChecksum.NONE if tunnel.type is TunnelType.IPIP else tunnel.checksum
    return replace(destination, forwarding=forwarding, tunnel=replace(tunnel, port=port, checksum=checksum))


def _word(value: object) -> str:
    match value:
        case None:
            return "none"
        case dict():
            return " ".join(str(part) for part in value.values() if part is not None)
        case list():
            return ",".join(map(str, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
