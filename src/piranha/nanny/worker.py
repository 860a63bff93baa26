"""Shell: one nanny: takes assignments from the nanny parent, runs them, reports."""

import os
import select
import socket
import time
from collections.abc import Sequence

from piranha.control.messages import BadMessage
from piranha.nanny.channel import Channel
from piranha.nanny.engine import Engine
from piranha.nanny.probes.base import Watcher
from piranha.nanny.protocol import (
    Assign,
    Believe,
    Forget,
    Results,
    Summary,
    batches,
    read_downward,
    to_object,
)
from piranha.nanny.results import Assignment, ProbeResult


class Worker(Watcher):
    """The loop of one nanny.

    A result goes up at once when it differs from the one before or from what is believed; others
    wait for the summary every `interval_s`. Ends when the parent closes the connection, or sends what is no message.
    """

    def __init__(
        self,
        connection: socket.socket,
        assignments: Sequence[Assignment],
        *,
        offset: float,
        program_limit: int,
        interval_s: float,
    ) -> None:
        self._channel = Channel(connection)
        self._engine = Engine(offset=offset, program_limit=program_limit)
        self._engine.watch.add(self._channel.fileno(), select.EPOLLIN, self)
        self._interval_s = interval_s
        self._writing = False
        self._reported: dict[str, ProbeResult] = {}
        self._latest: dict[str, ProbeResult] = {}
        self._finished = 0
        for assignment in assignments:
            self._engine.assign(assignment)

    def run(self) -> None:
        """Work until the parent is gone."""
        summary_at = time.monotonic() + self._interval_s
        try:
            while not self._channel.closed:
                self._report(self._engine.turn(summary_at))
                now = time.monotonic()
                if now >= summary_at:
                    self._summarise()
                    summary_at = max(summary_at + self._interval_s, now)
                self._watch_writing()
        finally:
            self._engine.close()

    def ready(self, fd: int, events: int, now: float) -> None:
        """The parent says something, or reads again."""
        if events & select.EPOLLOUT:
            self._channel.flush()
        if events & ~select.EPOLLOUT:
            try:
                for message in self._channel.receive():
                    self._obey(message)
            except BadMessage:
                self._channel.close()

    def _obey(self, message: object) -> None:
        match read_downward(message):
            case Assign(assignments):
                for assignment in assignments:
                    self._engine.assign(assignment)
            case Forget(ids):
                for check_id in ids:
                    self._engine.forget(check_id)
                    self._reported.pop(check_id, None)
                    self._latest.pop(check_id, None)
            case Believe(check_id, up):
                self._engine.believe(check_id, up)

    def _report(self, results: list[ProbeResult]) -> None:
        urgent = []
        for result in results:
            self._finished += 1
            before = self._reported.get(result.id)
            self._reported[result.id] = result
            if (
                before is None
                or (before.reason, before.advice) != (result.reason, result.advice)
                or self._engine.believed_up(result.id) is not result.ok
            ):
                urgent.append(result)
                self._latest.pop(result.id, None)
            else:
                self._latest[result.id] = result
        for batch in batches(urgent):
            self._channel.send(to_object(Results(batch)))

    def _summarise(self) -> None:
        groups = list(batches(list(self._latest.values()))) or [()]
        late_ms = self._engine.take_late() * 1000
        for group in groups:
            summary = Summary(os.getpid(), self._finished, late_ms, self._channel.lost, group)
            self._channel.send(to_object(summary))
            self._finished = 0
        self._latest.clear()

    def _watch_writing(self) -> None:
        wanted = self._channel.unsent > 0 and not self._channel.closed
        if wanted is not self._writing and not self._channel.closed:
            self._writing = wanted
            self._engine.watch.modify(self._channel.fileno(), select.EPOLLIN | (select.EPOLLOUT if wanted else 0))


def work(
    connection: socket.socket,
    assignments: Sequence[Assignment],
    *,
    offset: float,
    program_limit: int,
    interval_s: float,
) -> None:
    """Be a nanny until `connection` ends. assignments: what to begin with."""
    Worker(connection, assignments, offset=offset, program_limit=program_limit, interval_s=interval_s).run()
