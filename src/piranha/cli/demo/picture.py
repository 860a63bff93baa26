"""What is known of the demo's cluster, each fact with the time at which it was last true."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from piranha.cli.demo.cast import Cast
from piranha.terms import Address

ALIKE_S = 1.0
"""Two routers that come to the same finding within this time tell it once."""


@dataclass(slots=True)
class Daemon:
    """What one daemon said last.

    fresh_s: silence for longer means that it does not answer. answered_s: monotonic, None = never.
    why: why it does not answer now.
    """

    fresh_s: float
    status: Mapping[str, Any] = field(default_factory=dict)
    answered_s: float | None = None
    why: str = "not started yet"

    def answers(self, now: float) -> bool:
        """Whether what it said is fresh."""
        return self.answered_s is not None and now - self.answered_s < self.fresh_s

    def age_s(self, now: float) -> float | None:
        """Return how old its last answer is, None if there was none."""
        return None if self.answered_s is None else now - self.answered_s


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as a daemon tells it, or what the person at the keys did (router and daemon empty)."""

    when_s: float
    router: str
    daemon: str
    subject: str
    message: str
    rule: str = ""
    cause: str = ""
    level: str = "info"

    def sentence(self) -> str:
        """Return the message, with the subject before it unless the message names it."""
        return self.message if not self.daemon or self.subject in self.message else f"{self.subject}: {self.message}"

    def reason(self) -> str:
        """Return rule and cause in one phrase, empty if there are none."""
        return "; ".join(word for word in (self.cause, self.rule) if word)


@dataclass(slots=True)
class Router:
    """One router: its two daemons, and the VIP as its plane holds it."""

    name: str
    pulse: Daemon
    lvsd: Daemon
    holds: bool = False
    held_since_s: float = 0.0
    remaining_s: float | None = None  # until the hold lapses, None = without limit
    listening: bool = False

    def role(self, now: float) -> str:
        """Return `active`, `standby`, or `unknown` when pulse does not answer."""
        return str(self.pulse.status.get("role", "unknown")) if self.pulse.answers(now) else "unknown"

    def ready(self, now: float) -> bool:
        """Whether pulse answers and counts itself as ready."""
        return self.pulse.answers(now) and self.pulse.status.get("ready") is True


class Picture:
    """Both routers, the story so far, and whether two routers held the VIP at one time."""

    def __init__(self, cast: Cast, vip: Address) -> None:
        self.cast = cast
        self.vip = vip
        self.routers = {name: Router(name, Daemon(cast.fresh_s), Daemon(cast.fresh_s)) for name in cast.routers}
        self.story: list[Happening] = []
        self.two_holders_s: list[float] = []

    def holders(self) -> list[str]:
        """Return who holds the VIP."""
        return [name for name, router in self.routers.items() if router.holds]

    def active(self, now: float) -> str | None:
        """Return the router whose pulse says that it is active, None unless exactly one does."""
        names = [name for name, router in self.routers.items() if router.role(now) == "active"]
        return names[0] if len(names) == 1 else None

    def servers(self, now: float) -> dict[str, Mapping[str, Any]]:
        """Return the real servers as the lvs daemon in charge sees them: the holder's, else whichever answers."""
        for router in sorted(self.routers.values(), key=lambda router: not router.holds):
            if router.lvsd.answers(now):
                return dict(_servers(router.lvsd.status))
        return {}


def told_once(story: Iterable[Happening]) -> list[Happening]:
    """Merge what the lvs daemons of both routers tell alike: the standby one checks servers too."""
    told: list[Happening] = []
    for one in sorted(story, key=lambda one: one.when_s):
        for index, first in enumerate(told):
            if _alike(first, one):
                told[index] = replace(first, router="both")
                break
        else:
            told.append(one)
    return told


def _alike(first: Happening, second: Happening) -> bool:
    return (
        (first.daemon, first.subject, first.message) == ("lvsd", second.subject, second.message)
        and second.daemon == "lvsd"
        and first.router not in ("both", second.router)
        and second.when_s - first.when_s < ALIKE_S
    )


def in_pool(server: Mapping[str, Any] | None) -> bool:
    """Whether a real server gets new connections, as `status` of lvsd tells it."""
    weight = server.get("weight") if server is not None else None
    return isinstance(weight, int) and weight > 0


def _servers(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for virtual in status.get("virtuals", ()):
        for server in virtual["servers"]:
            yield str(server["name"]), server
