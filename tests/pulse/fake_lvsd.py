"""Stands in for `lvsd` in tests of `pulse`: starts at once, answers as told, serves through the real forwarder.

Files in the run folder steer and record: `lvsd-not-ready` (its text is the reason), `lvsd-version`,
`lvsd-meaning`, `lvsd-story`.
"""

import asyncio
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from piranha import __version__
from piranha.control import daemon
from piranha.control.server import ControlServer, Peer
from piranha.control.state_files import StateFiles
from piranha.forwarding.userspace.client import SOCKET_NAME, UserspacePlane, ensure_forwarder, stop
from piranha.lvscf.read import read_and_load
from piranha.table.changes import AddDestination, AddService
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol


def main() -> None:
    """Serve until SIGTERM; then remove the table, which here is the whole forwarder."""
    made = daemon.parser("lvsd", "a stand-in")
    made.add_argument("--nofork", action="store_true")
    made.add_argument("--accepted", action="store_true")
    args = made.parse_args()
    folders = daemon.Folders.of(args.run_dir, args.state_dir)
    lock = daemon.Lock(folders.run / "lvsd.lock")
    if args.plane == "userspace":
        ensure_forwarder(folders.run)
        _load(folders)
    asyncio.run(_serve(folders.run))
    if args.plane == "userspace":
        stop(folders.run / "forwarder.sock")
    _tell(folders.run, "end")
    lock.release()


def _load(folders: daemon.Folders) -> None:
    config = read_and_load(StateFiles(folders.state, folders.run).path("accepted.cf")).config
    assert config is not None
    plane = UserspacePlane(folders.run / "forwarder.sock")
    have = plane.dump()
    for virtual in config.active_virtuals():
        service = ServiceKey(AddressMatch(Protocol.TCP, virtual.vip.address, virtual.port))
        if service in have:
            continue
        changes = [AddService(service, ServiceSettings(scheduler="rr"))]
        plane.apply(changes)
        for server in virtual.servers:
            key = DestinationKey(ip_address(str(server.address)), server.port)
            plane.apply([AddDestination(service, key, Destination(forwarding=ForwardingMethod.NAT))])


async def _serve(run: Path) -> None:
    ended = asyncio.Event()
    role = {"role": ""}
    version = _read(run / "lvsd-version") or __version__

    meaning = _read(run / "lvsd-meaning")

    async def status(_args: Mapping[str, object], _peer: Peer) -> object:
        obstacle = run / "lvsd-not-ready"
        reasons = [obstacle.read_text()] if obstacle.exists() else []
        fine = not reasons
        facts = {"pid": os.getpid(), "version": version, "meaning": meaning, "generation": 1, **role}
        return facts | {"serving": fine, "ready": fine, "not_ready": reasons}

    async def set_role(args: Mapping[str, object], _peer: Peer) -> object:
        role["role"] = str(args["role"])
        _tell(run, role["role"])
        return role

    async def reload(_args: Mapping[str, object], _peer: Peer) -> object:
        nonlocal meaning
        if (run / SOCKET_NAME).exists():
            _load(daemon.Folders.of(run, None))
        meaning = _read(run / "lvsd-meaning")
        _tell(run, "reload")
        return {}

    async def prepare_restart(_args: Mapping[str, object], _peer: Peer) -> object:
        _tell(run, "prepare_restart")
        return {}

    daemon.on_signals(lambda _number: ended.set(), lambda: None)
    verbs = {"status": status, "role": set_role, "reload": reload, "prepare_restart": prepare_restart}
    server = ControlServer(run / "lvsd.sock", verbs)
    await server.start()
    _tell(run, "start")
    await ended.wait()
    await server.close()


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _tell(run: Path, word: str) -> None:
    with (run / "lvsd-story").open("a") as file:
        file.write(f"{word}\n")


if __name__ == "__main__":
    main()
