"""Shell: a whole cluster in the lab: real servers, two routers with the real daemons, recorded traffic."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from piranha.control.client import NoAnswer, ask
from piranha.kernel.addresses import Addresses
from piranha.kernel.route import LeasedAddress
from piranha.lab.build import Lab, wait_for
from piranha.lab.faults import children_of, heal, kill, state_of
from piranha.lab.namespaces import LabError
from piranha.lab.timeline import Record, parse_record
from piranha.lab.topology import CLIENT, PRIMARY, ROUTERS, Bridge, ClusterFile, lvs_cf
from piranha.lab.watch import holders
from piranha.terms import Address

NODE_OPTION = dict(zip(ROUTERS, ("primary", "backup"), strict=True))


class Traffic:
    """A recording client that runs on the client machine."""

    def __init__(self, lab: Lab, *targets: str, rate_hz: float = 200, limit_s: float = 0.5) -> None:
        self._path = lab.folder / f"record-{secrets.token_hex(4)}"
        self._process = lab.python(
            CLIENT,
            "piranha.lab.traffic",
            *("--record", str(self._path)),
            *("--rate", f"{rate_hz:g}"),
            *("--limit", f"{limit_s:g}"),
            *targets,
            log="client",
        )
        wait_for(lambda: self.so_far().by_server().total() > 0 or self._process.poll() is not None, "the first answer")
        if self._process.poll() is not None:
            raise LabError("the recording client ended at once; its log says why")

    def so_far(self) -> Record:
        """Return what is recorded up to now (requests of the last 0.1 s may be missing)."""
        try:
            return parse_record(self._path.read_text())
        except FileNotFoundError:
            return Record(())

    def stop(self) -> Record:
        """End the client, wait for its last requests and return everything it recorded."""
        self._process.terminate()
        self._process.wait(10)
        return self.so_far()


class Router:
    """One router's daemons: `pulse`, started here, and the `lvsd` it starts. options: more words for `pulse`."""

    def __init__(self, lab: Lab, name: str, config: Path, options: tuple[str, ...] = ()) -> None:
        self.name = name
        self.config = config
        self.options = options
        self.run_dir = lab.folder / name / "run"
        self.state_dir = lab.folder / name / "state"
        self.run_dir.mkdir(parents=True)
        self.state_dir.mkdir()
        self._lab = lab
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start `pulse`; it need not have decided anything when this returns."""
        self.process = self._lab.python(
            self.name,
            "piranha.pulse.main",
            *("-n", "-v", "-c", str(self.config)),
            *("--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir)),
            *self.options,
            log=f"{self.name}-pulse",
        )

    def stop(self, limit_s: float = 15) -> int:
        """Stop the router cleanly (SIGTERM to `pulse`) and return its exit status."""
        os.kill(self.pulse_pid, signal.SIGTERM)
        return self._wait(limit_s)

    def _wait(self, limit_s: float) -> int:
        if self.process is None:
            raise LabError(f"{self.name}: pulse was never started")
        return self.process.wait(limit_s)

    def power_off(self, *, but_lvsd: bool = False) -> None:
        """SIGKILL every process on this router and clear what a boot clears: table, addresses, boot id.

        but_lvsd: leave `lvsd` and its table, which the next `pulse` adopts; only the rest is as after a boot.
        """
        namespace = self._lab.namespace(self.name)
        spared = self._with_children(self.lvsd_pid) if but_lvsd else set()
        while left := [pid for pid in namespace.processes() if pid not in spared and state_of(pid) != "Z"]:
            kill(*left)
            time.sleep(0.01)
        if self.process is not None:
            self.process.wait()
        if not but_lvsd:
            namespace.run(("ipvsadm", "-C"))
        legs = self._lab.topology.machine(self.name).legs
        own = {interface.ip for leg in legs for interface in leg.addresses}
        with namespace.entered(), Addresses() as kernel:
            cables = {link.index for link in kernel.links() if not link.loopback}
            kernel.remove(
                [
                    LeasedAddress(index=one.index, address=one.address, prefix=one.prefix)
                    for one in kernel.addresses()
                    if one.index in cables and one.address not in own and not one.address.is_link_local
                ]
            )
        kept = self.state_dir / "pulse.json"
        if kept.exists():
            kept.write_text(json.dumps({**json.loads(kept.read_text()), "boot": "an earlier boot"}))

    @staticmethod
    def _with_children(pid: int) -> set[int]:
        found, todo = {pid}, [pid]
        while todo:
            children = children_of(todo.pop())
            found.update(children)
            todo += children
        return found

    def hang_up(self) -> None:
        """Have `pulse` read its file again (SIGHUP)."""
        os.kill(self.pulse_pid, signal.SIGHUP)

    @property
    def pulse_pid(self) -> int:
        """Process of `pulse`. Raises LabError when it does not run."""
        if self.process is None or self.process.poll() is not None:
            raise LabError(f"{self.name}: pulse does not run")
        return self.process.pid

    @property
    def lvsd_pid(self) -> int:
        """Process of `lvsd`, as its lock file says. Raises LabError when it does not run."""
        with suppress(OSError, ValueError):
            pid = int((self.run_dir / "lvsd.lock").read_text().split()[0])
            if state_of(pid) not in ("", "Z"):
                return pid
        raise LabError(f"{self.name}: lvsd does not run")

    @property
    def nanny_parent_pid(self) -> int:
        """The process that `lvsd` forks nannies from. Raises LabError when there is none."""
        for pid in children_of(self.lvsd_pid):
            if "python" in _program_of(pid):
                return pid
        raise LabError(f"{self.name}: lvsd has no nanny parent")

    @property
    def nanny_pids(self) -> list[int]:
        """The nannies, oldest first."""
        return children_of(self.nanny_parent_pid)

    def ask(self, daemon: str, verb: str, args: Mapping[str, object] | None = None) -> dict[str, object]:
        """Ask `pulse` or `lvsd` over its control socket. Raises NoAnswer."""
        return ask(self.run_dir / f"{daemon}.sock", verb, args)

    def status(self, daemon: str) -> dict[str, object]:
        """Return a daemon's status, {} while it does not answer."""
        try:
            return self.ask(daemon, "status")
        except NoAnswer:
            return {}

    def log(self) -> str:
        """Return what both daemons have logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._lab.logs.glob(f"{self.name}-*.log")))

    def table(self) -> str:
        """Return the kernel's IPVS table as rules, as the C tool prints it."""
        return self._lab.run(self.name, "ipvsadm", "-S", "-n")


