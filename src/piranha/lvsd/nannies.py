"""Shell: the nanny parent as the lvs daemon sees it: assignments go out, results come in.

The nanny parent is started by a fresh exec, the first time as after each death: one path, and it
starts without the loop, threads, sockets and privilege of `lvsd`. Neither its death nor that of a
nanny says anything of a server: nothing is reported then, and health stays as it was.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from piranha.control.messages import BadMessage
from piranha.events.event import Event, Level
from piranha.lvscf.config import LvsdSettings
from piranha.lvsd.overdue import STARTS_WITHIN_S
from piranha.lvsd.sharing import News, Sharing
from piranha.nanny.channel import Channel
from piranha.nanny.protocol import (
    Alive,
    Assign,
    Believe,
    Downward,
    Forget,
    Results,
    Said,
    Summary,
    batches,
    read_upward,
    to_object,
)
from piranha.nanny.results import SUMMARY_INTERVAL_S, Assignment, ProbeResult

TROUBLE_WITHIN_S = 60.0
TROUBLE_AFTER = 3
TOLD_AT_MOST = 40  # failures that are logged within a minute, each on its own: all nannies once, and some
FIRST_BACK_OFF_S = 0.1
LONGEST_BACK_OFF_S = 5.0
GOOD_AFTER_S = 10.0  # a parent that lived so long is started again at once
END_WITHIN_S = 3.0


class Nannies:
    """Starts the nanny parent and keeps it running; runs in the thread of the event loop.

    on_results: called with results in the order in which they came, from the loop; must not wait.
    on_event: called with each event worth a log line. python: the interpreter that runs nannies. begun_s: since when
    there are nannies, monotonic seconds, None = there were none yet.
    """

    def __init__(
        self,
        settings: LvsdSettings,
        *,
        on_results: Callable[[Sequence[ProbeResult]], None],
        on_event: Callable[[Event], object],
        interval_s: float = SUMMARY_INTERVAL_S,
        python: str = sys.executable,
    ) -> None:
        self._settings = settings
        self._python = python
        self._on_results = on_results
        self._on_event = on_event
        self._interval_s = interval_s
        self._sharing = Sharing(on=settings.share_checks)
        self.begun_s: float | None = None
        self._parent: _Parent | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failures: deque[tuple[float, str]] = deque(maxlen=100)
        self._said_once: set[tuple[str, str]] = set()
        self._restart = asyncio.Event()
        self._back_off_s = FIRST_BACK_OFF_S
        self._untold = 0
        self._untold_from_s = 0.0

    async def start(self) -> None:
        """Start the nanny parent; raises nothing: what fails is an event and is tried again."""
        self._start_parent()
        self._keeper = asyncio.create_task(self._keep())

    def assign(self, assignments: Sequence[Assignment]) -> None:
        """Replace everything to check. What did not change goes on undisturbed."""
        named = {item.id for item in assignments}
        self.reassign([check_id for check_id in self._sharing.ids() if check_id not in named], assignments)

    def reassign(self, gone: Collection[str], assignments: Sequence[Assignment]) -> None:
        """Check `gone` no more, and `assignments` as they say. Everything else goes on undisturbed."""
        self._take_news(self._sharing.reassign(gone, assignments, time.monotonic()))

    def believe(self, check_id: str, up: bool | None) -> None:
        """Tell the nannies what is believed of one server from now on."""
        if (told := self._sharing.believe(check_id, up)) is not None:
            self._tell(Believe(told.id, told.believed_up))

    def with_whom(self, check_id: str) -> tuple[str, ...]:
        """Return the ids of the other checks for which the same run counts (`share_checks`)."""
        return self._sharing.with_whom(check_id)

    async def reconfigure(self, settings: LvsdSettings) -> None:
        """Take over other settings; restarts the nannies when they need it. Health stays."""
        before, self._settings = self._settings, settings
        if before.share_checks != settings.share_checks:
            self._take_news(self._sharing.switch(on=settings.share_checks, now=time.monotonic()))
        if _arguments(before) != _arguments(settings) and self._parent is not None:
            self._say("restarting nannies", cause="nanny_processes, script_user or script_limit changed")
            self._said_once.clear()
            parent, self._parent = self._parent, None
            await parent.end()
            self._start_parent()

    @property
    def trouble(self) -> str | None:
        """Why this router is not ready: nannies failed 3 times within 60 s and `hard_shutdown = 1`."""
        recent = [cause for at_s, cause in self._failures if time.monotonic() - at_s < TROUBLE_WITHIN_S]
        if not self._settings.hard_shutdown or len(recent) < TROUBLE_AFTER:
            return None
        return f"nannies failed {len(recent)} times within {TROUBLE_WITHIN_S:g} s, last: {recent[-1]}"

    def status(self) -> dict[str, object]:
        """Return what the control verb `status` shows under `nannies`."""
        parent = self._parent
        now = time.monotonic()
        return {
            "pid": parent.pid if parent else None,
            "age_s": round(now - parent.heard_s, 3) if parent and parent.heard_s else None,
            "processes": parent.nannies if parent else 0,
            "checks": len(self._sharing.runs()),
            "asked": len(self._sharing.ids()),
            "finished": parent.finished if parent else 0,
            "late_ms": parent.late_ms if parent else 0.0,
            "failures": sum(now - at_s < TROUBLE_WITHIN_S for at_s, _ in self._failures),
            "trouble": self.trouble,
        }

    async def close(self) -> None:
        """End the nanny parent and everything it started."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        parent, self._parent = self._parent, None
        if parent is not None:
            await parent.end()

    def _start_parent(self) -> None:
        try:
            self._parent = _Parent(self._python, self._settings, self._interval_s, self._hear)
        except OSError as error:
            self._slow_down()
            self._failed("nannies cannot be started", error.strerror or str(error))
            self._restart.set()
            return
        for items in batches(self._sharing.runs()):
            self._tell(Assign(items))

    async def _keep(self) -> None:
        """Look after the parent until cancelled; start it again with back-off."""
        woken_at = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._restart.wait()
            now = time.monotonic()
            stalled, woken_at = now - woken_at > 2 * self._interval_s, now
            if self._parent is not None and not self._parent.ended:
                # Who was stopped himself must not take his own pause for the silence of others.
                self._parent.judge(now, stalled=stalled)
            self._tell_the_rest(now)
            if self._restart.is_set():
                self._restart.clear()
                await asyncio.sleep(self._back_off_s - FIRST_BACK_OFF_S)
                self._start_parent()

    def _hear(self, parent: "_Parent", messages: list[object]) -> None:
        if parent is not self._parent:
            return
        for message in messages:
            try:
                self._take(parent, message)
            except BadMessage as error:
                parent.give_up(f"sent what is no message: {error}")
        if parent.ended:
            if time.monotonic() - parent.started_s > GOOD_AFTER_S:
                self._back_off_s = FIRST_BACK_OFF_S
            else:
                self._slow_down()
            self._parent = None
            self._failed("nanny parent died! It is started again", parent.reap())
            self._restart.set()

    def _slow_down(self) -> None:
        self._back_off_s = min(self._back_off_s * 2, LONGEST_BACK_OFF_S)

    def _take(self, parent: "_Parent", message: object) -> None:
        match read_upward(message):
            case Results(results):
                self._on_results(list(self._sharing.results(results)))
            case Summary() as summary:
                parent.finished += summary.checks
                parent.late_ms = summary.late_ms
                if summary.results:
                    self._on_results(list(self._sharing.results(summary.results)))
            case Alive(nannies):
                parent.nannies = nannies
                if nannies and self.begun_s is None:
                    self.begun_s = time.monotonic()
            case Said(message=message, cause=cause, failure=True):
                self._failed(message, cause)
            case Said() as said:
                # The same complaint again after each start would bury the others.
                if (said.message, said.cause) not in self._said_once:
                    self._said_once.add((said.message, said.cause))
                    self._say(said.message, cause=said.cause, level=said.level)

    def _take_news(self, news: News) -> None:
        for ids in batches(news.gone):
            self._tell(Forget(ids))
        for items in batches(news.assign):
            self._tell(Assign(items))
        if news.answers:
            self._on_results(news.answers)

    def _tell(self, message: Downward) -> None:
        if self._parent is not None:
            self._parent.send(message)

    def _failed(self, message: str, cause: str) -> None:
        before, now = self.trouble, time.monotonic()
        if sum(now - at_s < TROUBLE_WITHIN_S for at_s, _ in self._failures) < TOLD_AT_MOST:
            rule = f"hard_shutdown = {int(self._settings.hard_shutdown)}"
            self._say(message, cause=cause, level=Level.ERROR, rule=rule)
        else:
            self._untold += 1
        self._failures.append((now, f"{message}: {cause}"))
        if before is None and self.trouble is not None:
            rule = f"{TROUBLE_AFTER} failures within {TROUBLE_WITHIN_S:g} s, hard_shutdown = 1"
            self._say("nannies keep failing: this router is not ready", cause=cause, level=Level.ERROR, rule=rule)

    def _tell_the_rest(self, now: float) -> None:
        if not self._untold:
            self._untold_from_s = now
        elif now - self._untold_from_s > TROUBLE_WITHIN_S:
            self._say(f"nannies failed {self._untold} more times", cause=self._failures[-1][1], level=Level.ERROR)
            self._untold, self._untold_from_s = 0, now

    def _say(self, message: str, *, cause: str = "", level: Level = Level.INFO, rule: str = "") -> None:
        event = Event(when_s=time.monotonic(), subject="nanny", message=message, cause=cause, level=level, rule=rule)
        self._on_event(event)


