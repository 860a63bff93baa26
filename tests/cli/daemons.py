"""Daemons of a test: control sockets in a run folder that answer what the test says."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from piranha.control.server import ControlServer, Handler, Peer

Answer = dict[str, Any]


class Daemons:
    """The loop runs in a thread; a callable is asked again for each request, and may raise Refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers: list[ControlServer] = []
        self.asked: list[str] = []

    def add(self, name: str, status: Answer | Callable[[], Answer], **verbs: Callable[[], Answer]) -> None:
        answers = {"status": status if callable(status) else lambda: status, **verbs}
        handlers = {verb: self._handler(verb, answer) for verb, answer in answers.items()}
        made = ControlServer(self.folder / f"{name}.sock", handlers)
        asyncio.run_coroutine_threadsafe(made.start(), self._loop).result(5)
        self._servers.append(made)

    def _handler(self, verb: str, answer: Callable[[], Answer]) -> Handler:
        async def handle(_args: Mapping[str, object], _peer: Peer) -> object:
            self.asked.append(verb)
            return answer()

        return handle

    @staticmethod
    def hang_up() -> Answer:
        """For a verb that is never answered: the connection ends."""
        raise asyncio.CancelledError

    def close(self) -> None:
        for one in self._servers:
            asyncio.run_coroutine_threadsafe(one.close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
