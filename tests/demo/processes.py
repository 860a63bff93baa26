"""Start the demo as a process of its own and look for what it leaves behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
LIMIT_S = 30.0


class Run:
    """A command whose processes are known by a mark in their environment, and whose files by TMPDIR."""

    def __init__(self, folder: Path, command: Sequence[str], **popen: object) -> None:
        self.folder = folder
        self.mark = f"PIRANHA_TEST_RUN={os.getpid()}-{folder.name}-{time.monotonic_ns()}"
        name, _, value = self.mark.partition("=")
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TMPDIR": str(folder), name: value}
        self.process = subprocess.Popen(command, env=environment, **popen)  # type: ignore[call-overload]  # options of each test

    def processes(self) -> list[int]:
        """Every living process of this run, whoever its parent is."""
        names = [path.name for path in Path("/proc").iterdir()]
        return [pid for pid in map(int, filter(str.isdigit, names)) if self._ours(pid)]

    def files(self) -> list[str]:
        # Not rglob, which fails when a folder is removed while it looks.
        found = [Path(place, name) for place, folders, files in os.walk(self.folder) for name in (*folders, *files)]
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def left_behind(self) -> tuple[list[int], list[str]]:
        return self.processes(), self.files()

    def end(self) -> None:
        """Kill what is left, for a test that failed."""
        for pid in self.processes():
            os.kill(pid, 9)
        self.process.wait(LIMIT_S)

    def _ours(self, pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()[:1]
            if state in ("", "Z", "X"):
                return False
            return self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False


def until(fact: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until `fact` holds; fail after limit_s."""
    deadline = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < deadline, f"not so within {limit_s} s"
        time.sleep(0.02)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]
