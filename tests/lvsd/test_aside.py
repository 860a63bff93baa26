"""What lvsd could keep in memory only gets to the disk when there is room again."""

import asyncio
from pathlib import Path

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvsd.aside import put_away


def test_what_is_aside_gets_to_the_disk_by_itself_and_the_end_of_the_trouble_is_told(tmp_path: Path) -> None:
    kept, recorder = StateFiles(tmp_path / "state", tmp_path / "run"), Recorder(None)
    kept.run.mkdir()
    teller = Teller("lvsd", recorder)
    teller.state_written(kept.write({"lvsd-by-hand.json": b"{}"}))
    assert teller.state_trouble
    kept.state.mkdir()

    async def until_written() -> None:
        told = asyncio.Event()
        recorder.on_record(lambda _: told.set())
        trying = asyncio.create_task(put_away(kept, teller, retry_s=0.001))
        async with asyncio.timeout(10):
            await told.wait()
        trying.cancel()

    asyncio.run(until_written())
    assert (kept.state / "lvsd-by-hand.json").read_bytes() == b"{}"
    assert [one.event.message for one in recorder.last()] == ["state cannot be written", "state can be written again"]
