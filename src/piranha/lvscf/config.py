"""What lvs.cf means, as values that are valid by construction.

`elaborate` makes a Config out of the syntax tree; nothing downstream checks it again. All times
are seconds as floats, all sizes bytes. Source of every meaning and default: lvs.cf(5).
"""

from enum import StrEnum
from itertools import chain
from typing import Any

from piranha.dataclass import dataclass, field, replace
from piranha.lvscf.canonical import canonical
from piranha.lvscf.check_values import Check, CheckTiming, FurtherCheck, sets_weight
from piranha.lvscf.kernel_values import KernelSettings
from piranha.terms import PLAIN_TUNNEL, Address, Family, ForwardingMethod, Protocol, Scheduler, Tunnel

_MEANING = "meaning"


class HeartbeatAuth(StrEnum):
    """Whether heartbeats must carry a valid signature (`heartbeat_auth`)."""

    REQUIRED = "required"
    MIGRATE = "migrate"
    NONE = "none"


class Standby(StrEnum):
    """What the standby router runs (`standby`): everything, or nothing until it takes over."""

    WARM = "warm"
    COLD = "cold"


class PlaneKind(StrEnum):
    """Who forwards packets (`forwarding_plane`)."""

    IPVS = "ipvs"
    USERSPACE = "userspace"


