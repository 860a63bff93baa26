#!/usr/bin/env python3
"""Memory of the nannies: what a nanny parent and its nannies cost together, and each beyond what they share.

Run: .venv/bin/python bench/nanny_memory.py [--nannies 32] [--checks 10] [--seconds 10]

Starts a nanny parent as `lvsd` does, with so many checks for each nanny against a listener on
loopback, lets them run and reads /proc/PID/smaps_rollup. PSS shares a page among all who map it;
private dirty pages are what a process has to itself. No privilege, no kernel with IPVS.
"""

import argparse
import asyncio
import getpass
import socket
import statistics
import sys
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvscf.config import LvsdSettings
from piranha.lvsd.nannies import Nannies
from piranha.nanny.privilege import children_of
from piranha.nanny.results import Assignment

TIMING = CheckTiming(interval_s=1.0, check_timeout_s=0.5, fast_interval_s=0.5)


def rollup(pid: int) -> dict[str, int]:
    """Return the sums of a process's mappings in kB, by the names of proc(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(number) for name, number, *_ in map(str.split, lines)}


def assignments(port: int, number: int) -> list[Assignment]:
    """Return so many checks of the same port."""
    address = ip_address("127.0.0.1")
    return [
        Assignment(id=f"www/web{n}", address=address, port=port, check=Exchange(), timing=TIMING, believed_up=True)
        for n in range(number)
    ]


def accept(listener: socket.socket) -> None:
    """Take one connection and close it."""
    listener.accept()[0].close()


async def measure(nannies_wanted: int, checks: int, seconds: float) -> tuple[dict[str, int], list[dict[str, int]]]:
    """Return what the parent and each nanny takes after `seconds` of work."""
    settings = LvsdSettings(nanny_processes=nannies_wanted, script_user=getpass.getuser())
    results = 0

    def count(found: object) -> None:
        nonlocal results
        results += 1

    nannies = Nannies(settings, on_results=count, on_event=print)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        asyncio.get_running_loop().add_reader(listener, accept, listener)
        await nannies.start()
        try:
            nannies.assign(assignments(listener.getsockname()[1], nannies_wanted * checks))
            await asyncio.sleep(seconds)
            parent = int(str(nannies.status()["pid"]))
            children = children_of(parent)
            if len(children) != nannies_wanted or not results:
                raise SystemExit(f"bench/nanny_memory: {len(children)} nannies, {results} messages: not what was asked")
            return rollup(parent), [rollup(child) for child in children]
        finally:
            asyncio.get_running_loop().remove_reader(listener)
            await nannies.close()


def main() -> None:
    """Measure and print three lines."""
    parser = argparse.ArgumentParser(description="memory of a nanny parent and its nannies")
    parser.add_argument("--nannies", type=int, default=32)
    parser.add_argument("--checks", type=int, default=10, help="for each nanny")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    parent, children = asyncio.run(measure(options.nannies, options.checks, options.seconds))
    pss_kb = parent["Pss"] + sum(child["Pss"] for child in children)
    print(f"{len(children)} nannies with {options.checks} checks each, and their parent: PSS {pss_kb / 1024:.1f} MB")
    for what, name in (("private dirty", "Private_Dirty"), ("PSS", "Pss")):
        values = [child[name] for child in children]
        words = f"median {statistics.median(values):.0f} kB, {min(values)} to {max(values)} kB"
        print(f"{what} of a nanny: {words}; of the parent {parent[name]} kB")


if __name__ == "__main__":
    main()
