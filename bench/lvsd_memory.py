#!/usr/bin/env python3
"""Memory of `lvsd` with tables of several sizes, and how it grows; beside keepalived's checker (`-C`).

Run: sudo .venv/bin/python bench/lvsd_memory.py --only lvsd          (natively, needs the right to unshare)
     tools/with-ipvs .venv/bin/python bench/lvsd_memory.py --only keepalived
     Both: --sizes 100x10 1000x10 1000x30 3000x30 for the table of README.md

`lvsd` runs on a plane that keeps its table in a file, so that it costs as much to read and to hold as that of the
kernel and nothing besides; its nannies are processes of their own (`nanny_memory.py`) in a network namespace without
any network. Measured at rest: the file accepted, its form kept, the whole table read back a few times. keepalived:
its parent and its checker, with all entries in the kernel. PSS shares a page among all who map it.
"""

import argparse
import asyncio
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from cold_start import pool_size, prepare_keepalived, server

from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.events.record import Recorder
from piranha.forwarding.plane import Refusal, Sample
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.lab.build import Lab, wait_for
from piranha.lab.topology import PRIMARY, nat_cluster
from piranha.lvscf.config import PlaneKind
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.lvsd.source import COMPILED, Source
from piranha.nanny.privilege import children_of
from piranha.table.changes import AddDestination, AddService, Change, EditDestination, EditService, RemoveDestination
from piranha.table.service import ServiceKey
from piranha.table.table import Service, Table

SIZES = ("100x10", "1000x10")
HEAD = "primary = 192.0.2.2\nservice = lvs\nnetwork = nat\nrepair_interval = 5\nnanny_processes = 2\n"
AT_REST_S = 20.0
LIMIT_S = 600.0


class FilePlane:
    """A table in a file; see `forwarding.plane.Plane`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read it."""
        table: Table = pickle.loads(self._path.read_bytes()) if self._path.exists() else {}  # noqa: S301 -- our own
        return table if only is None else {key: table[key] for key in only if key in table}

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out everything."""
        table = dict(self.dump())
        pools = {key: dict(service.destinations) for key, service in table.items()}
        for change in changes:
            match change:
                case AddService(key, settings):
                    table[key], pools[key] = Service(settings, {}), {}
                case EditService(key, settings):
                    table[key] = replace(table[key], settings=settings)
                case AddDestination(key, where, destination) | EditDestination(key, where, destination):
                    pools[key][where] = destination
                case RemoveDestination(key, where):
                    del pools[key][where]
                case _:
                    del table[change.service]
        held = {key: replace(service, destinations=pools[key]) for key, service in table.items()}
        self._path.write_bytes(pickle.dumps(held))
        return []

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read it; nobody counts."""
        return Sample(self.dump(only), {})

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        """There are none."""

    def close(self) -> None:
        """Nothing is open."""


def hold(folder: Path) -> None:
    """Be an lvs daemon for the file in `folder` until killed."""
    kept = StateFiles(folder, folder / "run")
    source = Source(kept, folder / "lvs.cf")
    loaded, problems = source.read()
    if loaded is None or loaded.config is None:
        raise SystemExit(f"bench/lvsd_memory: {problems}")
    plane = PlaneThread(FilePlane(folder / "table"), lambda: None, lambda: None)
    lvsd = Lvsd(source, loaded, plane, Recorder(folder / "events"), Ours(kept), PlaneKind.USERSPACE)

    async def run() -> None:
        await lvsd.start()
        await lvsd.run()

    asyncio.run(run())


def kilobytes(pid: int) -> dict[str, int]:
    """Return what a process takes, in kB: Rss and Pss at the moment, VmHWM the most it ever had."""
    texts = Path(f"/proc/{pid}/smaps_rollup").read_text(), Path(f"/proc/{pid}/status").read_text()
    found = [line.split() for text in texts for line in text.splitlines() if line.endswith("kB")]
    return {name.rstrip(":"): int(number) for name, number, *_ in found}


def text(services: int, servers: int) -> str:
    """Return an lvs.cf in which every server has lines of its own, and checks hardly ever run."""
    parts = [HEAD]
    for number in range(services):
        parts.append(f"virtual s{number} {{\nactive = 1\naddress = 192.0.2.{10 + number // 2000} public\n")
        parts.append(f"port = {1 + number % 2000}\nscheduler = rr\nstart_state = up\ntimeout = 80000\n")
        parts += [
            f"server r{one} {{\naddress = {server(one)}\nactive = 1\nweight = {1 + number % 50}\n}}\n"
            for one in range(servers)
        ]
        parts.append("}\n")
    return "".join(parts)


def of_lvsd(services: int, servers: int) -> dict[str, int]:
    """Start one, wait until it rests, return what it takes."""
    with tempfile.TemporaryDirectory(prefix="piranha-memory-") as name:
        folder = Path(name)
        (folder / "lvs.cf").write_text(text(services, servers))
        command = ("unshare", "--net", sys.executable, __file__, "--hold", name)
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                wait_for(
                    lambda: (folder / COMPILED).exists() or process.poll() is not None, "rest", LIMIT_S, every_s=0.5
                )
                time.sleep(AT_REST_S)
                if process.poll() is not None:
                    raise SystemExit((folder / "log").read_text()[-2000:])
                return kilobytes(process.pid)
            finally:
                process.kill()


def of_keepalived(services: int, servers: int) -> dict[str, int]:
    """Start one, wait until the table is full, return what parent and checker take."""
    with Lab(nat_cluster(1)) as lab:
        with lab.namespace(PRIMARY).entered():
            table = IpvsSocket()
        process = prepare_keepalived(lab, services, servers)()
        if not isinstance(process, subprocess.Popen):
            raise SystemExit("bench/lvsd_memory: keepalived was not started")
        wait_for(lambda: pool_size(table, services) == servers, "the table is full", LIMIT_S, every_s=0.5)
        time.sleep(1)
        table.close()
        each = [kilobytes(pid) for pid in (process.pid, *children_of(process.pid))]
        return {name: sum(one[name] for one in each) for name in ("Rss", "Pss", "VmHWM")}


def main() -> None:
    """Measure and print one line a size and program."""
    parser = argparse.ArgumentParser(description="memory of lvsd, beside keepalived")
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--only", choices=("lvsd", "keepalived"))
    parser.add_argument("--hold", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hold is not None:
        hold(options.hold)
        return
    programs = {"lvsd": of_lvsd, "keepalived": of_keepalived}
    for name in [options.only] if options.only else programs:
        for size in options.sizes:
            services, servers = map(int, size.split("x"))
            found = programs[name](services, servers)
            words = "  ".join(f"{what} {found[what] / 1024:.1f} MB" for what in ("Pss", "Rss", "VmHWM"))
            print(f"{size:>8}  {name:<10} {words}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except PiranhaError as error:
        sys.exit(f"bench/lvsd_memory: {error}")
