"""Shell: what `lvsd` answers on its control socket."""

import asyncio
import os
import time
from collections.abc import Mapping

from piranha import __version__
from piranha.change.order import Act
from piranha.control.actor import actor
from piranha.control.messages import Refused
from piranha.control.server import Handler, Peer, require_admin
from piranha.errors import PiranhaError
from piranha.forwarding.errors import PlaneUnavailable
from piranha.lvsd.by_hand import parted, words_of
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.overdue import awaited
from piranha.lvsd.pool import standings
from piranha.lvsd.report import View, virtuals
from piranha.lvsd.standing import standing_data
from piranha.lvsd.standing_now import standing_now
from piranha.lvsd.stats import stats_of_file
from piranha.table.leaving import by_place

LATELY_S = 3600.0
"""How long `status` names a repair of the table."""

NOT_ACTED_ON = "W004"
"""Code of the findings about settings that nobody may count on yet."""

NOT_WHEN_OBSERVING = ("stage", "apply", "confirm", "take_back", "role")

OVERDUE = 3.0
"""After so many intervals without a pass the table counts as not known."""


class Verbs:
    """The control verbs of one daemon.

    node: which router of the file this is, if it was said.
    """

    def __init__(self, lvsd: Lvsd, *, node: str, plane: str) -> None:
        self._lvsd = lvsd
        self._node = node
        self._plane = plane
        self._started_s = time.monotonic()
        self._boot = os.urandom(8).hex()

    def handlers(self) -> dict[str, Handler]:
        """Return the table of verbs."""
        return {
            "status": self.status,
            "stats": self.stats,
            "events": self.events,
            "standing": self.standing,
            "read_back": self.read_back,
            "repair": self.repair,
            "reload": self.reload,
            "role": self.role,
            "prepare_restart": self.prepare_restart,
            "stop": self.stop,
            "standings": self.standings,
            **(self._lvsd.own.handlers() if self._lvsd.own is not None else {}),
            **(dict.fromkeys(NOT_WHEN_OBSERVING, _only_observes) if self._lvsd.observes is not None else {}),
        }

    async def status(self, args: Mapping[str, object], _peer: Peer) -> object:
        """Everything that is known, each fact with its age, the table as it is now; `{"brief": true}` reads nothing."""
        if args.get("brief") is True:
            return self._facts(time.monotonic())
        await self._lvsd.table.refresh()
        await self._lvsd.marks.refresh()
        details = self._details()
        return self._facts(time.monotonic()) | details

    def _facts(self, now: float) -> dict[str, object]:
        lvsd = self._lvsd
        accepted, refused, table = lvsd.accepted, lvsd.refused_file, lvsd.table
        not_ready = self.not_ready(now)
        observing = table.observing()
        differs = observing is not None and observing["now"] != 0
        overruled = [(words, at_s) for at_s, words in table.overruled if now - at_s < LATELY_S]
        return {
            "pid": os.getpid(),
            "version": __version__,
            "boot": self._boot,
            "started_s": self._started_s,
            "uptime_s": round(now - self._started_s, 3),
            "node": self._node,
            "cluster": lvsd.config.cluster,
            "file": str(lvsd.source.path),
            "generation": accepted.generation,
            "meaning": accepted.meaning,
            "serial_no": accepted.serial_no,
            "role": lvsd.role,
            "plane": self._plane,
            "serving": self._untouchable(now) is None,
            "ready": not not_ready,
            "not_ready": not_ready,
            "table_equal": table.passed_at_s is not None and not (table.refused or table.trouble or differs),
            "table_age_s": round(now - table.passed_at_s, 3) if table.passed_at_s is not None else None,
            "refused_changes": table.refused,
            "refused_file": refused
            and {"path": refused.path, "findings": list(refused.findings), "age_s": round(now - refused.at_s, 3)},
            "overruled": [{"what": words, "age_s": round(now - at_s, 3)} for words, at_s in overruled],
            "foreign_edits": str(lvsd.config.lvsd.foreign_edits),
            "left_alone": list(lvsd.foreign.edits.reported.values()),
            "waiting": [one.sentence() for one in lvsd.loaded.warnings if one.code == NOT_ACTED_ON],
            "maintenance": lvsd.maintenance.facts(),
            "kernel": lvsd.kernel.facts(),
            "mark_rules": lvsd.marks.facts(now),
            "observing": observing,
            "record": lvsd.recorder.status(),
            "state_trouble": lvsd.teller.state_trouble,
            **(lvsd.own.facts() if lvsd.own is not None else {}),
        }

    def _details(self) -> dict[str, object]:
        table, numbers, now = self._lvsd.table, self._lvsd.table.numbers.now, time.monotonic()
        leaving = [*self._lvsd.leaving.going]
        view = View(
            table.live,
            numbers,
            now,
            cut=table.unforwarded.cut,
            leaving=leaving,
            cold=self._lvsd.kernel.cold(),
            edits=self._lvsd.foreign.edits,
            wall_s=time.time(),
            with_whom=self._lvsd.nannies.with_whom,
        )
        return {
            "virtuals": virtuals(self._lvsd.pools.values(), view),
            "numbers_age_s": round(now - numbers.taken_at_s, 3) if numbers.taken_at_s is not None else None,
            "nannies": self._lvsd.nannies.status(),
        }

    async def stats(self, _args: Mapping[str, object], _peer: Peer) -> object:
        """What passes through each virtual server and to each server, see `stats`; each fact with its age."""
        lvsd, table = self._lvsd, self._lvsd.table
        await table.refresh()
        numbers, now = table.numbers.now.still(), time.monotonic()
        leaving = {place: leaver.server for place, leaver in by_place(lvsd.leaving.servers).items()}
        return {
            "source": "lvsd",
            "node": self._node,
            "age_s": round(now - numbers.taken_at_s, 3) if numbers.taken_at_s is not None else None,
            "rates_over_s": round(numbers.rates_over_s, 3) if numbers.rates_over_s is not None else None,
            "totals_since": round(table.numbers.since_s, 3),
            "virtuals": await asyncio.to_thread(stats_of_file, lvsd.config, table.live, numbers, leaving),
        }

    async def standing(self, _args: Mapping[str, object], _peer: Peer) -> object:
        """Return what a plan needs: the file in force, what is believed of its servers, the table as it lies."""
        lvsd = self._lvsd
        return {
            "node": self._node,
            "role": lvsd.role,
            "accepted": lvsd.loaded.accepted_bytes().decode("utf-8", "surrogateescape"),
            **standing_data(await standing_now(lvsd)),
        }

    def not_ready(self, now: float) -> list[str]:
        """Return why a partner should not hand over to this router; empty when it may.

        A change that the plane refuses is no reason: the other services are served.
        """
        reasons = [untouchable] if (untouchable := self._untouchable(now)) is not None else []
        if self._lvsd.marks.awaited:
            reasons.append("the mark rules are not set yet")
        monitors = [monitor for pool in self._lvsd.pools.values() for monitor in pool.monitors.values()]
        unknown = awaited(monitors, self._lvsd.nannies.begun_s, now)
        # Who serves already does not stop for a server that a reload has brought.
        if unknown and self._lvsd.role != "active":
            reasons.append(f"{unknown} server{'s have' if unknown > 1 else ' has'} not answered a check yet")
        if (trouble := self._lvsd.nannies.trouble) is not None:
            reasons.append(trouble)
        return reasons

    def _untouchable(self, now: float) -> str | None:
        table, interval_s = self._lvsd.table, self._lvsd.config.lvsd.repair_interval_s
        if table.trouble:
            return f"the table cannot be reached: {table.trouble}"
        if table.passed_at_s is None:
            return "the table is not loaded yet"
        if now - table.passed_at_s > OVERDUE * interval_s:
            return f"the table was not read for {now - table.passed_at_s:.0f} s"
        return None

    async def events(self, args: Mapping[str, object], _peer: Peer) -> object:
        """Return recorded events: `{"after": N, "limit": N}`."""
        return self._lvsd.recorder.answer(args)

    async def read_back(self, _args: Mapping[str, object], peer: Peer) -> object:
        """Read the table now, repair it, answer what was repaired."""
        require_admin(peer)
        return {"repaired": await self._pass(), "refused": self._lvsd.table.refused}

    async def repair(self, args: Mapping[str, object], peer: Peer) -> object:
        """Put back what others changed and `foreign_edits` left: `{"names": [SUBJECT, …], "dry_run": bool}`.

        names: virtual servers and servers, none for all. Answers what was put back, or would be.
        """
        require_admin(peer)
        given, lvsd = args.get("names"), self._lvsd
        names = [str(name) for name in given] if isinstance(given, list) else []
        if args.get("dry_run") is True:
            standing = await standing_now(lvsd)
            gone, _ = parted(standing.beliefs.edits, lvsd.config, names)
            return {"put_back": words_of(gone), "refused": lvsd.table.refused}
        repaired = await self._pass()  # what was changed since the last one belongs to it
        gone, rest = parted(lvsd.foreign.edits, lvsd.config, names)
        await lvsd.foreign.forget(rest, f"piranha repair by {actor(peer, args.get('who'))}")
        await self._pass()
        return {"put_back": [*repaired, *words_of(gone)], "refused": lvsd.table.refused}

    async def standings(self, _args: Mapping[str, object], _peer: Peer) -> object:
        """How each virtual server stands: `{NAME: [up, all, deserted]}`, in few words."""
        return {"standings": standings(self._lvsd.pools.values())}

    async def reload(self, args: Mapping[str, object], peer: Peer) -> object:
        """Read the file again and apply it; refused with its findings when it cannot be used."""
        require_admin(peer)
        lvsd = self._lvsd
        before = lvsd.accepted.meaning
        if lvsd.own is not None and (why := lvsd.own.refusal()):
            raise Refused(why)
        if not await lvsd.reload(Act(who=actor(peer, args.get("who")), how="reload")):
            findings = lvsd.refused_file.findings if lvsd.refused_file else ()
            raise Refused(f"{lvsd.source.path} is refused: " + ("; ".join(findings) or "it cannot be used"))
        await self._pass()
        return {
            "generation": lvsd.accepted.generation,
            "meaning": lvsd.accepted.meaning,
            "changed": lvsd.accepted.meaning != before,
            "refused": lvsd.table.refused,
        }

    async def role(self, args: Mapping[str, object], peer: Peer) -> object:
        """Take over what `pulse` says this router is: `{"role": "active"|"standby"}`."""
        require_admin(peer)
        role = args.get("role")
        if role not in ("active", "standby"):
            raise Refused("role must be active or standby")
        await self._lvsd.set_role(str(role))
        return {"role": role}

    async def prepare_restart(self, _args: Mapping[str, object], peer: Peer) -> object:
        """Leave the table when SIGTERM comes within a minute."""
        require_admin(peer)
        self._lvsd.announce_restart()
        return {}

    async def stop(self, _args: Mapping[str, object], peer: Peer) -> object:
        """End as on SIGTERM, once this is answered."""
        require_admin(peer)
        cause = f"shutting down, asked by process {peer.pid}, uid {peer.uid}"
        asyncio.get_running_loop().call_later(0.05, self._lvsd.stop, cause)
        return {"pid": os.getpid()}

    async def _pass(self) -> list[str]:
        try:
            return [*await self._lvsd.table.one_pass(), *await self._lvsd.marks.one_pass()]
        except PlaneUnavailable as error:
            raise PiranhaError(f"the table cannot be reached: {error}") from error


async def _only_observes(_args: Mapping[str, object], peer: Peer) -> object:
    require_admin(peer)
    raise Refused("this lvsd only observes (--observe) and puts nothing in force; edit its file and send it SIGHUP")
