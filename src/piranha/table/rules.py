"""The table as text: the rules that `ipvsadm -S` prints and `ipvsadm -R` reads.

A server the kernel calls *Local* or *Bypass* is written as `-g`, the nearest that a rule can say.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, ip_address

from piranha.dataclass import dataclass, replace
from piranha.errors import PiranhaError
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import flag_names, flag_number
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.table.words import (
    PERSISTENCE_DEFAULT_S,
    Names,
    mask_words,
    numeric,
    protocol_of,
    server_order,
    service_order,
)
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

_SERVICE_OPTION = {Protocol.TCP: "-t", Protocol.UDP: "-u", Protocol.SCTP: "--sctp-service"}
_PROTOCOL_OF = {
    "-t": Protocol.TCP,
    "--tcp-service": Protocol.TCP,
    "-u": Protocol.UDP,
    "--udp-service": Protocol.UDP,
    "--sctp-service": Protocol.SCTP,
}
_FORWARDING_OPTION = {
    ForwardingMethod.NAT: "-m",
    ForwardingMethod.TUNNEL: "-i",
    ForwardingMethod.DIRECT: "-g",
    ForwardingMethod.LOCAL: "-g",
    ForwardingMethod.BYPASS: "-g",
}
_FORWARDING_OF = {"-m": ForwardingMethod.NAT, "-i": ForwardingMethod.TUNNEL, "-g": ForwardingMethod.DIRECT}
_CHECKSUM_OPTION = {
    TunnelChecksum.NONE: "--tun-nocsum",
    TunnelChecksum.CSUM: "--tun-csum",
    TunnelChecksum.REMCSUM: "--tun-remcsum",
}
_CHECKSUM_OF = {option: checksum for checksum, option in _CHECKSUM_OPTION.items()}


class RulesError(PiranhaError):
    """A rule that cannot be read: `line 3: -a before its service`."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def print_rules(table: Table, names: Names = numeric) -> str:
    """Write `table` as rules, services and servers sorted, one a line, as `ipvsadm -S -n` does."""
    lines = []
    for key in sorted(table, key=service_order):
        service = table[key]
        lines.append(rule_of(AddService(key, service.settings), names))
        for server in sorted(service.destinations, key=server_order):
            lines.append(rule_of(AddDestination(key, server, service.destinations[server]), names))
    return "".join(line + "\n" for line in lines)


def rule_of(change: Change, names: Names = numeric) -> str:
    """Write a change as the rule that asks for it: `-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5`."""
    words = service_words(change.service, names)
    match change:
        case AddService() | EditService():
            return f"{_LETTER[type(change)]} {words}{_settings_words(change.service, change.settings)}"
        case RemoveService():
            return f"-D {words}"
        case _:
            server = f"{words} -r {names(change.server.address, change.server.port, protocol_of(change.service))}"
    match change:
        case AddDestination() | EditDestination():
            return f"{_LETTER[type(change)]} {server} {_destination_words(change.destination)}"
        case RemoveDestination():
            return f"-d {server}"


_LETTER: Mapping[type, str] = {AddService: "-A", EditService: "-E", AddDestination: "-a", EditDestination: "-e"}


def service_words(key: ServiceKey, names: Names = numeric) -> str:
    """Write what selects a service: `-t 192.0.2.10:80`, `-f 81 -6`."""
    match key.match:
        case FirewallMark(mark, family):
            return f"-f {mark} -6" if family is Family.IPV6 else f"-f {mark}"
        case AddressMatch(protocol, address, port):
            return f"{_SERVICE_OPTION[protocol]} {names(address, port, protocol)}"


def _settings_words(key: ServiceKey, settings: ServiceSettings) -> str:
    words = f" -s {settings.scheduler}"
    if settings.persistence_s:
        words += f" -p {settings.persistence_s}"
        mask = mask_words(key, settings)
        words += f" -M {mask}" if mask else ""
    if settings.persistence_engine:
        words += f" --pe {settings.persistence_engine}"
    if settings.one_packet:
        words += " -o"
    flags = flag_names(settings.scheduler, settings.scheduler_flags)
    return words + (f" -b {flags}" if flags else "")


def _destination_words(destination: Destination) -> str:
    words = f"{_FORWARDING_OPTION[destination.forwarding]} -w {destination.weight}"
    if destination.upper_threshold:
        words += f" -x {destination.upper_threshold}"
    if destination.lower_threshold:
        words += f" -y {destination.lower_threshold}"
    if destination.forwarding is not ForwardingMethod.TUNNEL:
        return words
    tunnel = destination.tunnel
    words += f" --tun-type {tunnel.type}"
    if tunnel.type is TunnelType.GUE:
        words += f" --tun-port {tunnel.port}"
    return words if tunnel.type is TunnelType.IPIP else f"{words} {_CHECKSUM_OPTION[tunnel.checksum]}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: a service with its settings, or a server of a service."""

    key: ServiceKey
    settings: ServiceSettings | None = None
    server: tuple[DestinationKey, Destination] | None = None


def words_of(line: str) -> list[str]:
    """Return the words of a line of rules; a word that begins with `#` begins a comment."""
    words = line.split()
    comment = next((place for place, word in enumerate(words) if word.startswith("#")), None)
    return words[:comment]


