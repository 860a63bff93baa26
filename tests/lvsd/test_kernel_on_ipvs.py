"""Settings of the real kernel that the file names, written by a whole lvs daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, until, virtual

pytestmark = pytest.mark.kernel

VS = Path("/proc/sys/net/ipv4/vs")
TOUCHED = ("conntrack", "sync_threshold", "expire_nodest_conn", "../ip_forward")


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    before = {name: (VS / name).read_text() for name in TOUCHED}
    made = Lvsd(tmp_path, "ipvs")
    yield made
    made.clean_up()
    for name, value in before.items():
        (VS / name).write_text(value)


def kernel(name: str) -> str:
    return " ".join((VS / name).read_text().split())


def start(lvsd: Lvsd, lines: str) -> None:
    lvsd.write(virtual("www", ("web1", 9, 1)), more=lines)
    lvsd.start()


def test_settings_are_written_at_start_and_with_a_reload_and_stay_when_their_lines_go(lvsd: Lvsd) -> None:
    start(lvsd, "vs_conntrack = 1\nvs_sync_threshold = 4 60")
    assert (kernel("conntrack"), kernel("sync_threshold")) == ("1", "4 60")
    lvsd.write(virtual("www", ("web1", 9, 1)), more="vs_sync_threshold = 5 60\nip_forward = 1", serial=2)
    lvsd.reload()
    assert (kernel("conntrack"), kernel("sync_threshold"), kernel("../ip_forward")) == ("1", "5 60", "1")
    lvsd.until_logged("net.ipv4.vs.conntrack is no longer named: it stays 1")


def test_what_the_kernel_refuses_is_named_with_its_reason_and_the_rest_goes_on(lvsd: Lvsd) -> None:
    start(lvsd, "vs_sync_threshold = 60 50\nvs_expire_nodest_conn = 1")
    assert kernel("expire_nodest_conn") == "1"
    [refused] = lvsd.status()["kernel"]["refused"]
    assert refused == {
        "setting": "net.ipv4.vs.sync_threshold",
        "why": "the kernel does not take this value (EINVAL)",
    }
    assert lvsd.status()["ready"] is not None


def test_what_somebody_else_sets_is_put_right_within_repair_interval(lvsd: Lvsd) -> None:
    lvsd.write(virtual("www", ("web1", 9, 1)), more="vs_conntrack = 1", repair_s=1)
    lvsd.start()
    (VS / "conntrack").write_text("0")
    until(lambda: kernel("conntrack") == "1", "the value of the file")
    lvsd.until_logged("net.ipv4.vs.conntrack put right")
