#!/usr/bin/env python3
"""Stands in for `lvsd` where there is no IPVS: says at once that its table serves; ends on SIGTERM."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from piranha.control import daemon  # the checkout first
from piranha.control.server import ControlServer, Peer


async def serve(run_dir: Path) -> None:
    """Answer `pulse` until SIGTERM."""
    ended = asyncio.Event()
    role = {"role": ""}

    async def status(_args: Mapping[str, object], _peer: Peer) -> object:
        return {"pid": os.getpid(), "serving": True, "ready": True, "not_ready": [], "generation": 1, **role}

    async def set_role(args: Mapping[str, object], _peer: Peer) -> object:
        role["role"] = str(args["role"])
        return role

    daemon.on_signals(lambda _number: ended.set(), lambda: None)
    server = ControlServer(run_dir / "lvsd.sock", {"status": status, "role": set_role})
    await server.start()
    await ended.wait()
    await server.close()


def main() -> None:
    """Hold the lock of an lvs daemon and serve."""
    made = daemon.parser("lvsd", "a stand-in")
    made.add_argument("--nofork", action="store_true")
    made.add_argument("--accepted", action="store_true")
    args = made.parse_args()
    folders = daemon.Folders.of(args.run_dir, args.state_dir)
    lock = daemon.Lock(folders.run / "lvsd.lock")
    asyncio.run(serve(folders.run))
    lock.release()


if __name__ == "__main__":
    main()
