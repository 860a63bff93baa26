"""The same tour on the real IPVS, and one clear line where that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.demo.processes import SOURCE, Run

LAB = [sys.executable, "-m", "piranha.cli.main", "demo", "--lab", "--tour"]
NOBODY = 65534


@pytest.mark.lab
def test_the_tour_on_the_real_ipvs_finds_everything_as_it_must_be(short_folder: Path) -> None:
    run = Run(short_folder, LAB, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        told, errors = run.process.communicate(timeout=300)
        assert run.process.returncode == 0, told + errors
        assert run.left_behind() == ([], [])
    finally:
        run.end()
    assert told.count("  requests  ") == 6


def test_without_root_the_lab_says_what_it_needs() -> None:
    user = NOBODY if os.geteuid() == 0 else None
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        subprocess.run([sys.executable, "-c", "import piranha"], env=environment, user=user, check=True)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("others may not run this checkout")
    done = subprocess.run(LAB, env=environment, user=user, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "needs root" in done.stderr
