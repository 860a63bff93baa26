"""Shell: keep the picture true by asking the control sockets of both routers, again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from piranha.cli.demo.picture import Daemon, Happening, Picture, Router
from piranha.control.client import NoAnswer, ask_async
from piranha.control.messages import Refused
from piranha.forwarding.userspace.protocol import Holding

DAEMONS = ("pulse", "lvsd")
PATIENCE_S = 0.6

HoldingOf = Callable[[str], Awaitable[Holding | None]]


class Watch:
    """Asks until cancelled. run_dirs: one for each router. holding: how a router holds the VIP, None if not."""

    def __init__(self, picture: Picture, run_dirs: Mapping[str, Path], holding: HoldingOf) -> None:
        self._picture = picture
        self._run_dirs = run_dirs
        self._holding = holding
        self._every_s = picture.cast.refresh_s

    async def run(self) -> None:
        """Keep asking until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for router in self._picture.routers.values():
                for name in DAEMONS:
                    tasks.create_task(self._follow(router, name))
            tasks.create_task(self._follow_holders())

    async def _follow(self, router: Router, name: str) -> None:
        daemon: Daemon = getattr(router, name)
        path = self._run_dirs[router.name] / f"{name}.sock"
        after = 0
        while True:
            try:
                daemon.status = await ask_async(path, "status", timeout_s=PATIENCE_S)
                daemon.answered_s, daemon.why = time.monotonic(), ""
                told = await ask_async(path, "events", {"after": after, "limit": 500}, timeout_s=PATIENCE_S)
                after = self._take(router.name, name, told, after)
            except (NoAnswer, Refused) as error:
                daemon.why = str(error).removeprefix(f"{path}: ")
            await asyncio.sleep(self._every_s)

    def _take(self, router: str, daemon: str, told: Mapping[str, Any], after: int) -> int:
        for event in told["events"]:
            after = max(after, int(event["seq"]))
            self._picture.story.append(
                Happening(
                    float(event["when_s"]),
                    router,
                    daemon,
                    str(event["subject"]),
                    str(event["message"]),
                    str(event["rule"]),
                    str(event["cause"]),
                    str(event["level"]),
                )
            )
        return after

    async def _follow_holders(self) -> None:
        picture = self._picture
        while True:
            now = time.monotonic()
            for router in picture.routers.values():
                self._note(router, await self._holding(router.name), now)
            if len(picture.holders()) > 1:
                # Asked one after the other, a hand-over in between looks like two holders: ask again.
                for router in picture.routers.values():
                    self._note(router, await self._holding(router.name), now)
                if len(picture.holders()) > 1:
                    picture.two_holders_s.append(now)
            await asyncio.sleep(self._every_s / 2)

    @staticmethod
    def _note(router: Router, holding: Holding | None, now: float) -> None:
        router.holds = holding is not None
        router.listening = holding is not None and bool(holding.listening)
        if holding is not None:
            router.held_since_s = now - holding.since_s
            router.remaining_s = holding.remaining_s
