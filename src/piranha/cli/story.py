"""The story that `piranha why` tells: which records belong to a name, and how they read."""

from collections.abc import Callable, Iterable, Sequence

from piranha.cli.names import ROUTER, TABLE, VIP
from piranha.events.event import CLOCK, Event
from piranha.events.order import Told
from piranha.lvsd.reconcile import REPAIRED

Clock = Callable[[float], str]


def belongs(event: Event, names: Iterable[str]) -> bool:
    """Return whether `event` belongs to the story of one of `names`.

    A virtual server's story has those of its servers in it; `vip` stands for every VIP and for the
    role of the router that holds them; `table` for every change of it, whoever made it. A step of
    the clock belongs to every story.
    """
    subject = event.subject
    for name in names:
        if subject == name or subject.startswith((name + "/", name + " ")):
            return True
        if subject in ROUTER and (name == VIP or name in ROUTER):
            return True
        if name == TABLE and _changes_the_table(event):
            return True
    return subject == CLOCK


def _changes_the_table(event: Event) -> bool:
    # They are recorded under the server or virtual server that they are about.
    return event.message == REPAIRED or any(key in ("service", "change") for key, _ in event.facts)


def without_clock_alone(told: Sequence[Told]) -> list[Told]:
    """Return `told`, or nothing if it has only steps of the clock in it; one that both daemons saw is told once."""
    if all(record.event.subject == CLOCK for _, record in told):
        return []
    kept: list[Told] = []
    for daemon, record in told:
        before = kept[-1][1].event.subject if kept else ""
        if record.event.subject != CLOCK or before != CLOCK:
            kept.append((daemon, record))
    return kept


def story(told: Sequence[Told], clock: Clock, limit: int) -> list[str]:
    """Return the last `limit` of `told` as lines, in their order, each with its rule and cause."""
    lines, boot = [], None
    for daemon, record in told[max(0, len(told) - limit) :]:
        event, at = record.event, clock(record.at_s)
        if boot not in (None, record.boot):
            lines.append("  ---- the machine was started again ----")
        boot = record.boot
        change = f"  {event.before or 'nothing'} -> {event.after}" if event.after else ""
        where = f"{event.subject}: " if event.subject not in event.message else ""
        lines.append(f"  {at}  {daemon:<5}  {where}{event.message}{change}")
        reasons = [event.cause, *(f"{key} {value}" for key, value in event.facts)]
        because = "; ".join(reason for reason in reasons if reason)
        if event.rule:
            because += f" ({event.rule})" if because else event.rule
        if because:
            lines.append(f"  {' ' * len(at)}         {because}")
    return lines
