"""The demo on a terminal: the picture shows, keys work, and the terminal is as it was afterwards."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.demo.processes import LIMIT_S, Run, until

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "piranha.cli.main", "demo"]
CONTROL_C = b"\x03"
HOLDS = r"^(primary|backup) +active .* lease \d"


class Terminal:
    """A pseudo-terminal of 24 lines with the demo on it; reads all the time, as a terminal does."""

    def __init__(self, folder: Path) -> None:
        self.ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        self.written = b""
        self.run = Run(
            folder,
            # The terminal must be the controlling one, for Ctrl-C and for its end.
            ["setsid", "--ctty", "--wait", "env", "TERM=xterm", "NO_COLOR=1", *DEMO],
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with suppress(OSError):
            while part := os.read(self.ours, 65536):
                self.written += part

    def screen(self) -> str:
        """The last picture that was drawn to its end."""
        frames = self.written.decode(errors="replace").split("\x1b[H")
        whole = next((frame for frame in reversed(frames) if "\x1b[J" in frame), "")
        return re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", whole).replace("\r", "")

    def press(self, key: str) -> None:
        os.write(self.ours, key.encode())

    def shows(self, pattern: str) -> re.Match[str]:
        found: list[re.Match[str]] = []

        def look() -> bool:
            found.extend(re.finditer(pattern, self.screen(), re.M))
            return bool(found)

        try:
            until(look)
        except AssertionError:
            pytest.fail(f"not shown: {pattern}\n{self.screen()}")
        return found[0]

    def close(self) -> None:
        """Take the terminal away, as a closed window does."""
        for descriptor in (self.theirs, self.ours):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def terminal(short_folder: Path) -> Iterator[Terminal]:
    made = Terminal(short_folder)
    try:
        yield made
    finally:
        made.run.end()
        made.close()


def test_it_shows_the_cluster_and_obeys_its_keys(terminal: Terminal) -> None:
    terminal.shows(r"^demo: OK, (primary|backup) serves")
    terminal.shows(r"^web2 .* up +1/1")
    assert len(terminal.screen().split("\n")) <= 24
    terminal.press("2")
    terminal.shows(r"^web2 .* down +-/1")
    terminal.press("2")
    terminal.press("f")
    terminal.shows(r"^(primary|backup) +unknown .* frozen ")
    terminal.shows(r"no limit: no partner$")
    terminal.press("f")
    terminal.shows(r"^(primary|backup) +standby .* yes ")
    terminal.shows(r"^web2 .* up +1/1")
    holder = terminal.shows(HOLDS)
    terminal.press("s")
    partner = {"primary": "backup", "backup": "primary"}[holder[1]]
    terminal.shows(rf"^demo: OK, {partner} serves")
    terminal.press("q")
    assert terminal.run.process.wait(LIMIT_S) == 0
    until(lambda: terminal.run.left_behind() == ([], []))
    assert termios.tcgetattr(terminal.theirs) == terminal.before
    until(lambda: terminal.written.endswith(b"\x1b[?25h\x1b[?1049l"))


def test_ctrl_c_leaves_nothing_and_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.shows(r"^demo: OK")
    os.write(terminal.ours, CONTROL_C)
    assert terminal.run.process.wait(LIMIT_S) != 0
    until(lambda: terminal.run.left_behind() == ([], []))
    assert termios.tcgetattr(terminal.theirs) == terminal.before


def test_a_closed_terminal_leaves_nothing(terminal: Terminal) -> None:
    terminal.shows(r"^demo: OK")
    terminal.close()
    until(lambda: terminal.run.left_behind() == ([], []))
