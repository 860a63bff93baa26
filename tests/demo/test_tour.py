"""The scripted tour with real daemons: what it finds, and that it leaves nothing, however it ends."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.demo.processes import LIMIT_S, Run, until

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "piranha.cli.main", "demo"]


@contextmanager
def demo(folder: Path) -> Iterator[Run]:
    run = Run(folder, DEMO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield run
    finally:
        run.end()


def read_until(run: Run, words: str) -> None:
    assert run.process.stdout is not None
    for line in run.process.stdout:
        if words in line:
            return
    raise AssertionError(f"the tour ended before it said {words!r}")


def test_the_cluster_does_what_it_must_within_40_seconds(short_folder: Path) -> None:
    begun = time.monotonic()
    with demo(short_folder) as run:
        told, errors = run.process.communicate(timeout=2 * LIMIT_S)
        assert (run.process.returncode, errors) == (0, ""), told
        assert time.monotonic() - begun < 40
        assert run.left_behind() == ([], [])
    steps = [line for line in told.splitlines() if line[:2] in {f"{number}." for number in range(1, 7)}]
    assert len(steps) == 6
    assert told.count("  requests  ") == 6
    assert "SIGSTOP to pulse" in told
    assert "fall = 2" in told, "events come with the rule that decided"
    assert "deadtime = 3" in told
    assert told.rstrip().rpartition("\n")[2].startswith("everything as it must be")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_nothing(short_folder: Path, number: signal.Signals) -> None:
    with demo(short_folder) as run:
        read_until(run, "2. Kill a real server")
        running = run.processes()
        assert len(running) >= 10, "two of pulse, lvsd, nanny parent and forwarder, and two servers at least"
        run.process.send_signal(number)
        status = run.process.wait(LIMIT_S)
        assert status == (-number if number == signal.SIGKILL else 128 + number)
        until(lambda: run.left_behind() == ([], []))


@pytest.mark.parametrize("seed", range(8))
def test_a_signal_at_any_moment_leaves_nothing(short_folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    moment_s = chance.uniform(0, chance.choice([0.6, 3.0, 15.0]))
    number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
    with demo(short_folder) as run:
        with suppress(subprocess.TimeoutExpired):
            run.process.communicate(timeout=moment_s)
        run.process.send_signal(number)
        run.process.communicate(timeout=LIMIT_S)
        until(lambda: run.left_behind() == ([], []))


def test_processes_that_do_not_obey_are_ended_too(short_folder: Path) -> None:
    with demo(short_folder) as run:
        read_until(run, "2. Kill a real server")
        for pid in run.processes():
            with suppress(FileNotFoundError, ProcessLookupError):  # some are short-lived
                if b"lvsd" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
        run.process.terminate()
        assert run.process.wait(LIMIT_S) == 128 + signal.SIGTERM
        until(lambda: run.left_behind() == ([], []))


def test_a_reader_that_goes_away_ends_it(short_folder: Path) -> None:
    with demo(short_folder) as run:
        read_until(run, "1. Start both routers")
        assert run.process.stdout is not None
        run.process.stdout.close()
        assert run.process.wait(LIMIT_S) != 0
        until(lambda: run.left_behind() == ([], []))
