"""Shell: `pulse` between its start and its end: one loop, one place that waits.

The election decides; this reads what happened, hands it over, and carries out or queues what comes
back. Nothing here waits for an address, a file, a program or another daemon.
"""

import asyncio
import errno
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from piranha.change.changes import Changes
from piranha.change.ground import Ground
from piranha.change.journal import Settled
from piranha.change.order import Act
from piranha.change.serving import InForce
from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, HeartbeatAuth, PlaneKind, Router, Standby
from piranha.lvsd.accepted import Accepted
from piranha.pulse import startup
from piranha.pulse.actions import Action, Answer, AskLan, Command, Emit, SendHeartbeat, Stopped, TakeOver
from piranha.pulse.effects import Done, Effects
from piranha.pulse.election import Election
from piranha.pulse.endpoint import Datagram, PathError, path_ends
from piranha.pulse.inbox import Inbox, Input
from piranha.pulse.inquiry import Claim
from piranha.pulse.lan import Lan, LinkLan, NoLan
from piranha.pulse.reading import Reading
from piranha.pulse.reload import Reload, Ways
from piranha.pulse.session import Session
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.setup import Hands, Setup
from piranha.pulse.state import Keeper
from piranha.pulse.supervisor import LvsDaemon, LvsdState
from piranha.pulse.surroundings import Surroundings
from piranha.pulse.verdicts import Evidence, Rejected
from piranha.terms import Address

LOOK_S = 5.0
"""How often an active router looks whether its VIPs are still there."""

LET_GO_S = 2.0
"""Longest wait for the last look that no VIP is left; it follows a step down that has removed them already."""

STOP_LIMIT_S = 25.0
"""Longest a clean stop may take; then the process ends, and leases run out by themselves."""


