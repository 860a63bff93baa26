"""Shell: the processes of the demo: real servers and routers, started, killed, frozen and revived for real."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import piranha
from piranha.cli.demo.client import REQUESTS_PER_S, send_requests
from piranha.cli.demo.counts import Counts
from piranha.cli.demo.site import CAST, PORT, ROUTERS, WEIGHTS, Site, lvs_cf
from piranha.control.client import ask_async
from piranha.errors import PiranhaError
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.userspace import client as forwarder
from piranha.forwarding.userspace.protocol import Holding

STOP_LIMIT_S = 4.0
PATIENCE_S = 0.6
INTRODUCTION = f"""\
Two routers on this machine, each with its own pulse, lvsd, nannies and forwarder; three real servers; a client \
with {REQUESTS_PER_S} requests a second to the VIP. Heartbeats every {CAST.keepalive_s:g} s, a partner counts as \
dead after {CAST.deadtime_s:g} s without one. VIPs are leases: the largest whole L with \
L + L/3 + 1.5 <= {CAST.deadtime_s:g} is 1 s, renewed every 0.33 s while a partner stands ready. So a router that \
freezes has lost its VIP before its partner takes it: never two holders."""
SOURCE = Path(piranha.__file__).parents[1]


class CannotPlay(PiranhaError):
    """The demo cannot run on this machine; one line says why."""


def find_site() -> Site:
    """Return two loopback networks and a port that are free now. Raises CannotPlay."""
    error: OSError | None = None
    for _ in range(20):
        first, second = 16 + secrets.randbelow(200), secrets.randbelow(254)
        public, private = f"127.{first}.{second}", f"127.{first}.{second + 1}"
        site = Site(public=public, private=private, heartbeat_port=1024 + secrets.randbelow(30000))
        try:
            _try(site)
        except OSError as failure:
            error = failure
            continue
        return site
    raise CannotPlay(f"no free addresses in 127.0.0.0/8: {error}")


def _try(site: Site) -> None:
    for host in (str(site.vip), *map(site.server, WEIGHTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, PORT))
    for router in ROUTERS:
        for network in (site.public, site.private):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((site.router(router, network), site.heartbeat_port))


class Stage:
    """The theatre on loopback (see `cast.Theatre`); everything that its processes write goes into `folder`."""

    cast = CAST
    introduction = INTRODUCTION

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        self.vip = site.vip
        self.run_dirs = {name: folder / name for name in ROUTERS}
        self._folder = folder
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._pulses: dict[str, subprocess.Popen[bytes]] = {}
        self._frozen: set[str] = set()
        key = folder / "heartbeat.key"
        key.touch(0o600)
        key.write_text(f"demo {secrets.token_hex(32)}\n")
        self.file = folder / "lvs.cf"
        self.file.write_text(lvs_cf(site, str(key)))

    def log_of(self, name: str) -> Path:
        """Return where the output of a process goes: `web1`, `primary`, …"""
        return self._folder / f"{name}.log"

    def start_server(self, name: str) -> None:
        """See Theatre."""
        self._servers[name] = self._start(name, "piranha.cli.demo.server", self.site.server(name), str(PORT), name)

    def kill_server(self, name: str) -> None:
        """See Theatre."""
        self._servers[name].kill()
        self._servers[name].wait()

    def server_runs(self, name: str) -> bool:
        """See Theatre."""
        return name in self._servers and self._servers[name].poll() is None

    def start_pulse(self, name: str) -> None:
        """See Theatre."""
        run_dir = self.run_dirs[name]
        run_dir.mkdir(exist_ok=True)
        self._pulses[name] = self._start(
            name, "piranha.pulse.main", "--nodaemon", "--configfile", str(self.file), "--node", name,
            "--run-dir", str(run_dir), "--plane", "userspace",
        )  # fmt: skip

    def kill_pulse(self, name: str) -> None:
        """See Theatre."""
        self._pulses[name].kill()
        self._pulses[name].wait()

    def freeze_pulse(self, name: str) -> None:
        """See Theatre."""
        os.kill(self._pulses[name].pid, signal.SIGSTOP)
        self._frozen.add(name)

    def thaw_pulse(self, name: str) -> None:
        """See Theatre."""
        self._frozen.discard(name)
        os.kill(self._pulses[name].pid, signal.SIGCONT)

    def pulse_state(self, name: str) -> str:
        """See Theatre."""
        process = self._pulses.get(name)
        if process is None:
            return "not started"
        code = process.poll()
        if code is None:
            return "frozen" if name in self._frozen else "runs"
        return "killed" if code == -signal.SIGKILL else f"ended with status {code}"

    def last_words(self, name: str) -> str:
        """See Theatre."""
        return last_line(self.log_of(name))

    async def switch_over(self, name: str) -> None:
        """See Theatre."""
        await ask_async(self.run_dirs[name] / "pulse.sock", "switchover", timeout_s=1.0)

    async def holding(self, name: str) -> Holding | None:
        """Return how the forwarder of a router holds the VIP, None if it does not."""
        path = self.run_dirs[name] / forwarder.SOCKET_NAME
        try:
            return (await asyncio.to_thread(forwarder.held, path, timeout_s=PATIENCE_S)).get(self.site.vip)
        except PlaneUnavailable:
            return None

    async def send_requests(self, counts: Counts) -> None:
        """Send requests to the VIP and count them, until cancelled."""
        await send_requests(str(self.vip), PORT, counts)

    def logs(self) -> list[Path]:
        """Return the files that the routers' daemons write to."""
        return [self.log_of(name) for name in ROUTERS]

    async def stop(self) -> None:
        """End both routers in good order, then the real servers; whoever does not obey is left to the guard."""
        for name in list(self._frozen):
            with contextlib.suppress(ProcessLookupError):
                self.thaw_pulse(name)
        for processes in (self._pulses, self._servers):
            living = [process for process in processes.values() if process.poll() is None]
            for process in living:
                process.terminate()
            await _until(partial(_have_ended, living), STOP_LIMIT_S)

    def _start(self, name: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        with self.log_of(name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C on the terminal is for the demo; it ends them in its own order.
                start_new_session=True,
            )


def last_line(log: Path) -> str:
    """Return the last line of a log, empty if there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _have_ended(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    return all(process.poll() is not None for process in processes)


async def _until(fact: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not fact():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True
