"""Shell: which services of the table are ours, kept on disk so that one deleted from the file while
`lvsd` was down still goes.
"""

import json
from collections.abc import Collection
from ipaddress import ip_address

from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey
from piranha.terms import Family, Protocol

FILE = "lvsd-services.json"


class Ours:
    """The services that accepted files named; `keep` before the first of them is put into the table.

    Raises nothing for a missing or damaged file: then only the file in force says what is ours.
    """

    def __init__(self, kept: StateFiles) -> None:
        self._kept = kept
        self.services: frozenset[ServiceKey] = _read(kept)

    def keep(self, services: Collection[ServiceKey]) -> str | None:
        """Replace what is ours; return why the state folder does not have it, empty when it has, None if unchanged.

        Raises OSError when it can be kept nowhere; then only memory has it.
        """
        if frozenset(services) == self.services:
            return None
        self.services = frozenset(services)
        lines = ",\n ".join(sorted(map(_line, self.services)))
        return self._kept.write({FILE: f"[{lines}]\n".encode()})


def _line(key: ServiceKey) -> str:
    # Nothing in it needs escaping, and thousands are written before a new table is filled.
    match key.match:
        case AddressMatch(protocol, address, port):
            return f'{{"protocol": "{protocol.word}", "address": "{address}", "port": {port}}}'
        case FirewallMark(mark, family):
            return f'{{"mark": {mark}, "family": "{family.name.lower()}"}}'


def _read(kept: StateFiles) -> frozenset[ServiceKey]:
    try:
        return frozenset(_key(members) for members in json.loads(kept.read(FILE)))
    except (OSError, *MISSHAPEN):
        return frozenset()


def _key(members: dict[str, str]) -> ServiceKey:
    if "mark" in members:
        return ServiceKey(FirewallMark(int(members["mark"]), Family[members["family"].upper()]))
    protocol = Protocol[members["protocol"].upper()]
    return ServiceKey(AddressMatch(protocol, ip_address(members["address"]), int(members["port"])))
