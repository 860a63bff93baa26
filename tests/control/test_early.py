"""Signals that reach a daemon before its loop runs: none kills it, none is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import piranha

SOURCE = str(Path(piranha.__file__).parent.parent)
LIMIT_S = 20.0
FILE = """
primary = 127.0.77.1
virtual www {
    active = 1
    address = 127.0.77.10
    port = 8080
    server one { active = 1; address = 127.0.77.20; port = 8081 }
}
"""


class Started:
    """A daemon that was started a moment ago: it takes signals, and has done nothing else yet."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file, self._log = folder / "lvs.cf", folder / "log"
        self._file.write_text(FILE)
        options = ["-n", "-c", str(self._file), "--run-dir", str(folder / "run"), "--plane", "userspace"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"piranha.{name}.main", *options, "--node", "primary"],
                env={**os.environ, "PYTHONPATH": SOURCE},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self.until(self._takes_signals)

    def until(self, fact: object) -> None:
        assert callable(fact)
        limit = time.monotonic() + LIMIT_S
        while not fact():
            assert time.monotonic() < limit, self.log()
            time.sleep(0.001)

    def log(self) -> str:
        return self._log.read_text()

    def _takes_signals(self) -> bool:
        # The mask of signals that are caught, proc_pid_status(5).
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        return bool(caught & 1 << signal.SIGHUP - 1)


@pytest.fixture(params=["pulse", "lvsd"])
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path, request.param)
    yield made
    made.process.terminate()
    made.process.wait(LIMIT_S)


@pytest.mark.slow
def test_a_sighup_that_comes_first_is_a_reload_later(started: Started) -> None:
    started.process.send_signal(signal.SIGHUP)
    started.until(lambda: started.process.poll() is None and "rereading configuration file" in started.log())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_to_be_ended_first_is_a_clean_end(started: Started, number: int) -> None:
    started.process.send_signal(number)
    assert started.process.wait(LIMIT_S) == 0
    assert started.log() == ""
