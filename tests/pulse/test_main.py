"""Starting `pulse`: every refusal is one clear line and exit status 1; nothing is begun."""

import socket
from pathlib import Path

import pytest

from piranha.pulse.main import main

OWN, PARTNER = "127.0.74.1", "127.0.74.2"
VIRTUAL = """
virtual www {
    active = 1
    address = 127.0.74.10
    port = 8080
    server one { active = 1; address = 127.0.74.20; port = 8081 }
}
"""


class Start:
    """One attempt to start, with `-t`: checks what a start needs and changes nothing."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, text: str, *options: str) -> tuple[int, str, str]:
        """Return exit status, stdout, and the last line of stderr; findings of the file come before it."""
        path = self.folder / "lvs.cf"
        path.write_text(text)
        status = main(["-t", "-n", "-c", str(path), "--run-dir", str(self.folder / "run"), *options])
        told = self._capsys.readouterr()
        assert "Traceback" not in told.err
        assert not (self.folder / "run").exists(), "nothing was begun"
        return status, told.out, told.err.strip().splitlines()[-1] if told.err else ""


@pytest.fixture
def start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Start:
    return Start(tmp_path, capsys)


def pair(port: int = 15391, extra: str = "heartbeat_auth = none", virtual: str = VIRTUAL) -> str:
    return f"""
primary = {OWN}
backup = {PARTNER}
backup_active = 1
heartbeat_port = {port}
forwarding_plane = userspace
{extra}
{virtual}"""


def test_a_start_that_would_succeed_says_what_this_router_would_be(start: Start) -> None:
    status, out, _ = start(pair(), "--node", "primary")

    assert status == 0
    assert "This router is the primary. VIPs: 127.0.74.10" in out
    assert f"Heartbeats on the public path: {OWN} to {PARTNER}, UDP port 15391" in out


def test_a_file_with_an_error_is_refused_with_its_place(start: Start) -> None:
    status, _, line = start(pair(virtual="virtual www {"), "--node", "primary")

    assert status == 1
    assert line.startswith(f"pulse: {start.folder}/lvs.cf: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-t", "-c", str(tmp_path / "lvs.cf")]) == 1
    assert capsys.readouterr().err == f"pulse: {tmp_path}/lvs.cf: No such file or directory\n"


def test_a_pair_without_key_names_the_command_that_makes_one(start: Start) -> None:
    status, _, line = start(pair(extra=""), "--node", "primary")

    assert status == 1
    assert "piranha keygen" in line and "heartbeat_auth = none" in line


def test_a_machine_that_is_neither_router_is_told_so(start: Start) -> None:
    text = pair().replace(f"{OWN}\n", "192.0.2.77\n").replace(f"{PARTNER}\n", "192.0.2.78\n")
    status, _, line = start(text)

    assert status == 1
    assert line.startswith("pulse: this machine is neither primary nor backup")


def test_a_backup_that_is_switched_off_has_nothing_to_do(start: Start) -> None:
    status, _, line = start(pair().replace("backup_active = 1", "backup_active = 0"), "--node", "backup")

    assert status == 1
    assert "We are backup node and backup is marked inactive" in line


def test_a_device_that_is_missing_is_named(start: Start) -> None:
    text = pair(virtual=VIRTUAL.replace("127.0.74.10", "127.0.74.10 nodev7:1"))
    status, _, line = start(text, "--node", "primary", "--plane", "ipvs")

    assert status == 1
    assert "127.0.74.10: there is no device nodev7" in line


def test_a_port_in_use_is_named_with_the_command_that_shows_who_has_it(start: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((OWN, 0))
        port = other.getsockname()[1]
        status, _, line = start(pair(port), "--node", "primary")

    assert status == 1
    assert f"{OWN} port {port}: port in use" in line and "ss -lunp" in line


def test_a_file_that_serves_nothing_is_refused(start: Start) -> None:
    status, _, line = start(pair(virtual=VIRTUAL.replace("active = 1", "active = 0", 1)), "--node", "primary")

    assert status == 1
    assert "no active lvs services defined" in line


def test_a_restart_of_what_does_not_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--prepare-restart", "--run-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"pulse: no pulse runs in {tmp_path}\n"


@pytest.mark.parametrize("words", [["--nod", "primary"], ["--node", "both"], ["surplus"]])
def test_wrong_arguments_are_one_line_and_status_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