def parse_rules(text: str) -> Table:
    """Read rules with numeric addresses; empty lines and `#` comments are skipped.

    Raises RulesError at the first line that is no rule of `print_rules`. (`ipvsadm -R` reads more:
    names, every spelling of an option, commands that edit and delete.)
    """
    services: dict[ServiceKey, ServiceSettings] = {}
    pools: dict[ServiceKey, dict[DestinationKey, Destination]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            rule = parse_rule(line)
            if rule is None:
                continue
            if rule.settings is not None and rule.key not in services:
                services[rule.key] = rule.settings
                pools[rule.key] = {}
            elif rule.server is not None and rule.key in services:
                pools[rule.key][rule.server[0]] = rule.server[1]
            else:
                word = "-A" if rule.settings is not None else "-a"
                raise ValueError(f"{word}: not -A of a new service or -a of one above")
        except ValueError as error:
            raise RulesError(number, str(error)) from None
    return {key: Service(settings, pools[key]) for key, settings in services.items()}


def parse_rule(line: str) -> Rule | None:
    """Read one line, None for an empty one or a comment. Raises ValueError for what is no rule of `print_rules`."""
    words = words_of(line)
    if not words:
        return None
    options = dict(_options(words[1:]))
    key = _service(options)
    if words[0] == "-A":
        return Rule(key, settings=_settings(key, options))
    if words[0] == "-a":
        return Rule(key, server=_destination(options))
    raise ValueError(f"{words[0]}: neither -A nor -a")


_WITHOUT_VALUE = {"-6", "-o", *_FORWARDING_OF, *_CHECKSUM_OF}
_WITH_VALUE = {
    *_PROTOCOL_OF,
    *("-f", "-s", "-p", "-M", "-b", "-r", "-w", "-x", "-y"),
    *("--pe", "--tun-type", "--tun-port"),
}


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(words):
        option = words[place]
        place += 1
        if option in _WITHOUT_VALUE:
            yield option, ""
        elif option == "-p" and (place == len(words) or words[place].startswith("-")):
            yield option, str(PERSISTENCE_DEFAULT_S)
        elif option in _WITH_VALUE and place < len(words):
            yield option, words[place]
            place += 1
        else:
            raise ValueError(f"{option}: unknown option, or its value is missing")


def _integer(options: Mapping[str, str], option: str, default: int) -> int:
    text = options.get(option, str(default))
    if not text.isdecimal():
        raise ValueError(f"{option} {text}: not a number")
    return int(text)


def _endpoint(text: str) -> DestinationKey:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"{text}: not ADDRESS:PORT")
    if int(port) > 65535:
        raise ValueError(f"{text}: the port is out of range")
    return DestinationKey(ip_address(host.removeprefix("[").removesuffix("]")), int(port))


def _service(options: Mapping[str, str]) -> ServiceKey:
    if "-f" in options:
        mark = _integer(options, "-f", 0)
        if not 0 < mark <= 0xFFFFFFFF:
            raise ValueError(f"-f {mark}: a mark is 1 to 4294967295")
        return ServiceKey(FirewallMark(mark, Family.IPV6 if "-6" in options else Family.IPV4))
    for option, protocol in _PROTOCOL_OF.items():
        if option in options:
            where = _endpoint(options[option])
            return ServiceKey(AddressMatch(protocol, where.address, where.port))
    raise ValueError("no service is named")


def _settings(key: ServiceKey, options: Mapping[str, str]) -> ServiceSettings:
    flags = 0
    for name in filter(None, options.get("-b", "").split(",")):
        known = flag_number(name)
        if known is None:
            raise ValueError(f"-b {name}: no such scheduler flag")
        flags |= known[1]
    mask: int | None = None
    whole = 128 if key.family is Family.IPV6 else 0xFFFFFFFF
    if "-M" in options:
        mask = _integer(options, "-M", 0) if key.family is Family.IPV6 else int(IPv4Address(options["-M"]))
    return ServiceSettings(
        scheduler=options.get("-s", "wlc"),
        scheduler_flags=flags,
        persistence_s=_integer(options, "-p", 0),
        persistence_mask=None if mask == whole else mask,
        persistence_engine=options.get("--pe", ""),
        one_packet="-o" in options,
    )


def _destination(options: Mapping[str, str]) -> tuple[DestinationKey, Destination]:
    if "-r" not in options:
        raise ValueError("-r is missing")
    method = next((method for option, method in _FORWARDING_OF.items() if option in options), ForwardingMethod.DIRECT)
    destination = Destination(
        forwarding=method,
        weight=_integer(options, "-w", 1),
        upper_threshold=_integer(options, "-x", 0),
        lower_threshold=_integer(options, "-y", 0),
    )
    if method is ForwardingMethod.TUNNEL:
        checksum = next((kind for option, kind in _CHECKSUM_OF.items() if option in options), TunnelChecksum.NONE)
        kind = TunnelType(options.get("--tun-type", "ipip"))
        tunnel = Tunnel(type=kind, port=_integer(options, "--tun-port", 0), checksum=checksum)
        destination = replace(destination, tunnel=tunnel)
    return _endpoint(options["-r"]), destination