class ForeignEdits(StrEnum):
    """What becomes of what others changed in services of the file (`foreign_edits`)."""

    REPAIR = "repair"
    ADOPT = "adopt"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """Own addresses of one router: public always, private when the file names one."""

    public: Address
    private: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatPath:
    """One path between the routers: `public`, `private` or the name in `heartbeat_path`."""

    name: str
    primary: Address
    backup: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSettings:
    """How the routers hear each other.

    keepalive_s: seconds between two heartbeats. deadtime_s: seconds of silence before a takeover. initdead_s: how
    long to listen after the machine has booted before the first takeover. warntime_s: a heartbeat later than this is
    logged. key_file: None when `heartbeat_auth = none` or when the file names none (a pair then does not start).

    Raises ValueError unless keepalive_s >= 0.1 and deadtime_s > 0.
    """

    port: int = 539
    key_file: str | None = None
    auth: HeartbeatAuth = HeartbeatAuth.REQUIRED
    keepalive_s: float = 2.0
    deadtime_s: float = 5.0
    initdead_s: float = 10.0
    warntime_s: float = 2.5
    paths: tuple[HeartbeatPath, ...] = ()

    def __post_init__(self) -> None:
        if self.keepalive_s < 0.1 or self.deadtime_s <= 0:
            raise ValueError("keepalive must be at least 0.1 s and deadtime positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class VipSettings:
    """How VIPs are held and announced.

    lease_s: lifetime in the kernel while a ready partner is heard, whole seconds; 0 = no limit; None = derived from
    deadtime (`lease_for`). lease_alone_s: the same while no ready partner is heard. arp_refresh_s: 0 = none.
    """

    lease_s: int | None = None
    lease_alone_s: int = 0
    arp_count: int = 5
    arp_interval_s: float = 1.0
    arp_refresh_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingAddress:
    """A VIP or the floating NAT gateway: an address that only the active router holds.

    device: interface name, or `public` / `private` (the interface that carries this router's own public / private
    address), or None (the interface whose network holds the address, else public). label: `eth0:1` when the file says
    so, kept on the address. prefix: 32 or 128 unless the file says otherwise.
    """

    address: Address
    prefix: int
    device: str | None = None
    label: str | None = None

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return Family.of(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of a pool: so many servers, or such a share of its configured weight (0 to 100); both 0 = nothing."""

    count: int = 0
    percent: float = 0.0


NO_QUOTA, ONE_SERVER = Quota(), Quota(count=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServer:
    """One `server` block; inherited settings are resolved. line: 1-based, of the block.

    name: unique within its virtual. upper_threshold, lower_threshold: connections, 0 = none. tunnel: how packets
    are wrapped where `forwarding` is a tunnel. port: with `ports` the one that is checked. check_address,
    check_port: where to check instead. check_name: of `check`, its block or kind, empty for send, expect and
    send_program. more_checks: besides `check`; checks_needed: how many of all of them must pass.
    slow_start_s: after recovery the weight grows for so long. drain_time_s: deleted, it keeps its connections so long.
    """

    name: str
    address: Address
    port: int
    forwarding: ForwardingMethod
    check: Check
    timing: CheckTiming
    weight: int = 1
    active: bool = False
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel = PLAIN_TUNNEL
    check_address: Address | None = None
    check_port: int = 0
    check_name: str = ""
    more_checks: tuple[FurtherCheck, ...] = ()
    checks_needed: int = 1
    slow_start_s: float = 0.0
    drain_time_s: float = 300.0
    line: int = 0

    @property
    def checked_at(self) -> tuple[Address, int]:
        """Where the server is checked."""
        return self.check_address or self.address, self.check_port or self.port

    def all_checks(self) -> tuple[FurtherCheck, ...]:
        """Return every check of the server, the first one first."""
        first = FurtherCheck(
            name=self.check_name, check=self.check, timing=self.timing, address=self.check_address, port=self.check_port
        )
        return (first, *self.more_checks)

    @property
    def weighed(self) -> bool:
        """Whether a check of the server sets its weight."""
        # Asked of every server in every pass over the table.
        return sets_weight(self.check) or any(sets_weight(one.check) for one in self.more_checks)

    @property
    def checked_how(self) -> tuple[object, ...]:
        """What makes a result of the past worthless when it changes."""
        others = tuple((one.check, one.address, one.port) for one in self.more_checks)
        return self.check, self.checked_at, others, self.checks_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class SorryServer:
    """Serves while no real server of the virtual is up. port: 0 = the one that the client asked for (`ports`)."""

    address: Address
    port: int
    forwarding: ForwardingMethod
    tunnel: Tunnel = PLAIN_TUNNEL


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports from `first` to `last`, both included; 1 <= first <= last <= 65535."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Virtual:
    """One `virtual` block. line: 1-based, of the block.

    extra_vips: further VIPs with the same ports and pool, none twice and none that is `vip`. port: with
    `ports` the first of them; 0 = every port. ports: empty unless the file has `ports`; real servers are
    sent the client's port then. mark_rules: the rules that set fwmark are ours to keep. scheduler_flags,
    persistence_engine, one_packet, persistence_s (0 = off), persistence_mask: see `table.service.ServiceSettings`.
    start_up: servers serve before their first answer (`start_state = up`). keep_active: checks never leave less than
    this. quorum: with less than this the sorry server takes the new connections; quorum_margin: so much more ends that,
    in the unit of quorum. drain_time_s: see servers. worked_out: what follows from all this and is asked for again and
    again, kept by those who work it out.
    """

    name: str
    active: bool
    vip: FloatingAddress
    port: int
    protocols: tuple[Protocol, ...]
    extra_vips: tuple[FloatingAddress, ...] = ()
    ports: tuple[PortRange, ...] = ()
    fwmark: int = 0
    mark_rules: bool = False
    scheduler: Scheduler = Scheduler.WLC
    scheduler_flags: int = 0
    persistence_s: int = 0
    persistence_mask: int | None = None
    persistence_engine: str = ""
    one_packet: bool = False
    quiesce_server: bool = False
    start_up: bool = False
    keep_active: Quota = NO_QUOTA
    quorum: Quota = ONE_SERVER
    quorum_margin: int = 0
    drain_time_s: float = 300.0
    sorry_server: SorryServer | None = None
    servers: tuple[RealServer, ...] = ()
    line: int = 0
    worked_out: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def meaning(self) -> str:
        """A hash of all that it means; a reload asks for it again of every block that stayed."""
        known: str | None = self.worked_out.get(_MEANING)
        if known is None:
            known = self.worked_out[_MEANING] = _hash(canonical(self))
        return known

    @property
    def vips(self) -> tuple[FloatingAddress, ...]:
        """Every VIP of the virtual server, that of `address` first."""
        return (self.vip, *self.extra_vips)

    def service_ports(self) -> tuple[int, ...]:
        """Return the distinct ports of its services, in the order of the file."""
        if not self.ports:
            return (self.port,)
        return tuple(dict.fromkeys(chain.from_iterable(range(one.first, one.last + 1) for one in self.ports)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LvsdSettings:
    """How the lvs daemon, the nannies and programs run.

    repair_interval_s: how often the table is read back. timeouts: tcp, tcpfin, udp in seconds,
    0 keeps the kernel's value. maintenance_dir: empty = none.
    """

    plane: PlaneKind = PlaneKind.IPVS
    foreign_edits: ForeignEdits = ForeignEdits.ADOPT
    repair_interval_s: float = 30.0
    nanny_processes: int = 32
    share_checks: bool = True
    script_user: str = "piranha"
    script_limit: int = 20
    notify_user: str = "root"
    keep_table: bool = False
    maintenance_dir: str = ""
    hard_shutdown: bool = True
    timeouts_s: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings:
    """How this file is replaced by the next one.

    limit_percent: a reload removes at most this share of active virtual servers and of configured weight
    (`change_limit`). confirm_s: time to confirm a change that asks for it (`confirm_time`). external: another tool
    writes the file (`config_sync`).
    """

    limit_percent: float = 50.0
    confirm_s: float = 60.0
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One accepted lvs.cf: both routers, all virtual servers.

    failback_s: the backup hands over to a primary that is back and ready for so long; None = never.
    monitor_hosts: of each line one address must answer ping.
    """

    primary: Router | None
    backup: Router | None = None
    backup_active: bool = False
    serial_no: int = 0
    cluster: str = "lvs"
    standby: Standby = Standby.WARM
    heartbeat: HeartbeatSettings = field(default_factory=HeartbeatSettings)
    vips: VipSettings = field(default_factory=VipSettings)
    nat_router: FloatingAddress | None = None
    nat_router6: FloatingAddress | None = None
    active_cmd: tuple[str, ...] = ()
    inactive_cmd: tuple[str, ...] = ()
    failback_s: float | None = None
    monitor_links: bool = False
    monitor_devices: tuple[str, ...] = ()
    monitor_hosts: tuple[tuple[Address, ...], ...] = ()
    lvsd: LvsdSettings = field(default_factory=LvsdSettings)
    kernel: KernelSettings = field(default_factory=KernelSettings)
    change: ChangeSettings = field(default_factory=ChangeSettings)
    virtuals: tuple[Virtual, ...] = ()

    def active_virtuals(self) -> tuple[Virtual, ...]:
        """Return the virtual servers that are switched on, in the order of the file."""
        return tuple(virtual for virtual in self.virtuals if virtual.active)

    def floating_addresses(self) -> tuple[FloatingAddress, ...]:
        """Return what only the active router holds: distinct VIPs in file order, then gateways."""
        found: dict[Address, FloatingAddress] = {}
        for virtual in self.active_virtuals():
            for vip in virtual.vips:
                found.setdefault(vip.address, vip)
        for gateway in self.gateways().values():
            found.setdefault(gateway.address, gateway)
        return tuple(found.values())

    def gateways(self) -> dict[str, FloatingAddress]:
        """Return the floating gateways of real servers by their keywords."""
        both = {"nat_router": self.nat_router, "nat_router6": self.nat_router6}
        return {keyword: gateway for keyword, gateway in both.items() if gateway is not None}


def meaning(config: Config) -> str:
    """Return a hash that two files share when they differ in serial_no, comments and layout only."""
    own = canonical(replace(config, serial_no=0, virtuals=()))
    return _hash("\n".join([own, *(virtual.meaning for virtual in config.virtuals)]))


def _hash(text: str) -> str:
    import hashlib  # noqa: PLC0415 -- brings OpenSSL; lvsd asks for meanings when its table is in

    return hashlib.sha256(text.encode()).hexdigest()[:16]
