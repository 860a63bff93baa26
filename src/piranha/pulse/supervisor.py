"""Shell: start, watch, adopt and end the lvs daemon of this router.

`lvsd` runs in a session of its own and outlives `pulse`; the next `pulse` adopts it. Its death is
seen by pidfd at once, and it is started again with back-off. Whether its table serves is asked
over its control socket; one that answers no more is killed, so that it is started again (`watchdog`).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from piranha import __version__
from piranha.control.client import NoAnswer, NobodyListens, ask_async
from piranha.control.daemon import lock_holder
from piranha.control.messages import Refused
from piranha.errors import PiranhaError
from piranha.events.event import Event, Level
from piranha.pulse.process import condition_of, ended
from piranha.pulse.watchdog import Patience, Watchdog

POLL_S = 0.5
IMPATIENT_POLL_S = 0.1  # while it is not ready
ASK_TIMEOUT_S = 2.0
RELOAD_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
FIRST_BACK_OFF_S = 0.2
LONGEST_BACK_OFF_S = 30.0
STEADY_S = 60.0  # a daemon that ran so long starts the back-off anew


@dataclass(frozen=True, slots=True, kw_only=True)
class LvsdState:
    """What is known of the lvs daemon.

    pid: 0 when it does not run. serves: its table is loaded; ready: a partner may hand over to this
    router. asked_at_s: monotonic.
    """

    pid: int = 0
    ready: bool = False
    serves: bool = False
    reasons: tuple[str, ...] = ("lvsd does not run",)
    generation: int = 0
    role: str = ""
    meaning: str = ""
    version: str = ""
    asked_at_s: float = 0.0


class LvsdError(PiranhaError):
    """The lvs daemon cannot do what pulse asks of it; the text says why."""


class LvsDaemon:
    """The lvs daemon of one run directory.

    command: words that start it. role: what it is to be told, empty = leave it as it is. meaning: hash
    of the file in force; one that has loaded another is told to reload.
    on_state: called in the loop when readiness, pid or generation change. on_event: called in the
    loop with each event worth a log line. patience: with one that does not answer.
    """

    def __init__(
        self,
        command: Sequence[str],
        run_dir: Path,
        *,
        role: str = "",
        meaning: str = "",
        on_state: Callable[[LvsdState], None],
        on_event: Callable[[Event], object],
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = tuple(command)
        self._socket = run_dir / "lvsd.sock"
        self._lock = run_dir / "lvsd.lock"
        self._on_state = on_state
        self._on_event = on_event
        self._clock = clock
        self._wanted = asyncio.Event()
        self._starting = asyncio.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._descriptor = -1  # pidfd of _pid
        self.meaning = meaning
        self._reloaded: tuple[int, str] = (0, "")  # pid and meaning of the last reload that was answered
        self._reload_at = -inf  # not before
        self._renewed = 0  # pid of the last one that was restarted for its version
        self._watchdog = Watchdog(patience or Patience())
        self._role = role
        self.state = LvsdState()

    async def supervise(self) -> None:
        """Keep the daemon running for as long as it is wanted; until cancelled."""
        back_off_s = FIRST_BACK_OFF_S
        poller = asyncio.create_task(self._poll())
        try:
            while True:
                await self._wanted.wait()
                begun = self._clock()
                try:
                    await self._run_once()
                except (OSError, LvsdError) as error:
                    self._tell("lvsd cannot be started", cause=str(error), level=Level.ERROR)
                self._set(LvsdState(asked_at_s=self._clock()))
                if not self._wanted.is_set():
                    continue
                back_off_s = FIRST_BACK_OFF_S if self._clock() - begun > STEADY_S else back_off_s
                await asyncio.sleep(back_off_s)
                back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)
        finally:
            poller.cancel()

    @property
    def wanted(self) -> bool:
        """Whether the daemon is to run."""
        return self._wanted.is_set()

    def want(self) -> None:
        """Have the daemon run from now on."""
        self._wanted.set()

    async def ensure_ready(self, limit_s: float) -> None:
        """Start the daemon if need be, make it active and wait until its table serves.

        Raises LvsdError after `limit_s` seconds with the daemon's own reasons.
        """
        self.want()
        self._role = "active"
        until = self._clock() + limit_s
        while True:
            state = await self._ask_state()  # tells it the role as well
            if state.pid and state.role != self._role:
                state = await self._ask_state()  # another role may ask for another table
            if state.serves:
                return
            if self._clock() >= until:
                raise LvsdError("; ".join(state.reasons) or "lvsd is not ready")
            await asyncio.sleep(0.05)

    async def set_role(self, role: str) -> None:
        """Tell the daemon its role, `active` or `standby`; one that starts later hears it from the poll."""
        self._role = role
        if self._pid:
            await self._tell_role()

    async def reload(self) -> None:
        """Have the daemon load the accepted file. Raises LvsdError when it does not answer or refuses."""
        if not self._pid:
            return
        asked = (self._pid, self.meaning)
        self._reload_at = self._clock() + RELOAD_LIMIT_S
        try:
            await ask_async(self._socket, "reload", {}, RELOAD_LIMIT_S)
        except Refused as error:
            self._reloaded = asked
            raise LvsdError(str(error)) from error
        except NoAnswer as error:
            raise LvsdError(str(error)) from error
        self._reloaded = asked

    async def stop(self) -> None:
        """End the daemon, which removes its table, and wait for that. Does nothing when there is none."""
        self._wanted.clear()
        async with self._starting:  # one that is just being started has no lock yet
            pid = self._child.pid if self._child is not None else self._pid or lock_holder(self._lock)
        if pid is None:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            async with asyncio.timeout(STOP_LIMIT_S):
                await ended(descriptor)
        except TimeoutError:
            cause = f"still there {STOP_LIMIT_S:g} s after SIGTERM"
            self._tell("lvsd does not end: killing it", cause=cause, facts=(("table", "stays"),), level=Level.ERROR)
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)

    async def _run_once(self) -> None:
        """Adopt or start the daemon, then wait for its death."""
        async with self._starting:
            if not self._wanted.is_set():
                return
            pid = lock_holder(self._lock)
            if pid is not None:
                self._tell("adopting a running lvsd", facts=(("pid", str(pid)),))
            else:
                self._child = await asyncio.to_thread(_start, self._command)
                pid = self._child.pid
                self._tell("starting virtual service/nanny daemons", facts=(("pid", str(pid)),))
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self._pid, self._descriptor = pid, descriptor
        self._watchdog.watch(self._clock())
        try:
            await ended(descriptor)
        finally:
            os.close(descriptor)
            self._pid, self._descriptor = 0, -1
        self._tell_end(pid)

    def _tell_end(self, pid: int) -> None:
        wanted = self._wanted.is_set()
        level = Level.ERROR if wanted else Level.INFO
        if self._child is None or self._child.pid != pid:
            self._tell("lvsd ended", facts=(("pid", str(pid)),), level=level)
            return
        status = self._child.wait()
        self._child = None
        how = f"exited with status {status}" if status >= 0 else f"terminated with signal {-status}"
        self._tell(f"Child process {pid} {how}", cause=f"lvsd {how}", level=level)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S if self.state.ready else IMPATIENT_POLL_S)
            if self._pid:
                await self._ask_state()

    async def _ask_state(self) -> LvsdState:
        pid = self._pid
        if not pid:
            return self._set(LvsdState(asked_at_s=self._clock()))
        asked_at = self._clock()
        answer: Mapping[str, object] | NoAnswer
        try:
            answer = await ask_async(self._socket, "status", {"brief": True}, self._watchdog.patience.question_s)
        except Refused as error:
            answer = {"not_ready": [f"lvsd does not say how it is: {error}"]}
        except NoAnswer as error:
            answer = error
        now = self._clock()
        if self._pid != pid:
            return self.state
        if isinstance(answer, NoAnswer):
            self._judge_silence(asked_at, now, listens=not isinstance(answer, NobodyListens))
            return self._set(LvsdState(pid=pid, reasons=("lvsd does not answer",), asked_at_s=now))
        self._watchdog.answered(now)
        state = _state(answer, pid, now)
        if self._role and state.role != self._role:
            await self._tell_role()
        if self.meaning and state.meaning not in ("", self.meaning):
            await self._catch_up(pid)
        other = state.version not in ("", __version__)
        if other and state.ready and self._child is None and self._renewed != pid:
            await self._renew(state.version)
        return self._set(state)

    async def _catch_up(self, pid: int) -> None:
        """Have a daemon load the file in force that has another: adopted after the file changed, or too busy then."""
        now = self._clock()
        if self._reloaded == (pid, self.meaning) or now < self._reload_at:
            return
        self._tell("lvsd has another file in force: having it reload", facts=(("pid", str(pid)),))
        with contextlib.suppress(LvsdError):  # it says why itself
            await self.reload()

    async def _renew(self, version: str) -> None:
        """Restart an adopted daemon of another version, once it is ready; its table stays, and ours adopts it."""
        try:
            await ask_async(self._socket, "prepare_restart", {}, ASK_TIMEOUT_S)
        except (NoAnswer, Refused):
            return  # without the table it must not end
        self._renewed = self._pid  # not once more while it ends
        facts = (("pid", str(self._pid)), ("was", version), ("is", __version__))
        self._tell("restarting lvsd: it is of another version", facts=facts)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)

    def _judge_silence(self, asked_at: float, now: float, *, listens: bool) -> None:
        """End a daemon that answers no more; its table stays, and the next one adopts it."""
        if not self._wanted.is_set():
            return  # it is ending
        patience = self._watchdog.patience
        due_s = POLL_S + patience.question_s
        cause = self._watchdog.silent(asked_at, now, due_s=due_s, listens=listens, condition=condition_of(self._pid))
        if cause:
            rule = f"no answer for {patience.rest_s:g} s, {patience.work_s:g} s while it starts or works"
            facts = (("pid", str(self._pid)),)
            self._tell("lvsd does not answer: killing it", rule=rule, cause=cause, facts=facts, level=Level.ERROR)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    async def _tell_role(self) -> None:
        # One that does not listen hears it with the next question.
        with contextlib.suppress(NoAnswer, Refused):
            await ask_async(self._socket, "role", {"role": self._role}, ASK_TIMEOUT_S)

    def _set(self, state: LvsdState) -> LvsdState:
        before, self.state = self.state, state
        if replace(before, role=state.role, asked_at_s=state.asked_at_s) != state:
            self._on_state(state)
        return state

    def _tell(
        self,
        message: str,
        *,
        rule: str = "",
        cause: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        level: Level = Level.INFO,
    ) -> None:
        now = self._clock()
        self._on_event(
            Event(when_s=now, subject="lvsd", message=message, rule=rule, cause=cause, facts=facts, level=level)
        )


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def _state(answer: Mapping[str, object], pid: int, now: float) -> LvsdState:
    reasons = answer.get("not_ready")
    generation = answer.get("generation")
    return LvsdState(
        pid=pid,
        ready=answer.get("ready") is True,
        serves=answer.get("serving") is True,
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
        generation=generation if isinstance(generation, int) else 0,
        role=str(answer.get("role", "")),
        meaning=str(answer.get("meaning", "")),
        version=str(answer.get("version", "")),
        asked_at_s=now,
    )
