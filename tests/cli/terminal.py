"""A terminal of a test, with a verb of `piranha` on it."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
LIMIT_S = 30.0


class Terminal:
    """A terminal with `piranha edit`, or another verb, on it. editor: for `edit`."""

    def __init__(self, editor: Path | str, *words: str, verb: str = "edit") -> None:
        self.master, side = pty.openpty()
        self.seen = ""
        # A session of its own, so that the end of the terminal reaches it; and the signals of a terminal as they
        # are at a login: who runs the tests behind nohup, or in the background, ignores them.
        self.process = subprocess.Popen(
            [
                "env",
                "--default-signal=HUP,INT,QUIT",
                "setsid",
                "-c",
                sys.executable,
                "-m",
                "piranha.cli.main",
                verb,
                *words,
            ],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**os.environ, "PYTHONPATH": str(SOURCE), "VISUAL": str(editor), "EDITOR": "/no/such"},
        )
        os.close(side)

    def expect(self, words: str) -> None:
        """Wait until the words are on the screen; they and all before them are then taken."""
        last = time.monotonic() + LIMIT_S
        while words not in self.seen:
            assert time.monotonic() < last, f"{words!r} not in {self.seen!r}"
            self.seen += self._read(last)
        self.seen = self.seen.partition(words)[2]

    def answer(self, words: str) -> None:
        """Type a line."""
        os.write(self.master, words.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C, as people do: once the program waits, for it may miss what comes just before."""
        last = time.monotonic() + LIMIT_S
        while self._state() != "S":
            assert time.monotonic() < last, f"it never waits after {self.seen!r}"
            time.sleep(0.01)
        os.write(self.master, b"\x03")

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        last = time.monotonic() + LIMIT_S
        while data := self._read(last):
            self.seen += data
        return self.process.wait(LIMIT_S)

    def break_off(self) -> None:
        """The terminal crashes."""
        os.close(self.master)
        self.master = -1
        self.process.wait(LIMIT_S)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT_S)
        if self.master >= 0:
            os.close(self.master)

    def _state(self) -> str:
        """How the process is, as in proc(5): S is asleep."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0]

    def _read(self, last: float) -> str:
        ready, _, _ = select.select([self.master], [], [], max(last - time.monotonic(), 0))
        assert ready, f"nothing more after {self.seen!r}"
        try:
            return os.read(self.master, 4096).decode().replace("\r\n", "\n")
        except OSError:  # how a pseudo terminal says that nobody has it open any more
            return ""
