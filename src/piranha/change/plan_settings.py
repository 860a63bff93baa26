"""Lines of a plan about everything that stands outside of the virtual blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import arrow, differences, seconds, value
from piranha.dataclass import dataclass
from piranha.lvscf.config import (
    ChangeSettings,
    Config,
    FloatingAddress,
    ForeignEdits,
    HeartbeatAuth,
    HeartbeatPath,
    HeartbeatSettings,
    LvsdSettings,
    VipSettings,
)

Effect = Callable[[Config, Config], str]

_BOTH_ROUTERS = "until both routers have it they do not hear each other"


@dataclass(frozen=True, slots=True)
class _Group:
    """Settings that one line tells together. names: (field, keyword) of `part` of the file."""

    about: About
    subject: str
    part: str
    names: Sequence[tuple[str, str]]
    effect: str | Effect
    of_both: bool = False  # both routers must have the same


def _timing(before: Config, after: Config) -> str:
    was, now = before.heartbeat.deadtime_s, after.heartbeat.deadtime_s
    if was == now:
        return "from the next heartbeat"
    return f"a silent router is taken over from after {seconds(now)}, was {seconds(was)}"


def _restart(_before: Config, _after: Config) -> str:
    return "takes effect after a restart of pulse and lvsd"


_GROUPS = (
    _Group(About.HEARTBEAT, "heartbeat", "", [("cluster", "cluster")], _BOTH_ROUTERS, of_both=True),
    _Group(
        About.HEARTBEAT,
        "heartbeat",
        "heartbeat",
        [("port", "heartbeat_port"), ("key_file", "heartbeat_key_file")],
        _BOTH_ROUTERS,
        of_both=True,
    ),
    _Group(
        About.HEARTBEAT_TIMING,
        "heartbeat",
        "heartbeat",
        [
            ("keepalive_s", "keepalive"),
            ("deadtime_s", "deadtime"),
            ("initdead_s", "initdead"),
            ("warntime_s", "warntime"),
        ],
        _timing,
    ),
    _Group(
        About.VIP_SETTINGS,
        "VIPs",
        "vips",
        [("lease_s", "vip_lease"), ("lease_alone_s", "vip_lease_alone")],
        "from the next renewal",
    ),
    _Group(
        About.VIP_SETTINGS,
        "VIPs",
        "vips",
        [("arp_count", "arp_count"), ("arp_interval_s", "arp_interval"), ("arp_refresh_s", "arp_refresh")],
        "from the next announcement",
    ),
    _Group(
        About.LINKS,
        "links",
        "",
        [
            ("monitor_links", "monitor_links"),
            ("monitor_devices", "monitor_devices"),
            ("monitor_hosts", "monitor_hosts"),
        ],
        "decides from now on whether this router is ready",
    ),
    _Group(
        About.COMMANDS,
        "commands",
        "",
        [("active_cmd", "active_cmd"), ("inactive_cmd", "inactive_cmd")],
        "from the next change of role",
    ),
    _Group(About.COMMANDS, "commands", "lvsd", [("notify_user", "notify_user")], "from the next change of role"),
    _Group(
        About.NANNIES,
        "nannies",
        "lvsd",
        [
            ("nanny_processes", "nanny_processes"),
            ("script_user", "script_user"),
            ("script_limit", "script_limit"),
        ],
        "nannies start again; health stays",
    ),
    _Group(
        About.CHANGES,
        "changes",
        "change",
        [("limit_percent", "change_limit"), ("confirm_s", "confirm_time"), ("external", "config_sync external")],
        "from the next change on",
    ),
    _Group(About.RESTART, "daemons", "lvsd", [("plane", "forwarding_plane")], _restart),
    _Group(
        About.NANNIES,
        "nannies",
        "lvsd",
        [("share_checks", "share_checks")],
        "health stays",
    ),
    _Group(
        About.LVSD,
        "lvsd",
        "lvsd",
        [
            ("repair_interval_s", "repair_interval"),
            ("keep_table", "keep_table"),
            ("hard_shutdown", "hard_shutdown"),
        ],
        "from now on",
    ),
)

_TOLD = {(group.part, name) for group in _GROUPS for name, _ in group.names} | {
    ("heartbeat", "auth"),
    ("heartbeat", "paths"),
    ("lvsd", "timeouts_s"),
    ("lvsd", "maintenance_dir"),
    ("lvsd", "foreign_edits"),
    *(("", name) for name in "primary backup backup_active standby nat_router nat_router6 heartbeat vips".split()),
    *(("", name) for name in "lvsd kernel change serial_no virtuals".split()),
}


def setting_lines(before: Config, after: Config) -> Iterator[Line]:
    """Yield what changes outside of the virtual blocks; settings that no line knows are told by their names."""
    yield from _routers(before, after)
    yield from _heartbeat(before, after)
    for group in _GROUPS:
        if what := differences(_part(before, group.part), _part(after, group.part), group.names):
            effect = group.effect if isinstance(group.effect, str) else group.effect(before, after)
            kind = Kind.SAFE
            if group.of_both:
                effect, kind = _of_both(before, after)
            yield _line(group.about, group.subject, what, effect, kind)
    if before.standby is not after.standby:
        effect = "a standby loads its table and checks at once"
        if after.standby == "cold":
            effect = "from the next start as a standby: no table and no checks there"
        yield _line(About.STANDBY, "standby", arrow(before.standby, after.standby), effect)
    if before.nat_router != after.nat_router:
        yield _gateway("nat_router", before.nat_router, after.nat_router)
    if before.nat_router6 != after.nat_router6:
        yield _gateway("nat_router6", before.nat_router6, after.nat_router6)
    if before.lvsd.maintenance_dir != after.lvsd.maintenance_dir:
        yield _maintenance(before.lvsd.maintenance_dir, after.lvsd.maintenance_dir)
    if before.lvsd.foreign_edits is not after.lvsd.foreign_edits:
        yield _foreign_edits(before.lvsd.foreign_edits, after.lvsd.foreign_edits)
    if before.lvsd.timeouts_s != after.lvsd.timeouts_s:
        yield _timeouts(before.lvsd.timeouts_s, after.lvsd.timeouts_s)
    for part in ("", "heartbeat", "vips", "lvsd", "change"):
        old, new = _part(before, part), _part(after, part)
        names = [(f.name, f.name.removesuffix("_s")) for f in fields(type(new)) if (part, f.name) not in _TOLD]
        if what := differences(old, new, names):
            yield _line(About.OTHER, part or "cluster", what, "from now on")


def _maintenance(before: str, after: str) -> Line:
    """A folder that nobody has read yet may name every server there is."""
    what = f"maintenance_dir {arrow(before, after)}"
    if not after:
        return _line(About.LVSD, "lvsd", what, "servers that it drained get connections again")
    effect = "drains the servers that files there name, which this plan has not read"
    return _line(About.LVSD, "lvsd", what, effect, Kind.DISRUPTIVE)


def _foreign_edits(before: ForeignEdits, after: ForeignEdits) -> Line:
    """What is put back because of it has lines of its own."""
    effects = {
        ForeignEdits.ADOPT: "weights set and servers added by hand from now on stay",
        ForeignEdits.REPAIR: "what others changed is put back",
        ForeignEdits.REPORT: "what others change from now on is only named",
    }
    effect = effects[after]
    if before is ForeignEdits.ADOPT and after is ForeignEdits.REPORT:
        effect += "; weights set and servers added by hand until now go"
    return _line(About.LVSD, "lvsd", f"foreign_edits {arrow(before, after)}", effect)


def heartbeat_changes(before: Config, after: Config) -> bool:
    """Whether heartbeats or who sends them change."""
    names = ("heartbeat", "cluster", "primary", "backup", "backup_active")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def restarts(before: Config, after: Config) -> tuple[str, ...]:
    """Return the daemons that must be started again for all of the file to count."""
    return ("pulse", "lvsd") if before.lvsd.plane is not after.lvsd.plane else ()


Part = Config | HeartbeatSettings | VipSettings | LvsdSettings | ChangeSettings


def _part(config: Config, part: str) -> Part:
    parts: dict[str, Part] = {
        "": config,
        "heartbeat": config.heartbeat,
        "vips": config.vips,
        "lvsd": config.lvsd,
        "change": config.change,
    }
    return parts[part]


def _routers(before: Config, after: Config) -> Iterator[Line]:
    if what := differences(before, after, [("primary", "primary"), ("backup", "backup")]):
        effect, kind = _of_both(before, after)
        yield _line(About.ROUTERS, "routers", what, effect, kind)
    if before.backup_active != after.backup_active:
        what = f"backup_active {arrow(before.backup_active, after.backup_active)}"
        if after.backup_active:
            yield _line(About.ROUTERS, "routers", what, "from now on the routers watch each other")
        else:
            effect = "each router that has this file becomes active by itself"
            yield _line(About.ROUTERS, "routers", what, effect, Kind.DISRUPTIVE)


def _of_both(before: Config, after: Config) -> tuple[str, Kind]:
    """Return what comes of a setting that both routers must have: a lone router has nobody to lose."""
    if before.backup_active and after.backup_active:
        return _BOTH_ROUTERS, Kind.DISRUPTIVE
    return "counts for a pair of routers only", Kind.SAFE


def _heartbeat(before: Config, after: Config) -> Iterator[Line]:
    old, new = before.heartbeat, after.heartbeat
    if old.auth is not new.auth:
        # Both signed and unsigned heartbeats are heard while it is `migrate`.
        soft = new.auth is HeartbeatAuth.MIGRATE
        effect, kind = ("unsigned heartbeats count, too", Kind.SAFE) if soft else _of_both(before, after)
        yield _line(About.HEARTBEAT, "heartbeat", f"heartbeat_auth {arrow(old.auth, new.auth)}", effect, kind)
    was, now = _extra(old.paths), _extra(new.paths)
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) == now.get(name):
            continue
        what = f"heartbeat_path {arrow(was.get(name), now.get(name))}"
        sign = Sign.ADDED if name not in was else Sign.REMOVED if name not in now else Sign.EDITED
        effect = "no heartbeats on it until both routers have it" if name in now else "the other paths go on"
        yield _line(About.HEARTBEAT, "heartbeat", what, effect, sign=sign)


def _extra(paths: Sequence[HeartbeatPath]) -> dict[str, HeartbeatPath]:
    """Return the paths that the file names; the other two follow from the addresses of the routers."""
    return {path.name: path for path in paths if path.name not in ("public", "private")}


def _gateway(keyword: str, before: FloatingAddress | None, after: FloatingAddress | None) -> Line:
    if before is None:
        return _line(About.NAT_ROUTER, keyword, value(after), "the active router holds it", sign=Sign.ADDED)
    lost = "real servers that have it as their gateway lose it"
    if after is None:
        return _line(About.NAT_ROUTER, keyword, value(before), lost, Kind.DISRUPTIVE, sign=Sign.REMOVED)
    if before.address != after.address:
        what = arrow(before, after)
        return _line(About.NAT_ROUTER, keyword, what, lost, Kind.DISRUPTIVE, sign=Sign.MOVED)
    what = differences(before, after, [("prefix", "prefix"), ("device", "device"), ("label", "label")])
    return _line(About.NAT_ROUTER, keyword, what, "added there before it leaves the old place")


def _timeouts(before: tuple[int, int, int], after: tuple[int, int, int]) -> Line:
    names = ("tcp_timeout", "tcpfin_timeout", "udp_timeout")
    pairs = zip(names, before, after, strict=True)
    what = ", ".join(f"{name} {arrow(old, new)}" for name, old, new in pairs if old != new)
    left = any(new == 0 != old for old, new in zip(before, after, strict=True))
    return _line(About.TIMEOUTS, "kernel", what, "0 leaves what the kernel has now" if left else "at once")


def _line(
    about: About, subject: str, what: str, effect: str, kind: Kind = Kind.SAFE, *, sign: Sign = Sign.EDITED
) -> Line:
    return Line(kind=kind, sign=sign, about=about, subject=subject, what=what, effect=effect)
