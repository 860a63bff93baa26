"""Settings and sync daemons of the real kernel, kept by a whole lvs daemon."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, until, virtual

from piranha.cli.main import main
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.ipvs_socket import IpvsSocket

pytestmark = pytest.mark.kernel

VS = Path("/proc/sys/net/ipv4/vs")
TOUCHED = ("conntrack", "sync_threshold", "expire_nodest_conn", "../ip_forward")


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    before = {name: (VS / name).read_text() for name in TOUCHED}
    made = Lvsd(tmp_path, "ipvs")
    yield made
    made.clean_up()
    with IpvsSocket() as ipvs:
        for daemon in ipvs.daemons():
            ipvs.stop_daemon(daemon)
        ipvs.flush()
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


def test_a_plan_without_a_daemon_tells_what_would_be_written_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new.cf"
    text = "primary = 127.0.0.2\nvs_conntrack = 1\nvs_sloppy_tcp = 0\n"
    file.write_text(text + virtual("www", ("web1", 9, 1)))
    before = kernel("conntrack")
    assert before == "0"
    assert main(["plan", str(file), "--run-dir", str(tmp_path)]) == 2
    said = capsys.readouterr().out
    assert "vs_conntrack 0 -> 1" in said
    assert "sloppy_tcp" not in said
    assert kernel("conntrack") == before


SYNC = "syncdaemon = 1\nsyncd_iface = lo\nsyncd_id = 7"


def running() -> list[tuple[str, str, int]]:
    with IpvsSocket() as ipvs:
        return [("master" if one.sender else "backup", one.interface, one.sync_id) for one in ipvs.daemons()]


def test_without_pulse_it_sends_and_follows_what_it_is_told_it_is(lvsd: Lvsd) -> None:
    start(lvsd, SYNC)
    assert running() == [("master", "lo", 7)]
    lvsd.ask("role", role="standby")
    assert running() == [("master", "lo", 7), ("backup", "lo", 7)]
    assert kernel("backup_only") == "1"
    until(lambda: running() == [("backup", "lo", 7)], "the end of the daemon that sent")
    lvsd.ask("role", role="active")
    assert kernel("backup_only") == "0"
    assert ("master", "lo", 7) in running()


def test_another_id_starts_the_daemon_again_and_no_syncdaemon_ends_it(lvsd: Lvsd) -> None:
    start(lvsd, SYNC)
    lvsd.write(virtual("www", ("web1", 9, 1)), more=SYNC.replace("7", "8"), serial=2)
    lvsd.reload()
    assert running() == [("master", "lo", 8)]
    lvsd.write(virtual("www", ("web1", 9, 1)), serial=3)
    lvsd.reload()
    assert running() == []


def test_a_plan_is_made_against_the_daemon_that_runs(lvsd: Lvsd, capsys: pytest.CaptureFixture[str]) -> None:
    start(lvsd, SYNC)
    with IpvsSocket() as ipvs:
        ipvs.stop_daemon(SyncDaemon(sender=True, sync_id=7))
        ipvs.start_daemon(SyncDaemon(sender=True, interface="lo", sync_id=7, ttl=9))
    words = [str(lvsd.file), "--run-dir", str(lvsd.run), "--json"]
    assert main(["plan", *words]) == 0
    [line] = json.loads(capsys.readouterr().out)["drift"]
    assert (line["what"], line["effect"]) == ("syncd_ttl 9 -> 1", "changed by somebody else: started again")
    lvsd.write(virtual("www", ("web1", 9, 1)), more=f"{SYNC}\nsyncd_ttl = 9", serial=2)
    assert main(["plan", *words]) == 2
    [line] = json.loads(capsys.readouterr().out)["lines"]
    assert (line["what"], line["effect"]) == ("syncd_ttl - -> 9", "the sync daemon runs so already")


def test_a_daemon_of_somebody_else_is_left_and_named(lvsd: Lvsd) -> None:
    with IpvsSocket() as ipvs:
        ipvs.start_daemon(SyncDaemon(sender=True, interface="lo", sync_id=5))
    start(lvsd, SYNC)
    assert running() == [("master", "lo", 5)]
    assert "of somebody else runs on lo, with id 5" in lvsd.status()["kernel"]["sync"]["trouble"]


def test_an_announced_restart_leaves_the_daemon_and_a_stop_ends_it(lvsd: Lvsd) -> None:
    start(lvsd, SYNC)
    lvsd.ask("prepare_restart")
    lvsd.end()
    assert running() == [("master", "lo", 7)]
    lvsd.start()
    assert lvsd.count("sync daemon started") == 1
    lvsd.end()
    assert running() == []


def test_an_interface_that_is_missing_is_named_and_the_daemon_starts_when_it_comes(lvsd: Lvsd) -> None:
    start(lvsd, SYNC.replace("lo", "sync0"))
    assert lvsd.status()["kernel"]["sync"]["trouble"] == "there is no interface sync0"
    subprocess.run(["ip", "link", "add", "sync0", "type", "dummy"], check=True)
    subprocess.run(["ip", "link", "set", "sync0", "up"], check=True)
    until(lambda: running() == [("master", "sync0", 7)], "the daemon on the new interface")
    subprocess.run(["ip", "link", "del", "sync0"], check=True)
