"""The live picture as lines of text, at most 96 columns wide; colour only repeats what words say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from piranha.cli.demo.counts import Counts
from piranha.cli.demo.picture import Daemon, Happening, Picture, Router, in_pool, told_once
from piranha.cli.words import cut, duration, fitting

WIDEST = 96
SMALLEST = (60, 18)
NARROW = 72  # the last check would not be readable beside everything else
LATELY_S = 5.0
OUTAGE_S = 2.0  # longer than a request is waited for
KEYS = "1 2 3 kill/revive server   k kill/revive pulse   f freeze/thaw pulse   s switch over   q quit"
SHORT_KEYS = "1 2 3 server  k kill  f freeze pulse  (again: revive)  s switch over  q quit"
SHORTEST_KEYS = "1 2 3 server  k kill  f freeze  s switch over  q quit"

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that the picture shows. processes: what the demo did to a pulse or server: `runs`, `frozen`, `killed`.

    now, start_s: monotonic seconds. notice: what the last key led to.
    """

    picture: Picture
    counts: Counts
    processes: Mapping[str, str]
    start_s: float
    now: float
    notice: str = ""


def render(scene: Scene, columns: int, rows: int, colour: bool) -> list[str]:
    """Return at most `rows` lines of at most `columns` characters (escape sequences not counted)."""
    width = min(columns, WIDEST)
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        words = ("q quits", "window too small", f"{SMALLEST[0]} x {SMALLEST[1]} at least")
        return [cut(line, width) for line in words[:rows]]
    body = [_headline(scene, width), ("", "")]
    for part in (_routers(scene, width), _servers(scene, width), _requests(scene)):
        body += [*part, ("", "")]
    keys = next(keys for keys in (KEYS, SHORT_KEYS, SHORTEST_KEYS) if len(keys) <= width)
    foot = [(scene.notice, YELLOW), (keys, BOLD)]
    room = rows - len(body) - len(foot) - 1
    body += [("LAST EVENTS", BOLD), *_events(scene, room, width)]
    body += [("", "")] * (rows - len(body) - len(foot)) + foot
    return [_paint(cut(text, width), style if colour else "") for text, style in body[:rows]]


def _paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


Line = tuple[str, str]


def _headline(scene: Scene, width: int) -> Line:
    cast = scene.picture.cast
    state, style = _state(scene)
    left = f"demo: {state}"
    running = f"running {duration(scene.now - scene.start_s)}"
    right = f"keepalive {cast.keepalive_s:g}s  deadtime {cast.deadtime_s:g}s  {running}"
    if len(left) + 2 + len(right) > width:
        right = running
    return left + " " * max(2, width - len(left) - len(right)) + right, style


def _state(scene: Scene) -> Line:
    """What a client of the VIP would say first, then what else is not as it should be."""
    never_held = all(router.held_since_s == 0.0 for router in scene.picture.routers.values())
    if never_held and scene.now - scene.start_s < scene.picture.cast.start_s:
        return "starting", YELLOW
    if trouble := _no_service(scene):
        return trouble, RED
    (holder,) = scene.picture.holders()
    if degraded := _degraded(scene, holder):
        return f"DEGRADED, {degraded}", YELLOW
    return f"OK, {holder} serves", GREEN


def _no_service(scene: Scene) -> str:
    picture = scene.picture
    holders, seen = picture.holders(), picture.servers(scene.now)
    if not holders:
        return "OUTAGE, NOBODY HOLDS THE VIP"
    if len(holders) > 1:
        return f"OUTAGE, {' and '.join(holders)} hold the VIP"
    if not picture.routers[holders[0]].listening:
        return f"OUTAGE, {holders[0]} waits for the port"
    if seen and not any(map(in_pool, seen.values())):
        return "OUTAGE, no real server is up"
    lately = scene.counts.since(scene.now - OUTAGE_S)
    if lately.failed and not lately.answered:
        return f"OUTAGE, no request answered for {OUTAGE_S:g} s"
    return ""


def _degraded(scene: Scene, holder: str) -> str:
    picture, now = scene.picture, scene.now
    lately = scene.counts.since(now - LATELY_S)
    out = [name for name, server in picture.servers(now).items() if not in_pool(server)]
    partner = picture.cast.partner(holder)
    if (role := picture.routers[holder].role(now)) != "active":
        return f"{holder} holds the VIP, its pulse " + ("does not answer" if role == "unknown" else f"says {role}")
    if lately.failed:
        failed = lately.failed.total()
        return f"{failed} of {failed + lately.answered.total()} requests failed"
    if not picture.servers(now):
        return "no lvsd answers"
    if out:
        return f"{', '.join(out)} {'is' if len(out) == 1 else 'are'} not in the pool"
    return "" if picture.routers[partner].ready(now) else f"{partner} is not ready"


