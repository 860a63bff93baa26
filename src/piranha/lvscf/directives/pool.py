"""Keywords of a pool as a whole, and of where and how patiently its servers are checked."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_V = (Scope.VIRTUAL,)
_S = (Scope.SERVER,)
_VS = (Scope.VIRTUAL, Scope.SERVER)
_DAY_S = 86400.0
_SERVERS_MAX = 65535

POOL: tuple[Directive, ...] = (
    Directive(
        name="keep_active",
        scopes=_V,
        type=Type.COUNT_OR_PERCENT,
        default="0",
        low=0,
        high=_SERVERS_MAX,
        meaning="Checks never leave less than so many servers, or than this share of the configured weight: the ones "
        "that failed last are kept, failing but served. Without effect while the sorry server serves.",
    ),
    Directive(
        name="quorum",
        scopes=_V,
        type=Type.COUNT_OR_PERCENT,
        default="1",
        low=1,
        high=_SERVERS_MAX,
        meaning="With fewer servers up than this, or less than this share of the configured weight, the sorry server "
        "takes the new connections; servers that are up keep the connections they have.",
    ),
    Directive(
        name="quorum_margin",
        scopes=_V,
        type=Type.INT,
        default="0",
        low=0,
        high=_SERVERS_MAX,
        meaning="So many servers more than quorum (percentage points where quorum is a share) end that, at most all.",
    ),
    Directive(
        name="slow_start",
        scopes=_VS,
        type=Type.DURATION,
        default="0",
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="The weight of a server that is up again grows to its full value over this time, in ten steps. Not at "
        "start, after a reload or a takeover, and not with rr, lc, sh, dh and mh.",
    ),
    Directive(
        name="drain_time",
        scopes=_VS,
        type=Type.DURATION,
        default="5m",
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="A server that is deleted from the file, or switched off in it, keeps its connections and gets no new "
        "ones for so long, or until it has none any more; then it goes. 0: at once. One that is down goes at once, and "
        "so does a virtual server that is deleted. A server that leaves is not checked any more. With persistent, "
        "clients that are bound to it come back to it meanwhile, and it has no connections any more when the last of "
        "them is forgotten.",
    ),
    Directive(
        name="check_address",
        scopes=_S,
        type=Type.ADDRESS,
        default="the server's",
        computed=True,
        nonzero=True,
        meaning="Where to check instead.",
    ),
    Directive(
        name="check_port",
        scopes=_S,
        type=Type.PORT,
        default="the server's",
        computed=True,
        low=1,
        meaning="Where to check instead.",
    ),
    Directive(
        name="reentry_max",
        scopes=_V,
        type=Type.DURATION,
        default="reentry",
        computed=True,
        unit="s",
        low=0,
        high=_DAY_S,
        meaning="Of a server that keeps failing reentry doubles up to this; it halves again with each hour of peace.",
    ),
)