class _Parent:
    """One run of the nanny parent. `hear` is called with messages, and with none when it ended."""

    def __init__(
        self,
        python: str,
        settings: LvsdSettings,
        interval_s: float,
        hear: Callable[["_Parent", list[object]], None],
    ) -> None:
        """Raises OSError when this machine cannot start a process."""
        self._loop = asyncio.get_running_loop()
        self._hear = hear
        self._interval_s = interval_s
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        try:
            self._process = subprocess.Popen(
                [
                    *(python, "-m", "piranha.nanny.parent", str(theirs.fileno())),
                    *_arguments(settings),
                    str(interval_s),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        self.started_s = time.monotonic()
        self.heard_s = 0.0
        self.ended = False
        self.nannies = 0
        self.finished = 0
        self.late_ms = 0.0
        self._cause = ""
        self._writing = False
        self._loop.add_reader(self._channel.fileno(), self._readable)

    def send(self, message: Downward) -> None:
        """Queue one message; it must arrive, since nothing repeats it."""
        if not self.ended:
            self._channel.send(to_object(message), must_arrive=True)
            self._watch_writing()

    def judge(self, now: float, *, stalled: bool) -> None:
        """Give it up when it said nothing for three intervals."""
        if stalled:
            self.heard_s = max(self.heard_s, now) if self.heard_s else 0.0
        limit_s = 3 * self._interval_s
        if self.heard_s and now - self.heard_s > limit_s:
            self.give_up(f"said nothing for {limit_s:g} s and was killed")
        elif not self.heard_s and now - self.started_s > STARTS_WITHIN_S:
            self.give_up(f"said nothing for {STARTS_WITHIN_S:g} s after its start and was killed")

    def give_up(self, cause: str) -> None:
        """Kill it; its end is heard as any other."""
        self._cause = self._cause or cause
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def reap(self) -> str:
        """Take note of its end; return the cause in words."""
        self._close()
        try:
            # The connection of a process ends a moment before the process does.
            status = self._process.wait(0.1)
        except subprocess.TimeoutExpired:
            self.give_up("closed the connection and was killed")
            status = self._process.wait()
        if self._cause:
            return self._cause
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    async def end(self) -> None:
        """Close the connection, which ends it and all nannies; kill it when that takes too long."""
        self._close()
        try:
            await asyncio.to_thread(self._process.wait, END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _readable(self) -> None:
        try:
            messages = self._channel.receive()
        except BadMessage as error:
            self.give_up(f"sent what is no message: {error}")
            messages = []
            self._channel.closed = True
        if messages:
            self.heard_s = time.monotonic()
        self.ended = self._channel.closed
        if messages or self.ended:
            self._hear(self, messages)
        if self.ended:
            self._close()

    def _writable(self) -> None:
        self._channel.flush()
        self._watch_writing()

    def _watch_writing(self) -> None:
        wanted = self._channel.unsent > 0 and not self.ended
        if wanted and not self._writing:
            self._loop.add_writer(self._channel.fileno(), self._writable)
        elif self._writing and not wanted and self._channel.fileno() >= 0:
            self._loop.remove_writer(self._channel.fileno())
        self._writing = wanted

    def _close(self) -> None:
        self.ended = True
        if self._channel.fileno() >= 0:
            self._loop.remove_reader(self._channel.fileno())
            self._loop.remove_writer(self._channel.fileno())
            self._channel.close()


def _arguments(settings: LvsdSettings) -> list[str]:
    return [str(settings.nanny_processes), str(settings.script_limit), settings.script_user]
