"""Shell: see who holds which address, moment by moment, by listening to each router's kernel."""

import os
import select
import socket
import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address

from piranha.kernel.addresses import Addresses
from piranha.kernel.route import RTM_DELADDR, RTM_NEWADDR, read_address
from piranha.kernel.socket import NETLINK_ROUTE
from piranha.kernel.wire import messages
from piranha.lab.build import Lab
from piranha.lab.timeline import Holding, Sighting, holdings
from piranha.terms import Address

RTMGRP_IPV4_IFADDR = 0x10  # linux/rtnetlink.h
RTMGRP_IPV6_IFADDR = 0x100
SO_RCVBUFFORCE = 33


class Watch:
    """Records every address that the watched machines gain or lose, from its start to `close`.

    A thread of its own waits for the kernels' notices. Notices read in one pass carry the same
    instant: within it, losses count before gains.
    """

    def __init__(self, lab: Lab, *machines: str) -> None:
        self._sightings: list[Sighting] = []
        self._poll = select.epoll()
        self._machines: dict[int, str] = {}
        self._sockets: list[socket.socket] = []
        self._wake = os.eventfd(0)
        self._poll.register(self._wake, select.EPOLLIN)
        for machine in machines:
            with lab.namespace(machine).entered():
                notices = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_ROUTE)
                notices.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20)
                notices.bind((0, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
                now = time.monotonic()
                for address in _held(lab, machine):
                    self._sightings.append(Sighting(now, machine, str(address), held=True))
            self._sockets.append(notices)
            self._machines[notices.fileno()] = machine
            self._poll.register(notices.fileno(), select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        lab.when_closing(self.close)

    def holdings(self, address: Address | str) -> list[Holding]:
        """Return who held `address` when, up to now."""
        return holdings(tuple(self._sightings), str(address))

    def close(self) -> None:
        """Stop listening. May be called twice."""
        if self._wake < 0:
            return
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)
        self._wake = -1
        self._poll.close()
        for notices in self._sockets:
            notices.close()

    def _run(self) -> None:
        by_descriptor = {notices.fileno(): notices for notices in self._sockets}
        while True:
            ready = [descriptor for descriptor, _ in self._poll.poll()]
            if self._wake in ready:
                return
            now = time.monotonic()
            for descriptor in ready:
                self._read(by_descriptor[descriptor], self._machines[descriptor], now)

    def _read(self, notices: socket.socket, machine: str, now: float) -> None:
        while True:
            try:
                data = notices.recv(1 << 16)
            except BlockingIOError:
                return
            for message in messages(data):
                if message.kind in (RTM_NEWADDR, RTM_DELADDR):
                    found = read_address(message.payload)
                    if found is not None:
                        held = message.kind == RTM_NEWADDR
                        self._sightings.append(Sighting(now, machine, str(found.address), held))


@dataclass(frozen=True, slots=True)
class TableSample:
    """How many destinations with a weight above 0 a table had, from `at_s` on."""

    at_s: float
    serving: int


class TableWatch:
    """Reads one router's IPVS table fifty times a second and notes each change of its size."""

    def __init__(self, lab: Lab, router: str, every_s: float = 0.02) -> None:
        with lab.namespace(router).entered():
            # A thread's own view: /proc/net is that of the process's first thread.
            self._table = os.open("/proc/thread-self/net/ip_vs", os.O_RDONLY | os.O_CLOEXEC)
        self._every_s = every_s
        self._ended = threading.Event()
        self.samples: list[TableSample] = []
        self._sample()
        self._thread = threading.Thread(target=self._run, name="table-watch", daemon=True)
        self._thread.start()

    def stop(self) -> list[TableSample]:
        """Stop reading and return the changes seen; the first sample is the state at the start."""
        self._ended.set()
        self._thread.join()
        os.close(self._table)
        return self.samples

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            self._sample()

    def _sample(self) -> None:
        now = time.monotonic()
        serving = 0
        for line in os.pread(self._table, 1 << 16, 0).decode("ascii", "replace").splitlines():
            words = line.split()
            # Columns: `->`, address and port, forwarding, weight (net/netfilter/ipvs/ip_vs_ctl.c).
            if len(words) >= 4 and words[0] == "->" and words[3].isdigit() and int(words[3]) > 0:
                serving += 1
        if not self.samples or self.samples[-1].serving != serving:
            self.samples.append(TableSample(now, serving))


def holders(lab: Lab, address: Address | str) -> tuple[str, ...]:
    """Return the routers that hold `address` on a cable at this moment, as their kernels list it."""
    wanted = ip_address(address)
    return tuple(
        machine.name for machine in lab.topology.machines if machine.forwards and wanted in _held(lab, machine.name)
    )


def _held(lab: Lab, machine: str) -> list[Address]:
    with lab.namespace(machine).entered(), Addresses() as kernel:
        loopback = {link.index for link in kernel.links() if link.loopback}
        return [one.address for one in kernel.addresses() if one.index not in loopback]
