"""Collects what a step of the election wants done: heartbeats first, then effects and events in their order."""

from dataclasses import dataclass, field

from piranha.events.event import Event, Level
from piranha.pulse.actions import Action, Emit, SendHeartbeat
from piranha.pulse.reasons import Reason


@dataclass(slots=True)
class Report:
    """The actions of one step."""

    actions: list[Action] = field(default_factory=list)

    def do(self, action: Action) -> None:
        """Add an action."""
        self.actions.append(action)

    def send(self, heartbeat: SendHeartbeat) -> None:
        """Add a heartbeat before everything else: an order to step down leaves before any address is added."""
        self.actions.insert(0, heartbeat)

    def drain(self) -> list[Action]:
        """Return the actions and forget them."""
        actions, self.actions = self.actions, []
        return actions

    def change(self, now: float, reason: Reason, before: str, after: str) -> None:
        """Add the event of a change of this router's role."""
        self.actions.append(
            Emit(
                Event(
                    when_s=now,
                    subject="router",
                    message=reason.message,
                    before=before,
                    after=after,
                    rule=reason.rule,
                    cause=reason.cause,
                )
            )
        )

    def say(
        self,
        now: float,
        subject: str,
        message: str,
        cause: str = "",
        *,
        rule: str = "",
        level: Level = Level.INFO,
        before: str = "",
        after: str = "",
        facts: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Add an event that changes no role."""
        self.actions.append(
            Emit(
                Event(
                    when_s=now,
                    subject=subject,
                    message=message,
                    before=before,
                    after=after,
                    rule=rule,
                    cause=cause,
                    level=level,
                    facts=facts,
                )
            )
        )
