"""Carry out the changes of a `diff` so that a refusal never empties a pool."""

import errno
from collections.abc import Sequence

from piranha.forwarding.plane import Plane, Refusal
from piranha.table.changes import AddDestination, Change, EditDestination, RemoveDestination, RemoveService
from piranha.table.service import ServiceKey
from piranha.table.table import Table

WITHHELD = errno.EAGAIN
"""The code of a change that was not tried; the next pass finds it again."""


def apply_safely(plane: Plane, changes: Sequence[Change]) -> list[Refusal]:
    """Carry out `changes`, go on after refused ones, return those.

    The order of `diff` keeps a pool filled only as long as nothing is refused. Where a server that should
    serve was refused, a removal that would leave its service without any is withheld and returned with
    code WITHHELD. Other removals of the service, and those of a service that should be empty, take place.
    """
    shrinking: list[Change] = []
    others: list[Change] = []
    for change in changes:
        (shrinking if _shrinks(change) else others).append(change)
    refusals = plane.apply(others)
    starved = {refusal.change.service for refusal in refusals if _should_serve(refusal.change)}
    if starved and shrinking:
        shrinking, kept = _withhold(shrinking, plane.dump(), starved)
        refusals += kept
    return refusals + plane.apply(shrinking) if shrinking else refusals


Removal = RemoveDestination | RemoveService  # made once: to make it takes longer than to look at a change


def _shrinks(change: Change) -> bool:
    if isinstance(change, EditDestination):
        return change.destination.weight == 0
    return isinstance(change, Removal)


def _should_serve(change: Change) -> bool:
    return isinstance(change, AddDestination | EditDestination) and change.destination.weight > 0


def _withhold(changes: Sequence[Change], live: Table, starved: set[ServiceKey]) -> tuple[list[Change], list[Refusal]]:
    serving = {
        key: {server for server, destination in live[key].destinations.items() if destination.weight > 0}
        for key in starved
        if key in live
    }
    passed: list[Change] = []
    withheld: list[Refusal] = []
    for change in changes:
        pool = serving.get(change.service)
        if isinstance(change, EditDestination | RemoveDestination) and pool is not None and change.server in pool:
            if len(pool) == 1:
                reason = "kept for now: it is the last server, and those that should replace it were refused (EAGAIN)"
                withheld.append(Refusal(change, WITHHELD, reason))
                continue
            pool.remove(change.server)
        passed.append(change)
    return passed, withheld
