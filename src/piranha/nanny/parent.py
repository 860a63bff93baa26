"""Shell: the nanny parent: one process that forks the nannies, gives them work, replaces the dead.

Started by the lvs daemon as `python -m piranha.nanny.parent FD …` with one end of a socket pair;
ends when the other end closes. Becomes `script_user` and gives up every capability but CAP_NET_RAW,
which each nanny gives up too, since no check of today needs it.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import NoReturn

from piranha.control.messages import BadMessage
from piranha.events.event import Level
from piranha.nanny.birth import be_a_nanny, warm_up
from piranha.nanny.channel import Channel
from piranha.nanny.placement import Placement
from piranha.nanny.privilege import (
    CAP_NET_RAW,
    adopt_orphans,
    become,
    children_of,
    die_with_parent,
    keep_capabilities,
    name_process,
)
from piranha.nanny.probes.base import Watch, Watcher
from piranha.nanny.protocol import (
    Alive,
    Assign,
    Believe,
    Forget,
    Said,
    read_downward,
    to_object,
)
from piranha.nanny.results import Assignment
from piranha.nanny.worker import work

FIRST_BACK_OFF_S = 0.1
LONGEST_BACK_OFF_S = 5.0
GOOD_AFTER_S = 10.0  # a nanny that lived so long is started again at once
STARTS_WITHIN_S = 10.0  # a nanny with many checks on a machine under load, before its first word
END_WITHIN_S = 1.0
SWEEPS = 5  # ticks after the death of a nanny in which its orphans are looked for


class Nanny(Watcher):
    """One nanny as its parent sees it. heard_s: when it last said anything."""

    def __init__(self, number: int, pid: int, connection: socket.socket, parent: "Parent", now: float) -> None:
        self.number = number
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.channel = Channel(connection)
        self.started_s = self.heard_s = now
        self.spoke = self.frozen = False
        self.retired_s: float | None = None  # when it lost its last check
        self._parent = parent

    def patience_s(self, interval_s: float) -> float:
        """Return how long it may say nothing; interval_s: how often it should."""
        return 3 * interval_s if self.spoke else max(3 * interval_s, STARTS_WITHIN_S)

    def ready(self, fd: int, events: int, now: float) -> None:
        """It says something, reads again, or ended."""
        if fd == self.pidfd:
            self._parent.reap(now)
            return
        if events & select.EPOLLOUT:
            self.channel.flush()
        if events & ~select.EPOLLOUT:
            self.hear(now)

    def hear(self, now: float) -> None:
        """Pass on what it said."""
        try:
            lines = self.channel.receive_lines()
        except BadMessage:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            return
        if lines:
            self.heard_s, self.spoke = now, True
        for line in lines:
            self._parent.up.send_line(line + b"\n")
        if self.channel.closed:
            # It is about to end; the pidfd says when.
            self._parent.watch.drop(self.channel.fileno())


class Parent(Watcher):
    """Keeps as many nannies as there is work for; passes messages both ways."""

    def __init__(self, up: Channel, placement: Placement, *, processes: int, interval_s: float) -> None:
        self.up = up
        self.watch = Watch()
        self._placement = placement
        self._processes = processes
        self._interval_s = interval_s
        self._assignments: dict[str, Assignment] = {}
        self._nannies: dict[int, Nanny] = {}
        self._dying: dict[int, Nanny] = {}  # by pid: retired, not yet ended
        self._back_off: dict[int, tuple[float, float]] = {}  # by number: when to start, the pause after that
        self._writing: set[int] = set()
        self._sweeps = 0
        self._shown_s = 0.0
        self.watch.add(up.fileno(), select.EPOLLIN, self)

    def run(self) -> None:
        """Work until the lvs daemon is gone."""
        tick_at = time.monotonic()
        try:
            while not self.up.closed:
                now = time.monotonic()
                for owner, fd, events in self.watch.wait(self._wake_at(tick_at) - now):
                    if self.watch.is_owner(fd, owner):
                        owner.ready(fd, events, time.monotonic())
                now = time.monotonic()
                self._start_due(now)
                if now >= tick_at:
                    # Who was stopped himself must not take his own pause for the silence of others.
                    self._tick(now, stalled=now - tick_at > self._interval_s)
                    tick_at = now + self._interval_s
                self._watch_writing()
        finally:
            self._end()

    def ready(self, fd: int, events: int, now: float) -> None:
        """The lvs daemon says something, or reads again."""
        if events & select.EPOLLOUT:
            self.up.flush()
        if events & ~select.EPOLLOUT:
            try:
                # Everything that is there: nannies are started after it, and have it from the start.
                while messages := self.up.receive():
                    for message in messages:
                        self._obey(message, now)
                        self._show_life()
            except BadMessage:
                self.up.close()

    def reap(self, now: float) -> None:
        """Take note of every child that ended, adopted orphans included."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                nanny = self._dying.pop(pid, None) or next((n for n in self._nannies.values() if n.pid == pid), None)
                if nanny is not None:
                    self._bury(nanny, status, now)

    def _obey(self, message: object, now: float) -> None:
        match read_downward(message):
            case Assign(assignments):
                self._assign(assignments, now)
            case Forget(ids):
                self._forget(ids)
            case Believe(check_id, up):
                assignment = self._assignments.get(check_id)
                if assignment is not None:
                    self._assignments[check_id] = replace(assignment, believed_up=up)
                    self._tell(self._placement.where(check_id), Believe(check_id, up))

    def _assign(self, assignments: tuple[Assignment, ...], now: float) -> None:
        work_of: dict[int, list[Assignment]] = {}
        for assignment in assignments:
            before = self._placement.where(assignment.id)
            number = self._placement.place(assignment)
            if before is not None and before != number:
                self._tell(before, Forget((assignment.id,)))
            self._assignments[assignment.id] = assignment
            work_of.setdefault(number, []).append(assignment)
        for number, items in work_of.items():
            if number in self._nannies:
                self._tell(number, Assign(tuple(items)))
            else:
                self._back_off.setdefault(number, (now, FIRST_BACK_OFF_S))
        self._retire_idle()

    def _forget(self, ids: tuple[str, ...]) -> None:
        for check_id in ids:
            self._assignments.pop(check_id, None)
            number = self._placement.forget(check_id)
            self._tell(number, Forget((check_id,)))
        self._retire_idle()

    def _retire_idle(self) -> None:
        for number, nanny in tuple(self._nannies.items()):
            if not self._placement.checks_of(number):
                nanny.retired_s = time.monotonic()
                del self._nannies[number]
                self._dying[nanny.pid] = nanny
                self._close(nanny)
        for number in tuple(self._back_off):
            if not self._placement.checks_of(number):
                del self._back_off[number]

    def _tell(self, number: int | None, message: Assign | Forget | Believe) -> None:
        nanny = self._nannies.get(number) if number is not None else None
        if nanny is not None:
            nanny.channel.send(to_object(message), must_arrive=True)

    def _start(self, number: int, now: float) -> None:
        try:
            ours, theirs = socket.socketpair()
            me = os.getpid()
            pid = os.fork()
        except OSError as error:
            self._back_off[number] = (now + LONGEST_BACK_OFF_S, LONGEST_BACK_OFF_S)
            self._say(Said("nanny cannot be started", error.strerror or str(error), Level.ERROR, failure=True))
            return
        if pid == 0:
            # With what is believed now: a nanny that was started again goes on where the last one was.
            items = [self._assignments[check_id] for check_id in sorted(self._placement.checks_of(number))]
            offset, limit = number / self._processes, self._placement.program_limit
            run = partial(work, theirs, items, offset=offset, program_limit=limit, interval_s=self._interval_s)
            be_a_nanny(me, theirs, run)
        theirs.close()
        nanny = Nanny(number, pid, ours, self, now)
        self._nannies[number] = nanny
        self.watch.add(nanny.pidfd, select.EPOLLIN, nanny)
        self.watch.add(nanny.channel.fileno(), select.EPOLLIN, nanny)

    def _start_due(self, now: float) -> None:
        for number, (at, _) in tuple(self._back_off.items()):
            if now >= at and number not in self._nannies:
                self._start(number, now)
                self._show_life()

    def _bury(self, nanny: Nanny, status: int, now: float) -> None:
        if not nanny.channel.closed:
            nanny.hear(now)  # its last words
        self._close(nanny)
        self.watch.drop(nanny.pidfd)
        os.close(nanny.pidfd)
        # What its programs leave behind becomes ours one after the other, as each of them dies.
        self._sweeps = SWEEPS
        self._sweep()
        if nanny.retired_s is not None:
            return
        del self._nannies[nanny.number]
        pause = FIRST_BACK_OFF_S
        if now - nanny.started_s < GOOD_AFTER_S:
            pause = min(LONGEST_BACK_OFF_S, self._back_off.get(nanny.number, (0.0, FIRST_BACK_OFF_S))[1] * 2)
        self._back_off[nanny.number] = (now + pause - FIRST_BACK_OFF_S, pause)
        code = os.waitstatus_to_exitcode(status)
        cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        if nanny.frozen:
            cause = f"said nothing for {nanny.patience_s(self._interval_s):g} s and was killed"
        checks = self._placement.checks_of(nanny.number)
        words = ", ".join(sorted(checks)[:3]) + (f" and {len(checks) - 3} more" if len(checks) > 3 else "")
        self._say(Said(f"nanny for child {words} died! It is started again", cause, Level.WARNING, failure=True))

    def _sweep(self) -> None:
        """Kill what a dead nanny's programs left behind: nobody else would end it."""
        known = {nanny.pid for nanny in self._nannies.values()} | set(self._dying)
        for pid in children_of(os.getpid()):
            if pid not in known:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def _tick(self, now: float, *, stalled: bool) -> None:
        self.reap(now)
        if self._sweeps > 0:
            self._sweeps -= 1
            self._sweep()
        self._show_life()
        for nanny in self._nannies.values():
            if stalled:
                nanny.heard_s = now
            elif now - nanny.heard_s > nanny.patience_s(self._interval_s) and not nanny.frozen:
                nanny.frozen = True
                signal.pidfd_send_signal(nanny.pidfd, signal.SIGKILL)
        for nanny in self._dying.values():
            if nanny.retired_s is not None and now - nanny.retired_s > END_WITHIN_S:
                signal.pidfd_send_signal(nanny.pidfd, signal.SIGKILL)

    def _show_life(self) -> None:
        """Tell the lvs daemon that we live: a slow machine takes a while to take in all work and start all nannies."""
        now = time.monotonic()
        if now >= self._shown_s + self._interval_s / 2:
            self._shown_s = now
            self.up.send(to_object(Alive(len(self._nannies))))

    def _wake_at(self, tick_at: float) -> float:
        return min([tick_at, *(at for number, (at, _) in self._back_off.items() if number not in self._nannies)])

    def _watch_writing(self) -> None:
        for channel in (self.up, *(nanny.channel for nanny in self._nannies.values())):
            fd = channel.fileno()
            if channel.closed or (channel.unsent > 0) is (fd in self._writing):
                continue
            self._writing ^= {fd}
            with suppress(FileNotFoundError):
                self.watch.modify(fd, select.EPOLLIN | (select.EPOLLOUT if channel.unsent else 0))

    def _say(self, said: Said) -> None:
        self.up.send(to_object(said))

    def _close(self, nanny: Nanny) -> None:
        if nanny.channel.fileno() >= 0:
            self._writing.discard(nanny.channel.fileno())
            self.watch.drop(nanny.channel.fileno())
            nanny.channel.close()

    def _end(self) -> None:
        """End all nannies and what they started: first by closing, then by force."""
        nannies = [*self._nannies.values(), *self._dying.values()]
        for nanny in nannies:
            self._close(nanny)
        patience_until = time.monotonic() + END_WITHIN_S
        for nanny in nannies:
            left_s = max(0.0, patience_until - time.monotonic())
            if not select.select([nanny.pidfd], [], [], left_s)[0]:
                signal.pidfd_send_signal(nanny.pidfd, signal.SIGKILL)
        self._nannies.clear()
        self._dying.clear()
        self._sweep()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main(argv: Sequence[str]) -> int:
    """Run the nanny parent. argv: descriptor of one end of a socket pair, `nanny_processes`,
    `script_limit`, `script_user`, seconds between two signs of life; from `lvsd`, not from people.
    """
    fd, processes, script_limit, user, interval_s = argv
    starter = os.getppid()
    # Handlers, not SIG_IGN: check programs would inherit that. The lvs daemon is the one who decides.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, _leave)
    up = Channel(socket.socket(fileno=int(fd)))
    problem = become(user)
    if problem is not None:
        said = Said("nannies and check programs keep running as the lvs daemon's user", problem, Level.WARNING)
        up.send(to_object(said))
    keep_capabilities(1 << CAP_NET_RAW)
    adopt_orphans()
    name_process("nanny-parent")
    # A process group of our own: when whoever started it dies while members are stopped, the kernel
    # wakes them (setpgid(2), orphaned process groups), and they obey the signal that tells of it.
    os.setpgid(0, 0)
    die_with_parent(starter, signal.SIGTERM)
    placement = Placement(int(processes), int(script_limit))
    warm_up()
    # What exists now is shared with every nanny; without this their first collection would copy it all.
    gc.collect()
    gc.freeze()
    Parent(up, placement, processes=max(1, int(processes)), interval_s=float(interval_s)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