def _routers(scene: Scene, width: int) -> list[Line]:
    rows = [_router(router, scene) for router in scene.picture.routers.values()]
    head = ("ROUTER", "ROLE", "FOR", "READY", "PULSE", "LVSD", str(scene.picture.vip))
    lines = fitting(head, rows, width, (), ("LVSD", "FOR", "READY"))
    styles = [BOLD] + [
        GREEN if router.role(scene.now) == "active" else RED if router.role(scene.now) == "unknown" else ""
        for router in scene.picture.routers.values()
    ]
    return list(zip(lines, styles, strict=True))


def _router(router: Router, scene: Scene) -> tuple[str, ...]:
    now, status = scene.now, router.pulse.status
    since_s = status.get("since_s")
    known = router.pulse.answers(now) and isinstance(since_s, int | float)
    process = scene.processes.get(router.name, "runs")
    pulse = _daemon(router.pulse, now) if process == "runs" else process
    return (
        router.name,
        router.role(now),
        duration(float(since_s)) if known and since_s is not None else "-",
        ("yes" if status.get("ready") else "no") if router.pulse.answers(now) else "-",
        pulse,
        _daemon(router.lvsd, now),
        _vip(router, now),
    )


def _daemon(daemon: Daemon, now: float) -> str:
    if daemon.answers(now):
        return "answers"
    age_s = daemon.age_s(now)
    return "-" if age_s is None else f"silent {duration(age_s)}"


def _vip(router: Router, now: float) -> str:
    if not router.holds:
        return "-"
    held = f"held {duration(now - router.held_since_s)}"
    lease = "no limit: no partner" if router.remaining_s is None else f"lease {max(0.0, router.remaining_s):.1f}s"
    return f"{held}, {lease}" + ("" if router.listening else ", waits for the port")


def _servers(scene: Scene, width: int) -> list[Line]:
    seen = scene.picture.servers(scene.now)
    rows, styles = [], [BOLD]
    for name in scene.picture.cast.servers:
        server = seen.get(name, {})
        rows.append((*_server(name, server), f"{scene.counts.answered[name]}", _last_check(server)))
        state = str(server.get("state", ""))
        styles.append("" if state == "up" else RED if state == "down" else YELLOW)
    head = ("SERVER", "ADDRESS", "STATE", "WEIGHT", "CONNS", "REQUESTS", "LAST CHECK")
    spare = ("CONNS", "ADDRESS") if width < NARROW else ()
    return list(zip(fitting(head, rows, width, ("CONNS", "REQUESTS"), spare), styles, strict=True))


def _server(name: str, server: Mapping[str, Any]) -> tuple[str, ...]:
    if not server:
        return name, "-", "unknown", "-", "-"
    weight = server.get("weight")
    return (
        name,
        f"{server['address']}:{server['port']}",
        str(server["state"]),
        f"{'-' if weight is None else weight}/{server['configured_weight']}",
        str(server.get("active", "-")),
    )


def _last_check(server: Mapping[str, Any]) -> str:
    last = server.get("last_check")
    if not last:
        return "-"
    return f"{last['detail'] or last['reason']}, {duration(float(last['age_s']))} ago"


def _requests(scene: Scene) -> list[Line]:
    lately = scene.counts.since(scene.now - LATELY_S)
    total, failed = scene.counts.answered.total(), scene.counts.failed.total()
    why = ", ".join(f"{words} {number}" for words, number in scene.counts.failed.most_common(3))
    return [
        (f"REQUESTS  {total} answered, {failed} failed" + (f" ({why})" if why else ""), BOLD),
        (
            f"          last {LATELY_S:g} s: {lately.answered.total()} answered, {lately.failed.total()} failed",
            RED if lately.failed else "",
        ),
    ]


def _events(scene: Scene, room: int, width: int) -> list[Line]:
    lines: list[Line] = []
    styles = {"warning": YELLOW, "error": RED}
    for one in reversed(told_once(scene.picture.story[-2 * max(room, 0) :])):
        lines += [(text, styles.get(one.level, "")) for text in _event(one, scene.now, width)]
    return lines[: max(room, 0)]


def _event(one: Happening, now: float, width: int) -> list[str]:
    head = f"{duration(now - one.when_s):>6} ago  {one.router} {one.daemon}".ljust(27)
    text, reason = one.sentence(), one.reason()
    if not reason:
        return [head + text]
    if len(head) + len(text) + len(reason) + 3 <= width:
        return [f"{head}{text} ({reason})"]
    return [head + text, " " * len(head) + f"  ({reason})"]
