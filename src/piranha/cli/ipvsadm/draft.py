"""A command line of ipvsadm as far as it has been read, option by option."""

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from piranha.cli.ipvsadm.addresses import Lookup, endpoint, integer, ipv4
from piranha.cli.ipvsadm.popt import Given
from piranha.cli.ipvsadm.usage import COUNTS_AS
from piranha.dataclass import dataclass, field
from piranha.errors import PiranhaError
from piranha.table.words import PERSISTENCE_DEFAULT_S
from piranha.terms import Address, Family, ForwardingMethod, Protocol, TunnelChecksum, TunnelType

DONE = 0
NOT_THERE = 1
MISUSE = 2
NOT_UNDERSTOOD = 255
LONGEST_TIMEOUT_S = 31 * 86400
_LARGEST = 0x7FFFFFFF

_PROTOCOL = {"tcp-service": Protocol.TCP, "udp-service": Protocol.UDP, "sctp-service": Protocol.SCTP}
_FORWARDING = {
    "masquerading": ForwardingMethod.NAT,
    "ipip": ForwardingMethod.TUNNEL,
    "gatewaying": ForwardingMethod.DIRECT,
}
_CHECKSUM = {
    "tun-nocsum": TunnelChecksum.NONE,
    "tun-csum": TunnelChecksum.CSUM,
    "tun-remcsum": TunnelChecksum.REMCSUM,
}


class UsageError(PiranhaError):
    """A command line that cannot be carried out. status: exit status, 2 or 255.

    ends: whether `ipvsadm -R` stops here; after a word that popt cannot read it goes on.
    """

    def __init__(self, status: int, text: str, *, ends: bool = True) -> None:
        super().__init__(text)
        self.status = status
        self.ends = ends


@dataclass(slots=True)
class Draft:
    """What the options said; the grammar makes values of it when all have been read."""

    lookup: Lookup
    given: set[str] = field(default_factory=set)
    protocol: Protocol | None = None  # known from the service on
    address: Address | None = None
    port: int = 0
    mark: int = 0
    family: Family | None = None
    scheduler: str = ""
    persistence_s: int = 0
    mask: int | None = None
    engine: str = ""
    flags: str = ""
    server: Address | None = None
    server_port: int = 0
    forwarding: ForwardingMethod = ForwardingMethod.DIRECT
    weight: int = 1
    upper: int = 0
    lower: int = 0
    tunnel: TunnelType = TunnelType.IPIP
    tunnel_port: int = 0
    checksum: TunnelChecksum = TunnelChecksum.NONE
    interface: str = ""
    sync_id: int = 0
    max_length: int | None = None
    group: Address | None = None
    mcast_port: int | None = None
    ttl: int | None = None

    def take(self, option: Given) -> None:
        """Take in one option; raises UsageError."""
        name, value = option.name, option.value or ""
        if name not in ("sort", "ipv6"):
            self._count(COUNTS_AS.get(name, name))
        if name in _FORWARDING:
            self.forwarding = _FORWARDING[name]
        elif name in _CHECKSUM:
            self.checksum = _CHECKSUM[name]
        elif name in ("mcast-interface", "syncid", "sync-maxlen", "mcast-group", "mcast-port", "mcast-ttl"):
            self._take_daemon(name, value)
        elif name in ("scheduler", "persistent", "netmask", "pe", "sched-flags"):
            self._take_setting(name, option.value)
        elif name in ("real-server", "weight", "u-threshold", "l-threshold", "tun-type", "tun-port"):
            self._take_server(name, value)
        else:
            self._take_service(name, value)

    def _count(self, name: str) -> None:
        if name in self.given:
            raise UsageError(MISUSE, f"multiple '{name}' options specified")
        self.given.add(name)

    def _take_service(self, name: str, value: str) -> None:
        match name:
            case "tcp-service" | "udp-service" | "sctp-service":
                self.protocol = _PROTOCOL[name]
                found = endpoint(value, self.protocol, self.lookup)
                if found is None:
                    raise UsageError(MISUSE, "illegal virtual server address[:port] specified")
                self.address, self.port = found[0], found[1] or 0
                self.family = Family.of(self.address)
                if self.family is Family.IPV6:
                    self.mask = None  # an IPv4 mask given before is forgotten
            case "fwmark-service":
                self.mark = _number(value, 1, 0xFFFFFFFF, f"invalid fwmark value `{value}' specified")
                self.protocol, self.family = Protocol.TCP, Family.IPV4
            case "ipv6":
                if not self.mark:
                    raise UsageError(MISUSE, "-6 used before -f\n")
                self.family, self.mask = Family.IPV6, None

    def _take_setting(self, name: str, value: str | None) -> None:
        match name:
            case "scheduler":
                self.scheduler = (value or "")[:15]
            case "persistent":
                self.persistence_s = PERSISTENCE_DEFAULT_S if value is None else timeout(value, 1)
            case "netmask" if self.family is Family.IPV6:
                self.mask = _number(value or "", 1, 128, "illegal ipv6 netmask specified")
            case "netmask":
                mask = ipv4(value or "")
                if mask is None:
                    raise UsageError(MISUSE, "illegal virtual server persistent mask specified")
                self.mask = int(mask)
            case "pe":
                self.engine = (value or "")[:15]
            case "sched-flags":
                self.flags = value or ""

    def _take_server(self, name: str, value: str) -> None:
        match name:
            case "real-server":
                found = endpoint(value, self.protocol, self.lookup)
                if found is None:
                    raise UsageError(MISUSE, "illegal real server address[:port] specified")
                self.server = found[0]
                self.server_port = self.port if found[1] is None else found[1]
            case "weight":
                self.weight = _number(value, 0, _LARGEST, "illegal weight specified")
            case "u-threshold":
                self.upper = _number(value, 0, _LARGEST, "illegal u_threshold specified")
            case "l-threshold":
                self.lower = _number(value, 0, _LARGEST, "illegal l_threshold specified")
            case "tun-type":
                if value not in list(TunnelType):
                    raise UsageError(MISUSE, "illegal tunnel type specified")
                self.tunnel = TunnelType(value)
            case "tun-port":
                self.tunnel_port = _number(value, 1, 65535, "illegal tunnel port specified")

    def _take_daemon(self, name: str, value: str) -> None:
        match name:
            case "mcast-interface":
                self.interface = value[:15]
            case "syncid":
                self.sync_id = _number(value, 0, 255, "illegal syncid specified")
            case "sync-maxlen":
                self.max_length = _number(value, 1, 65507, "illegal sync-maxlen specified")
            case "mcast-group":
                self.group = _multicast(value)
            case "mcast-port":
                self.mcast_port = _number(value, 1, 65535, "illegal mcast-port specified")
            case "mcast-ttl":
                self.ttl = _number(value, 1, 255, "illegal mcast-ttl specified")


def timeout(text: str, low: int) -> int:
    """Read a time in seconds up to 31 days; raises UsageError."""
    return _number(text, low, LONGEST_TIMEOUT_S, f"invalid timeout value `{text}' specified")


def _number(text: str, low: int, high: int, complaint: str) -> int:
    value = integer(text, low, high)
    if value is None:
        raise UsageError(MISUSE, complaint)
    return value


def _multicast(text: str) -> Address:
    version = "IPv6" if ":" in text else "IPv4"
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
        if address.is_multicast:
            return address
    except AddressValueError:
        pass
    raise UsageError(MISUSE, f"invalid {version} mcast-group `{text}'")
