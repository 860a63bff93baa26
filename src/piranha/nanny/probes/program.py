"""Shell: an external check: a program without a shell, in a process group of its own.

The whole group is killed at the time limit, and what is left of it when the program has ended.
"""

import errno
import os
import select
import signal
import subprocess
from contextlib import suppress

from piranha.lvscf.config import Program
from piranha.lvscf.ere import BadExpression
from piranha.nanny.expect import MAX_OUTPUT, difference, output_matches, quoted, search_for
from piranha.nanny.privilege import die_with_parent
from piranha.nanny.probes.base import Probe, Watch, Watcher
from piranha.nanny.probes.search import OutsideSearch, linear
from piranha.nanny.results import Assignment, Reason

MAX_COMPLAINT = 200  # bytes of stderr kept for the reason
READ_SIZE = 16 * 1024
_OUT_OF = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
# What concerns this interpreter says nothing to the program, even if that is written in Python too.
_PRIVATE = ("PYTHONPATH", "PYTHONHOME", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS")


class ProgramProbe(Probe):
    """Phases: run."""

    def __init__(self, assignment: Assignment, check: Program, watch: Watch) -> None:
        super().__init__(assignment, watch)
        self._check = check
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._output = bytearray()
        self._complaint = bytearray()
        self._search: OutsideSearch | None = None

    def start(self, now: float) -> None:
        """Start the program."""
        parent = os.getpid()
        try:
            self._process = process = subprocess.Popen(
                command_line(self._check, self.assignment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={name: value for name, value in os.environ.items() if name not in _PRIVATE},
                process_group=0,
                # A nanny has one thread, so running Python between fork and exec is safe.
                preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509
            )
        except (OSError, ValueError) as error:
            code = error.errno if isinstance(error, OSError) else None
            if code in _OUT_OF:
                self.failed("program", code or 0)
            else:
                words = os.strerror(code) if code else str(error)
                self.end(Reason.PROGRAM_FAILED, f"program: {self._check.command[0]} cannot be run: {words}")
            return
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self.watch.add(stream.fileno(), select.EPOLLIN, self)
        self._pidfd = os.pidfd_open(process.pid)
        self.watch.add(self._pidfd, select.EPOLLIN, self)

    def ready(self, fd: int, events: int, now: float) -> None:
        """Read what the program says, or see that it ended."""
        process = self._process
        if process is None or self.outcome is not None:
            return
        if fd == self._pidfd:
            # Still a zombie: its number is its group's, and nobody else's.
            _kill_group(process.pid)
            self._drain(process)
            self._let_go()
            self._judge(process.wait(), now)
        elif process.stdout is not None and fd == process.stdout.fileno():
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
        process, self._process = self._process, None
        if process is None or self._pidfd < 0:
            return
        _kill_group(process.pid)
        pidfd = self._let_go(keep_pidfd=True)
        # It may take a while to die (an unfinished disk operation); nobody waits for that.
        _Corpse(process, pidfd, self.watch)

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            self._read(process.stdout.fileno(), self._output, MAX_OUTPUT + 1)
        if process.stderr is not None:
            self._read(process.stderr.fileno(), self._complaint, MAX_COMPLAINT)

    def _read(self, fd: int, kept: bytearray, limit: int) -> None:
        try:
            while data := os.read(fd, READ_SIZE):
                kept += data[: limit - len(kept)]
        except BlockingIOError:
            return
        except OSError:
            pass
        self.watch.drop(fd)

    def _let_go(self, *, keep_pidfd: bool = False) -> int:
        process = self._process
        for stream in (process.stdout, process.stderr) if process else ():
            if stream is not None and not stream.closed:
                self.watch.drop(stream.fileno())
                stream.close()
        pidfd, self._pidfd = self._pidfd, -1
        self.watch.drop(pidfd)
        if not keep_pidfd:
            os.close(pidfd)
        return pidfd

    def _judge(self, status: int, now: float) -> None:
        self.passed("run", now)
        if status != 0 and self._check.honour_status:
            ended = f"exit status {status}" if status > 0 else f"killed by {signal.Signals(-status).name}"
            self.end(Reason.PROGRAM_FAILED, f"program: {ended}{self._said()}")
        elif self._check.expect is None:
            self.end(Reason.OK, f"program: exit status {status}")
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
            self.end(Reason.OK, "program: output as expected")
        elif self._check.expect is not None:
            self.end(Reason.MISMATCH, f"program: {difference(self._check.expect, bytes(self._output))}{self._said()}")

    def _said(self) -> str:
        return f"; it said {quoted(bytes(self._complaint).strip(), MAX_COMPLAINT)}" if self._complaint.strip() else ""


class _Corpse(Watcher):
    """A killed program that has still to be reaped."""

    def __init__(self, process: subprocess.Popen[bytes], pidfd: int, watch: Watch) -> None:
        self._process = process
        self._watch = watch
        if process.poll() is not None:
            os.close(pidfd)
        else:
            watch.add(pidfd, select.EPOLLIN, self)

    def ready(self, fd: int, events: int, now: float) -> None:
        """It is dead now."""
        self._process.poll()
        self._watch.drop(fd)
        os.close(fd)


def command_line(check: Program, assignment: Assignment) -> list[str]:
    """Return the words of the command with `%h` and `%p` replaced, inside words too."""
    address, port = str(assignment.address), str(assignment.port)
    return [word.replace("%h", address).replace("%p", port) for word in check.command]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
