"""What a pool tells, in the words of the log: who is kept or weighed, and whether anybody serves."""

from piranha.events.event import Event, Level
from piranha.lvscf.config import RealServer, Virtual
from piranha.lvsd.monitor import Health


def weight_set(check_id: str, server: RealServer, change: tuple[int | None, int], cause: str, now: float) -> Event:
    """Return the event of a weight that a check has set. change: what it had said, None = nothing yet; what it says."""
    before, after = change
    return Event(
        when_s=now,
        subject=check_id,
        message="weight set by its check",
        before="" if before is None else f"weight {before}",
        after=f"weight {after}",
        rule=f"weight_from, weight = {server.weight} in lvs.cf",
        cause=cause,
        level=Level.INFO if after else Level.WARNING,
    )


def weighed_by_hand(check_id: str, weight: int | None, now: float) -> Event:
    """Return the event of a weight that was set by hand, None = no more: the cause of others."""
    after = "not weighed by hand any more" if weight is None else f"weight {weight}"
    return Event(when_s=now, subject=check_id, message="", after=after, cause="set by hand")


def keeping_rule(virtual: Virtual) -> str:
    """Return `keep_active = 2`, as the file has it."""
    keep = virtual.keep_active
    return f"keep_active = {keep.count}" if keep.count else f"keep_active = {keep.percent:g}%"


def kept_now(check_id: str, health: Health, rule: str, now: float) -> Event:
    """Return the event of a server that has to stay: it is down, or its check gives it no weight."""
    failing = "kept in the pool although its check fails"
    resting = "kept in the pool with its whole weight although its check gives it none"
    return Event(
        when_s=now,
        subject=check_id,
        message=failing if health is Health.DOWN else resting,
        before=str(health),
        after="kept",
        rule=rule,
        level=Level.WARNING,
    )


def kept_no_more(check_id: str, rule: str, now: float) -> Event:
    """Return the event of a server that may leave now."""
    return Event(when_s=now, subject=check_id, message="not kept any more", before="kept", after="down", rule=rule)


def desertion(virtual: Virtual, up: int, transition: Event, now: float, *, deserted: bool, was_served: bool) -> Event:
    """Return the event of a pool that serves nobody, or somebody again. up: servers that take new connections."""
    sorry = virtual.sorry_server
    # The sentences of the original: scripts search logs for them.
    what = "No real servers" if deserted else f"{up} real servers"
    if sorry is not None:
        what += f"; {'activate' if deserted else 'deactivate'} sorry_server {sorry.address}"
    return Event(
        when_s=now,
        subject=virtual.name,
        message=f"Virtual Server {virtual.name}: {what}",
        before="deserted" if not deserted else "served" if was_served else "unknown",
        after="deserted" if deserted else "served",
        rule=_sorry_rule(virtual),
        cause=f"{transition.subject} {transition.after}: {transition.cause}",
        level=Level.ERROR if deserted else Level.INFO,
    )


def _sorry_rule(virtual: Virtual) -> str:
    quorum = virtual.quorum
    if virtual.sorry_server is None:
        return "no sorry_server"
    if quorum.percent:
        return f"sorry_server, quorum = {quorum.percent:g}%"
    return f"sorry_server, quorum = {quorum.count}" if quorum.count > 1 else "sorry_server"


class Where:
    """Reads `10.0.0.3:80` or `[2001:db8::3]:80`: for a log, of which most servers are never told."""

    __slots__ = ("_server",)

    def __init__(self, server: RealServer) -> None:
        self._server = server

    def __str__(self) -> str:
        address = self._server.address
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{host}:{self._server.port}"
