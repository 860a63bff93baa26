"""Shell: network namespaces held by a file descriptor, and programs started inside them.

A namespace made here has no name and no mount: it ends with the last process in it and the lab that
holds it, so nothing is left behind even when the lab is killed.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from piranha.errors import PiranhaError

CLONE_NEWNET = 0x40000000  # linux/sched.h
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(PiranhaError):
    """The lab could not do what was asked; the text says what and why."""


@dataclass(slots=True)
class Namespace:
    """One network namespace.

    While `entered`, the calling thread (only it) works inside: sockets it opens and programs it
    starts stay there.
    """

    name: str
    descriptor: int

    @classmethod
    def create(cls, name: str) -> "Namespace":
        """Make an empty namespace. Raises LabError without the right to."""
        made: list[int] = []
        failed: list[OSError] = []

        # A thread may leave its namespace for a new one without touching the rest of the process.
        def unshare() -> None:
            try:
                _check(_libc.unshare(CLONE_NEWNET), "unshare")
                made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=unshare)
        thread.start()
        thread.join()
        if failed:
            raise LabError(f"cannot make a network namespace: {failed[0].strerror} (root and CAP_SYS_ADMIN needed)")
        return cls(name, made[0])

    @property
    def path(self) -> str:
        """Where other programs find this namespace while the lab lives."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @property
    def inode(self) -> int:
        """What `/proc/PID/ns/net` of a process inside shows."""
        return os.fstat(self.descriptor).st_ino

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside for the length of a `with`."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(self.descriptor, CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                _check(_libc.setns(home, CLONE_NEWNET), "setns")
        finally:
            os.close(home)

    def run(self, command: Sequence[str], text_input: str | None = None, limit_s: float = 30) -> str:
        """Run a program to its end and return what it printed. Raises LabError if it fails."""
        with self.entered():
            done = subprocess.run(
                command, input=text_input, capture_output=True, text=True, timeout=limit_s, check=False
            )
        if done.returncode != 0:
            output = (done.stderr or done.stdout).strip()
            raise LabError(f"{self.name}: {' '.join(command)}: exit status {done.returncode}: {output}")
        return done.stdout

    def spawn(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a program in a session of its own; both its outputs are appended to `log`."""
        with self.entered(), log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
            )

    def set(self, **settings: int | str) -> None:
        """Write settings under /proc/sys/net: `ipv4__ip_forward=1` (two underscores for a slash)."""
        with self.entered():
            for name, value in settings.items():
                Path("/proc/sys/net", name.replace("__", "/")).write_text(str(value))

    def processes(self) -> list[int]:
        """Return the processes that live inside, the calling one left out."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                if (entry / "ns" / "net").stat().st_ino == self.inode:
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """Let go: the namespace ends when its last process has ended."""
        os.close(self.descriptor)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
