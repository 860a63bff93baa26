"""Small makers of table values for the tests of the userspace plane."""

from collections.abc import Mapping
from ipaddress import ip_address

from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import ForwardingMethod, Protocol


def service(vip: str = "127.9.9.9", port: int = 8000, protocol: Protocol = Protocol.TCP) -> ServiceKey:
    return ServiceKey(AddressMatch(protocol, ip_address(vip), port))


def server(port: int, address: str = "127.0.0.1") -> DestinationKey:
    return DestinationKey(ip_address(address), port)


def nat(weight: int = 1, upper_threshold: int = 0, lower_threshold: int = 0) -> Destination:
    return Destination(
        forwarding=ForwardingMethod.NAT,
        weight=weight,
        upper_threshold=upper_threshold,
        lower_threshold=lower_threshold,
    )


def share(counts: Mapping[DestinationKey, int]) -> dict[int, int]:
    return {key.port: count for key, count in counts.items()}
