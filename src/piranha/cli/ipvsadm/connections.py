"""What `ipvsadm -L -c` prints, from the kernel's /proc/net/ip_vs_conn, one connection at a time.

Source: net/netfilter/ipvs/ip_vs_conn.c (ip_vs_conn_seq_show): protocol, three times address and port in
hexadecimal (IPv6 addresses in full words), state, seconds until it expires, then a persistence engine and its data.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Generic, NamedTuple, TypeVar

from piranha.table.words import Names
from piranha.terms import Address, Protocol

TITLE = ("IPVS connection entries", "pro expire state       source             virtual            destination")
TITLE_WITH_ENGINE = (
    TITLE[0],
    "pro expire state       source             virtual            destination        pe name          pe_data",
)

_REMEMBERED = 4096  # VIPs and real servers come again and again; clients must not fill the memory
_FIELDS = 9
_HEX_IPV4 = 8
_PROTOCOL = {protocol.name: protocol for protocol in Protocol}

_Place = TypeVar("_Place")


class Connection(NamedTuple, Generic[_Place]):
    """One entry of the kernel's table. protocol: `TCP`, `UDP`, `SCTP`, `IP`; engine, data: empty if there is none."""

    protocol: str
    client: _Place
    virtual: _Place
    server: _Place
    state: str
    expires_s: int
    engine: str
    data: str


def connections(lines: Iterable[str], place: Callable[[Address, int, str], _Place]) -> Iterator[Connection[_Place]]:
    """Yield each connection; lines that are none (the title) are left out.

    place: makes what is wanted of address, port and protocol of each of its three ends.
    """

    def read(protocol: str, address: str, port: str) -> _Place:
        where = IPv4Address(int(address, 16)) if len(address) == _HEX_IPV4 else IPv6Address(address)
        return place(where, int(port, 16), protocol)

    known = lru_cache(maxsize=_REMEMBERED)(read)
    for line in lines:
        words = line.split()
        if len(words) < _FIELDS:
            continue
        protocol, client, client_port, virtual, virtual_port, server, server_port, state, expires, *engine = words
        try:
            yield Connection(
                protocol,
                read(protocol, client, client_port),
                known(protocol, virtual, virtual_port),
                known(protocol, server, server_port),
                state,
                int(expires),
                *(engine[:2] if len(engine) > 1 else ("", "")),
            )
        except ValueError:
            continue


def connection_rows(lines: Iterable[str], names: Names, *, engines: bool) -> Iterator[str]:
    """Yield one row for each connection; engines: whether persistence engine and its data are shown."""

    def place(address: Address, port: int, protocol: str) -> str:
        return names(address, port, _PROTOCOL.get(protocol))

    for one in connections(lines, place):
        minutes, seconds = divmod(one.expires_s, 60)
        expires = f"{minutes:02}:{seconds:02}"
        row = f"{one.protocol:<3} {expires:<6} {one.state:<11} {one.client:<18} {one.virtual:<18} "
        if engines and one.engine:
            yield f"{row}{one.server:<16} {one.engine:<18} {one.data}"
        else:
            yield row + one.server
