"""What all daemons share: options, the lock, folders, going to the background, systemd."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from piranha.control.daemon import (
    DEFAULT_STATE_DIR,
    AlreadyRunning,
    CannotStart,
    Folders,
    Lock,
    lock_holder,
    notify,
    parser,
    watchdog_interval_s,
)

SOURCE = Path(__file__).parents[2] / "src"


def test_the_second_daemon_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lvsd.lock")
    with pytest.raises(AlreadyRunning, match=f"already running as process {os.getpid()} "):
        Lock(tmp_path / "lvsd.lock")
    assert lock_holder(tmp_path / "lvsd.lock") == os.getpid()
    lock.release()
    assert lock_holder(tmp_path / "lvsd.lock") is None
    Lock(tmp_path / "lvsd.lock").release()


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="No such file or directory"):
        Lock(tmp_path / "nowhere" / "lvsd.lock")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/null"), os.mkdir])
def test_what_is_no_file_is_no_lock_and_keeps_nobody_waiting(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "lvsd.lock")
    assert lock_holder(tmp_path / "lvsd.lock") is None
    with pytest.raises(CannotStart, match=r"/lvsd.lock: (this is no regular file|Is a directory)$"):
        Lock(tmp_path / "lvsd.lock")


def test_a_run_folder_of_its_own_takes_its_state_along(tmp_path: Path) -> None:
    assert Folders.of(tmp_path, None).state == tmp_path / "state"
    assert Folders.of(tmp_path, tmp_path / "other").state == tmp_path / "other"
    assert Folders.of(None, None).state == DEFAULT_STATE_DIR


def test_folders_are_made_with_the_state_closed_to_others(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path / "a" / "run", None)
    folders.make()
    assert folders.state.stat().st_mode & 0o007 == 0
    folders.make()
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="Not a directory"):
        Folders.of(tmp_path / "file" / "run", None).make()


def test_wrong_arguments_are_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser("lvsd", "").parse_args(["--nodes", "primary"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "lvsd: unrecognized arguments: --nodes primary; see lvsd --help\n"


def test_systemd_hears_what_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify("READY=1")
        assert systemd.recv(100) == b"READY=1"
    assert not notify("READY=1")  # nobody hears it any more: no error
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify("READY=1")


def test_the_watchdog_is_fed_twice_as_often_as_systemd_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "5000000")
    assert watchdog_interval_s() == 2.5
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_interval_s() is None
    monkeypatch.delenv("WATCHDOG_USEC")
    assert watchdog_interval_s() is None


@pytest.mark.slow
@pytest.mark.parametrize(("ends", "status"), [("started()", 0), ("raise SystemExit(3)", 1)])
def test_who_starts_a_daemon_waits_until_it_serves_or_has_failed(ends: str, status: int, tmp_path: Path) -> None:
    program = (
        "import os, pathlib\n"
        "from piranha.control.daemon import detach\n"
        "started = detach()\n"
        f"pathlib.Path({str(tmp_path / 'sid')!r}).write_text(f'{{os.getsid(0)}} {{os.getpid()}}')\n"
        f"{ends}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=20, check=False)
    assert done.returncode == status
    session, pid = (tmp_path / "sid").read_text().split()
    assert int(session) not in (os.getsid(0), int(pid))  # a session of its own, and not its leader
