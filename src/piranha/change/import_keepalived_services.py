"""What a virtual server of keepalived answers to: addresses and ports, ranges of them, firewall marks.

Source: keepalived.conf(5), *Virtual server group(s)*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from piranha.change.import_keepalived_tree import Statement
from piranha.change.imported import Draft, Origin
from piranha.terms import Address, Family

SERVICES_LIMIT = 4096  # of one group: a range may be a whole network


@dataclass(frozen=True, slots=True)
class Service:
    """What a virtual server answers to: an address and a port (0 = all), or a firewall mark."""

    origin: Origin
    family: Family
    address: Address | None = None
    port: int = 0
    mark: int = 0


def port_of(statement: Statement, at: int, draft: Draft) -> int:
    """Return word number `at` as a port, 0 where there is none."""
    text = statement.words[at] if at < len(statement.words) else "0"
    if text.isdecimal() and text.isascii() and len(text) < 6 and int(text) < 65536:
        return int(text)
    draft.fail(statement.origin, f"'{text}' is no port")
    return 0


def services_of(
    block: Statement, groups: dict[str, Statement], family: str | None, server: Address | None, draft: Draft
) -> Iterator[Service]:
    """Return what a virtual_server answers to. family: of `ip_family`; server: a real server of it."""
    kind = block.args[0] if block.args else ""
    if kind == "group":
        group = groups.get(" ".join(block.args[1:]))
        if group is None:
            draft.fail(block.origin, f"there is no virtual_server_group '{' '.join(block.args[1:])}'")
            return
        for entry in group.body or ():
            yield from _entry(entry, entry.words, None, server, draft)
        return
    yield from _entry(block, block.args, family, server, draft)


def _entry(
    statement: Statement, words: Sequence[str], family: str | None, server: Address | None, draft: Draft
) -> Iterator[Service]:
    """Return the services of `ADDRESS [PORT]`, `RANGE [PORT]` or `fwmark NUMBER [inet|inet6]`."""
    place = Statement(statement.origin, tuple(words) or ("",))
    if place.words[0] == "fwmark":
        number = place.words[1] if len(place.words) > 1 else ""
        mark = int(number) if number.isascii() and number.isdecimal() and len(number) < 12 else 0
        if not 0 < mark < 2**32:
            draft.fail(statement.origin, f"'{number}' is no firewall mark")
            return
        words_of_family = {"inet": Family.IPV4, "inet6": Family.IPV6}
        asked = words_of_family.get(place.words[2] if len(place.words) > 2 else family or "")
        yield Service(statement.origin, asked or (Family.of(server) if server is not None else Family.IPV4), mark=mark)
        return
    port = port_of(place, 1, draft)
    addresses = _addresses(place.words[0])
    if addresses is None:
        draft.fail(statement.origin, f"'{place.words[0]}' is no address or range of addresses")
        return
    if len(addresses) > SERVICES_LIMIT:
        draft.fail(statement.origin, f"{len(addresses)} addresses are more than one file should hold: use fwmark")
        return
    for address in addresses:
        yield Service(statement.origin, Family.of(address), address, port)


def _addresses(text: str) -> Sequence[Address] | None:
    """Return what `10.0.0.1`, `10.0.0.1-9`, `10.0.0.1-10.0.1.9` or `10.0.0.0/29` stands for, None for anything else."""
    try:
        if "/" in text:
            network = ip_network(text, strict=False)
            return range_of(network[0], int(network[-1]) - int(network[0]) + 1)
        first_word, dash, last_word = text.partition("-")
        first = ip_address(first_word)
        if not dash:
            return [first]
        if last_word.isascii() and last_word.isalnum() and first.version == 4:
            last = int(first) - (int(first) & 0xFF) + int(last_word)
            if int(last_word) > 255:
                return None
        elif ":" not in last_word and first.version == 6:
            last = (int(first) >> 16 << 16) + int(last_word, 16)
        else:
            last = int(ip_address(last_word))
    except ValueError:
        return None
    return range_of(first, last - int(first) + 1) if last >= int(first) else None


def range_of(first: Address, count: int) -> Sequence[Address]:
    """Return `count` addresses from `first` on; more than SERVICES_LIMIT are not made, only counted up to one more."""
    return [first + number for number in range(min(count, SERVICES_LIMIT + 1))]
