"""Lines of a plan about settings of the kernel: what would be written, against what the kernel has."""

from collections.abc import Iterator, Mapping

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import FORWARDING, VS, named, same
from piranha.terms import Family

Found = Mapping[str, str] | None

_DROPS = "connections that hold memory or come in large numbers may be dropped"
_EFFECTS: Mapping[str, tuple[Kind, str]] = {
    FORWARDING[Family.IPV4]: (Kind.SAFE, "this machine routes; it stays on"),
    FORWARDING[Family.IPV6]: (Kind.DISRUPTIVE, "routes; a default route from router advertisements ends"),
    VS + "conntrack": (Kind.DISRUPTIVE, "NAT connections of now may be cut: connection tracking has not seen them"),
    VS + "drop_entry": (Kind.DISRUPTIVE, _DROPS),
    VS + "drop_packet": (Kind.DISRUPTIVE, _DROPS),
    VS + "secure_tcp": (Kind.DISRUPTIVE, "other time-outs: connections that are idle may end"),
    VS + "sync_version": (Kind.DISRUPTIVE, "until both routers have it they do not synchronise connections"),
    VS + "sync_ports": (Kind.SAFE, "both routers need it; counts when the sync daemons start again"),
    VS + "expire_nodest_conn": (Kind.SAFE, "connections of servers that have left end with their next packet"),
    VS + "expire_quiescent_template": (Kind.SAFE, "clients bound to a server with weight 0 go to others"),
}
# What 0 switches off costs nobody a connection.
_ON_ONLY = frozenset(VS + name for name in ("drop_entry", "drop_packet", "secure_tcp"))
_KNOWN = (
    "am_droprate amemthresh cache_bypass conn_reuse_mode debug_level est_cpulist est_nice ignore_tunneled "
    "nat_icmp_send pmtu_disc run_estimation schedule_icmp sloppy_sctp sloppy_tcp snat_reroute sync_persist_mode "
    "sync_qlen_max sync_refresh_period sync_retries sync_sock_size sync_threshold"
).split()
_HARMLESS = frozenset(VS + name for name in _KNOWN)


def kernel_lines(before: Config | None, after: Config, found: Found) -> Iterator[Line]:
    """Yield what `after` names and the file in force does not; without a file in force what the kernel does not have.

    found: what the kernel has; None where nobody knows.
    """
    had, has = named(before) if before is not None else {}, named(after)
    for setting, value in has.items():
        was = had.get(setting)
        if was == value:
            continue
        there = None if found is None else found.get(setting)
        if before is None and there is not None and same(setting, value, there):
            continue
        yield _named(setting, was, value, found)
    for setting, value in had.items():
        if setting not in has:
            stays = found.get(setting, value) if found is not None else value
            what = f"{_short(setting)} {value} -> keep"
            yield _line(what, f"it stays {stays}: nothing is set back", Kind.SAFE, Sign.REMOVED)


def kernel_drift(
    before: Config, after: Config, found: Found, refused: Mapping[str, str]
) -> tuple[list[Line], list[Line]]:
    """Return what both files name and somebody else has set to another value; and what of it cannot be put right.

    refused: why, by setting.
    """
    had, drift, again = named(before), list[Line](), list[Line]()
    for setting, value in named(after).items():
        there = None if found is None else found.get(setting)
        if there is not None and had.get(setting) == value and not same(setting, value, there):
            why = refused.get(setting)
            line = _line(f"{_short(setting)} {there} -> {value}", why or "changed by somebody else", Kind.SAFE)
            (again if why else drift).append(line)
    return drift, again


def _named(setting: str, was: str | None, value: str, found: Found) -> Line:
    sign = Sign.ADDED if was is None else Sign.EDITED
    kind, effect = _cost(setting, value)
    if found is None:
        return _line(f"{_short(setting)} {was or 'keep'} -> {value}", effect, kind, sign)
    there = found.get(setting)
    if there is None:
        what = f"{_short(setting)} {was or 'keep'} -> {value}"
        return _line(what, "this kernel has no such setting, or IPVS is not loaded", Kind.SAFE, sign)
    what = f"{_short(setting)} {there} -> {value}"
    if same(setting, value, there):
        return _line(f"{_short(setting)} {was or 'keep'} -> {value}", "the kernel has it", Kind.SAFE, sign)
    return _line(what, effect, kind, sign)


def _cost(setting: str, value: str) -> tuple[Kind, str]:
    if setting in _HARMLESS or (setting in _ON_ONLY and value == "0"):
        return Kind.SAFE, "from now on"
    # Of a setting that nobody knows anything may come.
    return _EFFECTS.get(setting, (Kind.DISRUPTIVE, "nobody here knows what it does"))


def _short(setting: str) -> str:
    if setting.startswith(VS):
        return f"vs_{setting.removeprefix(VS)}"
    return "ip_forward" if setting == FORWARDING[Family.IPV4] else "ip_forward (IPv6)"


def _line(what: str, effect: str, kind: Kind, sign: Sign = Sign.EDITED) -> Line:
    return Line(kind=kind, sign=sign, about=About.KERNEL, subject="kernel", what=what, effect=effect)
