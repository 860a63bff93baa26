"""Keywords of virtual and server blocks that this version acts on."""

from piranha.lvscf.directives.directive import Directive, Scope, Type
from piranha.terms import Scheduler

_V = (Scope.VIRTUAL,)
_S = (Scope.SERVER,)
_VS = (Scope.VIRTUAL, Scope.SERVER)
_VSC = (Scope.VIRTUAL, Scope.SERVER, Scope.CHECK)
_DAY_S = 86400.0
_MARK_MAX = 2**32 - 1
_THRESHOLD_MAX = 2**31 - 1

SERVICE: tuple[Directive, ...] = (
    Directive(
        name="active",
        scopes=_VS,
        type=Type.BOOL,
        default="0",
        old=True,
        own=True,
        meaning="1: this virtual server, this real server is in use. Not inherited.",
    ),
    Directive(
        name="address",
        scopes=_V,
        type=Type.FLOATING,
        default="-",
        old=True,
        meaning="The VIP and its device: an interface, public or private (the interface with this router's own public "
        "or private address), or none (the interface whose network holds it). eth0:1 keeps its label.",
    ),
    Directive(
        name="vip_nmask",
        scopes=_V,
        type=Type.NETMASK,
        default="255.255.255.255 (/128)",
        computed=True,
        old=True,
        meaning="Netmask of the VIP.",
    ),
    Directive(
        name="port",
        scopes=_V,
        type=Type.PORT,
        default="80",
        old=True,
        low=0,
        meaning="Port of the service, a number or a name such as http. 0: every port, with persistent.",
    ),
    Directive(
        name="protocol",
        scopes=_V,
        type=Type.CHOICES,
        default="tcp",
        choices=("tcp", "udp", "sctp"),
        old=True,
        meaning="tcp, udp or sctp; several make one service each, with one pool.",
    ),
    Directive(
        name="fwmark",
        scopes=_V,
        type=Type.INT,
        default="0",
        old=True,
        low=0,
        high=_MARK_MAX,
        meaning="The service is what a firewall rule marks with this number, not VIP and port. 0: none.",
    ),
    Directive(
        name="scheduler",
        scopes=_V,
        type=Type.CHOICE,
        default="wlc",
        choices=tuple(scheduler.value for scheduler in Scheduler),
        old=True,
        meaning="How IPVS spreads connections.",
    ),
    Directive(
        name="forwarding",
        scopes=_VS,
        type=Type.CHOICE,
        default="network",
        computed=True,
        choices=("nat", "direct", "tunnel"),
        meaning="How packets reach the real servers.",
    ),
    Directive(
        name="persistent",
        scopes=_V,
        type=Type.INT,
        default="0",
        unit="s",
        old=True,
        low=0,
        high=31 * 86400,
        meaning="A client comes back to the same real server for this long. 0: off.",
    ),
    Directive(
        name="pmask",
        scopes=_V,
        type=Type.PERSISTENCE_MASK,
        default="255.255.255.255 (/128)",
        computed=True,
        old=True,
        meaning="What counts as one client: a netmask, or /24, /64.",
    ),
    Directive(
        name="sorry_server",
        scopes=_V,
        type=Type.HOSTPORT,
        default="-",
        old=True,
        meaning="Serves while no real server is up. Without a port: that of the virtual server.",
    ),
    Directive(
        name="quiesce_server",
        scopes=_V,
        type=Type.BOOL,
        default="0",
        old=True,
        meaning="1: a server that fails gets weight 0 and keeps its connections. 0: it is removed.",
    ),
    Directive(
        name="start_state",
        scopes=_V,
        type=Type.CHOICE,
        choices=("check", "up"),
        default="check",
        meaning="What a server that the kernel does not have yet counts as before its first answer: check: it "
        "waits; up: it serves until it has failed fall times. Where lvsd starts over a table that has the service, a "
        "server that was taken out of it waits all the same.",
    ),
)

