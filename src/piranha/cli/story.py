"""The story that `piranha why` tells: which records belong to a name, and how they read."""

from collections.abc import Callable, Iterable, Sequence

from piranha.cli.status_facts import Facts, dicts, number, server_state, text
from piranha.cli.words import duration
from piranha.events.event import Event

ROUTER = frozenset({"router", "partner", "pulse", "takeover", "election"})
VIP = "vip"

Told = tuple[float, str, Event]
"""Wall clock in seconds since the epoch, the daemon that recorded it, the event."""


def belongs(subject: str, names: Iterable[str]) -> bool:
    """Return whether an event about `subject` belongs to the story of one of `names`.

    A virtual server's story has those of its servers in it; `vip` stands for every VIP and for the
    role of the router that holds them.
    """
    for name in names:
        if subject == name or subject.startswith((name + "/", name + " ")):
            return True
        if name == VIP and subject in ROUTER:
            return True
        if name in ROUTER and subject in ROUTER:
            return True
    return False


def story(records: Sequence[Told], clock: Callable[[float], str], limit: int) -> list[str]:
    """Return the last `limit` records as lines, oldest first, each with its rule and cause."""
    lines = []
    for at_s, daemon, event in sorted(records, key=lambda told: told[0])[-limit:]:
        change = f"  {event.before or 'nothing'} -> {event.after}" if event.after else ""
        where = f"{event.subject}: " if event.subject not in event.message else ""
        lines.append(f"  {clock(at_s)}  {daemon:<5}  {where}{event.message}{change}")
        reasons = [event.cause, *(f"{key} {value}" for key, value in event.facts)]
        because = "; ".join(reason for reason in reasons if reason)
        if event.rule:
            because += f" ({event.rule})" if because else event.rule
        if because:
            lines.append(f"  {' ' * len(clock(at_s))}         {because}")
    return lines


def server_now(name: str, lvsd: Facts, clock: Callable[[float], str], now_s: float) -> list[str]:
    """Return how a server or virtual server stands, first line of its story. now_s: wall clock."""
    virtual_name, _, server_name = name.partition("/")
    for virtual in dicts(lvsd.get("virtuals")):
        if text(virtual.get("name")) != virtual_name:
            continue
        if not server_name:
            up, all_servers = number(virtual.get("up")) or 0, len(dicts(virtual.get("servers")))
            services = ", ".join(str(one) for one in _list(virtual.get("services")))
            return [f"{name} ({services}): {up:.0f} of {all_servers} servers up"]
        for server in dicts(virtual.get("servers")):
            if text(server.get("name")) == server_name:
                return [_server_line(name, server, clock, now_s)]
    return []


def outlook(name: str, lvsd: Facts) -> list[str]:
    """Return what happens next to a server that is not up, last line of its story."""
    virtual_name, _, server_name = name.partition("/")
    for virtual in dicts(lvsd.get("virtuals")):
        for server in dicts(virtual.get("servers")):
            if (text(virtual.get("name")), text(server.get("name"))) == (virtual_name, server_name):
                return _outlook(server)
    return []


def _server_line(name: str, server: Facts, clock: Callable[[float], str], now_s: float) -> str:
    since_s = number(server.get("since_s")) or 0.0
    address, port, line = text(server.get("address")), number(server.get("port")) or 0, number(server.get("line")) or 0
    host = f"[{address}]" if ":" in address else address
    state = server_state(server)
    believed = text(server.get("state")) or "unknown"
    stale = f"{state.upper()}; it was " if state != believed else ""
    return (
        f"{name} ({host}:{port:.0f}) is {stale}{believed.upper()} since {clock(now_s - since_s)}, {duration(since_s)} "
        f"(lvs.cf line {line:.0f})"
    )


def _outlook(server: Facts) -> list[str]:
    lines = []
    check = server.get("last_check")
    if isinstance(check, dict):
        phases = check.get("phases_ms")
        took = ", ".join(f"{k} {v:g} ms" for k, v in phases.items()) if isinstance(phases, dict) else ""
        detail = text(check.get("detail")) or text(check.get("reason"))
        lines.append(
            f"  last check {duration(number(check.get('age_s')) or 0.0)} ago: {detail}" + (f" ({took})" if took else "")
        )
    state = text(server.get("state"))
    if state.startswith(("down", "rising")):
        reentry, rise = number(server.get("reentry_s")) or 0.0, number(server.get("rise")) or 1
        lines.append(f"Back in after {reentry:g} s of good checks (reentry = {reentry:g}, rise = {rise:.0f}).")
    if state.startswith(("up", "falling")):
        fall = number(server.get("fall")) or 1
        lines.append(f"Out after {fall:.0f} failed checks in a row (fall = {fall:.0f}).")
    return lines


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
