"""Shell: an external check: a program without a shell, in a process group of its own.

The whole group is killed at the time limit, and what is left of it when the program has ended.
"""

import errno
import os
import select
import signal
from contextlib import suppress

from piranha.lvscf.check_values import Program
from piranha.lvscf.ere import BadExpression
from piranha.nanny.expect import MAX_OUTPUT, advised, difference, output_matches, quoted, search_for
from piranha.nanny.probes.base import Probe, Watch, Watcher
from piranha.nanny.probes.search import OutsideSearch, linear
from piranha.nanny.probes.spawn import Spawned, spawn
from piranha.nanny.results import Assignment, Reason

MAX_COMPLAINT = 200  # bytes of stderr kept for the reason
READ_SIZE = 16 * 1024
PIPE_SIZE = 64 * 1024  # pipe(7), unless somebody asked for more
_OUT_OF = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class ProgramProbe(Probe):
    """Phases: run."""

    def __init__(self, assignment: Assignment, check: Program, watch: Watch) -> None:
        super().__init__(assignment, watch)
        self._check = check
        self._running: Spawned | None = None
        self._output = bytearray()
        self._complaint = bytearray()
        self._search: OutsideSearch | None = None

    def start(self, now: float) -> None:
        """Start the program."""
        try:
            self._running = spawned = spawn(command_line(self._check, self.assignment))
        except (OSError, ValueError) as error:
            code = error.errno if isinstance(error, OSError) else None
            if code in _OUT_OF:
                self.failed("program", code or 0)
            else:
                words = os.strerror(code) if code else str(error)
                self.end(Reason.PROGRAM_FAILED, f"program: {self._check.command[0]} cannot be run: {words}")
            return
        for fd in spawned[1:]:
            self.watch.add(fd, select.EPOLLIN, self)

    def ready(self, fd: int, events: int, now: float) -> None:
        """Read what the program says, or see that it ended."""
        running = self._running
        if running is None or self.outcome is not None:
            return
        if fd == running.pidfd:
            # Still a zombie: its number is its group's, and nobody else's.
            _kill_group(running.pid)
            self._read(running.output, self._output, MAX_OUTPUT + 1)
            self._read(running.complaint, self._complaint, MAX_COMPLAINT)
            self._let_go(running)
            _, status = os.waitpid(running.pid, 0)
            self._judge(os.waitstatus_to_exitcode(status), now)
        elif fd == running.output:
            self._read(fd, self._output, MAX_OUTPUT + 1)
        else:
            self._read(fd, self._complaint, MAX_COMPLAINT)

    def expire(self, now: float) -> None:
        """Kill the whole group."""
        if self._search is not None:
            self.end(Reason.MISMATCH, "program: the search for expect took too long")
            return
        limit_ms = self.assignment.timing.check_timeout_s * 1000
        self.end(Reason.TIMEOUT, f"program: not finished in {limit_ms:.0f} ms, killed{self._said()}")

    def close(self) -> None:
        """End the program and everything it started."""
        if self._search is not None:
            self._search.close()
            self._search = None
        running = self._running
        if running is None:
            return
        _kill_group(running.pid)
        # It may take a while to die (an unfinished disk operation); nobody waits for that.
        corpse = _Corpse(running.pid, os.dup(running.pidfd), self.watch)
        self._let_go(running)
        corpse.bury()

    def _read(self, fd: int, kept: bytearray, limit: int) -> None:
        # At most a full pipe: whoever writes without end must not keep this nanny from its other checks.
        with suppress(BlockingIOError):
            for _ in range(PIPE_SIZE // READ_SIZE):
                data = os.read(fd, READ_SIZE)
                kept += data[: limit - len(kept)]
                if not data:
                    self.watch.drop(fd)
                    return

    def _let_go(self, running: Spawned) -> None:
        self._running = None
        for fd in running[1:]:
            self.watch.drop(fd)
            os.close(fd)

    def _judge(self, status: int, now: float) -> None:
        self.passed("run", now)
        self.advice, words = advised(self._check.weight_from, status, bytes(self._output))
        if status != 0 and self.advice is None and self._check.honour_status:
            ended = f"exit status {status}" if status > 0 else f"killed by {signal.Signals(-status).name}"
            self.end(Reason.PROGRAM_FAILED, f"program: {ended}{self._said()}")
        elif self._check.expect is None:
            self.end(Reason.OK, f"program: exit status {status}{words}")
        elif len(self._output) > MAX_OUTPUT and not self._check.expect.regex:
            self.end(Reason.MISMATCH, f"program: more than {MAX_OUTPUT} bytes of output")
        elif self._check.expect.regex:
            self._look(self._check.expect.text, bytes(self._output[:MAX_OUTPUT]), now)
        else:
            self._conclude(output_matches(self._check.expect, bytes(self._output)), now)

    def _look(self, expression: bytes, output: bytes, now: float) -> None:
        try:
            search = search_for(expression)
        except BadExpression as error:
            self.end(Reason.ERROR, f"expect is no regular expression: {error}")
            return
        inside = search.found if search.cheap(len(output)) else linear(search.expression.linear)
        if inside is not None:
            self._conclude(bool(inside(output)), now)
            return
        try:
            self._search = OutsideSearch(search, output, self.watch, self._conclude)
        except OSError as error:
            self.failed("search", error.errno or 0)

    def _conclude(self, found: bool | None, now: float) -> None:
        self._search = None
        if found is None:
            self.end(Reason.ERROR, "program: the search for expect was killed")
        elif found:
            self.end(Reason.OK, f"program: output as expected{f', {self.advice}' if self.advice else ''}")
        elif self._check.expect is not None:
            self.end(Reason.MISMATCH, f"program: {difference(self._check.expect, bytes(self._output))}{self._said()}")

    def _said(self) -> str:
        return f"; it said {quoted(bytes(self._complaint).strip(), MAX_COMPLAINT)}" if self._complaint.strip() else ""


class _Corpse(Watcher):
    """A killed program that has still to be reaped."""

    def __init__(self, pid: int, pidfd: int, watch: Watch) -> None:
        self._pid = pid
        self._pidfd = pidfd
        self._watch = watch
        watch.add(pidfd, select.EPOLLIN, self)

    def bury(self) -> None:
        """Reap it, if it is dead by now."""
        if os.waitpid(self._pid, os.WNOHANG)[0]:
            self._watch.drop(self._pidfd)
            os.close(self._pidfd)

    def ready(self, fd: int, events: int, now: float) -> None:
        """It is dead now."""
        self.bury()


def command_line(check: Program, assignment: Assignment) -> list[str]:
    """Return the words of the command with `%h` and `%p` replaced, inside words too."""
    address, port = str(assignment.address), str(assignment.port)
    return [word.replace("%h", address).replace("%p", port) for word in check.command]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
