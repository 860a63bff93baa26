"""Which servers the names of files in `maintenance_dir` drain."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address

from piranha.dataclass import dataclass
from piranha.lvscf.config import Config, RealServer
from piranha.lvsd.pool import ServerKey
from piranha.terms import Address


@dataclass(frozen=True, slots=True)
class Marks:
    """The names of the files that a folder has. folder: empty = there is none."""

    folder: str = ""
    names: frozenset[str] = frozenset()

    def drained(self, config: Config) -> dict[ServerKey, str]:
        """Return the active servers of `config` that are drained, each with the path of a file that says so.

        Nobody is if `config` has another folder: nothing is known of that one.
        """
        if not self.names or self.folder != config.lvsd.maintenance_dir:
            return {}
        meant = _meant(self.names)
        return {
            (virtual.name, server.name): f"{self.folder}/{name}"
            for virtual in config.active_virtuals()
            for server in virtual.servers
            if server.active and (name := next(_names_of(server, meant), None)) is not None
        }

    def strangers(self, config: Config) -> frozenset[str]:
        """Return the names that mean no server of `config`, whether it is active or not."""
        if not self.names:
            return frozenset()
        meant = _meant(self.names)
        servers = (server for virtual in config.virtuals for server in virtual.servers)
        return self.names.difference(*(_names_of(server, meant) for server in servers))


NO_MARKS = Marks()


def _meant(names: Iterable[str]) -> dict[object, str]:
    """Return each name by what it may mean: the name of a server, an address, or an address with a port."""
    meant: dict[object, str] = {}
    for name in names:
        meant[name] = name
        if (where := _where(name)) is not None:
            meant[where] = name
    return meant


def _names_of(server: RealServer, meant: Mapping[object, str]) -> Iterator[str]:
    return (meant[one] for one in (server.name, server.address, (server.address, server.port)) if one in meant)


def _where(name: str) -> Address | tuple[Address, int] | None:
    """Return `10.0.0.3`, `10.0.0.3:80`, `2001:db8::3`, `[2001:db8::3]` or `[2001:db8::3]:80` as what it means."""
    host, colon, port = name.rpartition("]") if name.startswith("[") else ("", "", "")
    try:
        if colon:
            address: Address = IPv6Address(host[1:])
            return address if not port else (address, _port(port.removeprefix(":"))) if port[0] == ":" else None
        if name.count(":") == 1:
            host, _, port = name.partition(":")
            return ip_address(host), _port(port)
        return ip_address(name)
    except ValueError:
        return None


def _port(text: str) -> int:
    """Raises ValueError for what is no port."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and text == str(int(text))):
        raise ValueError(text)
    return int(text)
