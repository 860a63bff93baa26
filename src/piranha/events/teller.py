"""Shell: say what happened: an event of a daemon itself, stamped, recorded and logged."""

import time

from piranha.events.event import Event, Level
from piranha.events.record import Recorder


class Teller:
    """Records events that no pure part decided. daemon: its name, the subject of what concerns itself."""

    def __init__(self, daemon: str, recorder: Recorder) -> None:
        self._daemon = daemon
        self.recorder = recorder
        self.state_trouble = ""

    def say(
        self,
        subject: str,
        message: str,
        *,
        before: str = "",
        after: str = "",
        rule: str = "",
        cause: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        level: Level = Level.INFO,
    ) -> None:
        """Record one event; see Event for the fields."""
        self.recorder.record(
            Event(
                when_s=time.monotonic(),
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

    def state_written(self, trouble: str) -> None:
        """Take in how writing kept state went, in the words of StateFiles; tell it once, and once when it is over."""
        before, self.state_trouble = self.state_trouble, trouble
        if trouble and not before:
            self.say(self._daemon, "state cannot be written", cause=trouble, level=Level.ERROR)
        elif before and not trouble:
            self.say(self._daemon, "state can be written again")
