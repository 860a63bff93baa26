"""Keywords that are understood but not acted on yet; each is reported by name when a file asks for it."""

from piranha.lvscf.directives.directive import Directive, Scope, Status, Type

_G = (Scope.GLOBAL,)
_V = (Scope.VIRTUAL,)
_S = (Scope.SERVER,)
_VS = (Scope.VIRTUAL, Scope.SERVER)
_C = (Scope.CHECK,)
_COMPUTED = frozenset(
    (
        "the kernel's",
        "private, port 3636",
        "port",
        "forwarding",
        "reentry",
        "the server's",
        "the VIP",
        "host",
        "the system's",
    )
)


def _waits(
    name: str,
    scopes: tuple[Scope, ...],
    kind: Type,
    default: str,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
    repeats: bool = False,
    unit: str = "",
    old: bool = False,
) -> Directive:
    return Directive(
        name=name,
        scopes=scopes,
        type=kind,
        default=default,
        meaning=meaning,
        choices=choices,
        quiet=quiet,
        repeats=repeats,
        unit="s" if kind is Type.DURATION else unit,
        old=old,
        low=0 if kind in (Type.INT, Type.DURATION) else None,
        status=Status.WAITING,
        computed=default in _COMPUTED,
    )


_T = Type
_OLD: tuple[Directive, ...] = (
    _waits("rsh_command", _G, _T.WORD, "rsh", "Remote shell of load_monitor = uptime.", quiet=("*",), old=True),
    _waits(
        "load_monitor", _V, _T.TEXT, "none", "Lowers the weight of a busy server.", quiet=("none", "NONE"), old=True
    ),
)

_ELECTION: tuple[Directive, ...] = (
    _waits("heartbeat_legacy", _G, _T.BOOL, "0", "1: also speak the heartbeat of the original.", quiet=("0",)),
    _waits("witness", _G, _T.HOSTPORT, "-", "A third machine that decides when no path is left."),
    _waits("on_partition", _G, _T.CHOICE, "takeover", "What to do without one.", choices=("takeover", "stay")),
    _waits("witness_lost", _G, _T.CHOICE, "hold", "Neither partner nor witness heard.", choices=("hold", "yield")),
    _waits("monitor_program", _G, _T.COMMAND, "-", "Exit status 0: this router is ready.", repeats=True),
    _waits("monitor_interval", _G, _T.DURATION, "5", "Time between runs of monitor_program."),
    _waits("follow_health", _G, _T.BOOL, "0", "1: hand over to a partner that has healthy servers.", quiet=("0",)),
    _waits(
        "vip_holder", _G, _T.CHOICE, "pulse", "Who holds the VIPs.", choices=("pulse", "external"), quiet=("pulse",)
    ),
)

_DAEMONS: tuple[Directive, ...] = (
    _waits("notify", _G, _T.COMMAND, "-", "Program called for every event.", repeats=True),
    _waits("notify_url", _G, _T.URL, "-", "Address every event is posted to.", repeats=True),
    _waits("notify_mail", _G, _T.WORDS, "-", "Mail addresses every event is sent to."),
    _waits("notify_mail_from", _G, _T.WORD, "-", "Sender of such mail."),
    _waits("notify_mail_server", _G, _T.HOSTPORT, "-", "Mail server."),
    _waits("notify_mail_password_file", _G, _T.PATH, "-", "File with its password."),
    _waits("web_listen", _G, _T.LISTEN, "private, port 3636", "Where the web tool listens."),
    _waits("web_cert_file", _G, _T.PATH, "-", "Its certificate."),
    _waits("web_key_file", _G, _T.PATH, "-", "Its key."),
    _waits("metrics_listen", _G, _T.LISTEN, "-", "Where /metrics is served."),
)

_SERVICES: tuple[Directive, ...] = (
    _waits("load_range", _V, _T.PERCENTS, "10% 100%", "Bounds of a weight set by load."),
    _waits("load_interval", _V, _T.DURATION, "20", "Time between two readings of the load."),
)

WAITING: tuple[Directive, ...] = _OLD + _ELECTION + _DAEMONS + _SERVICES

CHECK_BLOCK: tuple[Directive, ...] = (
    _waits("via", _C, _T.CHOICE, "server", "Where to connect to.", choices=("server", "vip")),
    _waits("sni", _C, _T.WORD, "host", "TLS name."),
    _waits("verify", _C, _T.BOOL, "0", "1: the certificate must be good."),
    _waits("ca_file", _C, _T.PATH, "the system's", "Whom to trust."),
    _waits("cert_file", _C, _T.PATH, "-", "Own certificate."),
    _waits("key_file", _C, _T.PATH, "-", "Own key."),
    _waits("cert_days", _C, _T.INT, "14", "Warn when the certificate ends sooner.", unit="days"),
    _waits("name", _C, _T.WORD, "-", "Name asked for (dns)."),
    _waits("type", _C, _T.WORD, "A", "Record type (dns)."),
    _waits("answer", _C, _T.WORD, "-", "Answer expected (dns)."),
    _waits("user", _C, _T.WORD, "-", "User to log in as."),
    _waits("password_file", _C, _T.PATH, "-", "File with the password."),
    _waits("database", _C, _T.WORD, "-", "Database to open."),
)
