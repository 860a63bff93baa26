"""Two `pulse` processes on loopback: who holds the VIP when one dies, freezes, stops or is told something else.

`lvsd` is a stand-in that starts at once; the forwarder, which lets go of a VIP by itself, is the real one.
"""

import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import piranha
from piranha.control.client import NoAnswer, ask
from piranha.control.daemon import lock_holder
from piranha.control.messages import Refused
from piranha.forwarding.userspace import client as forwarder
from piranha.forwarding.userspace.client import ensure_forwarder

pytestmark = pytest.mark.slow

SOURCE = Path(piranha.__file__).parent.parent
LIMIT_S = 15.0


class Pair:
    """Both routers of one cluster in one folder, on addresses that no other test uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.net = f"127.{secrets.randbelow(100) + 100}.{secrets.randbelow(250) + 1}"
        self.vip = f"{self.net}.10"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind((f"{self.net}.1", 0))
            self.port = one.getsockname()[1]
        self.lvsd = folder / "lvsd"
        fake = Path(__file__).with_name("fake_lvsd.py")
        self.lvsd.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" --plane userspace "$@"\n')
        self.lvsd.chmod(0o755)
        self.config = folder / "lvs.cf"
        self.write()
        key = folder / "key"
        key.write_text(f"k1 {secrets.token_hex(32)}\n")
        key.chmod(stat.S_IRUSR | stat.S_IWUSR)

    def write(self, extra: str = "", vip: str = "") -> None:
        self.config.write_text(
            f"""
