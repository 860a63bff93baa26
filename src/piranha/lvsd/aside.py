"""Shell: what could only be kept in the run folder gets to the state folder, as soon as there is room again."""

import asyncio

from piranha.control.state_files import StateFiles
from piranha.events.teller import Teller

RETRY_S = 30.0


async def put_away(kept: StateFiles, teller: Teller, retry_s: float = RETRY_S) -> None:
    """Try again and again, so that the next boot of the machine loses nothing; until cancelled."""
    while True:
        await asyncio.sleep(retry_s)
        try:
            trouble = await asyncio.to_thread(kept.settle, "lvsd")
        except OSError as error:
            trouble = f"{error.filename}: {error.strerror}"
        if trouble is not None:
            teller.state_written(trouble)
