"""A daemon that starts with the file that was in force before, as a process."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, RealServer, until, userspace_lvsd, virtual
from tests.userspace.processes import free_vip

from piranha.lvsd.compiled import FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    yield from userspace_lvsd(tmp_path)


def test_a_restart_with_the_kept_form_serves_the_same_and_reads_the_file_for_the_next_reload(lvsd: Lvsd) -> None:
    server, vip = RealServer(), str(free_vip())
    lvsd.write(virtual("www", ("web1", server.port, 1), vip=vip))
    lvsd.start()
    lvsd.until_states(web1="up")
    kept = lvsd.run / "state" / FILE
    until(kept.exists, "the kept form")
    before = lvsd.status()
    lvsd.end(signal.SIGKILL)

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
