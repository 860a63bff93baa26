"""The IPVS table as a value."""

from collections.abc import Mapping

from piranha.dataclass import dataclass, field
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceKey, ServiceSettings


@dataclass(frozen=True, slots=True)
class Service:
    """One virtual service: its settings and its real servers (do not mutate the mapping)."""

    settings: ServiceSettings
    destinations: Mapping[DestinationKey, Destination] = field(default_factory=dict)


Table = Mapping[ServiceKey, Service]
