#!/usr/bin/env python3
"""What it costs to start `ipvsadm`, beside the C tool and a bare interpreter, and what dominates it.

Run: tools/with-ipvs .venv/bin/python bench/ipvsadm_start.py [--runs N]      (or without with-ipvs: no -L)

Each program in turns; medians and smallest, of the whole time and of processor time. `-I` is how an
installed program starts, `-S` leaves out the search for site-packages, which `ipvsadm` does not need.
Where the time of imports goes is that of `-X importtime`, the smallest of each module.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
C_TOOL = "/usr/sbin/ipvsadm"
START = "from piranha.cli.ipvsadm.entry import main; main()"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


def ways(listing: Sequence[str]) -> dict[str, list[str]]:
    """Return the programs by name. listing: what both tools are asked."""
    python = sys.executable
    path = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); "
    return {
        "ipvsadm (C)": [C_TOOL, *listing],
        "python3 -I -S -c pass": [python, "-I", "-S", "-c", "pass"],
        "python3 -I -c pass": [python, "-I", "-c", "pass"],
        "ipvsadm (piranha), -I -S": [python, "-I", "-S", "-c", path + START, *listing],
        "ipvsadm (piranha), -I": [python, "-I", "-c", path + START, *listing],
    }


def measure(words: Sequence[str]) -> tuple[float, float]:
    """Run a program; return its whole time and its processor time in milliseconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took * 1000, (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def import_times(code: str, runs: int) -> dict[str, int]:
    """Return the microseconds of each module that `code` imports, without what it imports itself."""
    smallest: dict[str, int] = {}
    for _ in range(runs):
        words = [sys.executable, "-S", "-X", "importtime", "-c", code]
        run = subprocess.run(words, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=True)
        for own, name in _IMPORT.findall(run.stderr):
            smallest[name] = min(int(own), smallest.get(name, int(own)))
    return smallest


def report_imports(runs: int) -> None:
    """Print what the imports cost by origin, and the dearest of ours."""
    bare = import_times("pass", runs)
    whole = import_times("import piranha.cli.ipvsadm.main", runs)
    of_typing = set(import_times("import typing", runs)) - set(import_times("import enum, ipaddress", runs))
    ours = {name: own for name, own in whole.items() if name.split(".")[0] == "piranha"}
    groups = {
        "interpreter": sum(whole[name] for name in bare if name in whole),
        "typing with what only it imports": sum(whole[name] for name in of_typing if name in whole),
        "rest of the standard library": sum(
            own for name, own in whole.items() if name not in ours and name not in bare and name not in of_typing
        ),
        f"{len(ours)} modules of piranha": sum(ours.values()),
    }
    print("imports, ms: " + "; ".join(f"{name} {own / 1000:.1f}" for name, own in groups.items()))
    dearest = sorted(ours.items(), key=lambda item: -item[1])[:6]
    print("  dearest of ours: " + ", ".join(f"{name} {own / 1000:.1f}" for name, own in dearest))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="start of ipvsadm, beside the C tool and a bare interpreter")
    parser.add_argument("--runs", type=int, default=15)
    runs: int = parser.parse_args().runs
    listing = ["-L", "-n"] if Path("/proc/net/ip_vs").exists() else ["--help"]
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways(listing)}
    for words in ways(listing).values():
        measure(words)  # fills the byte code
    for _ in range(runs):
        for name, words in ways(listing).items():
            took[name].append(measure(words))
    print(f"start with {' '.join(listing)}: ms, median (smallest); processor: median (smallest)")
    for name, figures in took.items():
        wall, busy = zip(*figures, strict=True)
        print(
            f"  {name:<26} {statistics.median(wall):6.1f} ({min(wall):.1f})  "
            f"processor {statistics.median(busy):6.1f} ({min(busy):.1f})  n={runs}"
        )
    report_imports(max(3, runs // 3))
    return 0


if __name__ == "__main__":
    sys.exit(main())
