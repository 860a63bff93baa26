#!/usr/bin/env python3
"""Reading a large file: from the path to a Config, beside `keepalived -t` of an equal keepalived.conf.

Run: .venv/bin/python bench/read_file.py [--runs N] [--services 1000] [--servers 10] [--apart]

1000 virtual servers of 10 real servers, one setting a line; with --apart every real server has an address of its
own. A process of its own for every run, taking turns. Piranha: processor time and wall time of `read_and_load` alone,
and the memory the process grows by; and the whole of `piranha check`, with the start of the interpreter, to compare
with `keepalived -t`. Needs no kernel with IPVS: natively, as root for keepalived.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from ipaddress import ip_address
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parent.parent / "src")
MEASURE = """
import json, resource, sys, time
from piranha.lvscf.read import read_and_load
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
wall, cpu = time.monotonic(), time.process_time()
loaded = read_and_load(sys.argv[1])
assert loaded.config is not None, loaded.render()
figures = (time.monotonic() - wall, time.process_time() - cpu)
print(json.dumps((*figures, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)))
"""


CHECK = "TCP_CHECK {\n   connect_timeout 3\n  }"


def lvs_cf(services: int, servers: int, *, apart: bool = False) -> str:
    """Return our file. apart: no two real servers have one address."""
    lines = ["primary = 192.0.2.2", "service = lvs", "network = nat"]
    for number in range(services):
        lines += [f"virtual s{number} {{", "    active = 1", f"    address = {vip(number)} eth0", "    port = 80"]
        lines += ["    scheduler = wlc", "    timeout = 6"]
        for server in range(servers):
            address = ip_address("10.11.13.1") + server + (256 * number if apart else 0)
            lines += [f"    server r{server} {{", f"        address = {address}", "        active = 1"]
            lines += [f"        weight = {server + 1}", "    }"]
        lines.append("}")
    return "\n".join(lines) + "\n"


def keepalived_conf(services: int, servers: int) -> str:
    """Return keepalived's file with the same services and a TCP check for each server."""
    blocks = ["global_defs {\n router_id bench\n}"]
    for number in range(services):
        pool = "\n".join(
            f" real_server 10.11.13.{server + 1} 80 {{\n  weight {server + 1}\n  {CHECK}\n }}"
            for server in range(servers)
        )
        blocks.append(
            f"virtual_server {vip(number)} 80 {{\n delay_loop 3\n lb_algo wlc\n lb_kind NAT\n protocol TCP\n{pool}\n}}"
        )
    return "\n".join(blocks) + "\n"


def vip(number: int) -> str:
    """Return a VIP of its own for each service."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


def timed(command: list[str]) -> tuple[float, float, float]:
    """Return wall time, processor time and the largest memory in MB of one process."""
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    wall = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{command[0]} refuses the file")
    return time.monotonic() - wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--services", type=int, default=1000)
    options.add_argument("--servers", type=int, default=10)
    options.add_argument("--apart", action="store_true")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "lvs.cf", Path(folder) / "keepalived.conf"
        ours.write_text(lvs_cf(args.services, args.servers, apart=args.apart))
        theirs.write_text(keepalived_conf(args.services, args.servers))
        rows: dict[str, list[tuple[float, float, float]]] = {
            "read to Config": [],
            "piranha check": [],
            "keepalived -t": [],
        }
        for _ in range(args.runs):
            done = subprocess.run(
                [sys.executable, "-c", MEASURE, str(ours)],
                env={**os.environ, "PYTHONPATH": SOURCE},
                capture_output=True,
                text=True,
                check=True,
            )
            wall, cpu, grown = json.loads(done.stdout)
            rows["read to Config"].append((wall, cpu, grown))
            rows["piranha check"].append(timed([sys.executable, "-m", "piranha.cli.main", "check", str(ours)]))
            rows["keepalived -t"].append(timed(["keepalived", "-t", "-f", str(theirs)]))
        size = ours.stat().st_size / 1e6
    print(f"{args.services} x {args.servers}, {size:.2f} MB, {args.runs} runs, load {os.getloadavg()[0]:.1f}")
    for name, found in rows.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:15} wall {wall:.2f} s   processor {cpu:.2f} s   memory {memory:.0f} MB")


if __name__ == "__main__":
    main()
