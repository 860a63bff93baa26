"""One step on the way from one table to another; `diff` makes them, a plane applies them."""

from typing import assert_never

from piranha.dataclass import dataclass
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey, ServiceSettings


@dataclass(frozen=True, slots=True)
class AddService:
    """Add a service without servers."""

    service: ServiceKey
    settings: ServiceSettings


@dataclass(frozen=True, slots=True)
class EditService:
    """Replace all settings of a service; its connections stay."""

    service: ServiceKey
    settings: ServiceSettings


@dataclass(frozen=True, slots=True)
class RemoveService:
    """Remove a service with all of its servers."""

    service: ServiceKey


@dataclass(frozen=True, slots=True)
class AddDestination:
    """Add a real server to a service."""

    service: ServiceKey
    server: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class EditDestination:
    """Replace all settings of a real server; its connections stay."""

    service: ServiceKey
    server: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class RemoveDestination:
    """Remove a real server from a service."""

    service: ServiceKey
    server: DestinationKey


Change = AddService | EditService | RemoveService | AddDestination | EditDestination | RemoveDestination


def describe(change: Change) -> str:
    """Return the change as words: `add server 10.0.0.2:80 to tcp 192.0.2.10:80`."""
    match change:
        case AddService():
            return f"add service {change.service}"
        case EditService():
            return f"edit service {change.service}"
        case RemoveService():
            return f"remove service {change.service}"
        case AddDestination():
            return f"add server {change.server} to {change.service}"
        case EditDestination():
            return f"edit server {change.server} of {change.service}"
        case RemoveDestination():
            return f"remove server {change.server} from {change.service}"
        case _:
            assert_never(change)
