"""What `ipvsadm -L -c` prints, from the kernel's /proc/net/ip_vs_conn.

Source: net/netfilter/ipvs/ip_vs_conn.c (ip_vs_conn_seq_show): protocol, three times address and port in
hexadecimal (IPv6 addresses in full words), state, seconds until it expires, then a persistence engine and its data.
"""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from piranha.table.rules import Names
from piranha.terms import Address, Protocol

TITLE = ("IPVS connection entries", "pro expire state       source             virtual            destination")
TITLE_WITH_ENGINE = (
    TITLE[0],
    "pro expire state       source             virtual            destination        pe name          pe data",
)

_HEX_IPV4 = re.compile("[0-9A-Fa-f]{8}")


def connection_rows(lines: Iterable[str], names: Names, *, engines: bool) -> list[str]:
    """Return one row for each connection; lines that are none (the title) are left out.

    engines: whether persistence engine and its data are shown.
    """
    rows = []
    for line in lines:
        words = line.split()
        row = _row(words, names, engines=engines) if len(words) >= 9 else None
        if row is not None:
            rows.append(row)
    return rows


def _row(words: list[str], names: Names, *, engines: bool) -> str | None:
    try:
        ends = [_endpoint(words[place], words[place + 1], words[0], names) for place in (1, 3, 5)]
        minutes, seconds = divmod(int(words[8]), 60)
        expires = f"{minutes:02}:{seconds:02}"
    except (ValueError, AddressValueError):
        return None
    row = f"{words[0]:<3} {expires:<6} {words[7]:<11} {ends[0]:<18} {ends[1]:<18} "
    if engines and len(words) >= 11:
        return f"{row}{ends[2]:<16} {words[9]:<18} {words[10]}"
    return row + ends[2]


def _endpoint(address: str, port: str, protocol: str, names: Names) -> str:
    where: Address
    where = IPv4Address(int(address, 16)) if _HEX_IPV4.fullmatch(address) else IPv6Address(address)
    known = Protocol.__members__.get(protocol, Protocol.TCP)
    return names(where, int(port, 16), known)
