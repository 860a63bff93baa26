"""Keys of the table as plain values that JSON can carry, and back; what reads raises one of `errors.MISSHAPEN`."""

from ipaddress import ip_address
from typing import Any

from piranha.table.destination import DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey
from piranha.terms import Family, Protocol

Data = dict[str, Any]


def service_data(key: ServiceKey) -> Data:
    """Return a service key as data."""
    match key.match:
        case AddressMatch(protocol, address, port):
            return {"protocol": protocol.word, "address": str(address), "port": port}
        case FirewallMark(mark, family):
            return {"mark": mark, "family": family.name}


def service_from(data: Data) -> ServiceKey:
    """Read what `service_data` made."""
    if "mark" in data:
        return ServiceKey(FirewallMark(int(data["mark"]), Family[data["family"]]))
    protocol = Protocol[str(data["protocol"]).upper()]
    return ServiceKey(AddressMatch(protocol, ip_address(data["address"]), int(data["port"])))


def server_data(key: DestinationKey) -> Data:
    """Return a destination key as data."""
    return {"address": str(key.address), "port": key.port}


def server_from(data: Data) -> DestinationKey:
    """Read what `server_data` made."""
    return DestinationKey(ip_address(data["address"]), int(data["port"]))
