"""An election under test, and what it asked for."""

from dataclasses import replace
from typing import Any

from piranha.events.event import Event
from piranha.lvscf.config import HeartbeatSettings, VipSettings
from piranha.pulse.actions import (
    Action,
    Announce,
    AskLan,
    Effect,
    Emit,
    Outcome,
    RenewLeases,
    SendHeartbeat,
    SetLease,
    StepDown,
    TakeOver,
)
from piranha.pulse.election import Election
from piranha.pulse.heartbeat import Heartbeat, Obstacle, Place, Role
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.verdicts import Accepted, Verdict

BEAT = HeartbeatSettings(keepalive_s=2, deadtime_s=6, initdead_s=12, warntime_s=3)
SETTINGS = ElectionSettings(
    place=Place.BACKUP, heartbeat=BEAT, vips=VipSettings(arp_count=3, arp_interval_s=1, arp_refresh_s=60)
)
PARTNER = Heartbeat(place=Place.PRIMARY, role=Role.ACTIVE, term=1, keepalive_s=2, deadtime_s=6, lease_s=3, hears=True)


class Router:
    """An election and what it asked for; effects succeed at once unless told otherwise."""

    def __init__(
        self, place: Place = Place.BACKUP, *, settings: ElectionSettings = SETTINGS, start: Start | None = None
    ) -> None:
        self.election = Election(replace(settings, place=place), start or Start(now=0.0))
        self.partner = replace(PARTNER, place=place.other)
        self.done: list[Action] = []
        self.outcome = Outcome.OK
        self.pending: list[Effect] = []
        self.questions: list[AskLan] = []
        self.hold_effects = False

    def take(self, actions: list[Action], now: float) -> list[Action]:
        self.done += actions
        for action in actions:
            if isinstance(action, TakeOver | StepDown | SetLease | RenewLeases | Announce):
                self.pending.append(action)
            elif isinstance(action, AskLan):
                self.questions.append(action)
        return actions

    def finish(self, now: float, detail: str = "") -> None:
        while self.pending:
            effect = self.pending.pop(0)
            outcome = self.outcome if not isinstance(effect, StepDown | Announce) else Outcome.OK
            self.take(self.election.effect_done(effect, outcome, now, detail=detail), now)
            self.take(self.election.tick(now), now)

    def tick(self, now: float) -> list[Action]:
        """Tick as the shell does: whenever it is due on the way to `now`."""
        begun = len(self.done)
        while self.election.deadline() <= now:
            at = self.at = max(self.election.deadline(), self.at)
            self.take(self.election.tick(at), at)
            if not self.hold_effects:
                self.finish(at)
        self.at = now
        self.take(self.election.tick(now), now)
        if not self.hold_effects:
            self.finish(now)
        return self.done[begun:]

    at = 0.0

    def ready(self, now: float = 0.0) -> "Router":
        self.take(self.election.lvsd(True, (), now), now)
        self.tick(now)
        return self

    def hear(
        self, now: float, heartbeat: Heartbeat | None = None, path: str = "public", **changes: Any
    ) -> list[Action]:
        self.partner = replace(heartbeat or self.partner, **changes)
        return self.input(Accepted(self.partner), now, path)

    def input(self, verdict: Verdict, now: float, path: str = "public") -> list[Action]:
        begun = len(self.done)
        self.tick(now)
        self.take(self.election.receive(path, verdict, now), now)
        self.tick(now)
        return self.done[begun:]

    def said(self) -> Heartbeat:
        """The last heartbeat sent."""
        return [action.heartbeat for action in self.done if isinstance(action, SendHeartbeat)][-1]

    def events(self) -> list[Event]:
        return [action.event for action in self.done if isinstance(action, Emit)]

    def messages(self) -> list[str]:
        return [event.message for event in self.events()]


def kinds(actions: list[Action]) -> set[type]:
    return {type(action) for action in actions}


def active_router(place: Place = Place.PRIMARY) -> Router:
    """An active router that hears a ready standby partner since 1.0 s."""
    router = Router(place, start=Start(now=0.0)).ready()
    router.hear(1.0, role=Role.STANDBY, term=0, lease_s=0.0, revision=5, seen_revision=1000)
    if place is Place.BACKUP:
        router.hear(1.1, revision=6, readiness=0, obstacle=Obstacle.LVSD)
        router.hear(1.2, revision=7, readiness=100, obstacle=Obstacle.NONE)
    assert router.election.phase == "active"
    return router
