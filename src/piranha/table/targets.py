"""What a change of the table is about, and its name in the file."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar, overload

from piranha.lvscf.config import Config, Virtual
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.desired import servers_of, services_of
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey

Target = tuple[ServiceKey, DestinationKey | None]
"""What a change is about: a service, or a server of it."""


_Default = TypeVar("_Default")


class Names:
    """Names of services and servers, looked up when a word is to be said: of most targets there is none.

    lookups: each returns the name of a target, None if it knows none; the first that knows one counts.
    `older | newer`: the names of both; where both have one, that of `newer`.
    """

    __slots__ = ("_lookups",)

    def __init__(self, *lookups: Callable[[Target], str | None]) -> None:
        self._lookups = lookups

    @overload
    def get(self, target: Target) -> str | None: ...

    @overload
    def get(self, target: Target, default: _Default) -> str | _Default: ...

    def get(self, target: Target, default: object = None) -> object:
        """Return the name of a target, `default` where it has none."""
        return next((name for look_up in self._lookups if (name := look_up(target)) is not None), default)

    def __or__(self, newer: "Names") -> "Names":
        """Return the names of both."""
        return Names(*newer._lookups, *self._lookups)


NO_NAMES = Names()


def target_of(change: Change) -> Target:
    """Return what `change` is about."""
    match change:
        case AddService() | EditService() | RemoveService():
            return change.service, None
        case AddDestination() | EditDestination() | RemoveDestination():
            return change.service, change.server


def names_of(config: Config) -> Names:
    """Return the names in the file of every service and server that `config` asks for."""
    return names_in(services_of(config))


def names_in(services: Mapping[ServiceKey, Virtual]) -> Names:
    """Return the same, of these services."""
    return Names(partial(_name, services))


def _name(services: Mapping[ServiceKey, Virtual], target: Target) -> str | None:
    key, where = target
    virtual = services.get(key)
    if virtual is None or where is None:
        return None if virtual is None else virtual.name
    server = servers_of(key, virtual).get(where)
    return None if server is None else f"{virtual.name}/{server.name}"
