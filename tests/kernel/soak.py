"""A million adds, edits, deletes and dumps of the kernel's table, and what they leave behind in this process.

Run: tools/with-ipvs .venv/bin/python -m tests.kernel.soak [--operations 1000000]   (or `make soak`)

Memory and descriptors are sampled; the first fifth warms up. Exit status 1: memory grows by the line fitted
through the samples, or the number of descriptors changes.
"""

import argparse
import errno
import gc
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from statistics import linear_regression

from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.namespaces import Namespace
from piranha.table.changes import AddService
from piranha.table.destination import Destination, DestinationKey
from piranha.table.diff import diff
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service, Table
from piranha.terms import ForwardingMethod, Protocol

MILLION = 1_000_000
GROWTH_LIMIT = 512 << 10  # bytes; memory is given out in pages and pools, so a little comes and goes
SAMPLES = 100
WARM_UP = SAMPLES // 5

_VIP = IPv4Address("192.0.2.10")
_FIRST_SERVER = int(IPv4Address("10.0.0.1"))
_SERVICES, _SERVERS = 20, 10
_TABLES = 5  # different ones


@dataclass(frozen=True)
class Sample:
    """What the process holds after so many operations. memory: resident bytes."""

    operations: int
    memory: int
    descriptors: int


def growth(samples: Sequence[Sample]) -> float:
    """How many bytes more the fitted line has at its end than at its beginning."""
    at = [sample.operations for sample in samples]
    line = linear_regression(at, [sample.memory for sample in samples])
    return line.slope * (at[-1] - at[0])


def grows(samples: Sequence[Sample]) -> bool:
    """Whether memory or descriptors do not stay as they are; `samples` without those of the warm-up."""
    return growth(samples) > GROWTH_LIMIT or len({sample.descriptors for sample in samples}) > 1


def soak(operations: int) -> list[Sample]:
    """Carry out at least that many operations in a network namespace of its own; return all samples."""
    namespace = Namespace.create("soak")
    try:
        namespace.run(["ip", "link", "set", "lo", "up"])
        with namespace.entered():
            return _rounds(operations)
    finally:
        os.close(namespace.descriptor)


def _rounds(operations: int) -> list[Sample]:
    plane = IpvsPlane()
    samples: list[Sample] = []
    done = number = 0
    while done < operations:
        if number % 20 == 19:
            plane.close()  # the next call opens the socket again
        done += _round(plane, number)
        number += 1
        if done * SAMPLES >= operations * len(samples):
            samples.append(_sample(done))
    plane.close()
    return samples


def _round(plane: IpvsPlane, number: int) -> int:
    """Fill the table, change all of it, read it, be refused, and empty it; return how many operations that were."""
    first, second = _table(number, weight=1), _table(number, weight=2 + number % 100)
    half = _table(number, weight=2 + number % 100, servers=_SERVERS // 2)
    done = 0
    for before, after in (({}, first), (first, second), (second, half), (half, {})):
        changes = diff(before, after)
        refused = plane.apply(changes)
        live = plane.dump()
        if refused or live != after:
            raise SystemExit(f"soak: round {number}: the table is not what was asked for: {refused[:1]}")
        done += len(changes) + 1
    service = AddService(next(iter(first)), ServiceSettings(scheduler="none-such"))
    if [refusal.code for refusal in plane.apply([service])] != [errno.ENOENT]:
        raise SystemExit(f"soak: round {number}: an unknown scheduler was taken")
    plane.sample(list(first)[:1])
    return done + 2


def _table(number: int, weight: int, servers: int = _SERVERS) -> Table:
    """A table whose services and servers come again after a few rounds."""
    scheduler = "wlc" if weight == 1 else "wrr"
    server = Destination(forwarding=ForwardingMethod.NAT, weight=weight)
    table: dict[ServiceKey, Service] = {}
    for service in range(_SERVICES):
        key = ServiceKey(AddressMatch(Protocol.TCP, _VIP, 1 + number % _TABLES * _SERVICES + service))
        place = _FIRST_SERVER + (number % _TABLES * _SERVICES + service) * _SERVERS
        pool = {DestinationKey(IPv4Address(place + which), 80): server for which in range(servers)}
        table[key] = Service(ServiceSettings(scheduler=scheduler), pool)
    return table


def _sample(operations: int) -> Sample:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(operations, resident * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")))  # noqa: PTH208


def main() -> int:
    """Soak, and say what it left behind."""
    parser = argparse.ArgumentParser(description="a million changes of the table without growth")
    parser.add_argument("--operations", type=int, default=MILLION)
    operations: int = parser.parse_args().operations
    started = time.monotonic()
    samples = soak(operations)
    steady = samples[WARM_UP:]
    last = steady[-1]
    print(
        f"{last.operations} operations in {time.monotonic() - started:.0f} s: memory {last.memory / 2**20:.1f} MiB, "
        f"of which {growth(steady) / 2**10:+.0f} KiB by the fitted line since the warm-up; "
        f"descriptors {sorted({sample.descriptors for sample in steady})}"
    )
    if grows(steady):
        print("soak: it grows", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
