"""Shell: a process forked before everything else, which does what the heartbeat must not wait for.

It is a fork of a process without loop, threads and sockets, so it is small and has all the rights
that `pulse` started with; `pulse` itself keeps only what it needs. It ends when `pulse` does.
"""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from piranha.errors import PiranhaError

HIGHEST_DESCRIPTOR = 1024  # few are open so early

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class ForkedGone(PiranhaError):
    """The process ended; what it was asked for was perhaps begun."""


class Forked(Generic[Question, Answer]):
    """Answers questions one after the other by calling `work` in a process of its own.

    Make it before loop and threads exist. Questions and answers are values that can be pickled; an
    answer may be an exception that `work` raised, which `ask` then raises.
    """

    def __init__(self, name: str, work: Callable[[Question], Answer]) -> None:
        self._name = name
        self._near, far = multiprocessing.Pipe()
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._child = os.fork()
        if self._child == 0:
            self._near.close()
            _serve(far, work)
        far.close()

    async def ask(self, question: Question) -> Answer:
        """Return what `work(question)` returns. Raises what it raised, or ForkedGone.

        The question is handed over at once, so that it is carried out even if nobody waits for the answer.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._near.fileno(), self._read)
        self._asked += 1
        number = self._asked
        try:
            self._near.send((number, question))
        except OSError as error:
            raise self._gone() from error
        self._waiting[number] = self._loop.create_future()
        try:
            return await self._waiting[number]
        finally:
            self._waiting.pop(number, None)

    def _read(self) -> None:
        try:
            number, answer = self._near.recv()
        except (EOFError, OSError):
            self._hang_up()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(self._gone())
            return
        future = self._waiting.get(number)
        if future is None or future.done():
            return
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _gone(self) -> ForkedGone:
        return ForkedGone(f"the helper process for {self._name} has ended")

    def _hang_up(self) -> None:
        if self._loop is not None and not self._near.closed:
            self._loop.remove_reader(self._near.fileno())
        self._near.close()

    def close(self) -> None:
        """Hang up; the process ends when it has done what it was asked for."""
        self._hang_up()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._child, os.WNOHANG)


def _serve(far: "multiprocessing.connection.Connection[Any, Any]", work: Callable[[Any], Any]) -> None:
    # A signal to the process group is meant for pulse, which then hangs up.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Above all the lock of pulse: it must be free as soon as pulse is dead, whatever runs here.
    os.closerange(3, far.fileno())
    os.closerange(far.fileno() + 1, HIGHEST_DESCRIPTOR)
    status = 0
    try:
        while True:
            number, question = far.recv()
            try:
                answer = work(question)
            except Exception as error:
                answer = error
            with contextlib.suppress(BrokenPipeError):
                far.send((number, answer))
    except (EOFError, OSError):
        pass
    except BaseException:
        status = 1
    finally:
        os._exit(status)
