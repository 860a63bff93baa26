"""Addresses of lvs.cf, with masks, devices and ports beside them.

IPv4 addresses are read as inet_aton(3) did (`10.1` is 10.0.0.1), with a warning.
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from piranha.dataclass import dataclass
from piranha.lvscf.directives import Directive, Type
from piranha.lvscf.numbers import Mistake, Reader, check_name, port_number, single
from piranha.lvscf.syntax.tokens import Token
from piranha.lvscf.syntax.tree import span_of
from piranha.terms import PRIVATE, PUBLIC, Address

ADDRESS_TYPES = (Type.ADDRESS, Type.ADDRESSES, Type.HOSTPORT, Type.FLOATING, Type.HEARTBEAT_PATH)
DEVICE_LIMIT = 15  # IFNAMSIZ - 1 (linux/if.h), labels included
_DOTTED = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}\Z", re.ASCII)
# Compiled by the first address that is not dotted in full.
_NUMBER = r"(?:0[xX][0-9a-fA-F]{1,10}|[0-9]{1,12})\Z"
_HOST_NAME = r"(?=[^:/]*[A-Za-z])(?!0[xX])[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?\Z"


@dataclass(frozen=True, slots=True)
class FloatingWords:
    """`ADDRESS[/PREFIX] [DEVICE]`; label: `eth0:1` where the device was written so."""

    address: Address
    prefix: int | None
    device: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class HostPort:
    """`ADDRESS [PORT]`."""

    address: Address
    port: int | None


@dataclass(frozen=True, slots=True)
class PersistenceMask:
    """A netmask of 32 bits, or a prefix length."""

    netmask: int | None = None
    prefix: int | None = None


def is_host_name(word: str) -> bool:
    """Return whether `word` can only be a name to look up, not an address."""
    return not _DOTTED.match(word) and bool(re.match(_HOST_NAME, word)) and _inet_aton(word) is None


def is_plain_address(word: str) -> bool:
    """Return whether `word` looks like a dotted IPv4 address in full, as nearly all are."""
    return _DOTTED.match(word) is not None


def address_words(directive: Directive, words: Sequence[Token]) -> Sequence[Token]:
    """Return the words of a setting that must be addresses, `/prefix` included."""
    match directive.type:
        case Type.ADDRESS | Type.HOSTPORT | Type.FLOATING:
            return words[:1]
        case Type.HEARTBEAT_PATH:
            return words[:2]
        case Type.ADDRESSES:
            return words
        case _:
            return ()


def _inet_aton(text: str) -> IPv4Address | None:
    parts = text.split(".")
    if len(parts) > 4 or not all(re.match(_NUMBER, part) for part in parts):
        return None
    try:
        numbers = [int(p, 16 if p[:2] in ("0x", "0X") else 8 if p[0] == "0" else 10) for p in parts]
    except ValueError:
        return None
    *head, last = numbers
    if any(number > 255 for number in head) or last >= 256 ** (5 - len(parts)):
        return None
    total = last
    for place, number in enumerate(head):
        total += number << (24 - 8 * place)
    return IPv4Address(total)


def address(word: Token, text: str, reader: Reader) -> Address:
    """Return the address that `text` is or stands for; raises Mistake."""
    if ":" in text:
        return _ipv6(word, text)
    if _DOTTED.match(text):
        # Twice as fast as to let IPv4Address cut the text: a large file has ten thousand of them.
        first, second, third, fourth = map(int, text.split("."))
        if max(first, second, third, fourth) > 255:
            raise Mistake("E010", word, f"'{text}' is no address", "each part is at most 255")
        return IPv4Address(first << 24 | second << 16 | third << 8 | fourth)
    short = _inet_aton(text)
    if short is not None:
        message = f"'{text}' is read as {short}"
        reader.findings.add("W038", span_of(word), message, "write the address in full")
        return short
    if not is_host_name(text):
        raise Mistake("E010", word, f"'{text}' is no address and no host name")
    if not reader.look_up:
        return IPv4Address(0)
    if text not in reader.hosts:
        raise Mistake("E010", word, f"host name '{text}' cannot be resolved", "write its address")
    found = reader.hosts[text]
    hint = "an address works also when the name service does not"
    reader.findings.add("W006", span_of(word), f"host name '{text}' is taken for {found}, as resolved now", hint)
    return found


def _ipv6(word: Token, text: str) -> IPv6Address:
    hint = ""
    if text.startswith("["):
        hint = f"write it without brackets: {text[1:].partition(']')[0]}"
    elif "%" in text:
        hint = "leave the %interface out"
    else:
        try:
            return IPv6Address(text)
        except AddressValueError:
            if text.count(":") == 1:
                hint = "the port is a setting of its own"
    raise Mistake("E010", word, f"'{text}' is no address", hint)


def plain_address(directive: Directive, words: Sequence[Token], reader: Reader) -> Address:
    """Read ADDRESS."""
    single(words)
    found = address(words[0], words[0].value, reader)
    if directive.nonzero and int(found) == 0:
        raise Mistake("E010", words[0], f"{directive.name} cannot be {found}", "remove the line if there is none")
    _check_machine(words[0], found)
    return found


def addresses(_directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[Address, ...]:
    """Read ADDRESSES, each of a machine that can be asked."""
    found = []
    for word in words:
        one = address(word, word.value, reader)
        _check_machine(word, one)
        if reader.look_up and (int(one) == 0 or one.is_loopback):
            raise Mistake("E010", word, f"'{one}' is no other machine", "write the address of one that answers ping")
        found.append(one)
    return tuple(found)


def own_addresses(directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[Address, ...]:
    """Read OWN_ADDRESSES; a machine does not ask the name service who it is."""
    name = next((word for word in words if is_host_name(word.value)), None)
    if name is not None:
        raise Mistake("E010", name, f"'{name.value}' is a host name", f"{directive.name} takes addresses")
    found = []
    for word in words:
        found.append(address(word, word.value, reader))
        if int(found[-1]) == 0:
            raise Mistake("E010", word, f"{directive.name} cannot be {found[-1]}", "leave it out: the routes decide")
        _check_machine(word, found[-1])
    return tuple(dict.fromkeys(found))


def group(directive: Directive, words: Sequence[Token], reader: Reader) -> Address:
    """Read GROUP."""
    single(words)
    found = address(words[0], words[0].value, reader)
    if not found.is_multicast:
        raise Mistake("E010", words[0], f"'{found}' is no multicast address", f"such as {directive.default}")
    return found


def _check_unicast(word: Token, found: Address, hint: str) -> None:
    number = int(found)
    if found.version == 4:
        # As the kernel sees it (inet_addr_type in fib_frontend.c): 0.0.0.0/8 is no host. All zeros mean `unset`.
        bad = 0 < number < 1 << 24 or 0xE0000000 <= number < 0xF0000000 or number == 0xFFFFFFFF
    else:
        bad = found.is_multicast
    if bad:
        raise Mistake("E010", word, f"'{found}' is no unicast address", hint)


def _check_machine(word: Token, found: Address) -> None:
    """Raise Mistake unless `found` can be an address of one machine that others reach without naming a device."""
    _check_unicast(word, found, "no machine can have it")
    if found.version == 6 and found.is_link_local:
        raise Mistake("E010", word, f"'{found}' is a link-local address", "it needs a device beside it: write another")


def _prefix(word: Token, text: str, bits: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= bits):
        raise Mistake("E015", word, f"'/{text}' is no prefix length", f"/0 to /{bits}")
    return int(text)


def floating(_directive: Directive, words: Sequence[Token], reader: Reader) -> FloatingWords:
    """Read FLOATING."""
    single(words, most=2)
    text, slash, length = words[0].value.partition("/")
    found = address(words[0], text, reader)
    prefix = _prefix(words[0], length, found.max_prefixlen) if slash else None
    _check_unicast(words[0], found, "no router can hold it")
    if len(words) == 1:
        return FloatingWords(found, prefix, None, None)
    name = words[1].value
    device, colon, _ = name.partition(":")
    _check_device(words[1], device)
    if colon and device in (PUBLIC, PRIVATE):
        raise Mistake("E018", words[1], f"'{name}' is no device", f"write {device}")
    if len(name.encode("utf-8", "surrogateescape")) > DEVICE_LIMIT:
        raise Mistake("E018", words[1], f"device '{name}' is longer than {DEVICE_LIMIT} characters")
    # IPv6 addresses have no labels (linux/if_addr.h: IFA_LABEL is IPv4 only).
    label = name if colon and found.version == 4 else None
    return FloatingWords(found, prefix, device, label)


def _check_device(word: Token, device: str) -> None:
    if not device or device in (".", "..") or re.search(r"[/\s]", device) or not device.isprintable() or ";" in device:
        raise Mistake("E018", word, f"'{word.value}' is no device", "an interface name such as eth0, public or private")


def device(_directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    """Read DEVICE."""
    single(words)
    _check_device(words[0], words[0].value)
    return words[0].value


def hostport(_directive: Directive, words: Sequence[Token], reader: Reader) -> HostPort:
    """Read HOSTPORT."""
    single(words, most=2)
    found = address(words[0], words[0].value, reader)
    _check_machine(words[0], found)
    return HostPort(found, port_number(words[1], reader, 1) if len(words) == 2 else None)


def heartbeat_path(_directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[Address, Address, str]:
    """Read HEARTBEAT_PATH: the primary's end, the backup's end, a name or nothing."""
    single(words, most=3)
    if len(words) < 2:
        raise Mistake("E005", words[0], "heartbeat_path needs two addresses: the primary's and the backup's")
    ends = [address(word, word.value, reader) for word in words[:2]]
    for word, end in zip(words, ends, strict=False):
        _check_machine(word, end)
        if not int(end):
            raise Mistake("E010", word, f"a path cannot end at {end}")
    if ends[0].version != ends[1].version:
        raise Mistake("E035", words[1], "both ends of a path need the same address family")
    if len(words) == 3:
        check_name(words[2])
    return ends[0], ends[1], words[2].value if len(words) == 3 else ""


def netmask(_directive: Directive, words: Sequence[Token], _reader: Reader) -> int:
    """Return a prefix length; 0 = unset, as 0.0.0.0 was."""
    single(words)
    text = words[0].value
    if text.startswith("/"):
        return _prefix(words[0], text[1:], 128)
    mask = _inet_aton(text)
    if mask is None:
        raise Mistake("E015", words[0], f"'{text}' is no netmask", "such as 255.255.255.0 or /24")
    inverted = int(mask) ^ 0xFFFFFFFF
    if inverted & (inverted + 1):
        raise Mistake("E015", words[0], f"netmask {mask} has a hole in it", "such as 255.255.255.0 or /24")
    return 32 - inverted.bit_length()


def persistence_mask(_directive: Directive, words: Sequence[Token], _reader: Reader) -> PersistenceMask:
    """Read PERSISTENCE_MASK."""
    single(words)
    text = words[0].value
    if text.startswith("/"):
        return PersistenceMask(prefix=_prefix(words[0], text[1:], 128))
    mask = _inet_aton(text)
    if mask is None:
        raise Mistake("E015", words[0], f"'{text}' is no netmask", "such as 255.255.255.0, /24 or /64")
    return PersistenceMask(netmask=int(mask))
