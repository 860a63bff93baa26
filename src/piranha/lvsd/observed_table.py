"""Shell: the table of somebody else, beside whom `lvsd --observe` runs: read and compared, never written."""

import asyncio
import time
from collections.abc import Collection
from functools import cached_property

from piranha.lvsd.kept_table import KeptTable
from piranha.lvsd.opinions import ONE_BY_ONE, RULE, Opinions
from piranha.lvsd.reconcile import Pass, subject_of, with_part
from piranha.table.service import ServiceKey

LOOK_S = 2.0
"""Seconds between two looks at the table, at least."""
SHARE = 20.0
"""A large table is read and compared for one part of the time in so many at most."""


class ObservedTable(KeptTable):
    """Looks where KeptTable makes passes: what would be applied is a difference of opinion.

    No service is ours: what the file does not name is not compared. Nobody leaves slowly and nothing is by hand: a
    server that the file does not name is one too many.
    """

    doing = "observing"

    @cached_property
    def opinions(self) -> Opinions:
        """What differs, from the first look on."""
        return Opinions(time.monotonic())

    async def count(self) -> None:
        """Look again and again, often enough to tell a difference of timing from one of opinion; until cancelled."""
        while True:
            began_s = time.monotonic()
            await self.try_pass()
            await asyncio.sleep(max(LOOK_S, SHARE * (time.monotonic() - began_s)))

    async def set_timeouts(self, timeouts_s: tuple[int, int, int]) -> None:
        """Say which time-outs would be set."""
        if any(timeouts_s):
            facts = tuple(zip(("tcp", "tcpfin", "udp"), map(str, timeouts_s), strict=True))
            self._teller.say("table", "connection time-outs are not set", rule=RULE, facts=facts)

    async def remove(self) -> None:
        """Remove nothing; no look follows."""
        self._ended = True

    def observing(self) -> dict[str, object]:
        """Return what `status` shows of the differences."""
        now, opinions, brief_s = time.monotonic(), self.opinions, self._brief_s()
        return {
            "since_s": round(now - opinions.since_s, 3),
            "differences": [
                {
                    "kind": one.kind,
                    "subject": one.subject,
                    "what": one.words,
                    "age_s": round(now - one.since_s, 3),
                    "lasting": now - one.differs_s >= brief_s,
                }
                for one in opinions.now[:ONE_BY_ONE]
            ],
            "now": len(opinions.now),
            "began": {str(kind): number for kind, number in opinions.began.items()},
            "brief": {str(kind): number for kind, number in opinions.brief.items()},
            "brief_s": brief_s,
        }

    async def _carry_out(self, plan: Pass) -> list[str]:
        """Take in what would be done."""
        live = plan.live if plan.part is None else with_part(self.live, plan.live, plan.part)
        self.live, now = live, time.monotonic()
        events = self.opinions.look(
            plan.changes,
            live,
            lambda target: subject_of(plan.names, target),
            brief_s=self._brief_s(),
            now=now,
            part=plan.part,
        )
        self._teller.recorder.record_all(events)
        return []

    def _brief_s(self) -> float:
        return self._config.lvsd.repair_interval_s

    async def _keep_ours(self, services: Collection[ServiceKey]) -> None:
        """Claim nothing: what is in the table is somebody else's."""
