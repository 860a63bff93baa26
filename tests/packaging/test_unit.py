"""The systemd unit: a restart leaves everything to the next pulse, a stop hands over."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "packaging" / "pulse.service"


def stop(folder: Path, jobs: str) -> tuple[int, str]:
    """Run what the unit runs to stop, as systemd hands it to the shell; return status and what pulse was asked."""
    (line,) = (line for line in UNIT.read_text().splitlines() if line.startswith("ExecStop="))
    words = shlex.split(line.removeprefix("ExecStop=-").replace("$$", "$").replace("%n", "pulse.service"))
    programs = {"systemctl": f'[ "$*" = "list-jobs --no-legend pulse.service" ] && {jobs}', "pulse": 'echo "$@"'}
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    words[-1] = words[-1].replace("/usr/bin/pulse", str(folder / "pulse"))
    done = subprocess.run(
        words, env={"PATH": f"{folder}{os.pathsep}{os.defpath}"}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.strip()


def test_a_restart_asks_pulse_to_leave_everything_to_the_next_one(tmp_path: Path) -> None:
    assert stop(tmp_path, "echo '1209 pulse.service restart running'") == (0, "--prepare-restart")


@pytest.mark.parametrize("jobs", ["echo '1209 pulse.service stop running'", "true", "exit 1"])
def test_a_stop_leaves_it_to_the_signal(tmp_path: Path, jobs: str) -> None:
    assert stop(tmp_path, jobs) == (0, "")


@pytest.mark.parametrize(
    "wall", ["ProtectKernelTunables", "ProtectProc", "ProtectSystem", "PrivateNetwork", "ReadOnlyPaths"]
)
def test_the_unit_leaves_the_settings_of_the_kernel_to_be_written(wall: str) -> None:
    assert not any(line.startswith(f"{wall}=") for line in UNIT.read_text().splitlines())


def test_the_unit_keeps_the_capability_that_settings_of_the_network_need() -> None:
    (line,) = (line for line in UNIT.read_text().splitlines() if line.startswith("CapabilityBoundingSet="))
    assert "CAP_NET_ADMIN" in line.split("=", 1)[1].split()
