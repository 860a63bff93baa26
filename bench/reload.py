#!/usr/bin/env python3
"""A reload with one changed weight: from SIGHUP to the weight in the kernel's table.

Run: tools/with-ipvs .venv/bin/python bench/reload.py [--runs N] [--services 1000] [--servers 10]

Beside keepalived's checker (`-C`) without checks, whose process that checks gets the signal from its
parent. The weight of one server of the last service goes to another number, and the file is the only
thing that says so. Both have come to rest before the first reload: `lvsd` starts 32 nannies with 10,000
checks, which in the user-mode kernel takes longer than anything else. The service is read every 10 ms, and nothing
else: to read the whole table takes the one processor for longer than a reload. Where our time goes: the events of
`lvsd`, and reading the whole file afresh in the same kernel.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from functools import partial
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from cold_start import VIP, prepare_keepalived, prepare_lvsd

from piranha.errors import PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.build import Lab, wait_for
from piranha.lab.topology import PRIMARY, nat_cluster
from piranha.lvscf.read import read_and_load
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Protocol

FILES = {"lvsd": ("lvs.cf", "weight = {}"), "keepalived": (f"{PRIMARY}-keepalived/keepalived.conf", "weight {}")}
TIMEOUT_S = 80_000  # of checks: so that hardly any run beside the reload
TOLD = ("rereading", "plan of", "configuration accepted")
REST_LIMIT_S = 300.0
BUSY = 0.3  # of one processor, by all others together


def last_replaced(text: str, old: str, new: str) -> str:
    """Return the text with the last `old` as `new`."""
    before, found, behind = text.rpartition(old)
    if not found:
        sys.exit(f"bench/reload: there is no '{old}'")
    return before + new + behind


def shows(plane: IpvsPlane, service: ServiceKey, weight: int) -> bool:
    """Whether a real server of the service has this weight; no other has it."""
    [found] = plane.dump([service]).values()
    return any(server.weight == weight for server in found.destinations.values())


def is_full(plane: IpvsPlane, last: ServiceKey, servers: int) -> bool:
    """Whether the last service has all its servers: both programs fill the table service by service."""
    return any(len(one.destinations) == servers for one in plane.dump([last]).values())


def busy_s() -> float:
    """Return the processor time of all other processes so far."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.parent.name != str(os.getpid()):
                total += sum(map(int, path.read_text().rpartition(")")[2].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def wait_for_rest() -> None:
    """Wait until nobody has done much for three seconds."""
    calm = 0
    end = time.monotonic() + REST_LIMIT_S
    while calm < 3 and time.monotonic() < end:
        busy, began = busy_s(), time.monotonic()
        time.sleep(1)
        calm = calm + 1 if busy_s() - busy < BUSY * (time.monotonic() - began) else 0


def stages(folder: Path, began: float) -> list[tuple[str, float]]:
    """Return what `lvsd` told of one reload, and how many seconds after the signal."""
    found = []
    for path in folder.rglob("lvsd-events.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        told = [(event["message"], event["when_s"] - began) for event in events if event["when_s"] > began]
        found += [(message, after_s) for message, after_s in told if message.startswith(TOLD) or "edited" in message]
    return found


def measure(name: str, services: int, servers: int, reloads: int) -> tuple[list[float], dict[str, list[float]]]:
    """Return the seconds of each reload, and where those of `lvsd` went."""
    place, spelt = FILES[name]
    last = ServiceKey(AddressMatch(Protocol.TCP, ip_address(VIP), services))
    prepare = prepare_lvsd if name == "lvsd" else prepare_keepalived
    took: list[float] = []
    parts: dict[str, list[float]] = {}
    with Lab(nat_cluster(1)) as lab:
        with lab.namespace(PRIMARY).entered():
            plane = IpvsPlane()
            plane.dump([])  # its socket belongs to this namespace from now on
        start = prepare(lab, services, servers)
        path = lab.folder / place
        path.write_text(path.read_text().replace("timeout = 300", f"timeout = {TIMEOUT_S}"))
        process = start()
        if not isinstance(process, subprocess.Popen):
            sys.exit(f"bench/reload: {name} was not started")
        wait_for(partial(is_full, plane, last, servers), "the table is full", 180, every_s=0.1)
        wait_for_rest()
        weight = 1
        for number in range(reloads):
            path.write_text(last_replaced(path.read_text(), spelt.format(weight), spelt.format(70 + number)))
            weight = 70 + number
            began = time.monotonic()
            os.kill(process.pid, signal.SIGHUP)
            wait_for(partial(shows, plane, last, weight), "the new weight is there", 120, every_s=0.01)
            took.append(time.monotonic() - began)
            wait_for_rest()
            for message, after_s in stages(lab.folder, began):
                parts.setdefault(message, []).append(after_s)
        if name == "lvsd":
            began = time.monotonic()
            read_and_load(path)
            parts["(reading the whole file afresh, alone)"] = [time.monotonic() - began]
        plane.close()
    return took, parts


def main() -> None:
    """Measure and print one line a program."""
    parser = argparse.ArgumentParser(description="reload with one changed weight, beside keepalived")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=10)
    options = parser.parse_args()
    size = f"{options.services} x {options.servers}"
    for name in FILES:
        seconds, parts = measure(name, options.services, options.servers, options.runs)
        values = " ".join(f"{one:.2f}" for one in sorted(seconds))
        load = os.getloadavg()[0]
        print(f"{size}  {name:<11} reload {statistics.median(seconds):.2f} s  (all: {values})  load {load:.1f}")
        for message, after_s in parts.items():
            print(f"    {statistics.median(after_s):6.2f} s  {message}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except PiranhaError as error:
        sys.exit(f"bench/reload: {error}")
