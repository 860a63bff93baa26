"""What listings and saved rules read of the kernel's rows, as `kernel.ipvs_reading` lays them out.

What cannot be understood raises WireError.
"""

from __future__ import annotations

from piranha import TYPE_CHECKING
from piranha.kernel.ipvs_numbers import FORWARDING_MASK, SCHEDULER_FLAGS_SHIFT, WHOLE_IPV6
from piranha.kernel.ipvs_reading import SERVER_FAMILY, SERVICE_COUNTERS
from piranha.kernel.wire import HOST_ORDER, WireError, terminated
from piranha.table.flags import ONE_PACKET, PERSISTENT, flag_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from piranha.kernel.layout import Row

    Names = Callable[[bytes, int, int | None], str]
    """How an address (4 or 16 bytes) and a port are written; protocol: its number, None where ports have no names."""

IPV6 = 10
_ADDRESS_BYTES = {2: 4, IPV6: 16}  # by address family

TUNNELLED, BYPASS = 2, 4
"""The kernel's numbers of forwarding methods; BYPASS is the last."""
IPIP, GUE, GRE = range(3)
"""The kernel's numbers of tunnels."""
_CHECKSUMS = 3


def service_order(service: Row) -> tuple[int, int, int, bytes, bytes]:
    """Sort key of listings: TCP, UDP, SCTP by address and port, then IPv6, then marks."""
    family, protocol, address, port, mark = service[:5]
    return (mark, family, 0, b"", b"") if mark else (0, family, protocol or 0, address or b"", port or b"")


def in_order(servers: Iterable[Row]) -> list[Row]:
    """Return servers of a service as a listing has them: those of IPv4 first, by address, then by port."""
    found = sorted(servers)  # no two are alike in both, with which they begin
    if len({server[SERVER_FAMILY] for server in found}) > 1:
        found.sort(key=lambda server: server[SERVER_FAMILY])
    return found


def settings(service: Row) -> tuple[str, str, int, str, str, bool]:
    """Return scheduler, names of its flags, persistence in seconds, its mask, its engine, whether for one packet.

    The mask is empty where it is the whole address.
    """
    name, engine, raw_flags, timeout, raw_mask = service[5:SERVICE_COUNTERS]
    if len(raw_flags) < 4 or (raw_mask is not None and len(raw_mask) != 4):
        raise WireError(f"a service with flags {raw_flags!r} and netmask {raw_mask!r}")
    flags = int.from_bytes(raw_flags[:4], HOST_ORDER)
    scheduler = terminated(name)
    return (
        scheduler,
        flag_names(scheduler, flags >> SCHEDULER_FLAGS_SHIFT & 7),
        timeout if flags & PERSISTENT else 0,
        _mask_words(service[0], raw_mask),
        terminated(engine),
        bool(flags & ONE_PACKET),
    )


def _mask_words(family: int, raw: bytes | None) -> str:
    """Return the persistence mask: nothing where it is the whole address."""
    if family == IPV6:
        length = WHOLE_IPV6 if raw is None else int.from_bytes(raw, HOST_ORDER)
        return "" if length == WHOLE_IPV6 else str(length)
    return "" if raw in (None, b"\xff\xff\xff\xff") else ".".join(map(str, raw or b""))


def forwarding(server: Row) -> int:
    """Return the forwarding method of a server."""
    method: int = server[2] & FORWARDING_MASK
    if method > BYPASS:
        raise WireError(f"unknown forwarding method {server[2]}")
    return method


def tunnel(server: Row) -> tuple[int, int, int]:
    """Return which tunnel leads to a server that is TUNNELLED, its port and how its checksums are made."""
    kind, port, checksum = server[4:7]
    if kind > GRE or checksum >= _CHECKSUMS or len(port) != 2:
        raise WireError(f"unknown tunnel type {kind} with flags {checksum}, or a port of {len(port)} bytes")
    return kind, int.from_bytes(port, "big"), checksum


def place(address: bytes, size: int, port: bytes, protocol: int | None, names: Names) -> str:
    """Write an address of `size` bytes and a port."""
    if len(address) < size or len(port) != 2:
        raise WireError(f"an address of {len(address)} bytes, a port of {len(port)} bytes")
    return names(address[:size], int.from_bytes(port, "big"), protocol)


def address_bytes(family: int) -> int:
    """Return how long an address of that family is."""
    size = _ADDRESS_BYTES.get(family)
    if size is None:
        raise WireError(f"unknown address family {family}")
    return size