primary = {self.net}.1
backup = {self.net}.2
backup_active = 1
heartbeat_port = {self.port}
heartbeat_key_file = {self.folder}/key
keepalive = 100ms
deadtime = 1
initdead = 1
forwarding_plane = userspace
{extra}
virtual www {{
    active = 1
    address = {vip or self.vip}
    port = 8080
    server one {{ active = 1; address = {self.net}.20; port = 8081 }}
}}
"""
        )

    def run_dir(self, node: str) -> Path:
        return self.folder / node

    def start(self, node: str, *options: str) -> subprocess.Popen[bytes]:
        words = ["-n", "-c", str(self.config), "--node", node, "--run-dir", str(self.run_dir(node))]
        with (self.folder / f"{node}.log").open("ab") as log:
            self.processes[node] = subprocess.Popen(
                [sys.executable, "-m", "piranha.pulse.main", *words, "--lvsd", str(self.lvsd), *options],
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        return self.processes[node]

    def status(self, node: str) -> dict[str, object]:
        with suppress(NoAnswer):
            return ask(self.run_dir(node) / "pulse.sock", "status")
        return {}

    def role(self, node: str) -> object:
        return self.status(node).get("role")

    def holders(self) -> list[str]:
        """Return whose forwarder listens for the VIP, without asking either pulse."""
        found = []
        for node in ("primary", "backup"):
            with suppress(Exception):
                held = ask(self.run_dir(node) / "forwarder.sock", "held")
                if self.vip in json.dumps(held):
                    found.append(node)
        return found

    def log(self, node: str) -> str:
        return (self.folder / f"{node}.log").read_text()

    def wait_for(self, fact: Callable[[], object], words: str) -> None:
        until = time.monotonic() + LIMIT_S
        while not fact():
            assert time.monotonic() < until, f"not within {LIMIT_S:g} s: {words}\n{self.logs()}"
            time.sleep(0.02)

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("*.log")))

    def start_both(self) -> tuple[str, str]:
        """Return the active and the standby node once both are settled."""
        self.start("primary")
        self.start("backup")
        return self.settled()

    def settled(self) -> tuple[str, str]:
        def roles() -> list[str]:
            return sorted(str(self.role(node)) for node in ("primary", "backup"))

        self.wait_for(lambda: roles() == ["active", "standby"] and len(self.holders()) == 1, "one active, one standby")
        self.wait_for(lambda: all(self.status(n).get("ready") for n in ("primary", "backup")), "both ready")
        active = next(node for node in ("primary", "backup") if self.role(node) == "active")
        self.wait_for(lambda: '"valid_s": 1' in json.dumps(self.status(active)), "the lease is limited")
        return active, "backup" if active == "primary" else "primary"

    def kill_forwarder(self, node: str, *, again: bool = True) -> None:
        pid = forwarder.status(self.run_dir(node) / "forwarder.sock")["pid"]
        os.kill(pid, signal.SIGKILL)
        if again:  # as lvsd does it
            ensure_forwarder(self.run_dir(node))

    def prepare_restart(self, node: str) -> None:
        words = [sys.executable, "-m", "piranha.pulse.main", "--prepare-restart", "--run-dir", str(self.run_dir(node))]
        subprocess.run(words, env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=True, timeout=LIMIT_S)

    def end(self) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        for node in ("primary", "backup"):
            for lock in ("lvsd.lock", "forwarder.lock"):
                pid = lock_holder(self.run_dir(node) / lock)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.end()


def test_a_killed_router_is_replaced_and_stays_standby_when_it_returns(pair: Pair) -> None:
    active, standby = pair.start_both()

    pair.processes[active].kill()
    pair.wait_for(lambda: pair.role(standby) == "active" and pair.holders() == [standby], "the standby takes over")
    first_lvsd = lock_holder(pair.run_dir(active) / "lvsd.lock")
    assert first_lvsd is not None, "lvsd outlives pulse"

    pair.start(active)
    pair.wait_for(lambda: pair.role(active) == "standby" and pair.status(active).get("ready"), "it comes back standby")
    assert pair.role(standby) == "active"
    assert lock_holder(pair.run_dir(active) / "lvsd.lock") == first_lvsd, "the running lvsd is adopted"
    assert "adopting a running lvsd" in pair.log(active)


def test_a_frozen_router_lets_go_and_does_not_come_back_to_life_as_a_second_holder(pair: Pair) -> None:
    active, standby = pair.start_both()

    pair.processes[active].send_signal(signal.SIGSTOP)
    pair.wait_for(lambda: pair.holders() == [standby], "the VIP moves")
    pair.processes[active].send_signal(signal.SIGCONT)
    pair.wait_for(lambda: pair.role(active) == "standby", "the thawed router yields")
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert pair.holders() == [standby]


def test_a_clean_stop_hands_over_at_once_and_ends_lvsd_with_its_table(pair: Pair) -> None:
    active, standby = pair.start_both()

    begun = time.monotonic()
    pair.processes[active].terminate()
    pair.wait_for(lambda: pair.holders() == [standby], "the standby takes over")
    took_s = time.monotonic() - begun

    assert took_s < 0.8, f"sooner than deadtime, but it took {took_s:.2f} s"
    assert pair.processes[active].wait(LIMIT_S) == 0
    assert lock_holder(pair.run_dir(active) / "lvsd.lock") is None
    assert "Terminating due to signal 15" in pair.log(active)


def test_a_bad_file_and_an_empty_one_change_nothing_and_say_why(pair: Pair) -> None:
    active, _ = pair.start_both()
    generation = pair.status(active)["generation"]

    for text in ("virtual {{{ nonsense", ""):
        pair.config.write_text(text)
        pair.processes[active].send_signal(signal.SIGHUP)
        pair.wait_for(lambda: pair.status(active).get("refused_file"), "the refusal is shown")
        assert pair.role(active) == "active" and pair.holders() == [active]
        assert pair.status(active)["generation"] == generation
        with pytest.raises(Refused, match="is refused"):
            ask(pair.run_dir(active) / "pulse.sock", "reload")
    assert "the file is refused, everything stays as it is" in pair.log(active)

    pair.write(extra="serial_no = 2")
    ask(pair.run_dir(active) / "pulse.sock", "reload", timeout_s=5)
    assert pair.status(active)["refused_file"] is None


def test_a_reload_moves_the_vips_of_the_active_router(pair: Pair) -> None:
    active, standby = pair.start_both()
    old, pair.vip = pair.vip, f"{pair.net}.11"

    pair.write(vip=pair.vip)
    for node in (active, standby):
        ask(pair.run_dir(node) / "pulse.sock", "reload", timeout_s=5)

    pair.wait_for(lambda: pair.holders() == [active], "the new VIP is held")
    assert old not in json.dumps(ask(pair.run_dir(active) / "forwarder.sock", "held"))
    story = (pair.run_dir(active) / "lvsd-story").read_text().split()
    assert story[-1] == "reload"
    for node in ("primary", "backup"):
        assert f'added by the file: subject="vip {pair.net}.11" generation=2' in pair.log(node)
        assert f'removed from the file: subject="vip {old}" generation=2' in pair.log(node)


def test_a_reload_on_the_standby_is_one_reload_and_no_loop(pair: Pair) -> None:
    active, standby = pair.start_both()

    def cpu_ticks() -> int:
        stat = Path(f"/proc/{pair.processes[standby].pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) + int(stat[12])

    pair.processes[standby].send_signal(signal.SIGHUP)
    pair.wait_for(lambda: "configuration accepted" in pair.log(standby), "the file is read again")
    before, until = cpu_ticks(), time.monotonic() + 1
    pair.wait_for(lambda: time.monotonic() > until and pair.status(standby), "a second has passed")

    assert cpu_ticks() - before < os.sysconf("SC_CLK_TCK") // 2, "it rests"
    assert (pair.log(standby).count("rereading configuration file"), pair.role(active)) == (1, "active")


def test_a_switchover_moves_the_vips_and_a_refused_one_says_why(pair: Pair) -> None:
    active, standby = pair.start_both()

    with pytest.raises(Refused, match="this router is standby"):
        ask(pair.run_dir(standby) / "pulse.sock", "switchover")
    ask(pair.run_dir(active) / "pulse.sock", "switchover")

    pair.wait_for(lambda: pair.holders() == [standby] and pair.role(active) == "standby", "the VIP moves")


def test_a_prepared_restart_of_the_standby_leaves_its_lvsd_to_the_next_pulse(pair: Pair) -> None:
    active, standby = pair.start_both()
    lvsd = lock_holder(pair.run_dir(standby) / "lvsd.lock")

    pair.prepare_restart(standby)
    assert lock_holder(pair.run_dir(standby) / "lvsd.lock") == lvsd
    pair.start(standby)
    pair.wait_for(lambda: pair.role(standby) == "standby" and pair.status(standby).get("ready"), "it is back")

    assert lock_holder(pair.run_dir(standby) / "lvsd.lock") == lvsd
    assert "end" not in (pair.run_dir(standby) / "lvsd-story").read_text().split()
    assert "it restarts, back within 30 s" in pair.log(active)
    assert pair.holders() == [active]


def test_a_prepared_restart_costs_nothing(pair: Pair) -> None:
    active, standby = pair.start_both()

    pair.prepare_restart(active)
    assert lock_holder(pair.run_dir(active) / "pulse.lock") is None, "it waits for the end"
    assert pair.processes[active].wait(LIMIT_S) == 0
    assert pair.holders() == [active], "the VIP stays where it is"
    pair.start(active)
    pair.wait_for(lambda: pair.role(active) == "active", "the next pulse goes on")

    assert pair.role(standby) == "standby" and pair.holders() == [active]
    assert "taking over" not in pair.log(standby)


def test_an_lvsd_that_dies_is_started_again(pair: Pair) -> None:
    active, _ = pair.start_both()
    pid = lock_holder(pair.run_dir(active) / "lvsd.lock")
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    pair.wait_for(lambda: lock_holder(pair.run_dir(active) / "lvsd.lock") not in (None, pid), "another one runs")

    assert f"Child process {pid} terminated with signal 9" in pair.log(active)


def test_a_forwarder_that_dies_costs_no_service(pair: Pair) -> None:
    active, _ = pair.start_both()

    pair.kill_forwarder(active)
    # On a slow machine the partner may be quicker.
    told = ("VIP vanished: put back", "addresses lost: deactivating LVS")
    pair.wait_for(lambda: any(words in pair.log(active) for words in told), "it is noticed")
    pair.wait_for(lambda: len(pair.holders()) == 1, "the VIP is held again")
    pair.settled()


def test_a_lone_router_whose_forwarder_dies_holds_its_vip_again(pair: Pair) -> None:
    pair.write(extra="backup_active = 0")
    pair.start("primary")
    pair.wait_for(lambda: pair.holders() == ["primary"], "it serves")

    pair.kill_forwarder("primary")
    pair.wait_for(lambda: "VIP vanished: put back" in pair.log("primary"), "it is told")
    assert pair.holders() == ["primary"]


def test_a_router_whose_forwarder_does_not_come_back_hands_over(pair: Pair) -> None:
    active, standby = pair.start_both()

    pair.kill_forwarder(active, again=False)
    pair.wait_for(lambda: pair.holders() == [standby], "the partner serves")
    assert "addresses lost: deactivating LVS" in pair.log(active)


def test_a_cold_standby_runs_no_lvsd_until_it_takes_over(pair: Pair) -> None:
    pair.write(extra="standby = cold")
    active, standby = pair.start_both()
    assert lock_holder(pair.run_dir(standby) / "lvsd.lock") is None

    pair.processes[active].terminate()
    pair.wait_for(lambda: pair.role(standby) == "active" and pair.holders() == [standby], "the standby takes over")
    assert lock_holder(pair.run_dir(standby) / "lvsd.lock") is not None


def test_commands_run_when_the_role_changes(pair: Pair) -> None:
    story, program = pair.folder / "commands", pair.folder / "program"
    program.write_text(f'#!/bin/sh\necho "$PIRANHA_ROLE" >> {story}\nexit $1\n')
    program.chmod(0o755)
    pair.write(
        extra=f"""
