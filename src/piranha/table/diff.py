"""The steps from one table to another, in an order safe to apply."""

from collections.abc import Mapping
from itertools import chain

from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey
from piranha.table.table import Table


def diff(actual: Table, desired: Table) -> list[Change]:
    """Return the changes that turn `actual` into `desired`, in an order safe to apply.

    Within a service additions and edits precede removals: a service that swaps all of its real
    servers never has an empty pool in between. Services that go, go last.
    """
    changes: list[Change] = []
    for service, want in desired.items():
        have = actual.get(service)
        if have is None:
            changes.append(AddService(service, want.settings))
        elif have.settings != want.settings:
            changes.append(EditService(service, want.settings))
        before = have.destinations if have else {}
        changes += diff_pool(service, before, want.destinations)
    # The kernel drops the destinations together with their service.
    changes += [RemoveService(service) for service in actual if service not in desired]
    return changes


def diff_pool(
    service: ServiceKey,
    before: Mapping[DestinationKey, Destination],
    after: Mapping[DestinationKey, Destination],
) -> list[Change]:
    """Return the changes of one service's real servers.

    What raises the capacity of the pool comes first: a new server before another is quiesced, and
    both before one is removed. Whoever interrupts this leaves no smaller pool than needed.
    """
    if not before:
        return [AddDestination(service, server, want) for server, want in after.items()]
    additions: list[Change] = []
    edits: list[Change] = []
    quiesced: list[Change] = []
    for server, want in after.items():
        have = before.get(server)
        if have is None:
            additions.append(AddDestination(service, server, want))
        elif have != want:
            edit = EditDestination(service, server, want)
            (quiesced if want.weight < have.weight else edits).append(edit)
    removals = (RemoveDestination(service, server) for server in before if server not in after)
    return list(chain(additions, edits, quiesced, removals))
