"""Whatever ends the show, no process and no file stays."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.demo.processes import LIMIT_S, Run, python, until

pytestmark = pytest.mark.slow

# A show with children that do not obey: one ignores SIGTERM, one is stopped, one was orphaned in a
# session of its own, as the daemons are.
SHOW = """
import os, signal, subprocess, sys, time
from piranha.cli.demo.guard import run_guarded
STUBBORN = ["sh", "-c", "trap '' TERM; echo; exec sleep 600"]
ORPHAN = ["sh", "-c", "trap '' TERM; setsid sleep 600 & echo"]
def show(folder):
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("x")
    one = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE, start_new_session=True)
    one.stdout.readline()
    two = subprocess.Popen(["sleep", "600"], start_new_session=True)
    os.kill(two.pid, signal.SIGSTOP)
    subprocess.run(ORPHAN, stdout=subprocess.DEVNULL, check=True)
    print(os.getpid(), flush=True)
    END
sys.exit(run_guarded(show, 0.2))
"""

# A show as the real one begins: some time goes by before it knows how to end in its own order. It sleeps
# in pieces: Python looks for a signal before each, not between the look and the sleep.
BEGIN = """
import signal, sys, time
from piranha.cli.demo.guard import run_guarded
def show(folder):
    time.sleep(0.002)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    while True:
        time.sleep(0.05)
print("begins", flush=True)
sys.exit(run_guarded(show, 0.2))
"""


def started(folder: Path, end: str) -> tuple[Run, int]:
    run = Run(folder, python(SHOW.replace("END", end)), stdout=-1, stderr=-1)
    assert run.process.stdout is not None
    line = b"\n"
    while line == b"\n":
        line = run.process.stdout.readline()
    if "sleep" in end:
        until(lambda: len(run.processes()) == 5)  # guard, show and three children
    return run, int(line)


def ended(run: Run) -> tuple[int, bytes]:
    """Exit status and last words, once nothing of the run is left."""
    try:
        status = run.process.wait(LIMIT_S)
        until(lambda: run.left_behind() == ([], []))
        assert run.process.stderr is not None
        return status, run.process.stderr.read()
    finally:
        run.end()


@pytest.mark.parametrize(("end", "status"), [("return 0", 0), ("return 3", 3)])
def test_a_show_that_returns_gives_the_exit_status(short_folder: Path, end: str, status: int) -> None:
    run, _ = started(short_folder, end)
    assert ended(run) == (status, b"")


def test_a_defect_in_the_show_is_one_line(short_folder: Path) -> None:
    run, _ = started(short_folder, "raise ValueError('what')")
    status, words = ended(run)
    assert (status, words.count(b"\n")) == (1, 1)
    assert b"defect" in words and b"ValueError('what')" in words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_demo_ends_everything(short_folder: Path, number: signal.Signals) -> None:
    run, _ = started(short_folder, "time.sleep(600)")
    run.process.send_signal(number)
    assert ended(run)[0] == 128 + number


@pytest.mark.parametrize("seed", range(4))
def test_a_guard_killed_before_the_show_has_begun_leaves_nothing(short_folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        run = Run(short_folder, python(BEGIN), stdout=-1, stderr=-1)
        assert run.process.stdout is not None
        run.process.stdout.readline()
        time.sleep(chance.uniform(0, 0.004))  # the moment is the test's input, nothing is waited for
        run.process.kill()
        assert ended(run)[0] == -signal.SIGKILL


def kill_the_show(run: Run, show: int) -> None:
    os.kill(show, signal.SIGKILL)


def kill_the_guard(run: Run, show: int) -> None:
    run.process.kill()


@pytest.mark.parametrize("kill", [kill_the_show, kill_the_guard])
def test_the_death_of_one_half_is_cleaned_up_by_the_other(short_folder: Path, kill: Callable[[Run, int], None]) -> None:
    # As the real show: SIGTERM, which it gets when its parent dies, makes it end in its own order.
    obedient = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1)); time.sleep(600)"
    run, show = started(short_folder, obedient)
    kill(run, show)
    assert ended(run)[0] in (-signal.SIGKILL, 128 + signal.SIGKILL)
