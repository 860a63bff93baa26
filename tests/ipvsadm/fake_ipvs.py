"""A kernel for ipvsadm, in memory."""

import errno
from collections.abc import Sequence

from tests.contracts.fake_kernel import FakeKernel
from tests.ipvsadm.entries import server_row, service_row

from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import DestinationEntry, ServiceEntry, destination_entry, service_entry
from piranha.kernel.ipvs_reading import KernelInfo
from piranha.kernel.layout import Row
from piranha.kernel.socket import Failure, NetlinkError
from piranha.table.changes import Change
from piranha.table.destination import Destination, DestinationKey
from piranha.table.rules import parse_rules
from piranha.table.service import ServiceKey


class FakeIpvs:
    """The requests of ipvsadm answered by a FakeKernel. batches: how many changes came at a time."""

    def __init__(self, rules: str = "") -> None:
        self.kernel = FakeKernel(parse_rules(rules))
        self.batches: list[int] = []
        self.times = Timeouts(900, 120, 300)
        self.running: list[SyncDaemon] = []

    def info(self) -> KernelInfo:
        return KernelInfo((1, 2, 1), 4096)

    def services(self) -> list[ServiceEntry]:
        return [service_entry(row) for row in self.service_rows(counters=True)]

    def service(self, key: ServiceKey) -> ServiceEntry:
        return service_entry(self.service_row(key))

    def destinations(self, key: ServiceKey) -> list[DestinationEntry]:
        rows = self.server_rows(self.service_row(key), counters=True)
        return [destination_entry(row, key.family) for row in rows]

    def pool(self, key: ServiceKey) -> dict[DestinationKey, Destination]:
        return dict(self.kernel.services[key].destinations)

    def service_rows(self, *, counters: bool) -> list[Row]:
        return [self.service_row(key) for key in self.kernel.services]

    def service_row(self, key: ServiceKey) -> Row:
        if key not in self.kernel.services:
            raise NetlinkError("read service", errno.ESRCH)
        return service_row(key, self.kernel.services[key].settings)

    def server_rows(self, service: Row, *, counters: bool) -> list[Row]:
        key = service_entry(service).key
        pool = self.kernel.services[key].destinations
        return [server_row(key, server, destination) for server, destination in pool.items()]

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        self.batches.append(len(changes))
        codes = [self.kernel.carry_out(change) for change in changes]
        return [Failure(index, code) for index, code in enumerate(codes) if code]

    def flush(self) -> None:
        self.kernel.services.clear()

    def zero(self, key: ServiceKey | None = None) -> None:
        if key is not None:
            self.service(key)

    def timeouts(self) -> Timeouts:
        return self.times

    def set_timeouts(self, timeouts: Timeouts) -> None:
        self.times = timeouts

    def daemons(self) -> list[SyncDaemon]:
        return self.running

    def start_daemon(self, daemon: SyncDaemon) -> None:
        self.running.append(daemon)

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        if all(one.sender is not daemon.sender for one in self.running):
            raise NetlinkError("stop sync daemon", errno.ESRCH)
        self.running = [one for one in self.running if one.sender is not daemon.sender]
