"""Keywords of the whole file that this version acts on: routers, heartbeat, VIPs, the daemons."""

from piranha.lvscf.directives.directive import Directive, Scope, Type
from piranha.lvscf.directives.surroundings import SURROUNDINGS

_G = (Scope.GLOBAL,)
_DAY_S = 86400.0

ROUTERS: tuple[Directive, ...] = (
    Directive(
        name="serial_no",
        scopes=_G,
        type=Type.INT,
        default="0",
        old=True,
        meaning="Version of the file, for people. Two files that differ in it alone are the same configuration.",
    ),
    Directive(
        name="cluster",
        scopes=_G,
        type=Type.WORD,
        default="lvs",
        meaning="Name of the pair in heartbeats, logs, screens. Heartbeats of another name are ignored and counted.",
    ),
    Directive(
        name="primary",
        scopes=_G,
        type=Type.ADDRESS,
        default="-",
        old=True,
        nonzero=True,
        meaning="Own public address of the primary router. A router finds out which one it is by its own addresses.",
    ),
    Directive(
        name="primary_private",
        scopes=_G,
        type=Type.ADDRESS,
        default="-",
        old=True,
        nonzero=True,
        meaning="Own private address of the primary router: a second path for heartbeats.",
    ),
    Directive(
        name="backup_active",
        scopes=_G,
        type=Type.BOOL,
        default="0",
        old=True,
        meaning="1: two routers. 0: a lone router, which is active at once and sends no heartbeats.",
    ),
    Directive(
        name="backup",
        scopes=_G,
        type=Type.ADDRESS,
        default="-",
        old=True,
        meaning="Own public address of the backup router. 0.0.0.0 means none.",
    ),
    Directive(
        name="backup_private",
        scopes=_G,
        type=Type.ADDRESS,
        default="-",
        old=True,
        nonzero=True,
        meaning="Own private address of the backup router.",
    ),
)

HEARTBEAT: tuple[Directive, ...] = (
    Directive(
        name="heartbeat_port",
        scopes=_G,
        type=Type.PORT,
        default="539",
        old=True,
        low=1,
        meaning="UDP port of heartbeats.",
    ),
    Directive(
        name="heartbeat_key_file",
        scopes=_G,
        type=Type.PATH,
        default="-",
        meaning="File of lines ID KEY, readable by its owner only. The first key signs, every key verifies. "
        "piranha keygen writes it.",
    ),
    Directive(
        name="heartbeat_auth",
        scopes=_G,
        type=Type.CHOICE,
        default="required",
        choices=("required", "migrate", "none"),
        meaning="A pair without heartbeat_key_file does not start unless none is written here. migrate: sign, and "
        "also accept unsigned heartbeats from the partner's addresses.",
    ),
    Directive(
        name="heartbeat_path",
        scopes=_G,
        type=Type.HEARTBEAT_PATH,
        default="-",
        repeats=True,
        meaning="A further path between the routers: the primary's address, the backup's address, a name. The public "
        "and the private path always exist.",
    ),
    Directive(
        name="keepalive",
        scopes=_G,
        type=Type.DURATION,
        default="2",
        unit="s",
        old=True,
        low=0.1,
        high=_DAY_S,
        meaning="Time between two heartbeats.",
    ),
    Directive(
        name="deadtime",
        scopes=_G,
        type=Type.DURATION,
        default="5",
        unit="s",
        old=True,
        low=0.1,
        high=_DAY_S,
        meaning="Silence after which the partner counts as dead. At least three times keepalive is good advice.",
    ),
    Directive(
        name="initdead",
        scopes=_G,
        type=Type.DURATION,
        default="2 x deadtime; 0 for a lone router",
        computed=True,
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="After the machine has booted, how long to listen before the first takeover. A partner that is heard "
        "ends the wait.",
    ),
    Directive(
        name="warntime",
        scopes=_G,
        type=Type.DURATION,
        default="deadtime / 2",
        computed=True,
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="A heartbeat later than this is logged and counted.",
    ),
    Directive(
        name="failback",
        scopes=_G,
        type=Type.CHOICE_OR_DURATION,
        default="never",
        choices=("never", "always"),
        low=0,
        high=_DAY_S,
        unit="s",
        meaning="When the primary takes the VIPs back after a failure, by a planned switchover: never, as soon as it "
        "is ready (always), or after it was ready for so long. A switchover that a person asked for stays.",
    ),
    Directive(
        name="standby",
        scopes=_G,
        type=Type.CHOICE,
        default="warm",
        choices=("warm", "cold"),
        meaning="What the standby router runs. warm: table loaded, servers checked. cold: nothing until it takes over.",
    ),
)

