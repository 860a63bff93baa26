"""What the IPVS table should be: the file, the health of the servers and what the kernel holds."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from piranha.lvscf.config import Config
from piranha.table.service import ServiceKey
from piranha.table.table import Table


class ServerVerdict(StrEnum):
    """What is known of a real server. Unknown keeps what the kernel holds."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


Verdicts = Mapping[tuple[str, str], ServerVerdict]
"""By (virtual name, server name); one that is missing is unknown."""


def desired(config: Config, verdicts: Verdicts, live: Table, ours: Collection[ServiceKey]) -> Table:
    """Return the table that `diff` should lead to.

    live: what the kernel holds now. ours: services that earlier accepted files named; together
    with those of `config` they are what may be changed. Everything else passes through.
    """
    raise NotImplementedError


def services_of(config: Config) -> dict[ServiceKey, str]:
    """Return every service that the active virtual servers of `config` ask for, with the virtual's name."""
    raise NotImplementedError
