#!/usr/bin/env python3
"""Cold start: from the start of the program to the last real server in the kernel's table.

Run: tools/with-ipvs .venv/bin/python bench/cold_start.py [--runs N] [--services 1000] [--servers 10]

Beside keepalived's checker (`-C`) without checks. `lvsd` always checks, so it is told to begin with
every server up (`start_state = up`) and an interval of 100 s; its first checks run while it loads. `lvsd` twice:
with a file that it has never seen, and with one that was in force before (a boot, a restart): then it has
the form that a daemon keeps of its file at rest. A fresh network namespace for every run, programs
taking turns. Includes the start of the interpreter. Both fill the table service by service, so it is full when the
last one has its servers: to ask for that one costs next to nothing, to read the whole costs whoever fills it.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.socket import NetlinkError
from piranha.lab.build import Lab, wait_for
from piranha.lab.keepalived import Keepalived
from piranha.lab.topology import PRIMARY, nat_cluster
from piranha.lvscf.read import read_and_load
from piranha.lvsd.compiled import keep_compiled
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Protocol

VIP = "192.0.2.10"
Prepare = Callable[[Lab, int, int], Callable[[], object]]


def server(number: int) -> str:
    """Return the address of a real server; nothing is there."""
    return f"10.11.13.{number + 1}"


def prepare_lvsd(lab: Lab, services: int, servers: int) -> Callable[[], object]:
    """Write the file; return what starts `lvsd` alone in the foreground."""
    lines = ["primary = 192.0.2.2", "service = lvs", "network = nat"]
    for port in range(1, services + 1):
        lines += [f"virtual s{port} {{", "active = 1", f"address = {VIP} public", f"port = {port}"]
        lines += ["scheduler = rr", "start_state = up", "timeout = 300"]
        for number in range(servers):
            lines += [f"server r{number} {{", f"address = {server(number)}", "active = 1", "weight = 1", "}"]
        lines.append("}")
    path = lab.folder / "lvs.cf"
    path.write_text("\n".join(lines) + "\n")
    run_dir = lab.folder / "run"
    run_dir.mkdir()
    arguments = ("-n", "-c", str(path), "--run-dir", str(run_dir))
    return lambda: lab.python(PRIMARY, "piranha.lvsd.main", *arguments, log="lvsd")


def prepare_again(lab: Lab, services: int, servers: int) -> Callable[[], object]:
    """Do the same with the form of the file that a daemon has kept."""
    start = prepare_lvsd(lab, services, servers)
    run_dir = lab.folder / "run"
    state = run_dir / "state"
    state.mkdir(mode=0o750)
    keep_compiled(StateFiles(state, run_dir), read_and_load(lab.folder / "lvs.cf"))
    return start


def prepare_keepalived(lab: Lab, services: int, servers: int) -> Callable[[], object]:
    """Write the file; return what starts keepalived's checker alone."""
    blocks = [f"global_defs {{ router_id {PRIMARY} }}"]
    for port in range(1, services + 1):
        pool = "\n".join(f"real_server {server(number)} {port} {{ weight 1 }}" for number in range(servers))
        blocks.append(f"virtual_server {VIP} {port} {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{pool}\n}}")
    peer = Keepalived(lab, PRIMARY, "\n".join(blocks) + "\n")

    def start() -> object:
        peer.start("-C")
        return peer.process

    return start


def measure(prepare: Prepare, services: int, servers: int) -> float:
    """Return the seconds from the start of the program to the full table."""
    with Lab(nat_cluster(1)) as lab:
        with lab.namespace(PRIMARY).entered():
            table = IpvsSocket()
        start = prepare(lab, services, servers)
        began = time.monotonic()
        start()
        wait_for(lambda: pool_size(table, services) == servers, "the last is there", 120, every_s=0.01)
        took = time.monotonic() - began
        there = sum(pool_size(table, port) for port in range(1, services + 1))
        table.close()
    if there != services * servers:
        raise PiranhaError(f"{there} servers were there when the last one was")
    return took


def pool_size(table: IpvsSocket, port: int) -> int:
    """Return how many servers a service has, 0 while there is none."""
    try:
        return len(table.pool(ServiceKey(AddressMatch(Protocol.TCP, ip_address(VIP), port))))
    except NetlinkError:
        return 0


def main() -> None:
    """Measure and print one line a program."""
    parser = argparse.ArgumentParser(description="cold start to full table, beside keepalived")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=10)
    parser.add_argument("--only", choices=("lvsd", "lvsd again", "keepalived"))
    options = parser.parse_args()
    programs: dict[str, Prepare] = {
        "lvsd": prepare_lvsd,
        "lvsd again": prepare_again,
        "keepalived": prepare_keepalived,
    }
    if options.only:
        programs = {options.only: programs[options.only]}
    took: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(options.runs):
        for name, prepare in programs.items():
            took[name].append(measure(prepare, options.services, options.servers))
    size = f"{options.services} x {options.servers}"
    for name, seconds in took.items():
        values = " ".join(f"{one:.2f}" for one in sorted(seconds))
        print(f"{size}  {name:<11} cold start {statistics.median(seconds):.2f} s  (all: {values})", flush=True)
    for name in ("lvsd", "lvsd again"):
        if name in took and "keepalived" in took:
            ratio = statistics.median(took[name]) / statistics.median(took["keepalived"])
            print(f"{size}  {name} / keepalived = {ratio:.2f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except PiranhaError as error:
        sys.exit(f"bench/cold_start: {error}")