class Pulse:
    """The daemon of one router; everything runs in the thread of the event loop. Call `run`."""

    def __init__(
        self,
        setup: Setup,
        read: Reading,
        accepted: Accepted,
        start: Start,
        *,
        hands: Hands,
        teller: Teller,
        settled: Settled | None = None,
    ) -> None:
        if read.config is None:
            raise ValueError("pulse needs a usable configuration")
        self.recorder = teller.recorder
        self._teller = teller
        self.setup = setup
        self.config: Config = read.config
        self.accepted = accepted
        self.endpoint = hands.endpoint
        self.path_errors: dict[str, str] = {}
        self.started_s = start.now
        self.election = Election(self._settings(), start)
        adopting = start.holding or start.resume is not None
        self.lvsd = LvsDaemon(
            setup.lvsd_command,
            setup.folders.run,
            role="" if adopting else "standby",
            meaning=accepted.meaning,
            on_state=self._on_lvsd,
            on_event=self.recorder.record,
        )
        self.effects = Effects(
            vips=self.config.floating_addresses(),
            standby=self.config.standby,
            leases=hands.leases,
            announcer=hands.announcer,
            lvsd=self.lvsd,
            done=self._on_effect,
            on_role=self._run_role_command,
            role="active" if start.resume is not None else "" if adopting else "standby",
        )
        self._session = Session(
            place=setup.place,
            cluster=self.config.cluster,
            keys=read.keys,
            auth=self.config.heartbeat.auth,
            fresh=os.urandom,
        )
        self._hands = hands
        kept = StateFiles(setup.folders.state, setup.folders.run)
        self._keeper = Keeper(kept, start.term, teller)
        self._original = read.original
        ways = Ways(in_force=self._in_force, reopen=self._reopen, put_in_force=self._put_in_force)
        self.reloads = Reload(setup, hands.reader, kept, teller, ways)
        ground = Ground(setup.path, setup.folders.state, setup.folders.run)
        self.changes = Changes(self.reloads, ground, teller, settled)
        self.reloads.refusal = self.changes.refusal
        self._adopting = adopting
        self._inbox = Inbox(hands.endpoint, self._receive, start.now)
        self._lan: Lan = NoLan() if setup.plane is PlaneKind.USERSPACE else LinkLan(self._inbox.wake)
        self._inbox.also(self._claims)
        router = startup.router_of(self.config, setup.place)
        watch = partial(Surroundings, self.election, self._take_in, self.config, router)
        self.around = watch(plane=setup.plane, now=start.now)
        self._stopped: Stopped | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._stop_asked = False

    async def run(self) -> None:
        """Take part in the election until it is stopped, then end what this process started."""
        self._inbox.watch()
        supervision = asyncio.create_task(self.lvsd.supervise())
        parts = (self.effects.run(), self._watch_vips(), self.around.run(), self.changes.watch())
        helpers = [asyncio.create_task(part) for part in parts]
        if self.config.standby is Standby.COLD and not self._adopting:
            self._on_lvsd(self.lvsd.state)
        else:
            self.lvsd.want()
        self._teller.say("pulse", f"STARTING PULSE AS {self.setup.place.upper()}", cause="", facts=self._facts())
        if not self._adopting:
            self._run_role_command("standby")
        try:
            await self._drive(supervision, *helpers)
        finally:
            for helper in helpers:
                helper.cancel()
            await self._end(supervision)

    @property
    def authenticated(self) -> bool:
        """Whether heartbeats are signed and must be."""
        return self.config.backup_active and self.config.heartbeat.auth is HeartbeatAuth.REQUIRED

    @property
    def state_trouble(self) -> str:
        """Why the state folder does not have what it should, empty when it has."""
        return self._teller.state_trouble

    def stop(self, cause: str) -> None:
        """Hand over and end; asked a second time, end at once."""
        self._teller.say("pulse", cause)
        if self._stop_asked:
            self._stopped = Stopped()
            self._inbox.wake()
            return
        self._stop_asked = True
        asyncio.get_running_loop().call_later(STOP_LIMIT_S, self._give_up_stopping)
        self._spawn(self._command_stop())

    def reload_soon(self, cause: str) -> None:
        """Read the file again, from a signal handler."""
        self._spawn(self.reloads.reload(Act(how=cause)))

    async def command(self, command: Command) -> Answer:
        """Hand a command to the election between two readings of the wire."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def carry_out(now: float) -> None:
            answer = self.election.command(command, now)
            self._dispatch(answer.actions)
            if not done.done():
                done.set_result(answer)

        self._inbox.post(carry_out)
        return await done

    # The loop.

    async def _drive(self, *watched: "asyncio.Task[None]") -> None:
        while self._stopped is None:
            self._dispatch(self.election.tick(self._inbox.take_in()))
            for task in watched:
                if task.done():
                    task.result()
                    raise PiranhaError("a part of pulse has ended")
            await self._inbox.wait(self.election.deadline())

    def _receive(self, item: Datagram | PathError, now: float) -> None:
        if isinstance(item, Datagram):
            self._dispatch(self.election.receive(item.path, self._session.read(item.path, item.data), now))
            return
        self.path_errors[item.path] = item.words
        if item.code == errno.ECONNREFUSED:
            self._dispatch(self.election.receive(item.path, Rejected(Evidence.UNREACHABLE), now))

    def _dispatch(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case SendHeartbeat(heartbeat, paths):
                    for path in paths:
                        failed = self.endpoint.send(path, self._session.write(path, heartbeat))
                        self._note_sent(path, failed)
                case Emit(event):
                    self.recorder.record(event)
                case AskLan():
                    self._spawn(self._ask_lan(action))
                case Stopped():
                    self._stopped = action
                    self._inbox.wake()
                case _:
                    if isinstance(action, TakeOver):
                        self._spawn(self._keeper.keep(term=action.term))
                    self.effects.submit(action)

    async def _ask_lan(self, question: AskLan) -> None:
        router = startup.router_of(self.config, self.setup.place)
        trouble = await self._lan.ask(self.config.floating_addresses(), router)
        self._inbox.post(lambda now: self._dispatch(self.election.lan_asked(question, now, trouble)))

    def _claims(self) -> list[tuple[float, Input]]:
        return [(came_s, partial(self._take_claim, claim)) for claim, came_s in self._lan.drain()]

    def _take_claim(self, claim: Claim, now: float) -> None:
        self._dispatch(self.election.lan_heard(claim, now))

    def _note_sent(self, path: str, failed: PathError | None) -> None:
        if failed is None:
            self.path_errors.pop(path, None)
        elif self.path_errors.get(path) != failed.words:
            self.path_errors[path] = failed.words
            if failed.code != errno.ECONNREFUSED:
                self._teller.say(
                    "partner", "heartbeat cannot be sent", cause=f"{path} path: {failed.words}", level=Level.WARNING
                )

    # What comes back from effects and lvsd.

    def _on_effect(self, done: Done) -> None:
        for note in done.notes:
            self._teller.say("vip", f"for the VIPs: {note}")
        for vip in sorted(done.put_back, key=str):
            self._teller.say(f"vip {vip}", "VIP vanished: put back", cause="removed by others", level=Level.WARNING)

        def take_in(now: float) -> None:
            self._dispatch(
                self.election.effect_done(done.effect, done.outcome, now, began_s=done.began_s, detail=done.detail)
            )

        self._inbox.post(take_in)

    def _on_lvsd(self, state: LvsdState) -> None:
        # A cold standby runs no lvsd, and is ready all the same: it starts one when it takes over.
        if self.config.standby is Standby.COLD and not self.lvsd.wanted:
            state = LvsdState(ready=True, serves=True, reasons=())
        self._inbox.post(
            lambda now: self._dispatch(self.election.lvsd(state.ready, state.reasons, now, serves=state.serves))
        )

    def _take_in(self, judge: Callable[[float], Sequence[Action]]) -> None:
        self._inbox.post(lambda now: self._dispatch(judge(now)))

    def _run_role_command(self, role: str) -> None:
        self._spawn(self._hands.runner.run(role, self.config, self._teller))

    async def _watch_vips(self) -> None:
        """Put back what network managers and people remove."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                missing = await self.effects.missing()
            except PiranhaError:
                continue  # the next effect fails for the same reason, and says so
            if missing:
                self._reconfigure_election()

    # Reload.

    def _in_force(self) -> InForce:
        now = self.accepted
        return InForce(data=self._original, config=self.config, generation=now.generation, meaning=now.meaning)

    async def _put_in_force(self, read: Reading, config: Config, accepted: Accepted) -> None:
        before = {vip.address for vip in self.config.floating_addresses()}
        self.config, self.accepted, self._original = config, accepted, read.original
        self.lvsd.meaning = accepted.meaning
        self._session.rekey(cluster=config.cluster, keys=read.keys, auth=config.heartbeat.auth)
        await self._reload_lvsd()
        self._reconfigure(config, startup.router_of(config, self.setup.place))
        self._teller.say("config", "configuration accepted", facts=self._facts())
        self._tell_vips(before, {vip.address for vip in config.floating_addresses()})

    def _tell_vips(self, before: set[Address], after: set[Address]) -> None:
        facts = (("generation", str(self.accepted.generation)),)
        for vips, message in ((after - before, "added by the file"), (before - after, "removed from the file")):
            for vip in sorted(vips, key=str):
                self._teller.say(f"vip {vip}", message, facts=facts)

    def _reopen(self, config: Config) -> None:
        self._inbox.unwatch()
        try:
            self.endpoint.reopen(path_ends(config, self.setup.place), config.heartbeat.port)
        finally:
            self._inbox.watch()

    def _reconfigure(self, config: Config, router: Router) -> None:
        # The table knows new services by now: a VIP must not come before it is served.
        self._hands.leases.reconfigure(router)
        self.effects.vips = config.floating_addresses()
        self.effects.standby = config.standby
        if config.standby is Standby.WARM:
            self.lvsd.want()
        self._reconfigure_election()
        self.around.reconfigure(config, router, time.monotonic())

    async def _reload_lvsd(self) -> None:
        try:
            await self.lvsd.reload()
        except PiranhaError as error:
            self._teller.say("lvsd", "lvsd did not reload", cause=str(error), level=Level.WARNING)

    def _reconfigure_election(self) -> None:
        settings = self._settings()
        self._inbox.post(lambda now: self._dispatch(self.election.reconfigure(settings, now)))

    def _settings(self) -> ElectionSettings:
        settings = ElectionSettings.of(self.config, self.setup.place, self.accepted.generation)
        return replace(settings, paths=tuple(self.endpoint.paths))

    # The end.

    async def _command_stop(self) -> None:
        answer = await self.command(Command.STOP)
        if answer.refusal:
            self._stopped = Stopped()
            self._inbox.wake()

    def _give_up_stopping(self) -> None:
        self._teller.say("pulse", "stopping took too long: ending now", rule=f"{STOP_LIMIT_S:g} s", level=Level.WARNING)
        self._stopped = Stopped()
        self._inbox.wake()

    async def _end(self, supervision: "asyncio.Task[None]") -> None:
        self._inbox.unwatch()
        resume = self._stopped.resume if self._stopped is not None else None
        if self._stopped is not None and resume is None:
            await self._let_go(lvsd_stays=self._stopped.lvsd_stays)
        supervision.cancel()
        await self._keeper.keep(resume=resume)
        for task in self._tasks:
            task.cancel()
        self.effects.close()
        self.endpoint.close()
        self._lan.close()
        self._hands.reader.close()
        self._hands.runner.close()

    async def _let_go(self, *, lvsd_stays: bool) -> None:
        """Leave no VIP behind, and end lvsd only then: a VIP without a table refuses connections."""
        try:
            left = await self.effects.let_go(LET_GO_S)
        except (PiranhaError, TimeoutError) as error:
            cause = str(error) or f"no result of removing within {LET_GO_S:g} s"
            self._teller.say("vip", "VIPs may be left behind: lvsd stays", cause=cause, level=Level.ERROR)
            return
        if left:
            cause = " ".join(map(str, sorted(left, key=str)))
            self._teller.say("vip", "VIPs are left behind: lvsd stays", cause=cause, level=Level.ERROR)
            return
        if not lvsd_stays:
            await self.lvsd.stop()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            cause = f"{type(error).__name__}: {error}"
            self._teller.say("pulse", "something went wrong", cause=cause, level=Level.WARNING)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("file", str(self.setup.path)),
            ("generation", str(self.accepted.generation)),
            ("serial_no", str(self.accepted.serial_no)),
        )