CHECKING: tuple[Directive, ...] = (
    Directive(
        name="send",
        scopes=_V,
        type=Type.TEXT,
        default="-",
        old=True,
        meaning=r"""Text sent after connecting. It knows \n \r \t \\ \' \" and nothing else.""",
    ),
    Directive(
        name="expect",
        scopes=_V,
        type=Type.TEXT,
        default="-",
        old=True,
        meaning='How the answer must begin (same escapes). "*": any answer. With send_program: its whole output.',
    ),
    Directive(
        name="use_regex",
        scopes=_V,
        type=Type.BOOL,
        default="0",
        old=True,
        meaning="1: expect is a POSIX extended regular expression, found anywhere.",
    ),
    Directive(
        name="send_program",
        scopes=_V,
        type=Type.COMMAND,
        default="-",
        old=True,
        meaning="Program that checks, run as script_user without a shell instead of send. %h is the server's address, "
        "%p its port. Exit status 0 is good.",
    ),
    Directive(
        name="send_program_status",
        scopes=_V,
        type=Type.CHOICE,
        default="honour",
        choices=("honour", "ignore"),
        meaning="ignore: only the output of send_program counts, as in the original.",
    ),
    Directive(
        name="timeout",
        scopes=_V,
        type=Type.DURATION,
        default="10",
        unit="s",
        old=True,
        low=0.1,
        high=_DAY_S,
        meaning="A dead server has left the pool at most this long after it died.",
    ),
    Directive(
        name="interval",
        scopes=_VSC,
        type=Type.DURATION,
        default="timeout / 3",
        computed=True,
        unit="s",
        low=0.03,
        high=_DAY_S,
        meaning="Time between the starts of two checks.",
    ),
    Directive(
        name="check_timeout",
        scopes=_VSC,
        type=Type.DURATION,
        default="interval",
        computed=True,
        unit="s",
        low=0.01,
        high=_DAY_S,
        meaning="Limit of one check.",
    ),
    Directive(
        name="fall",
        scopes=_VSC,
        type=Type.INT,
        default="2",
        low=1,
        high=1000,
        meaning="Failures in a row that make a server down.",
    ),
    Directive(
        name="rise",
        scopes=_VSC,
        type=Type.INT,
        default="1",
        low=1,
        high=1000,
        meaning="Good checks in a row that make a server up, besides reentry.",
    ),
    Directive(
        name="fast_interval",
        scopes=_VSC,
        type=Type.DURATION,
        default="interval",
        computed=True,
        unit="s",
        low=0.01,
        high=_DAY_S,
        meaning="Time between two checks while the answer disagrees with what is believed of the server.",
    ),
    Directive(
        name="reentry",
        scopes=_V,
        type=Type.DURATION,
        default="180",
        unit="s",
        old=True,
        low=0,
        high=_DAY_S,
        meaning="A server that was taken out must pass every check for this long.",
    ),
)

SERVER: tuple[Directive, ...] = (
    Directive(
        name="address",
        scopes=_S,
        type=Type.ADDRESS,
        default="-",
        old=True,
        meaning="Address of the real server.",
    ),
    Directive(
        name="port",
        scopes=_S,
        type=Type.PORT,
        default="that of the virtual server",
        computed=True,
        old=True,
        low=0,
        meaning="Port of the real server. Under direct and tunnel the table gets the virtual server's.",
    ),
    Directive(
        name="weight",
        scopes=_S,
        type=Type.INT,
        default="1",
        old=True,
        low=0,
        high=65535,
        meaning="Share of the connections. 0: the server keeps its connections and gets no new ones.",
    ),
    *(
        Directive(
            name=f"{name}_threshold",
            scopes=_S,
            type=Type.INT,
            default="0",
            low=0,
            high=_THRESHOLD_MAX,
            meaning=meaning,
        )
        for name, meaning in (
            ("upper", "No new connections while the server has this many. 0: no limit."),
            ("lower", "New connections again below this many. 0: three quarters of upper_threshold."),
        )
    ),
)

VIRTUAL: tuple[Directive, ...] = SERVICE + CHECKING + SERVER
