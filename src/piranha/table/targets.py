"""What a change of the table is about, and its name in the file."""

from piranha.lvscf.config import Config
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


def target_of(change: Change) -> Target:
    """Return what `change` is about."""
    match change:
        case AddService() | EditService() | RemoveService():
            return change.service, None
        case AddDestination() | EditDestination() | RemoveDestination():
            return change.service, change.server


def names_of(config: Config) -> dict[Target, str]:
    """Return the names in the file of every service and server that `config` asks for."""
    names: dict[Target, str] = {}
    for key, virtual in services_of(config).items():
        names[key, None] = virtual.name
        for where, server in servers_of(key, virtual).items():
            names[key, where] = f"{virtual.name}/{server.name}"
    return names
