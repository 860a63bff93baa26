"""Shell: what goes wrong in the lab: processes killed and frozen, cables cut, power lost, heartbeats forged.

Cables are cut by one ioctl at the bridge port, so that the machine sees its carrier go, within
microseconds and without the start of a program.
"""

import fcntl
import os
import signal
import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from piranha.lab.build import Lab, wait_for
from piranha.lab.topology import CLIENT, PRIMARY, Bridge
from piranha.pulse.heartbeat import Heartbeat, Place, Role
from piranha.pulse.keys import Key
from piranha.pulse.packet import Datagram, encode, path_tag

SIOCGIFFLAGS = 0x8913  # linux/sockios.h
SIOCSIFFLAGS = 0x8914
SIOCBRADDIF = 0x89A2
SIOCBRDELIF = 0x89A3
IFF_UP = 0x1  # linux/if.h
IFREQ_FLAGS = struct.Struct("16sH22x")  # struct ifreq: name, ifr_flags, the rest of the union
IFREQ_INDEX = struct.Struct("16si20x")  # the same with ifr_ifindex


def kill(*pids: int) -> None:
    """SIGKILL processes, in the order given; one that is gone already is passed over."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def freeze(*pids: int) -> None:
    """SIGSTOP processes and wait until they are stopped. Raises LabError if they are not within 2 s."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(state_of(pid) == "T" for pid in pids), f"processes {pids} stop", limit_s=2, every_s=0.001)


def thaw(*pids: int) -> None:
    """SIGCONT processes; one that is gone is passed over."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def state_of(pid: int) -> str:
    """Return the state letter of a process as in proc(5), "" when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # Empty for a process that ends at this moment.
    return text.rpartition(")")[2].strip()[:1]


def children_of(pid: int) -> list[int]:
    """Return the children of a process, oldest first; none when it is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def cut(lab: Lab, machine: str, *bridges: Bridge) -> None:
    """Pull a machine's cables to these bridges (all of its cables when none is named)."""
    _set_ports(lab, _ports(lab, machine, bridges), up=False)


def heal(lab: Lab, machine: str, *bridges: Bridge) -> None:
    """Plug the cables in again."""
    _set_ports(lab, _ports(lab, machine, bridges), up=True)


def kill_switch(lab: Lab, machine: str, *bridges: Bridge) -> None:
    """Have a machine's cables to these bridges (all of its cables) end in a dead switch: links stay up, nothing passes.

    `revive_switch` ends it.
    """
    _set_bridge(lab, machine, bridges, SIOCBRDELIF)


def revive_switch(lab: Lab, machine: str, *bridges: Bridge) -> None:
    """Have the switch carry packets again."""
    _set_bridge(lab, machine, bridges, SIOCBRADDIF)


def _set_bridge(lab: Lab, machine: str, bridges: tuple[Bridge, ...], request: int) -> None:
    legs = lab.topology.machine(machine).legs
    with lab.switch.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for leg in legs:
            if not bridges or leg.bridge in bridges:
                index = socket.if_nametoindex(lab.topology.port_of(machine, leg.bridge))
                fcntl.ioctl(handle, request, IFREQ_INDEX.pack(leg.bridge.encode(), index))


def _ports(lab: Lab, machine: str, bridges: tuple[Bridge, ...]) -> list[str]:
    legs = lab.topology.machine(machine).legs
    return [lab.topology.port_of(machine, leg.bridge) for leg in legs if not bridges or leg.bridge in bridges]


def _set_ports(lab: Lab, ports: Iterable[str], *, up: bool) -> None:
    with lab.switch.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for port in ports:
            name = port.encode()
            _, flags = IFREQ_FLAGS.unpack(fcntl.ioctl(handle, SIOCGIFFLAGS, IFREQ_FLAGS.pack(name, 0)))
            flags = flags | IFF_UP if up else flags & ~IFF_UP
            fcntl.ioctl(handle, SIOCSIFFLAGS, IFREQ_FLAGS.pack(name, flags))


class Forger:
    """Somebody on the public bridge who sends a router what looks as if it came from its partner, until `close`.

    The source address is the partner's, the signature is wrong. Everything runs in a thread of this
    process, with a socket of the client's namespace.
    """

    def __init__(self, lab: Lab, victim: str, pretended: str, port: int = 539, every_s: float = 0.5) -> None:
        source, target = (lab.topology.machine(name).leg(Bridge.PUBLIC).address() for name in (pretended, victim))
        place = Place.PRIMARY if pretended == PRIMARY else Place.BACKUP
        blank = b"\\1" * 8
        forged = Datagram(
            place=place,
            path=path_tag("public"),
            cluster=blank,
            boot=blank,
            counter=1,
            nonce=blank,
            heartbeat=Heartbeat(place=place, role=Role.ACTIVE, term=1000),
        )
        data = encode(forged, Key("lab", bytes(32)))
        udp = struct.pack("!HHHH", port, port, 8 + len(data), 0) + data
        self._packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
        self._packet += source.packed + target.packed + udp
        self._target = str(target)
        with lab.namespace(CLIENT).entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every_s,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sending."""
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _run(self, every_s: float) -> None:
        while not self._ended.wait(every_s):
            with suppress(OSError):
                self._socket.sendto(self._packet, (self._target, 0))