class Cluster:
    """Real servers and routers of a lab, with one lvs.cf for both routers."""

    def __init__(self, lab: Lab, file: ClusterFile, ports: tuple[int, ...] = (80,)) -> None:
        self.lab = lab
        self.config = lab.folder / "lvs.cf"
        self.key_file = lab.folder / "heartbeat.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(f"lab {secrets.token_hex(32)}\n")
        self.file = file
        self.write(file)
        self.routers = {name: Router(lab, name, self.config) for name in ROUTERS}
        self._ports = ports
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        for name in lab.topology.servers:
            self.start_server(name)

    def write(self, file: ClusterFile) -> None:
        """Write another lvs.cf; the daemons learn of it by `Router.hang_up`."""
        self.config.write_text(lvs_cf(self.lab.topology, file))

    def start_server(self, name: str) -> None:
        """Start a real server's program."""
        ports = (str(port) for port in self._ports)
        self.servers[name] = self.lab.python(name, "piranha.lab.server", "--name", name, *ports, log=name)

    def start(self, limit_s: float = 30) -> None:
        """Start both routers, the primary first, and wait until the primary serves and the backup is ready."""
        self.start_router(PRIMARY, limit_s)
        for router in self.routers.values():
            if router.process is None:
                router.start()
        wait_for(self.settled, "one router active, both ready", limit_s, every_s=0.25)

    def restore(self, limit_s: float = 30) -> str:
        """Undo what a test has broken: cables, servers, routers, the file; return which router is active."""
        self.write(self.file)
        for router in self.routers.values():
            heal(self.lab, router.name)
            if router.process is None or router.process.poll() is not None:
                router.start()
        for name, server in self.servers.items():
            if server.poll() is not None:
                self.start_server(name)
        wait_for(self.settled, "one router active, both ready", limit_s, every_s=0.25)
        active = self.active()
        if active is None:
            raise LabError("the VIPs moved again just after they had come to rest")
        return active

    def start_router(self, name: str, limit_s: float = 30) -> None:
        """Start one router and wait until it holds the VIPs."""
        self.routers[name].start()
        wait_for(lambda: self.active() == name, f"{name} holds the VIPs", limit_s)

    def vips(self) -> list[Address]:
        """Return the VIPs of the file last written, each once."""
        return list(dict.fromkeys(virtual.vip for virtual in self.file.virtuals))

    def active(self) -> str | None:
        """Return the one router that holds every VIP, None when none or two do."""
        found = {holders(self.lab, vip) for vip in self.vips()}
        if len(found) != 1:
            return None
        only = found.pop()
        return only[0] if len(only) == 1 else None

    def settled(self) -> bool:
        """Whether one router holds the VIPs, and all that were started know it and are ready for the next fault.

        With two routers: each hears the other as ready, and the active one's leases are limited.
        """
        running = [router for router in self.routers.values() if router.process]
        if not all(router.status("lvsd").get("ready") for router in running) or self.active() is None:
            return False
        if not self.file.pair:
            return True
        told = [router.status("pulse") for router in running]
        return sorted(str(one.get("role")) for one in told) == ["active", "standby"] and all(map(_prepared, told))

    def neighbour(self, vip: Address | str) -> str | None:
        """Return the router whose hardware address the client's neighbour table has for a VIP."""
        entries = json.loads(self.lab.run(CLIENT, "ip", "-j", "neigh", "show", "to", str(vip)) or "[]")
        macs = {self.mac(name): name for name in ROUTERS}
        for entry in entries:
            if entry.get("dst") == str(ip_address(vip)):
                return macs.get(entry.get("lladdr", ""))
        return None

    def mac(self, router: str) -> str:
        """Return the hardware address of a router's public leg."""
        device = self.lab.topology.machine(router).leg(Bridge.PUBLIC).device
        entries = json.loads(self.lab.run(router, "ip", "-j", "link", "show", "dev", device))
        return str(entries[0]["address"])

    def traffic(self, rate_hz: float = 200, limit_s: float = 0.9) -> Traffic:
        """Start recorded traffic to every virtual server.

        A lost packet is sent again after 1 s at the earliest, so the limit tells it from a machine that is slow.
        """
        targets = []
        for virtual in self.file.virtuals:
            host = f"[{virtual.vip}]" if virtual.vip.version == 6 else str(virtual.vip)
            targets.append(f"{host}:{virtual.port}")
        return Traffic(self.lab, *targets, rate_hz=rate_hz, limit_s=limit_s)


def pause(seconds: float) -> float:
    """Let the cluster live for a while, as part of what is measured; return the instant at its end."""
    time.sleep(seconds)
    return time.monotonic()


def _prepared(status: Mapping[str, object]) -> bool:
    """Whether a router hears a ready partner, and holds its VIPs, if it has any, for a limited time only."""
    match status:
        case {"partner": {"alive": True, "ready": True}, "lease": {"unlimited": False}}:
            return True
        case _:
            return False


def _program_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
