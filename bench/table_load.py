#!/usr/bin/env python3
"""Load and dump of a big table, beside the C tool.

Run: tools/with-ipvs .venv/bin/python bench/table_load.py [--runs N] [--sizes 1000x10 1000x30]

Load: from the wish to the last server in the kernel. `piranha` is what `lvsd` does: two tables in
memory, diff, encode, send; the programs read rules from a file and include their own start. Dump: read
the whole table; `piranha` into a table value, over a new socket as a daemon does it for the first time
and again as it does from then on; the programs to /dev/null. Every load happens in a fresh network
namespace, the ways take turns; medians. Each load is checked by counting.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from piranha.errors import PiranhaError
from piranha.forwarding.ipvs import IpvsPlane
from piranha.kernel import ipvs_answers
from piranha.lab.namespaces import Namespace
from piranha.table.destination import Destination, DestinationKey
from piranha.table.diff import diff
from piranha.table.rules import print_rules
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

ROOT = Path(__file__).resolve().parent.parent
C_TOOL = "/usr/sbin/ipvsadm"
LISTINGS = {"dump": "-Ln", "count": "-Ln --stats", "save": "-Sn"}
OURS = [sys.executable, "-S", "-c", "from piranha.cli.ipvsadm.entry import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
# As installed: byte code is there (filled by the first start, which is not measured).
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)


def big_table(services: int, servers: int) -> Table:
    """Return `services` TCP services with `servers` servers each, no two servers alike."""
    nat = Destination(forwarding=ForwardingMethod.NAT)
    base = int(IPv4Address("10.0.0.1"))
    table: dict[ServiceKey, Service] = {}
    for number in range(services):
        vip = IPv4Address(int(IPv4Address("192.0.2.0")) + number % 200)
        key = ServiceKey(AddressMatch(Protocol.TCP, vip, 1 + number))
        first = base + number * servers
        pool = {DestinationKey(IPv4Address(first + place), 80): nat for place in range(servers)}
        table[key] = Service(ServiceSettings(scheduler="wlc"), pool)
    return table


def in_fresh_namespace(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Run `work` in a new network namespace with `lo` up; without it IPVS answers EINVAL."""
    namespace = Namespace.create("bench")
    try:
        with namespace.entered():
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            return work()
    finally:
        os.close(namespace.descriptor)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run_program(words: list[str], rules: Path) -> None:
    """Run a program on the rules; its listing goes nowhere."""
    with rules.open() as stdin:
        subprocess.run(words, stdin=stdin, stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=True)


def measure(load: Callable[[], object], table: Table, rules: Path) -> dict[str, float]:
    """Load the table one way and check it; then dump it every way."""
    took = {"load": seconds(load)}
    plane = IpvsPlane()
    try:
        forget()
        took["dump piranha, first"] = seconds(plane.dump)
        found = plane.dump()
        if sum(len(service.destinations) for service in found.values()) != sum(
            len(service.destinations) for service in table.values()
        ) or len(found) != len(table):
            raise SystemExit("table_load: the table in the kernel is not the one that was loaded")
        took["dump piranha, again"] = seconds(plane.dump)
    finally:
        plane.close()
    for kind, line in LISTINGS.items():
        for name, tool in (("piranha", OURS), ("C", [C_TOOL])):
            took[f"{kind} ipvsadm {line} ({name})"] = seconds(partial(run_program, [*tool, *line.split()], rules))
    return took


def forget() -> None:
    """Make the codec as it is in a process that has read no table yet."""
    for remembered in (ipvs_answers._service_key, ipvs_answers._destination):
        remembered.cache_clear()
    for places in ipvs_answers._PLACES.values():
        places.clear()


def load_plane(table: Table) -> None:
    """Do what the lvs daemon does at a cold start."""
    plane = IpvsPlane()
    refusals = plane.apply(diff(plane.dump(), table))
    plane.close()
    if refusals:
        raise SystemExit(f"table_load: {refusals[0].reason}")


def measured(table: Table, runs: int) -> dict[str, list[float]]:
    """Load and dump one table every way, the ways in turns."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules"
        rules.write_text(print_rules(table))
        ways: dict[str, Callable[[], object]] = {
            "load piranha": lambda: load_plane(table),
            "load ipvsadm -R (piranha)": lambda: run_program([*OURS, "-R"], rules),
            "load ipvsadm -R (C)": lambda: run_program([C_TOOL, "-R"], rules),
        }
        for _ in range(runs):
            for name, load in ways.items():
                took = in_fresh_namespace(partial(measure, load, table, rules))
                figures.setdefault(name, []).append(took.pop("load"))
                for key, value in took.items():
                    figures.setdefault(key, []).append(value)
    return figures


def main() -> int:
    """Measure and print tables of all sizes."""
    parser = argparse.ArgumentParser(description="load and dump of a big IPVS table, beside the C tool")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", default=["1000x10", "1000x30"], metavar="SERVICESxSERVERS")
    options = parser.parse_args()
    if not Path(C_TOOL).exists():
        raise SystemExit(f"table_load: {C_TOOL} is missing (apt-get install ipvsadm)")
    with tempfile.TemporaryDirectory() as folder:
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        subprocess.run([*OURS, "-v"], stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=True)
        for size in options.sizes:
            services, servers = map(int, size.split("x"))
            try:
                report(measured(big_table(services, servers), options.runs), services, servers)
            except PiranhaError as error:
                raise SystemExit(f"table_load: {error}") from None
    return 0


def report(figures: Mapping[str, list[float]], services: int, servers: int) -> None:
    """Print medians and how many times faster than the C tool each way is."""
    print(f"{services} services x {servers} servers: seconds, median (smallest-largest), C tool / this way")
    for kind in ("load", *LISTINGS):
        reference = next(statistics.median(v) for name, v in figures.items() if name.startswith(kind) and "(C)" in name)
        for name, values in figures.items():
            if name.startswith(kind):
                median = statistics.median(values)
                spread = f"({min(values):.3f}-{max(values):.3f})"
                print(f"  {name:<28} {median:7.3f} {spread:<16} {reference / median:6.1f} x   n={len(values)}")


if __name__ == "__main__":
    sys.exit(main())
