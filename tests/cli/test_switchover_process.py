"""`piranha switchover` and `piranha status` with two real routers."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha.cli.demo.stage import Stage, find_site

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[2] / "src"
LIMIT_S = 30.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="pair-"))  # short: the names of sockets are limited
    made = Stage(folder, find_site())
    for name in made.cast.servers:
        made.start_server(name)
    for name in made.cast.routers:
        made.start_pulse(name)
    yield made
    asyncio.run(made.stop())
    shutil.rmtree(folder)


def piranha(stage: Stage, router: str, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "piranha.cli.main", *words, "--run-dir", str(stage.run_dirs[router])]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout + done.stderr


def until_ok(stage: Stage, router: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while (said := piranha(stage, router, "status"))[0] != 0:
        assert time.monotonic() < deadline, said


def test_a_switchover_moves_the_vip_and_is_told_by_both(stage: Stage) -> None:
    for router in stage.cast.routers:
        until_ok(stage, router)
    assert piranha(stage, "primary", "switchover", "--dry-run", "--force")[0] == 0
    status, said = piranha(stage, "primary", "switchover", "--yes", "--force")
    assert status == 0, said
    assert "backup serves, " in said
    assert "127." in piranha(stage, "primary", "why", "vip")[1].splitlines()[0]
    assert "switchover asked for" in piranha(stage, "primary", "why", "router")[1]
    assert "backup (this router) is ACTIVE" in piranha(stage, "backup", "why", "router")[1]
    assert piranha(stage, "primary", "switchover", "--yes", "--force")[0] == 1


def test_a_frozen_pulse_is_unknown_and_its_vip_is_shown(stage: Stage) -> None:
    for router in stage.cast.routers:
        until_ok(stage, router)
    stage.freeze_pulse("primary")
    status, said = piranha(stage, "primary", "status")
    assert status == 3, said
    assert "demo: UNKNOWN" in said
    assert "on this router" in said or "no VIP is on this router" in said
    assert piranha(stage, "primary", "switchover", "--yes", "--force")[0] == 3
    stage.thaw_pulse("primary")
