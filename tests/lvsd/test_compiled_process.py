"""A daemon that starts with the file that was in force before, as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import SOURCE, Lvsd, RealServer, userspace_lvsd, virtual
from tests.userspace.processes import free_vip

from piranha.control.state_files import StateFiles
from piranha.lvscf.read import read_and_load
from piranha.lvsd.compiled import keep_compiled, load_known

pytestmark = pytest.mark.slow


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    yield from userspace_lvsd(tmp_path)


def test_a_restart_with_the_kept_form_serves_the_same_and_takes_the_next_file(lvsd: Lvsd) -> None:
    server, vip = RealServer(), str(free_vip())
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=vip))
    lvsd.start()
    lvsd.until_states(web1="up")
    before = lvsd.status()
    lvsd.end(signal.SIGKILL)
    # A daemon does so itself after a while.
    kept = StateFiles(lvsd.run / "state", lvsd.run)
    keep_compiled(kept, read_and_load(lvsd.file))
    assert load_known(kept, lvsd.file) is not None

    lvsd.start()
    lvsd.until_states(web1="up")
    after = lvsd.status()
    assert (after["generation"], after["meaning"]) == (before["generation"], before["meaning"])

    lvsd.write(virtual("www", ("web1", server.port, 2), vip=vip))
    lvsd.reload()
    [www] = lvsd.status()["virtuals"]
    assert [one["configured_weight"] for one in www["servers"]] == [2]
    assert "Traceback" not in lvsd.log()
    server.stop()


def test_each_start_says_the_warnings_of_the_file_whether_it_was_read_or_known(lvsd: Lvsd) -> None:
    server = RealServer()
    lvsd.write(
        virtual("www", ("web1", server.port, 1), vip=str(free_vip())),
        more="monitor_interval = 7\nsyncd_id = 300\nsyncdaemon = 1",
    )
    said, shown = [], []
    for _ in range(2):
        before = len(lvsd.log())
        lvsd.start()
        lvsd.until_states(web1="up")
        said.append([line for line in lvsd.log()[before:].splitlines() if ": warning: " in line])
        shown.append(lvsd.status()["waiting"])
        lvsd.end(signal.SIGKILL)
        kept = StateFiles(lvsd.run / "state", lvsd.run)
        keep_compiled(kept, read_and_load(lvsd.file))
        assert load_known(kept, lvsd.file) is not None
    server.stop()

    assert said[0] == said[1]
    assert any("[W087]" in line for line in said[0])
    assert shown[0] == shown[1] != []


LATER = (
    *("lvscf.elaborate", "lvscf.directives", "lvscf.compiled", "change.plan", "change.journal", "change.history"),
    *("lvsd.nannies", "lvsd.verbs", "control.server", "forwarding.userspace.protocol"),
)
LARGE = {"asyncio", "ssl", "hashlib", "socket", "inspect"}


def test_what_a_start_needs_only_when_the_table_is_in_is_not_loaded_before() -> None:
    program = "import sys, piranha.lvsd.main, piranha.lvsd.start, piranha.lvscf.read; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert [name for name in LATER if f"piranha.{name}" in loaded] == []
    assert LARGE & set(loaded) == set()