VIPS: tuple[Directive, ...] = (
    Directive(
        name="vip_lease",
        scopes=_G,
        type=Type.DURATION,
        default="the largest whole L with L + L/3 + 1.5 <= deadtime, at least 1",
        computed=True,
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="Lifetime of a VIP in the kernel while a ready partner is heard, in whole seconds, renewed by pulse. "
        "0: no limit, so that a dead pulse keeps its VIPs.",
    ),
    Directive(
        name="vip_lease_alone",
        scopes=_G,
        type=Type.DURATION,
        default="0",
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="The same while no ready partner is heard. 0: no limit.",
    ),
    Directive(
        name="arp_count",
        scopes=_G,
        type=Type.INT,
        default="5",
        low=1,
        high=1000,
        meaning="Announcements of each VIP after a takeover (gratuitous ARP; IPv6: neighbour advertisement).",
    ),
    Directive(
        name="arp_interval",
        scopes=_G,
        type=Type.DURATION,
        default="1",
        unit="s",
        low=0.01,
        high=3600,
        meaning="Time between them.",
    ),
    Directive(
        name="arp_refresh",
        scopes=_G,
        type=Type.DURATION,
        default="60",
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="Then one more each time this has passed, for as long as the VIP is held. 0: none.",
    ),
    Directive(
        name="network",
        scopes=_G,
        type=Type.CHOICE,
        default="nat",
        choices=("nat", "direct", "tunnel"),
        old=True,
        meaning="Default of forwarding.",
    ),
    Directive(
        name="nat_router",
        scopes=_G,
        type=Type.FLOATING,
        default="-",
        old=True,
        meaning="Floating gateway of the real servers under NAT: an address that only the active router holds, and "
        "its device (an interface, public or private). /prefix is allowed.",
    ),
    Directive(
        name="nat_router6",
        scopes=_G,
        type=Type.FLOATING,
        default="-",
        meaning="Floating IPv6 gateway of the real servers under NAT, as nat_router; /128 unless it has a /prefix.",
    ),
    Directive(
        name="nat_nmask",
        scopes=_G,
        type=Type.NETMASK,
        default="255.255.255.255",
        old=True,
        meaning="Netmask of nat_router.",
    ),
)

DAEMONS: tuple[Directive, ...] = (
    Directive(
        name="forwarding_plane",
        scopes=_G,
        type=Type.CHOICE,
        default="ipvs",
        choices=("ipvs", "userspace"),
        meaning="Who forwards. ipvs: the kernel; without it the daemon says which module is missing and stops. "
        "userspace: a TCP forwarder, for demonstrations and tests.",
    ),
    Directive(
        name="foreign_edits",
        scopes=_G,
        type=Type.CHOICE,
        default="adopt",
        choices=("repair", "adopt", "report"),
        meaning="What becomes of what others changed, with ipvsadm, in the services of this file; all of it is named. "
        "adopt: a weight set by hand stays, across reloads, restarts and times in which the server is down, until the "
        "weight of this file is set by hand, the file gives the server another weight, or piranha repair is said; a "
        "server added by hand stays until lvsd is stopped, but is not checked and counts for nothing; everything else "
        "is put back; what was changed while no lvsd ran is not kept. repair: everything is put back. report: nothing "
        "is put back until the file or the health of the server asks for something else there, or lvsd is started "
        "again. Services that are not in this file are never touched.",
    ),
    Directive(
        name="repair_interval",
        scopes=_G,
        type=Type.DURATION,
        default="30",
        unit="s",
        low=1,
        high=_DAY_S,
        meaning="How often the IPVS table is read back and repaired.",
    ),
    Directive(
        name="keep_table",
        scopes=_G,
        type=Type.BOOL,
        default="0",
        meaning="1: lvsd leaves the table as it is when it is stopped. A restart always does.",
    ),
    Directive(
        name="maintenance_dir",
        scopes=_G,
        type=Type.PATH,
        default="-",
        meaning="A folder. While a file in it is named like a server, like the address of one, or like address:port "
        "(IPv6: [address]:port), each such server gets no new connections and keeps those that it has. Only the names "
        "of regular files count; those that begin with a dot do not. Read every 2 s, on each router for itself. "
        "While it cannot be read, or has more than 10000 entries, nothing changes.",
    ),
    Directive(
        name="nanny_processes",
        scopes=_G,
        type=Type.INT,
        default="32",
        low=1,
        high=1024,
        meaning="Most processes that check servers.",
    ),
    Directive(
        name="hard_shutdown",
        scopes=_G,
        type=Type.BOOL,
        default="1",
        old=True,
        meaning="1: a nanny that fails 3 times within 60 s makes this router not ready, so that a ready partner "
        "takes over. 0: logged only. The table is never emptied.",
    ),
    Directive(
        name="script_user",
        scopes=_G,
        type=Type.WORD,
        default="piranha",
        meaning="User that runs send_program. root must be said.",
    ),
    Directive(
        name="script_limit",
        scopes=_G,
        type=Type.INT,
        default="20",
        low=1,
        high=10000,
        meaning="Check programs that run at the same time.",
    ),
    Directive(
        name="notify_user",
        scopes=_G,
        type=Type.WORD,
        default="root",
        meaning="User that runs active_cmd and inactive_cmd.",
    ),
    Directive(
        name="active_cmd",
        scopes=_G,
        type=Type.COMMAND,
        default="-",
        old=True,
        meaning="Program, with its arguments, run when this router becomes active. No shell; absolute path.",
    ),
    Directive(
        name="inactive_cmd",
        scopes=_G,
        type=Type.COMMAND,
        default="-",
        old=True,
        meaning="The same when pulse starts and when this router stops being active.",
    ),
    *(
        Directive(
            name=f"{name}_timeout",
            scopes=_G,
            type=Type.INT,
            default="0",
            unit="s",
            old=True,
            low=0,
            high=31 * 86400,
            meaning=f"Time after which IPVS forgets {what}. 0 keeps the kernel's value.",
        )
        for name, what in (
            ("tcp", "an idle TCP connection"),
            ("tcpfin", "a TCP connection after its FIN"),
            ("udp", "an idle UDP flow"),
        )
    ),
)

CLUSTER: tuple[Directive, ...] = ROUTERS + HEARTBEAT + SURROUNDINGS + VIPS + DAEMONS
