#!/usr/bin/env python3
"""Takeover after a power cut, beside keepalived: same lab, same client, taking turns.

Run: tools/with-ipvs .venv/bin/python bench/takeover.py [--runs N] [--intervals 1 0.1] [--only piranha]
 or: .venv/bin/python bench/takeover.py --addresses [...], as root

A client sends 200 requests a second through NAT, each with 0.1 s to be answered. Both cables of the
active router are cut at once, at a random moment of the heartbeat interval. Outage = from the cut to
the end of the first request from which on 0.2 s of requests succeed. `deadtime` is three intervals, as
in VRRP. With --addresses there is no IPVS, the routers answer themselves and `lvsd` is a stand-in: the
moving of addresses alone, on the machine's own kernel and at its own speed. A fresh lab for every run;
a run in which the client itself was stalled is made again.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from piranha.errors import PiranhaError  # the checkout first
from piranha.lab import faults
from piranha.lab.build import Lab, wait_for
from piranha.lab.cluster import Cluster, Traffic
from piranha.lab.keepalived import Keepalived, checker_block, vrrp_block
from piranha.lab.timeline import Record, outage_after
from piranha.lab.topology import PRIMARY, ROUTERS, VIP, ClusterFile, VirtualFile, nat_cluster
from piranha.lab.watch import holders

WEB = VirtualFile(timeout_s=3)
STAND_IN = Path(__file__).resolve().parent / "stand_ins" / "lvsd.py"
Start = Callable[[Lab, float], None]


@dataclass(frozen=True)
class Run:
    """One power cut."""

    outage_s: float
    failed: int


def start_piranha(lab: Lab, interval_s: float) -> None:
    """Start both routers; the primary becomes active."""
    # Deadtime of three intervals leaves no room for a fencing lease below 2.9 s; the cut is what is measured.
    file = ClusterFile(keepalive_s=interval_s, deadtime_s=3 * interval_s, initdead_s=3, virtuals=(WEB,))
    Cluster(lab, file).start()


def start_pulse(lab: Lab, interval_s: float) -> None:
    """Start `pulse` on both routers, each of which answers requests itself."""
    file = ClusterFile(keepalive_s=interval_s, deadtime_s=3 * interval_s, initdead_s=3, virtuals=(WEB,))
    cluster = Cluster(lab, file)
    answer_on_routers(lab)
    for router in cluster.routers.values():
        router.options = ("--lvsd", str(STAND_IN))
    cluster.start()


def start_vrrp(lab: Lab, interval_s: float) -> None:
    """Start keepalived without virtual servers on both routers, each of which answers requests itself."""
    answer_on_routers(lab)
    start_pair(lab, {name: vrrp_block(lab, name, (WEB,), interval_s) for name in ROUTERS})


def answer_on_routers(lab: Lab) -> None:
    """Have both routers answer requests to the VIP."""
    for name in ROUTERS:
        lab.python(name, "piranha.lab.server", "--name", name, "80", log=name)


def start_keepalived(lab: Lab, interval_s: float) -> None:
    """Start both routers; the one with priority 254 becomes active."""
    for name in lab.topology.servers:
        lab.python(name, "piranha.lab.server", "--name", name, "80", log=name)
    start_pair(lab, {name: vrrp_block(lab, name, (WEB,), interval_s) + checker_block(lab, WEB) for name in ROUTERS})


def start_pair(lab: Lab, files: dict[str, str]) -> None:
    """Start keepalived with these files, the one with priority 254 first."""
    peers = {name: Keepalived(lab, name, text) for name, text in files.items()}
    peers[PRIMARY].start()
    wait_for(lambda: holders(lab, VIP) == (PRIMARY,), "keepalived holds the VIP", 20)
    for name, peer in peers.items():
        if name != PRIMARY:
            peer.start()
    time.sleep(2)


def measure(start: Start, interval_s: float) -> Run | None:
    """Build, start, cut the power; None when the client was stalled in between."""
    with Lab(nat_cluster()) as lab:
        start(lab, interval_s)
        traffic = Traffic(lab, f"{VIP}:80", rate_hz=200, limit_s=0.1)
        # Long enough for the start of the programs to be over, and not in step with the heartbeats.
        time.sleep(3 + random.random() * interval_s)
        (active,) = holders(lab, VIP)
        cut_s = time.monotonic()
        faults.cut(lab, active)
        wait_for(lambda: calm(traffic.so_far(), cut_s), "service is back", 12 * interval_s + 10, every_s=0.2)
        record = traffic.stop()
    if record.between(cut_s - 1).gaps:
        return None
    return Run(outage_after(record, cut_s), len(record.between(cut_s).failures))


def calm(record: Record, cut_s: float) -> bool:
    """Whether requests failed after the cut and half a second of success followed."""
    failures = record.between(cut_s).failures
    return bool(failures) and record.requests[-1].start_s - failures[-1].start_s > 0.5


def main() -> None:
    """Measure and print one line a combination."""
    parser = argparse.ArgumentParser(description="takeover after a power cut, beside keepalived")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--intervals", type=float, nargs="+", default=[1, 0.1])
    parser.add_argument("--only", choices=("piranha", "keepalived"))
    parser.add_argument("--addresses", action="store_true", help="without IPVS: only the addresses move")
    options = parser.parse_args()
    starts: dict[str, Start] = {"piranha": start_piranha, "keepalived": start_keepalived}
    if options.addresses:
        starts = {"piranha": start_pulse, "keepalived": start_vrrp}
    if options.only:
        starts = {options.only: starts[options.only]}
    for interval_s in options.intervals:
        runs: dict[str, list[Run]] = {name: [] for name in starts}
        while any(len(done) < options.runs for done in runs.values()):
            for name, start in starts.items():
                run = measure(start, interval_s)
                if run is not None:
                    runs[name].append(run)
        for name, done in runs.items():
            report(name, interval_s, done)
        if len(runs) == 2:
            ratio = median(runs["piranha"]) / median(runs["keepalived"])
            print(f"interval {interval_s:g} s: piranha / keepalived = {ratio:.2f}", flush=True)


def median(runs: list[Run]) -> float:
    """Return the median outage in seconds."""
    return statistics.median(run.outage_s for run in runs)


def report(name: str, interval_s: float, runs: list[Run]) -> None:
    """Print the median, all values and the range of failed requests."""
    values = " ".join(f"{run.outage_s:.3f}" for run in sorted(runs, key=lambda run: run.outage_s))
    failed = [run.failed for run in runs]
    print(
        f"interval {interval_s:g} s  {name:<11} outage {median(runs):.3f} s  (all: {values})  "
        f"failed {min(failed)}-{max(failed)}",
        flush=True,
    )


if __name__ == "__main__":
    try:
        main()
    except PiranhaError as error:
        sys.exit(f"bench/takeover: {error}")
