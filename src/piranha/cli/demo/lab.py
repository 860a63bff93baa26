"""Shell: the demo on the real IPVS: the lab's network namespaces, kernel addresses as VIPs."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from piranha.cli.demo.cast import Cast
from piranha.cli.demo.counts import Counts, Outcome
from piranha.cli.demo.stage import CannotPlay, last_line
from piranha.control.client import ask_async
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.userspace.protocol import Holding
from piranha.kernel.addresses import Addresses
from piranha.lab.build import Lab
from piranha.lab.cluster import Cluster, Traffic
from piranha.lab.faults import freeze, kill, thaw
from piranha.lab.namespaces import LabError
from piranha.lab.topology import ROUTERS, VIP, ClusterFile, VirtualFile, nat_cluster

REQUESTS_PER_S = 50
PORT = 80
CAST = Cast(
    routers=ROUTERS,
    servers=("rs1", "rs2", "rs3"),
    keepalive_s=1.0,
    deadtime_s=4.0,
    timeout_s=3.0,
    reentry_s=2.0,
    lease_bound_s=2.5,  # the kernel is up to 1.5 s late
    refresh_s=0.5,
    slack_s=1.5,
    patience_s=6.0,
    settle_s=2.0,  # the client's record comes late: time-outs, writing, reading
    switch_s=1.0,
    start_s=100.0,  # a user-mode kernel on a busy machine takes its time
    tour_s=180.0,
)
INTRODUCTION = f"""\
A lab of network namespaces on the real IPVS: a client, a public bridge, two routers with pulse, lvsd and nannies, \
a private bridge, three real servers behind NAT; {REQUESTS_PER_S} requests a second. Heartbeats every \
{CAST.keepalive_s:g} s, a partner counts as dead after {CAST.deadtime_s:g} s without one. VIPs are kernel addresses \
with a lifetime of 1 s, renewed every 0.33 s while a partner stands ready; the kernel takes one away at most 1.5 s \
late. So a router that freezes has lost its VIP before its partner takes it: never two holders."""


class LabStage:
    """The theatre in the lab (see `cast.Theatre`). Raises CannotPlay without root or IPVS."""

    cast = CAST
    vip = VIP
    introduction = INTRODUCTION

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            raise CannotPlay("--lab needs root, for network namespaces and IPVS (tools/with-ipvs has both)")
        # The lab's files go where the guard removes them.
        tempfile.tempdir = str(folder)
        try:
            IpvsPlane().dump()
            self._lab = Lab(nat_cluster())
            self._lab.__enter__()
            file = ClusterFile(
                keepalive_s=CAST.keepalive_s,
                deadtime_s=CAST.deadtime_s,
                initdead_s=CAST.deadtime_s,
                key_file=str(self._lab.folder / "heartbeat.key"),
                virtuals=(VirtualFile(name="www", timeout_s=CAST.timeout_s, reentry_s=CAST.reentry_s),),
            )
            self._cluster = Cluster(self._lab, file)
        except (LabError, PlaneUnavailable) as error:
            raise CannotPlay(f"--lab: {error}") from error
        self.run_dirs = {name: router.run_dir for name, router in self._cluster.routers.items()}
        self._frozen: set[str] = set()
        self._since_s: dict[str, float] = {}

    def start_server(self, name: str) -> None:
        """See Theatre; the lab has started each of them once."""
        if not self.server_runs(name):
            self._cluster.start_server(name)

    def kill_server(self, name: str) -> None:
        """See Theatre."""
        kill(self._cluster.servers[name].pid)
        self._cluster.servers[name].wait()

    def server_runs(self, name: str) -> bool:
        """See Theatre."""
        return self._cluster.servers[name].poll() is None

    def start_pulse(self, name: str) -> None:
        """See Theatre."""
        self._cluster.routers[name].start()

    def kill_pulse(self, name: str) -> None:
        """See Theatre."""
        router = self._cluster.routers[name]
        kill(router.pulse_pid)
        if router.process is not None:
            router.process.wait()

    def freeze_pulse(self, name: str) -> None:
        """See Theatre."""
        freeze(self._cluster.routers[name].pulse_pid)
        self._frozen.add(name)

    def thaw_pulse(self, name: str) -> None:
        """See Theatre."""
        self._frozen.discard(name)
        thaw(self._cluster.routers[name].pulse_pid)

    def pulse_state(self, name: str) -> str:
        """See Theatre."""
        process = self._cluster.routers[name].process
        if process is None:
            return "not started"
        code = process.poll()
        if code is None:
            return "frozen" if name in self._frozen else "runs"
        return "killed" if code == -9 else f"ended with status {code}"

    def last_words(self, name: str) -> str:
        """See Theatre."""
        return last_line(self._lab.logs / f"{name}-pulse.log")

    async def switch_over(self, name: str) -> None:
        """See Theatre."""
        await ask_async(self.run_dirs[name] / "pulse.sock", "switchover", timeout_s=3.0)

    async def holding(self, name: str) -> Holding | None:
        """Return how the kernel of a router holds the VIP, None if it does not."""
        held, remaining_s = await asyncio.to_thread(self._look, name)
        if not held:
            self._since_s.pop(name, None)
            return None
        now = time.monotonic()
        return Holding(remaining_s=remaining_s, since_s=now - self._since_s.setdefault(name, now), listening=(PORT,))

    def _look(self, name: str) -> tuple[bool, float | None]:
        with self._lab.namespace(name).entered(), Addresses() as kernel:
            for one in kernel.addresses():
                if one.address == VIP:
                    return True, one.valid_s
        return False, None

    async def send_requests(self, counts: Counts) -> None:
        """Send requests from the lab's client and count them, until cancelled."""
        traffic = await asyncio.to_thread(Traffic, self._lab, f"{VIP}:{PORT}", rate_hz=REQUESTS_PER_S)
        counted: set[float] = set()
        while True:
            for request in (await asyncio.to_thread(traffic.so_far)).requests:
                if request.start_s not in counted:
                    counted.add(request.start_s)
                    counts.add(Outcome(request.start_s, request.server if request.ok else "", str(request.outcome)))
            await asyncio.sleep(self.cast.refresh_s)

    def logs(self) -> list[Path]:
        """Return the files that the routers' daemons write to."""
        return [path for name in ROUTERS for path in sorted(self._lab.logs.glob(f"{name}-*.log"))]

    async def stop(self) -> None:
        """End every process of the lab, remove its networks."""
        await asyncio.to_thread(self._lab.close)
