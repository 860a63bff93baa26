"""Shell: talk to the forwarder: the userspace plane, and the holds that stand for VIPs.

Every function connects, asks one thing and closes, so that a forwarder which was started again is
found at once. All of them block for at most `timeout_s` and raise PlaneUnavailable when nobody
answers. They may be called from several threads.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from piranha.errors import PiranhaError
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.plane import Refusal, Sample
from piranha.forwarding.userspace import protocol
from piranha.forwarding.userspace.protocol import Holding
from piranha.table.changes import Change
from piranha.table.service import ServiceKey
from piranha.table.table import Table
from piranha.terms import Address

SOCKET_NAME = "forwarder.sock"
BATCH = 256  # changes in one request
START_LIMIT_S = 10.0

T = TypeVar("T")


class ForwarderRefused(PiranhaError):
    """The forwarder understood a request and refused it; the text is its reason."""


def ask(path: Path, verb: str, args: Mapping[str, object] | None = None, timeout_s: float = 2.0) -> Any:
    """Ask the forwarder that listens on the Unix socket `path` one thing and return the data of its answer.

    Raises PlaneUnavailable (nobody there, no answer within timeout_s), ForwarderRefused.
    """
    line = json.dumps(protocol.request(1, verb, args or {})).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(timeout_s)
            connection.connect(os.fspath(path))
            connection.sendall(line)
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or "no answer"
        raise PlaneUnavailable(f"the forwarder does not answer on {path}: {reason}") from error
    if not answer["ok"]:
        raise ForwarderRefused(f"the forwarder refused {verb}: {answer['error']}")
    return answer["data"]


def hold(
    path: Path, vips: Mapping[Address, float | None], *, not_after_s: float | None = None, timeout_s: float = 2.0
) -> dict[Address, Holding]:
    """Acquire or renew `vips`: each is held for that many seconds from now, None = without limit.

    not_after_s: monotonic seconds (time.monotonic()) after which the forwarder refuses the request:
    a process that was frozen between deciding and sending must not take VIPs that moved meanwhile.
    Returns how each of `vips` is held now. Raises PlaneUnavailable, ForwarderRefused.
    """
    return _hold(path, vips, only_held=False, not_after_s=not_after_s, timeout_s=timeout_s)


def renew(
    path: Path, vips: Mapping[Address, float | None], *, not_after_s: float | None = None, timeout_s: float = 2.0
) -> dict[Address, Holding]:
    """As `hold`, for those of `vips` that are still held; what lapsed stays away and is missing in the answer."""
    return _hold(path, vips, only_held=True, not_after_s=not_after_s, timeout_s=timeout_s)


def _hold(
    path: Path, vips: Mapping[Address, float | None], *, only_held: bool, not_after_s: float | None, timeout_s: float
) -> dict[Address, Holding]:
    args = {
        "vips": {str(vip): ttl_s for vip, ttl_s in vips.items()},
        "only_held": only_held,
        "not_after_s": not_after_s,
    }
    return protocol.holdings_from(ask(path, "hold", args, timeout_s))


def release(path: Path, vips: Iterable[Address], *, timeout_s: float = 2.0) -> None:
    """Let `vips` go; when this returns their listeners are closed. Connections go on."""
    ask(path, "release", {"vips": [str(vip) for vip in vips]}, timeout_s)


def held(path: Path, *, timeout_s: float = 2.0) -> dict[Address, Holding]:
    """Return every VIP that is held now and how."""
    return protocol.holdings_from(ask(path, "held", timeout_s=timeout_s))


def status(path: Path, *, timeout_s: float = 2.0) -> dict[str, Any]:
    """Return facts about the forwarder: pid, started_s (monotonic), services, vips, connections."""
    data: dict[str, Any] = ask(path, "status", timeout_s=timeout_s)
    return data


def stop(path: Path, *, timeout_s: float = 2.0) -> None:
    """End the forwarder with its connections; nothing happens if there is none."""
    try:
        ask(path, "stop", timeout_s=timeout_s)
    except PlaneUnavailable:
        return


def ensure_forwarder(run_dir: Path) -> int:
    """Return the pid of the forwarder of `run_dir`, started if there is none.

    Blocks until it answers. It is a process of its own session and no child of the caller, so it
    outlives the caller and leaves it no zombie. Raises PlaneUnavailable when it cannot be started;
    its own line on stderr then says why.
    """
    path = run_dir / SOCKET_NAME
    try:
        return int(status(path)["pid"])
    except PlaneUnavailable:
        pass
    command = [sys.executable, "-m", "piranha.forwarding.userspace.main", "--socket", os.fspath(path)]
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=START_LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        raise PlaneUnavailable(f"the forwarder was not ready within {START_LIMIT_S:g} s") from None
    if code != 0:
        # Perhaps another process was quicker: then its forwarder answers.
        with contextlib.suppress(PlaneUnavailable):
            return int(status(path)["pid"])
        raise PlaneUnavailable(f"the forwarder did not start (exit status {code}): {' '.join(command)}")
    return int(status(path)["pid"])


class UserspacePlane:
    """The forwarding plane for demo, development and tests: a TCP proxy in a process of its own.

    It forwards TCP services found by address and port, with rr, wrr, lc or wlc, persistence by
    source address included; everything else is refused, change by change, in words. Unlike IPVS it
    hides the client's address from the real server, and it listens only while a VIP is held.
    """

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def dump(self, only: Collection[ServiceKey] | None = None) -> Table:
        """Read the forwarder's table; only: of these services those that are there."""
        return _only(protocol.table_from(ask(self._path, "dump")), only)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out `changes` in order; go on after a refused one and return the refusals."""
        refusals: list[Refusal] = []
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            args = {"changes": [protocol.change_data(change) for change in batch]}
            refusals += protocol.refusals_from(ask(self._path, "apply", args), batch)
        return refusals

    def sample(self, only: Collection[ServiceKey] | None = None) -> Sample:
        """Read table and counters: bytes are payload, packets are segments on the client's side."""
        table = self.dump(only)
        statistics = protocol.statistics_from(ask(self._path, "statistics"))
        return Sample(table, {key: found for key, found in statistics.items() if key in table})

    def set_timeouts(self, tcp_s: int, tcpfin_s: int, udp_s: int) -> None:
        """Set how long a silent connection is kept, open (tcp) or half-closed (tcpfin); 0 keeps the value.

        udp_s is kept and has no effect: this plane has no UDP services.
        """
        ask(self._path, "set_timeouts", {"tcp_s": tcp_s, "tcpfin_s": tcpfin_s, "udp_s": udp_s})

    def close(self) -> None:
        """Nothing is kept open between calls."""


def _only(found: Mapping[ServiceKey, T], only: Collection[ServiceKey] | None) -> Mapping[ServiceKey, T]:
    return found if only is None else {key: found[key] for key in only if key in found}
