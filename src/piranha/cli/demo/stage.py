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
from collections.abc import Callable
from pathlib import Path

import piranha
from piranha.cli.demo.site import PORT, ROUTERS, WEIGHTS, Site, lvs_cf
from piranha.errors import PiranhaError

STOP_LIMIT_S = 4.0
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
    """Starts and ends the processes; everything they write goes into `folder`."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
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
        """Start a real server, again if it was killed."""
        self._servers[name] = self._start(name, "piranha.cli.demo.server", self.site.server(name), str(PORT), name)

    def kill_server(self, name: str) -> None:
        """Kill a real server: its port refuses from then on."""
        self._servers[name].kill()
        self._servers[name].wait()

    def server_runs(self, name: str) -> bool:
        """Whether the process of a real server is there."""
        return name in self._servers and self._servers[name].poll() is None

    def start_pulse(self, name: str) -> None:
        """Start the controlling process of a router, which starts or adopts the rest."""
        run_dir = self.run_dirs[name]
        run_dir.mkdir(exist_ok=True)
        self._pulses[name] = self._start(
            name, "piranha.pulse.main", "--nodaemon", "--configfile", str(self.file), "--node", name,
            "--run-dir", str(run_dir), "--plane", "userspace",
        )  # fmt: skip

    def kill_pulse(self, name: str) -> None:
        """Kill the pulse of a router; its lvs daemon, nannies and forwarder go on."""
        self._pulses[name].kill()
        self._pulses[name].wait()

    def freeze_pulse(self, name: str) -> None:
        """Stop the pulse of a router where it stands."""
        os.kill(self._pulses[name].pid, signal.SIGSTOP)
        self._frozen.add(name)

    def thaw_pulse(self, name: str) -> None:
        """Let a frozen pulse go on as if no time had passed."""
        self._frozen.discard(name)
        os.kill(self._pulses[name].pid, signal.SIGCONT)

    def pulse_state(self, name: str) -> str:
        """Return `runs`, `frozen` or how it ended."""
        process = self._pulses.get(name)
        if process is None:
            return "not started"
        code = process.poll()
        if code is None:
            return "frozen" if name in self._frozen else "runs"
        return "killed" if code == -signal.SIGKILL else f"ended with status {code}"

    async def stop(self) -> None:
        """End both routers in good order, then the real servers; whoever does not obey is left to the guard."""
        for name in list(self._frozen):
            with contextlib.suppress(ProcessLookupError):
                self.thaw_pulse(name)
        for processes in (self._pulses, self._servers):
            living = [process for process in processes.values() if process.poll() is None]
            for process in living:
                process.terminate()
            await _until(lambda living=living: all(p.poll() is not None for p in living), STOP_LIMIT_S)  # type: ignore[misc]

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


async def _until(fact: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not fact():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True
