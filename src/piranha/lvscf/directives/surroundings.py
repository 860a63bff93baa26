"""Keywords by which a router learns whether it is cut off: its links, and the hosts that must answer it."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_G = (Scope.GLOBAL,)

SURROUNDINGS: tuple[Directive, ...] = (
    Directive(
        name="monitor_links",
        scopes=_G,
        type=Type.BOOL,
        default="0",
        old=True,
        meaning="1: a router is not ready while a watched link carries nothing (cable, switch, all parts of a bond). "
        "It hands the VIPs over to a partner that is ready; where both are cut off nothing moves.",
    ),
    Directive(
        name="monitor_devices",
        scopes=_G,
        type=Type.WORDS,
        default="the devices of own addresses and VIPs",
        computed=True,
        meaning="Devices watched with monitor_links.",
    ),
    Directive(
        name="monitor_hosts",
        scopes=_G,
        type=Type.ADDRESSES,
        default="-",
        repeats=True,
        meaning="Of each such line at least one address must answer ping, asked every keepalive, lost after deadtime. "
        "A router that fails a line is not ready; it hands the VIPs over to a partner that passes, although heartbeats "
        "still arrive: so a dead switch is noticed whose link is up. If both fail nothing moves.",
    ),
)
