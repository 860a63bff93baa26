"""Shell: build a topology out of network namespaces, and take it down again, also after a failure."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from piranha.lab.namespaces import LabError, Namespace
from piranha.lab.topology import Bridge, Machine, Topology

SOURCE = Path(__file__).resolve().parents[2]


class Lab:
    """A topology that runs: one namespace a machine, one more (`switch`) with both bridges.

    A context manager; leaving it ends every process in its namespaces and removes its folder.
    Raises LabError when something cannot be built (not root, no iproute2, no veth).
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.folder = Path(tempfile.mkdtemp(prefix="piranha-lab-"))
        self.logs = self.folder / "log"
        self.logs.mkdir()
        self.switch: Namespace
        self._namespaces: dict[str, Namespace] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        self._closers: list[Callable[[], None]] = []

    def __enter__(self) -> "Lab":
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def namespace(self, machine: str) -> Namespace:
        """Return the namespace of a machine. Raises KeyError if there is no such machine."""
        return self._namespaces[machine]

    def run(self, machine: str, *command: str, text_input: str | None = None) -> str:
        """Run a program on a machine to its end; return its output. Raises LabError if it fails."""
        return self.namespace(machine).run(command, text_input)

    def spawn(self, machine: str, command: Sequence[str], log: str) -> "subprocess.Popen[bytes]":
        """Start a program on a machine; its output goes to `logs/LOG.log`."""
        process = self.namespace(machine).spawn(
            command, self.logs / f"{log}.log", {"PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
        )
        self._children.append(process)
        return process

    def python(self, machine: str, module: str, *arguments: str, log: str) -> "subprocess.Popen[bytes]":
        """Start one of our own programs on a machine with this very Python."""
        return self.spawn(machine, (sys.executable, "-m", module, *arguments), log)

    def when_closing(self, action: Callable[[], None]) -> None:
        """Have something undone before the machines go; the last one added comes first."""
        self._closers.append(action)

    def log_text(self) -> str:
        """Return the ends of all logs, for the report of a failed test."""
        parts = []
        for path in sorted(self.logs.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-60:]
            parts.append(f"--- {path.stem}\n" + "\n".join(lines))
        return "\n".join(parts)

    def close(self) -> None:
        """End every process of the lab, remove its networks and its folder. May be called twice."""
        while self._closers:
            with suppress(OSError, LabError):
                self._closers.pop()()
        self._end_processes()
        for namespace in self._namespaces.values():
            namespace.close()
        self._namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_processes(self) -> None:
        # What was started may have started more, and outlived it (lvsd outlives pulse by design).
        for _ in range(20):
            inside = [pid for namespace in self._namespaces.values() for pid in namespace.processes()]
            for pid in inside:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for child in self._children:
                child.poll()
            if not inside:
                return
            time.sleep(0.02)

    def _build(self) -> None:
        if shutil.which("ip") is None:
            raise LabError("the lab needs the program `ip`: apt-get install iproute2")
        self.switch = self._add_namespace("switch")
        for machine in self.topology.machines:
            self._add_namespace(machine.name)
        self.switch.run(("ip", "-batch", "-"), "\n".join(self._switch_commands()) + "\n")
        for machine in self.topology.machines:
            self._configure(machine)
        for port in self._ports():
            # Duplicate address detection and router solicitations would only delay and disturb.
            self.switch.set(**{f"ipv6__conf__{port}__disable_ipv6": 1})

    def _add_namespace(self, name: str) -> Namespace:
        namespace = Namespace.create(name)
        self._namespaces[name] = namespace
        namespace.set(ipv6__conf__default__accept_dad=0, ipv6__conf__default__accept_ra=0)
        return namespace

    def _ports(self) -> list[str]:
        machines = self.topology.machines
        return [self.topology.port_of(machine.name, leg.bridge) for machine in machines for leg in machine.legs]

    def _switch_commands(self) -> list[str]:
        lines = ["link set lo up"]
        for bridge in Bridge:
            lines += [
                f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0",
                f"link set {bridge} up",
            ]
        for machine in self.topology.machines:
            for leg in machine.legs:
                port = self.topology.port_of(machine.name, leg.bridge)
                inside = self.namespace(machine.name).path
                lines += [
                    f"link add {port} type veth peer name {leg.device} netns {inside}",
                    f"link set {port} master {leg.bridge} up",
                ]
        return lines

    def _configure(self, machine: Machine) -> None:
        namespace = self.namespace(machine.name)
        namespace.set(
            ipv4__conf__all__rp_filter=0,
            ipv4__conf__default__rp_filter=0,
            ipv4__conf__all__send_redirects=0,
            ipv4__conf__default__send_redirects=0,
            ipv4__ip_local_port_range="10240 65000",
        )
        if machine.forwards:
            namespace.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        if machine.on_loopback:
            # Before the VIPs come: not one ARP answer for them may leave this machine.
            namespace.set(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
        namespace.run(("ip", "-batch", "-"), "\n".join(_machine_commands(machine)) + "\n")
        for leg in machine.legs:
            # Copied from `default` at the device's birth in the switch's namespace, so set again here.
            namespace.set(
                **{
                    f"ipv4__conf__{leg.device}__rp_filter": 0,
                    f"ipv4__conf__{leg.device}__send_redirects": 0,
                }
            )


def _machine_commands(machine: Machine) -> list[str]:
    lines = ["link set lo up"]
    for leg in machine.legs:
        lines += [
            f"addr add {interface} dev {leg.device} nodad" for interface in leg.addresses if interface.version == 6
        ]
        lines += [f"addr add {interface} dev {leg.device}" for interface in leg.addresses if interface.version == 4]
        lines.append(f"link set {leg.device} up")
    lines += [f"addr add {vip}/{vip.max_prefixlen} dev lo" for vip in machine.on_loopback]
    lines += [f"route add default via {gateway}" for gateway in machine.gateways]
    return lines


def wait_for(fact: Callable[[], bool], what: str, limit_s: float = 10, every_s: float = 0.05) -> float:
    """Wait until `fact()` is true; return how long it took. Raises LabError after limit_s."""
    began = time.monotonic()
    while not fact():
        if time.monotonic() - began > limit_s:
            raise LabError(f"waited {limit_s:g} s in vain: {what}")
        time.sleep(every_s)
    return time.monotonic() - began
