"""One forwarder a run directory, started by whoever needs it first, outliving everybody."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.userspace.processes import LIMIT_S, Forwarder, environment, until

from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.userspace import client
from piranha.forwarding.userspace.client import UserspacePlane

pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Forwarder]:
    started = Forwarder(tmp_path)
    try:
        yield started
    finally:
        started.end()


PROGRAM = "import pathlib, sys; from piranha.forwarding.userspace.client import ensure_forwarder as e;"


def ensure_in_another_process(folder: Path) -> int:
    command = [sys.executable, "-c", f"{PROGRAM} print(e(pathlib.Path(sys.argv[1])))", str(folder)]
    done = subprocess.run(
        command, env=environment(), timeout=2 * LIMIT_S, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return int(done.stdout)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()[:1] not in ("", "Z", "X")
    except OSError:
        return False


def test_it_outlives_its_starter_is_adopted_and_stops_when_told(tmp_path: Path) -> None:
    pid = ensure_in_another_process(tmp_path)
    try:
        assert ensure_in_another_process(tmp_path) == pid
        assert os.getsid(pid) not in (0, os.getsid(0))
        assert (tmp_path / "forwarder.lock").read_text().strip() == str(pid)
    finally:
        client.stop(tmp_path / "forwarder.sock")
    until(lambda: not running(pid))
    assert not (tmp_path / "forwarder.sock").exists()


def test_a_second_one_says_who_is_there(own: Forwarder) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "piranha.forwarding.userspace.main", "--socket", str(own.path)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert second.returncode == 1
    lock = own.path.with_suffix(".lock")
    assert second.stderr == f"forwarder: another forwarder (pid {own.process.pid}) has {lock}\n"


def test_a_new_one_starts_where_one_was_killed(own: Forwarder) -> None:
    own.process.kill()
    own.process.wait(LIMIT_S)
    assert own.path.exists()
    pid = ensure_in_another_process(own.path.parent)
    try:
        assert client.status(own.path)["pid"] == pid
    finally:
        client.stop(own.path)
    until(lambda: not running(pid))


def test_a_folder_that_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "forwarder.sock"
    done = subprocess.run(
        [sys.executable, "-m", "piranha.forwarding.userspace.main", "--socket", str(missing)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        f"forwarder: {missing.with_suffix('.lock')}: No such file or directory\n",
    )


def test_it_ends_without_a_word_while_somebody_is_still_connected(tmp_path: Path) -> None:
    path = tmp_path / "forwarder.sock"
    started = subprocess.Popen(
        [sys.executable, "-m", "piranha.forwarding.userspace.main", "--foreground", "--socket", str(path)],
        env=environment(),
        stderr=subprocess.PIPE,
    )
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as silent:
        until(path.exists)
        silent.connect(str(path))
        until(lambda: bool(client.status(path)))
        started.terminate()
        _, said = started.communicate(timeout=LIMIT_S)
    assert (started.returncode, said) == (0, b"")


def test_without_a_forwarder_the_plane_is_unavailable_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "forwarder.sock"
    with pytest.raises(PlaneUnavailable, match=str(path)):
        UserspacePlane(path).dump()
