"""Shell: say what happened: an event of `pulse` itself, stamped, recorded and logged."""

import time

from piranha.events.event import Event, Level
from piranha.events.record import Recorder


class Teller:
    """Records events that no pure part decided."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def say(
        self,
        subject: str,
        message: str,
        *,
        cause: str = "",
        rule: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        warn: bool = False,
    ) -> None:
        """Record one event; see Event for the fields."""
        level = Level.WARNING if warn else Level.INFO
        now = time.monotonic()
        self.recorder.record(
            Event(when_s=now, subject=subject, message=message, rule=rule, cause=cause, facts=facts, level=level)
        )
