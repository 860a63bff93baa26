"""A recorder of events for tests, in a folder of its own."""

from pathlib import Path

from piranha.events.record import Recorder
from piranha.events.teller import Teller


def recording(folder: Path) -> tuple[Recorder, Teller]:
    """Return a recorder and who tells it; the recorder is closed by whoever asked for it."""
    recorder = Recorder(folder / "events.jsonl")
    return recorder, Teller("lvsd", recorder)