active_cmd = "{program} 0"
inactive_cmd = "{program} 3"
backup_active = 0
notify_user = {os.environ.get("USER", "root")}
"""
    )
    pair.start("primary")
    pair.wait_for(lambda: pair.role("primary") == "active", "a lone router serves at once")
    pair.wait_for(lambda: story.exists() and story.read_text().split() == ["standby", "active"], "both commands ran")
    pair.processes["primary"].terminate()
    assert pair.processes["primary"].wait(LIMIT_S) == 0
    pair.wait_for(lambda: story.read_text().split() == ["standby", "active", "standby"], "the last one ran")

    assert "inactive_cmd failed: subject=inactive_cmd" in pair.log("primary")
    assert 'cause="exit status 3"' in pair.log("primary")


def test_a_router_whose_state_cannot_be_written_serves_and_says_so_once(pair: Pair) -> None:
    pair.write(extra="backup_active = 0")
    nowhere = pair.folder / "state"
    nowhere.write_text("not a folder")
    pair.start("primary", "--state-dir", str(nowhere))
    pair.wait_for(lambda: pair.holders() == ["primary"], "it serves")

    pair.wait_for(lambda: "lvs is active" in pair.log("primary"), "its term is to be kept as well")
    pair.write(extra="backup_active = 0", vip=f"{pair.net}.11")
    ask(pair.run_dir("primary") / "pulse.sock", "reload", timeout_s=5)
    pair.wait_for(lambda: "configuration accepted" in pair.log("primary"), "what others write is logged by now")

    lines = [line for line in pair.log("primary").splitlines() if str(nowhere) in line]
    told = [line for line in lines if "state cannot be written" in line]
    assert len(told) == 1 and f'cause="{nowhere}/pulse.json: Not a directory; kept in ' in told[0]
    assert len(lines) == 2, "and once that events cannot be written"
    warnings = pair.status("primary")["warnings"]
    assert isinstance(warnings, list) and warnings[0].startswith(f"state cannot be written: {nowhere}/")
